"""The machines that train together: who they are, and that all of them are there.

TensorFlow names them in the environment variable TF_CONFIG, the same on every machine but for
the index of its own task:

    {"cluster": {"worker": ["alpha:7000", "beta:7000"]}, "task": {"type": "worker", "index": 0}}
"""

import json
import os
import socket
import time
from dataclasses import dataclass
from typing import Any

from workbench.errors import SettingsError

NAME = "TF_CONFIG"
PATIENCE = 300.0  # seconds to wait for the others; people start them by hand
PAUSE = 0.1  # seconds between two looks
FORM = '{"cluster": {"worker": ["HOST:PORT", ...]}, "task": {"type": "worker", "index": N}}'


@dataclass(frozen=True)
class Cluster:
    """The workers of one training.

    Attributes:
        addresses: of every worker, `host:port`; the first one leads.
        number: the place of this process among them.
    """

    addresses: tuple[str, ...]
    number: int

    @property
    def others(self) -> frozenset[int]:
        """The numbers of all but this process."""
        return frozenset(range(len(self.addresses))) - {self.number}


def read_cluster() -> Cluster:
    """Read TF_CONFIG.

    Raises:
        SettingsError: it is not there, or not of the form that TensorFlow asks for.
    """
    text = os.environ.get(NAME, "")
    if not text:
        raise SettingsError(
            f"strategy is 'multi_worker' and {NAME} is not set: set it to {FORM} on every "
            "machine, each with its own N"
        )
    try:
        fields = json.loads(text)
        cluster, task = fields["cluster"], fields["task"]
        jobs = {job: tuple(map(_address, cluster.pop(job, ()))) for job in ("chief", "worker")}
        kind, index = task["type"], int(task["index"])
        chiefs, workers = jobs["chief"], jobs["worker"]
        if cluster or len(chiefs) > 1 or not 0 <= index < len(jobs[kind]):
            raise ValueError
    except (ValueError, KeyError, TypeError, AttributeError):
        raise SettingsError(f"{NAME}: expected {FORM}, got {text}") from None
    addresses = chiefs + workers
    if len(set(addresses)) < len(addresses):
        raise SettingsError(f"{NAME}: two workers have one address: {', '.join(addresses)}")
    return Cluster(addresses, index if kind == "chief" else len(chiefs) + index)


def _address(text: Any) -> str:
    """Return `host:port`, or raise ValueError where it is none."""
    host, _, port = str(text).rpartition(":")
    if not host or not 0 < int(port) < 65536:
        raise ValueError
    return str(text)


def check_port(cluster: Cluster) -> None:
    """See to it that we can listen at our own port, before anything is started.

    Raises:
        SettingsError: it cannot be had.
    """
    _door(cluster).close()


def meet(cluster: Cluster, seconds: float = PATIENCE) -> None:
    """Return once every worker is there; each listens at its address and calls the others.

    To be called in all of them, before TensorFlow takes the addresses for itself: it would wait
    without end, and say nothing.

    Raises:
        SettingsError: our own port cannot be had, or time is up and somebody is missing.
    """
    uncalled, unheard = set(cluster.others), set(cluster.others)
    until = time.monotonic() + seconds
    with _door(cluster) as door:
        while uncalled or unheard:
            uncalled -= {number for number in uncalled if _called(cluster, number)}
            unheard.discard(_heard(door))
            if time.monotonic() > until and (uncalled or unheard):
                missing = [
                    f"worker {number} ({cluster.addresses[number]})"
                    for number in sorted(uncalled | unheard)
                ]
                raise SettingsError(
                    f"{', '.join(missing)} did not come within {seconds:g} s: start every worker "
                    f"of {NAME}, and let no firewall stand between them"
                )


def _door(cluster: Cluster) -> socket.socket:
    """Listen at our own port."""
    address = cluster.addresses[cluster.number]
    both = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if both else socket.AF_INET
    try:
        door = socket.create_server(
            ("", int(address.rpartition(":")[2])), family=family, dualstack_ipv6=both
        )
    except OSError as error:
        raise SettingsError(
            f"{address}: cannot listen there: {error.strerror}; end the program that does, or "
            f"name another port in {NAME} on every machine"
        ) from None
    door.settimeout(PAUSE)
    return door


def _called(cluster: Cluster, number: int) -> bool:
    """Tell a worker who we are, if it listens."""
    host, _, port = cluster.addresses[number].rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=1) as line:
            line.sendall(f"{cluster.number}\n".encode())
    except OSError:
        return False
    return True


def _heard(door: socket.socket) -> int:
    """Return who calls, or -1 where nobody does within a moment."""
    try:
        line, _ = door.accept()
        with line:
            line.settimeout(1)
            return int(line.makefile().readline(10))
    except (OSError, ValueError):
        return -1

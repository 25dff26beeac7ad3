"""What surrounds a run: what of it may move bits, and how a second run is given the same."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from workbench.environment import THREADS, VISIBLE
from workbench.reports.devices import visible_gpus
from workbench.runs import NOT_PART_OF_THE_RUN

SURROUNDINGS = ("versions", "system", "processor", "cores", "threads", "memory_bytes", "device",
                "gpus", "visible_devices", "replicas", "driver", "driver_cuda", "cuda", "cudnn",
                "commit", "data")  # fmt: skip
BITS = {"versions", "processor", "cores", "threads", "device", "gpus", "replicas", "driver",
        "cuda", "cudnn"}  # fmt: skip


@contextmanager
def as_then(record: Mapping[str, Any]) -> Iterator[None]:
    """Give what is started in the block the threads that a run had, and its GPUs if they are here.

    `record` is its `run.json`; what that does not tell stays as it is.
    """
    wanted: dict[str, str | None] = {}
    threads = record.get("threads")
    if isinstance(threads, Mapping):
        wanted = {name: threads.get(name) for name in THREADS}
    visible = record.get("visible_devices")
    if visible and {*visible_gpus({VISIBLE: visible})} <= {*visible_gpus()}:
        wanted[VISIBLE] = visible
    before = {name: os.environ.get(name) for name in wanted}
    _set(wanted)
    try:
        yield
    finally:
        _set(before)


def _set(variables: Mapping[str, Any]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = str(value)


def bits_must_agree(then: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Say whether every bit has to be the same: `deterministic`, and where it may matter alike."""
    same = all(then.get(name) == now.get(name) for name in BITS)
    return bool(same and then["config"].get("deterministic"))


def differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Yield what surrounds the two runs where it is not the same, a line each."""
    if not then["config"].get("deterministic"):
        yield "deterministic is off: no two runs are the same to the last bit"
    if "threads" not in then:
        yield "threads: not recorded then, so bits may differ"
    before, after = (
        dict(flat({name: record[name] for name in SURROUNDINGS if name in record}))
        | dict(flat(settings_in(record)))
        for record in (then, now)
    )
    for name in dict.fromkeys([*before, *after]):
        one, other = before.get(name, "none"), after.get(name, "none")
        if one != other and not (name.startswith("threads.") and "threads" not in then):
            yield f"{name}: {one} then, {other} now"


def settings_in(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that `run.json` tells, but for those of where it is written."""
    return {name: v for name, v in record["config"].items() if name not in NOT_PART_OF_THE_RUN}


def flat(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield every value in a nest of mappings and lists, under its names joined by dots."""
    for name, value in values.items():
        if isinstance(value, list):
            value = {str(place): one for place, one in enumerate(value)}
        if isinstance(value, Mapping):
            yield from ((f"{name}.{inner}", one) for inner, one in flat(value))
        elif value is not None:
            yield name, value

"""Where the runs of a sweep are done: on this machine, or on a cluster of Dask."""

import asyncio
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

from workbench.errors import RunError, SettingsError
from workbench.reports.jobs import Ended, Job, run_job

SECONDS = 10  # to reach a scheduler


class Doing(Protocol):
    """A run that was asked for."""

    def done(self) -> bool:
        """Say whether it has ended."""

    def result(self) -> Ended:
        """Return how it ended."""


class Executor(Protocol):
    """Does runs, some of them at the same time."""

    slots: int  # how many at the same time

    def submit(self, job: Job) -> Doing:
        """Have a run done."""


class Local:
    """Runs on this machine, each in a process that a thread here looks after."""

    def __init__(self, slots: int, pool: ThreadPoolExecutor) -> None:
        """Do so many runs at the same time."""
        self.slots, self._pool = slots, pool

    def submit(self, job: Job) -> Doing:
        """See `Executor.submit`."""
        return self._pool.submit(run_job, job)


class Cluster:
    """Runs on the workers of a Dask cluster; what a lost worker had is done again by another."""

    def __init__(self, client: Any, slots: int | None) -> None:
        """Do so many runs at the same time; None: as many as the workers have threads."""
        self._client = client
        self.slots = slots or sum(client.nthreads().values())

    def submit(self, job: Job) -> Doing:
        """See `Executor.submit`."""
        key = f"{Path(job.run).name}-{uuid4().hex}"
        return _Remote(self._client.submit(run_job, job, key=key, pure=False))


class _Remote:
    """A run on the cluster; losing the cluster is an error of the sweep, not of the run."""

    def __init__(self, future: Any) -> None:
        self._future = future

    def done(self) -> bool:
        return bool(self._future.done())

    def result(self) -> Ended:
        from distributed import KilledWorker

        try:
            ended: Ended = self._future.result()
        except KilledWorker as error:
            return Ended("killed", " ".join(str(error).split()))
        except Exception as error:  # whatever Dask makes of a scheduler that is gone
            if self._future.status == "error":
                return Ended("failed", f"{type(error).__name__}: {error}")
            raise RunError(
                "the scheduler is gone; start it, then the same command goes on"
            ) from None
        return ended


@contextmanager
def local(slots: int) -> Iterator[Local]:
    """Offer this machine for so many runs at the same time."""
    with ThreadPoolExecutor(slots, thread_name_prefix="run") as pool:
        yield Local(slots, pool)


@contextmanager
def cluster(address: str, slots: int | None, folder: Path) -> Iterator[Cluster]:
    """Offer the cluster whose scheduler is at `address`, `tcp://host:port`; see `check_scheduler`.

    Raises:
        SettingsError: a worker does not share the disk on which `folder` is.
    """
    from distributed import Client

    client: Any = Client(address, timeout=SECONDS, set_as_default=False)  # type: ignore[no-untyped-call]
    try:
        _check_workers(client, folder)
        yield Cluster(client, slots)
    finally:
        with suppress(Exception):  # the scheduler may be gone
            client.close(timeout=SECONDS)


def check_scheduler(address: str) -> None:
    """See to it that a scheduler with a worker answers; a client waits for ever on anything else.

    Raises:
        SettingsError: it does not, or `distributed` is not installed.
    """
    try:
        from distributed import rpc
    except ModuleNotFoundError:
        raise SettingsError(
            "distributed is not installed: pip install 'seq2seq-workbench[cluster]'"
        ) from None

    async def ask() -> dict[str, Any]:
        asked: Any = rpc(address, timeout=SECONDS)  # type: ignore[no-untyped-call]
        async with asked as scheduler:
            return dict(await scheduler.identity())

    async def ask_for_a_while() -> dict[str, Any]:
        return await asyncio.wait_for(ask(), SECONDS)

    found: dict[str, Any] = {}
    reason = "it does not answer"
    try:
        found = asyncio.run(ask_for_a_while())
        kind = found["type"]
        reason = "" if kind == "Scheduler" else f"this is the address of a {kind}"
    except (OSError, ValueError, TypeError, KeyError, OverflowError) as error:
        if not isinstance(error, TimeoutError):
            reason = " ".join(str(error).split())
    if reason:
        raise SettingsError(
            f"scheduler {address}: is not there: {reason}; start it: dask scheduler"
        )
    if not found["workers"]:
        raise SettingsError(
            f"scheduler {address}: has no worker; start some: dask worker {address}"
        )


def _check_workers(client: Any, folder: Path) -> None:
    mark = folder / f".shared-{uuid4().hex}"
    mark.touch()
    try:
        seen = client.run(os.path.exists, str(mark))
    finally:
        mark.unlink()
    blind = [worker for worker, sees in seen.items() if not sees]
    if blind:
        raise SettingsError(
            f"worker {blind[0]}: does not see {folder}; the sweep and its workers must share a disk"
        )

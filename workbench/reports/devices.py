"""Which GPU a run gets, and how many threads: runs beside each other shall not fight."""

import os
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import psutil

from workbench.environment import THREADS, VISIBLE


def visible_gpus(environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Return the GPUs that a process here may use, as `CUDA_VISIBLE_DEVICES` names them.

    Where that variable does not say which, the driver is asked (NVML); CUDA itself is not touched,
    so that no memory is taken.
    """
    if VISIBLE in environment:
        named = [name.strip() for name in environment[VISIBLE].split(",")]
        valid = named[: named.index("-1")] if "-1" in named else named  # as CUDA reads it
        return tuple(filter(None, valid))
    return tuple(str(index) for index in range(_count()))


def _count() -> int:
    import pynvml

    try:
        pynvml.nvmlInit()
        count = int(pynvml.nvmlDeviceGetCount())
        pynvml.nvmlShutdown()
    except pynvml.NVMLError:  # no driver, no GPU
        return 0
    return count


def threads_each(jobs: int) -> int:
    """Return the threads of one of so many runs at a time: an equal share of the cores."""
    process = psutil.Process()
    free = len(process.cpu_affinity()) if hasattr(process, "cpu_affinity") else os.cpu_count()
    return max(1, (free or 1) // jobs)


def thread_limits(threads: int | None) -> dict[str, str]:
    """Return the variables that hold a process of TensorFlow to so many threads; None: no limit."""
    return dict.fromkeys(THREADS, str(threads)) if threads else {}


class Devices:
    """Lends GPUs to runs, each time the one that the fewest of them use."""

    def __init__(self, gpus: tuple[str, ...]) -> None:
        """Lend `gpus`; where there are none, runs are given no variable at all."""
        self._gpus = gpus
        self._users: Counter[str] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def lent(self) -> Iterator[dict[str, str]]:
        """Yield the variables of a process that is to use one GPU during the block."""
        if not self._gpus:
            yield {}
            return
        with self._lock:
            gpu = min(self._gpus, key=lambda name: self._users[name])
            self._users[gpu] += 1
        try:
            yield {VISIBLE: gpu}
        finally:
            with self._lock:
                self._users[gpu] -= 1

"""Which GPU a run gets, and how many threads: runs beside each other shall not fight."""

import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from workbench.environment import GPU_ORDER, THREADS, VISIBLE
from workbench.locks import held, is_taken, waited_for


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


@dataclass(frozen=True)
class Lent:
    """What a process is given: variables, and descriptors of locks that it is to inherit."""

    variables: Mapping[str, str] = field(default_factory=dict)
    locks: tuple[int, ...] = ()


class Devices:
    """Lends GPUs to runs, each time the one that the fewest runs on this machine use.

    All processes of a user on a machine lend together: a use of a GPU is a locked file.
    """

    def __init__(self, gpus: tuple[str, ...], folder: Path | None = None) -> None:
        """Lend `gpus`; where there are none, runs are given no variable at all."""
        self._gpus = gpus
        self._folder = folder or _shared()

    @contextmanager
    def lent(self) -> Iterator[Lent]:
        """Lend one GPU during the block, and as long as a process lives that inherits the lock.

        Raises:
            OSError: the locks cannot be written.
        """
        if not self._gpus:
            yield Lent()
            return
        with ExitStack() as lending:
            with waited_for(self._folder / "lending.lock"):
                free = {gpu: self._uses(gpu) for gpu in self._gpus}
                gpu = min(free, key=lambda name: free[name][0])
                lock = lending.enter_context(held(free[gpu][1], f"process {os.getpid()}"))
            yield Lent({VISIBLE: gpu, **GPU_ORDER, **_ordered()}, (lock,))

    def _uses(self, gpu: str) -> tuple[int, Path]:
        """Return how many use a GPU, and a file that stands for one use more."""
        stem = re.sub(r"[^\w-]", "_", gpu)
        files = sorted(self._folder.glob(f"gpu-{stem}.*.lock"))
        free = [path for path in files if not is_taken(path)]
        another = self._folder / f"gpu-{stem}.{len(files)}.lock"
        return len(files) - len(free), (free or [another])[0]


def _ordered() -> dict[str, str]:
    """Return how the user wants GPUs to be counted, if they say so."""
    return {name: os.environ[name] for name in GPU_ORDER if name in os.environ}


def _shared() -> Path:
    """Return a folder of this user on this machine alone."""
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "")
    return Path(tempfile.gettempdir()) / f"seq2seq-workbench-{user}"

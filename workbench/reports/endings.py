"""How a run ended: its status, why a kernel died, and what a person can do about it."""

import signal
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from workbench.reports.cells import Failure

STATUSES = {  # any other type of error: failed
    "KeyboardInterrupt": "stopped",
    "DeadKernelError": "killed",
    "KernelOutOfMemoryError": "killed",
}
COUNTERS = Path("/proc/vmstat")  # where Linux counts what it killed for want of memory
PERHAPS = "perhaps for want of memory"
STARVED = ("std::bad_alloc", "MemoryError", "out of memory", "failed to allocate")


def status_of(failure: Failure | None) -> str:
    """Return ok, failed, stopped or killed."""
    return STATUSES.get(failure.type, "failed") if failure else "ok"


def account(failure: Failure) -> str:
    """Return how, where and why a run ended and what to do about it, on one line."""
    status = status_of(failure)
    how = status if status == "failed" else f"was {status}"
    where = f" in cell [{failure.number}]" if failure.number else ""
    what = ": ".join(filter(None, (how + where, failure.type, failure.message)))
    return " ".join("; ".join(filter(None, (what, failure.remedy))).split())


def is_want_of_memory(failure: Failure) -> bool:
    """Say whether memory ran out, that of the machine or that of the GPU."""
    return "MemoryError" in failure.type or failure.type == "ResourceExhaustedError"


def with_remedy(failure: Failure, batch_size: int) -> Failure:
    """Return the failure of a run of `batch_size` with a word on what to do, where there is one."""
    smaller = f"batch_size {batch_size // 2}" if batch_size > 1 else "fewer units or layers"
    if is_want_of_memory(failure) and "try batch_size" not in failure.message:
        remedy = f"memory ran out: try {smaller}"
    elif failure.message.endswith(PERHAPS):
        remedy = f"if so, try {smaller}"
    elif failure.type == "CellTimeoutError":
        remedy = "give it more time, or train less (max_minutes, max_steps)"
    else:
        remedy = ""
    return replace(failure, remedy=remedy)


def cause_of_death(code: int | None, words: Sequence[str], starved: bool) -> tuple[str, str]:
    """Return the type and the message of the error that a kernel died of.

    Args:
        code: what its process ended with, the negative number of a signal where one ended it.
        words: the last lines that it printed.
        starved: whether the system has killed for want of memory meanwhile.
    """
    name = _signal(code)
    complained = any(mark.lower() in word.lower() for word in words for mark in STARVED)
    if complained or (starved and name == "SIGKILL"):
        return "KernelOutOfMemoryError", f"the kernel died: memory ran out ({name or code})"
    if name in ("SIGKILL", "SIGABRT"):
        how = f"it was {'killed' if name == 'SIGKILL' else 'aborted'} ({name}), {PERHAPS}"
    elif name:
        how = f"it crashed or was killed ({name})"
    else:
        how = f"it ended with exit code {code}"
    return "DeadKernelError", f"the kernel died: {how}"


def _signal(code: int | None) -> str:
    """Return the name of the signal that ended a process, empty where none did."""
    if code is None or code >= 0:
        return ""
    try:
        return signal.Signals(-code).name
    except ValueError:  # one of the many without a name
        return f"signal {-code}"


def starved_processes() -> int:
    """Return how many processes the system has killed for want of memory; 0 if nobody counts."""
    try:
        lines = COUNTERS.read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    counts = (line.split() for line in lines)
    return next((int(words[1]) for words in counts if words[0] == "oom_kill"), 0)

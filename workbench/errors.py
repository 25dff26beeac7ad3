"""What cannot work, said on one line: what was expected, what came, what to do."""

from collections.abc import Iterable
from difflib import get_close_matches


class WorkbenchError(ValueError):
    """Bad input. The command line prints its one line and exits with 2; a panel shows it."""


class SettingsError(WorkbenchError):
    """A setting that does not exist, is out of range, or contradicts another."""


class DataError(WorkbenchError):
    """A file or a line in it that cannot be read as sentence pairs."""


class RunError(WorkbenchError):
    """A run directory that is missing, taken, damaged or unfinished."""


class DamagedRunError(RunError):
    """A `run.json` that is not what any version wrote: cut short, or something else."""


class OutOfMemoryError(RunError):
    """Memory ran out in the middle of the work: the input was no mistake, it is only too much."""


class InterventionError(WorkbenchError):
    """An intervention that is none, or does not fit this model, sentence or step.

    `item` is the intervention in question, where it is one of several.
    """

    item: object = None


def on_one_line(error: BaseException) -> str:
    """Say what went wrong; what is not ours is named by its kind, and what to do is added."""
    message = " ".join(str(error).split())
    if isinstance(error, WorkbenchError) and message:
        return message
    named = f"{type(error).__name__}: {message}" if message else type(error).__name__
    return f"{named}; {remedy}" if (remedy := _remedy(error)) else named


def _remedy(error: BaseException) -> str:
    if type(error).__name__ in ("MemoryError", "ResourceExhaustedError"):
        return "memory ran out: try a smaller batch_size or beam_width, or a shorter sentence"
    if isinstance(error, OSError):
        return "see whether the disk has room and the file is yours, then try again"
    if isinstance(error, Exception):
        return (
            "a fault of the workbench, or of a model of your own: the session goes on; try "
            "something else, and report this line"
        )
    return ""  # an interrupt: whoever did it knows


def nearest(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` for the known name closest to `name`, or nothing."""
    matches = get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {matches[0]!r}?" if matches else ""

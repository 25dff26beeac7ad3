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


def nearest(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` for the known name closest to `name`, or nothing."""
    matches = get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {matches[0]!r}?" if matches else ""

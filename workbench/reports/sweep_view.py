"""What a person sees of a sweep: bars on a terminal, plain lines elsewhere."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol, TextIO

from tqdm import tqdm

from workbench.reports.sweep_record import RunEntry, TrialEntry


class View(Protocol):
    """Shows a sweep."""

    def expect(self, runs: int) -> None:
        """So many runs are still to end: fewer than were planned where a trial is pruned."""

    def began(self, trial: TrialEntry, run: RunEntry) -> None:
        """A run has begun."""

    def moved(self, run: RunEntry, line: Mapping[str, Any]) -> None:
        """A run has come further: `line` is the latest of its metrics, empty before the first."""

    def ended(self, trial: TrialEntry, run: RunEntry) -> None:
        """A run has ended, or was found done."""

    def say(self, text: str) -> None:
        """Something else is worth a line."""


class Lines:
    """A line when a run begins, and one when it has ended."""

    def __init__(self, stream: TextIO, runs: int) -> None:
        """Write to `stream` of so many runs."""
        self._stream, self._runs, self._done = stream, runs, 0

    def expect(self, runs: int) -> None:
        """See `View.expect`."""
        self._runs = self._done + runs

    def began(self, trial: TrialEntry, run: RunEntry) -> None:
        """See `View.began`."""
        self.say(f"began {label(trial, run)}")

    def moved(self, run: RunEntry, line: Mapping[str, Any]) -> None:
        """See `View.moved`."""

    def ended(self, trial: TrialEntry, run: RunEntry) -> None:
        """See `View.ended`."""
        self._done += 1
        self.say(f"{self._done} of {self._runs}: {outcome(trial, run)}")

    def say(self, text: str) -> None:
        """See `View.say`."""
        print(text, file=self._stream, flush=True)


class Bars:
    """One bar for the sweep and a line below it for each live run."""

    def __init__(self, stream: TextIO, runs: int) -> None:
        """Draw on `stream`, a terminal, for so many runs."""
        self._stream = stream
        self._sweep = tqdm(total=runs, desc="Sweep", unit=" runs", file=stream, position=0)
        self._lines: dict[str, tqdm[Any]] = {}
        self._labels: dict[str, str] = {}

    def expect(self, runs: int) -> None:
        """See `View.expect`."""
        self._sweep.total = self._sweep.n + runs

    def began(self, trial: TrialEntry, run: RunEntry) -> None:
        """See `View.began`."""
        taken = {-line.pos for line in self._lines.values()}
        free = next(place for place in range(1, len(taken) + 2) if place not in taken)
        self._labels[run.run] = label(trial, run)
        self._lines[run.run] = tqdm(
            desc=f"  {label(trial, run)}  starting", bar_format="{desc}", file=self._stream,
            position=free, leave=False,
        )  # fmt: skip

    def moved(self, run: RunEntry, line: Mapping[str, Any]) -> None:
        """See `View.moved`."""
        if line:
            self._lines[run.run].set_description_str(
                f"  {self._labels[run.run]}  step {line['step']} of {line['total_steps']}, "
                f"loss {line['loss']:.3f}"
            )

    def ended(self, trial: TrialEntry, run: RunEntry) -> None:
        """See `View.ended`."""
        line = self._lines.pop(run.run, None)
        if line is not None:  # a tqdm is true by its total
            line.close()
        if run.status not in ("ok", "pruned"):
            self.say(outcome(trial, run))
        self._sweep.update(1)

    def say(self, text: str) -> None:
        """See `View.say`."""
        tqdm.write(text, file=self._stream)

    def close(self) -> None:
        """Leave the terminal as it was."""
        for bar in (*self._lines.values(), self._sweep):
            bar.close()


def label(trial: TrialEntry, run: RunEntry) -> str:
    """Return what tells a run from the others: its parameters that vary, and its seed."""
    seed = {} if run.seed is None else {"seed": run.seed}
    varying = {**trial.parameters, **seed}
    return " ".join(f"{name}={value}" for name, value in varying.items()) or run.run


def outcome(trial: TrialEntry, run: RunEntry) -> str:
    """Return on one line how a run ended."""
    value = "" if run.value is None else f" {run.value:.6g}"
    reason = f": {run.message}" if run.message and run.status != "pruned" else ""
    return f"{run.status}{value}, {label(trial, run)}{reason}"


@contextmanager
def view_on(stream: TextIO, runs: int) -> Iterator[View]:
    """Show a sweep of so many runs on `stream`."""
    if not stream.isatty():
        yield Lines(stream, runs)
        return
    bars = Bars(stream, runs)
    try:
        yield bars
    finally:
        bars.close()

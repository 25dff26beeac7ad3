"""Figures of the literature, and ours beside them: reached, or missed and why.

All are in percent, as their papers print them; a split or a language is a task of its own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from statistics import mean, stdev
from typing import Any

from workbench.charts.tables import Table
from workbench.errors import SettingsError, nearest

Percents = Sequence[float]


@dataclass(frozen=True)
class Published:
    """One figure of a paper.

    Attributes:
        task: what was measured on, e.g. `scan-length`.
        setup: the model, as far as the source states it.
        metric: `exact match`, `word error rate` (the share of words not wholly right) or
            `alignment error rate`.
        value: in percent.
        source: the paper.
    """

    task: str
    setup: str
    metric: str
    value: float
    source: str

    @property
    def lower_is_better(self) -> bool:
        """Whether the metric counts errors."""
        return self.metric.endswith("error rate")


@dataclass(frozen=True)
class Comparison:
    """Our runs, one a seed, held against a published figure.

    Attributes:
        setup: our model and its training, in words.
        runs: what to call each run, e.g. `seed 1, 1.9 minutes`, and its value in percent.
        bar: the published figure that our mean has to reach.
        reason: why the bar is missed, as far as it is known.

    Raises:
        SettingsError: there is no run.
    """

    setup: str
    runs: dict[str, float]
    bar: Published
    reason: str = ""

    def __post_init__(self) -> None:
        """Check that there is something to compare."""
        spread(self.values)

    @property
    def values(self) -> tuple[float, ...]:
        """The value of each run, in percent."""
        return tuple(self.runs.values())

    @property
    def mean(self) -> float:
        """The mean over the seeds."""
        return mean(self.values)

    @property
    def shortfall(self) -> float:
        """How far the mean is from the bar, in points; 0 or less where it is reached."""
        gap = self.bar.value - self.mean
        return -gap if self.bar.lower_is_better else gap

    @property
    def verdict(self) -> str:
        """`reached`, or `missed by 0.45: ` and the reason."""
        if self.shortfall <= 0:
            return "reached"
        return f"missed by {self.shortfall:.2f}: {self.reason or 'no reason is known'}"

    def table(self) -> Table:
        """Return our runs, their mean and every published figure of the task."""
        here = "this report"
        ours = [("ours", run, f"{value:.2f}", "", here) for run, value in self.runs.items()]
        average = ("ours, mean", spread(self.values), f"{self.mean:.2f}", self.verdict, here)
        papers = [
            ("published", each.setup, f"{each.value:g}",
             "the bar" if each == self.bar else "", each.source)
            for each in published(self.bar.task)
        ]  # fmt: skip
        columns = ("who", "what", f"{self.bar.metric} %", "verdict", "source")
        return Table(columns, (*ours, average, *papers), f"{self.bar.task}: {self.setup}")

    def record(self) -> dict[str, Any]:
        """Return all of it as plain values, for `run.json`."""
        known = {"mean": self.mean, "spread": spread(self.values), "verdict": self.verdict}
        return asdict(self) | known


def published(task: str) -> tuple[Published, ...]:
    """Return the figures of one task.

    Raises:
        SettingsError: none is known (the nearest task is named).
    """
    found = tuple(each for each in FIGURES if each.task == task)
    if not found:
        tasks = dict.fromkeys(each.task for each in FIGURES)
        raise SettingsError(
            f"expected a task with published figures ({', '.join(tasks)}), got {task!r}"
            f"{nearest(task, tasks)}"
        )
    return found


def spread(values: Percents) -> str:
    """Say lowest and highest value and the standard deviation of a sample (n - 1).

    Raises:
        SettingsError: there is no value.
    """
    if not values:
        raise SettingsError("expected a value for each seed, got none; set seeds to 1 or more")
    if len(values) == 1:
        return "one seed, spread unknown"
    return (
        f"{len(values)} seeds, {min(values):.2f} to {max(values):.2f}, "
        f"standard deviation {stdev(values):.2f}"
    )


def recomputed(figures: Sequence[Published], values: Percents, tolerance: float = 0.1) -> Table:
    """Return figures beside what we count on the very same output: they must agree.

    Args:
        figures: the published ones.
        values: ours in percent, in the same order.
        tolerance: the largest difference in points, rounding of the printed figure included.

    Raises:
        ValueError: not as many values as figures.
    """
    rows = tuple(
        (each.setup, f"{each.value:g}", f"{value:.2f}", f"{value - each.value:+.2f}",
         "reached" if abs(value - each.value) <= tolerance else "missed", each.source)
        for each, value in zip(figures, values, strict=True)
    )  # fmt: skip
    columns = ("system", "published", "ours", "difference", "verdict", "source")
    return Table(columns, rows, f"{figures[0].metric} %, to be met within {tolerance:g} points")


def _figures(task: str, metric: str, source: str, values: dict[str, float]) -> Iterator[Published]:
    for setup, value in values.items():
        yield Published(task, setup, metric, value, source)


_LAKE_BARONI = "Lake & Baroni 2018, arXiv:1711.00350"
_LOULA = "Loula et al. 2018, arXiv:1807.07545; recalled, not read in the paper's text here"
_GORMAN = "Gorman et al. 2020, SIGMORPHON shared task 1"
_SHARED_TASK = "hand-made alignments of the Romanian-English shared task; AER of Och & Ney 2003"
_THEIRS = "the paper's recurrent network"
_OVERALL = "best model over all splits: LSTM 2 × 200, dropout 0.5"
_LSTM = "LSTM: one bidirectional layer, attention, beam 5, best of 36 settings"

FIGURES: tuple[Published, ...] = (
    *_figures("scan-simple", "exact match", _LAKE_BARONI,
              {_OVERALL: 99.7, "best of the split: LSTM 2 × 200, no attention": 99.8}),
    *_figures("scan-length", "exact match", _LAKE_BARONI,
              {_OVERALL: 13.8, "best of the split: GRU-50, attention": 20.8}),
    *_figures("scan-addprim_jump", "exact match", _LAKE_BARONI,
              {_OVERALL: 0.08, "best of the split: LSTM-100, attention": 1.2}),
    *_figures("scan-addprim_turn_left", "exact match", _LAKE_BARONI,
              {_OVERALL: 90.0, "best of the split: GRU-100, attention": 90.3}),
    *_figures("scan-template_jump_around_right", "exact match", _LOULA, {_THEIRS: 98.43}),
    *_figures("scan-template_right", "exact match", _LOULA, {_THEIRS: 23.49}),
    *_figures("scan-template_opposite_right", "exact match", _LOULA, {_THEIRS: 47.62}),
    *_figures("scan-template_around_right", "exact match", _LOULA, {_THEIRS: 2.46}),
    *_figures("g2p-hun", "word error rate", _GORMAN,
              {_LSTM: 5.33, "joint n-gram": 6.67, "Transformer": 5.33}),
    *_figures("g2p-rum", "word error rate", _GORMAN,
              {_LSTM: 10.67, "joint n-gram": 11.56, "Transformer": 12.00}),
    *_figures("g2p-ice", "word error rate", _GORMAN,
              {_LSTM: 10.00, "joint n-gram": 17.56, "Transformer": 10.22}),
    *_figures("alignment-roen", "alignment error rate", _SHARED_TASK,
              {"fast_align, forward": 33.8, "fast_align, reverse": 35.6,
               "fast_align, grow-diagonal": 32.1, "fast_align, grow-diagonal-final": 32.2,
               "Giza++, forward": 28.7, "Giza++, reverse": 32.2,
               "Giza++, grow-diagonal": 27.9, "Giza++, grow-diagonal-final": 26.4,
               "awesome-align": 20.7}),
)  # fmt: skip

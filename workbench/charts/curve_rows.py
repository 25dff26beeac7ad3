"""The rows of the curves of training, and which of them are new.

Every curve is a dataset with a name: `loss`, `best`, `figure_0` and so on for the figures of the
evaluations, `rate`, `speed`, `memory`, and `now`, the step to which the figures' axes reach.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any, NamedTuple

from workbench.charts.frame import finite
from workbench.charts.names import ordered
from workbench.records import Progress

POINTS = 400  # of a line at most: more than a line over the whole page can show
_SMALL_POINTS = 100
_NOT_DRAWN = {"loss", "perplexity"}  # loss has its own chart; perplexity is its exponential

Sample = tuple[int, int]  # step, bytes of memory that the process took
Rows = list[dict[str, Any]]


class Drawn(NamedTuple):
    """What is drawn already: so many steps of the history, so many samples of the memory."""

    steps: int = 0
    samples: int = 0


NOTHING = Drawn()


class Curve(NamedTuple):
    """A line over the steps, or over the samples of the memory."""

    title: str
    form: str
    point: Callable[[Any], tuple[float, float, int]]  # its step, its value, what it weighs
    most: int = _SMALL_POINTS
    field: str = "value"


CURVES = {
    "loss": Curve("loss", ".4f", lambda it: (it.step, it.loss, it.tokens), POINTS, "loss"),
    "rate": Curve("learning rate", ".3g", lambda it: (it.step, it.learning_rate, 1)),
    "speed": Curve(
        "target tokens per second", ",.0f", lambda it: (it.step, it.tokens_per_second, 1)
    ),
    "memory": Curve("memory of the process, MB", ",.0f", lambda it: (it[0], it[1] / 1e6, 1)),
}


def curve_rows(
    history: Sequence[Progress], memory: Sequence[Sample] = (), live: bool = False
) -> dict[str, Rows]:
    """Return the rows of all curves by the names of their datasets: `loss`, `figure_0`, `rate`, …

    A point stands for as many steps as it takes to have few enough. A last one that stands for
    fewer is left out of a live curve.
    """
    return new_rows(history, memory, live=live)[0]


def new_rows(
    history: Sequence[Progress],
    memory: Sequence[Sample] = (),
    drawn: Drawn = NOTHING,
    live: bool = True,
) -> tuple[dict[str, Rows], dict[str, Rows]]:
    """Return the rows to draw in place of those there, and the rows to add to those there.

    A line is replaced each time that its points begin to stand for more steps.
    """
    whole: dict[str, Rows] = {}
    more: dict[str, Rows] = {}
    for name, curve in CURVES.items():
        items, before = (memory, drawn.samples) if name == "memory" else (history, drawn.steps)
        stride = _stride(len(items), curve.most)
        again = not before or stride != _stride(before, curve.most)
        start = 0 if again else before // stride * stride
        rows = list(_thinned(items, curve, stride, start, live))
        if name == "loss":
            since = history if again else history[drawn.steps :]
            rows = _in_series("training", rows) + _in_series("validation", _figure("loss", since))
        (whole if again else more)[name] = rows
    fresh = history[drawn.steps :]
    if not drawn.steps or evaluated(fresh):
        whole["now"] = [{"step": progress.step} for progress in history[-1:]]
    for place, name in enumerate(figures_drawn(history)):
        (more if drawn.steps else whole)[f"figure_{place}"] = _figure(name, fresh, "value")
    if any(progress.best for progress in fresh):
        whole["best"] = best_row(history)
    return whole, more


def layouts(history: Sequence[Progress], memory: Sequence[Sample] = ()) -> dict[str, Hashable]:
    """Return what of each chart does not lie in its rows: when it changes, draw the chart anew.

    The names are those of the charts: `loss`, `figure_0`, …, `rate`, `speed`, and `memory` where
    it was sampled.
    """
    one = len(history) == 1
    compared = bool(_figure("loss", history))
    figures = {
        f"figure_{place}": (name, is_flat(_figure(name, history, "value")))
        for place, name in enumerate(figures_drawn(history))
    }
    sampled = {"memory": len(memory) == 1} if memory else {}
    return {
        "loss": (one, compared, is_late(history)),
        **figures,
        "rate": one,
        "speed": one,
    } | sampled


def evaluated(history: Sequence[Progress]) -> list[tuple[int, dict[str, float]]]:
    """Return step and figures of every evaluation."""
    return [
        (progress.step, progress.evaluation.figures) for progress in history if progress.evaluation
    ]


def figures_drawn(history: Sequence[Progress]) -> list[str]:
    """Return the names of the validation figures that have a chart of their own, in order."""
    return ordered({name for _, figures in evaluated(history) for name in figures} - _NOT_DRAWN)


def best_row(history: Sequence[Progress]) -> Rows:
    """Return the step of the best weights and its label, or nothing."""
    steps = [progress.step for progress in history if progress.best]
    return [{"step": step, "label": f"best weights, step {step:,}"} for step in steps[-1:]]


def is_late(history: Sequence[Progress]) -> bool | None:
    """Tell whether the best weights lie in the second half of the steps; None without any."""
    best = best_row(history)
    return bool(best[0]["step"] > history[-1].step / 2) if best else None


def is_flat(rows: Rows) -> bool:
    """Tell whether a figure has no range of its own to spread over the axis."""
    return len({row["value"] for row in rows}) == 1


def _stride(count: int, most: int) -> int:
    """Return how many steps a point stands for, so that there are at most so many points."""
    return max(1, -(-count // most))


def _thinned(
    items: Sequence[Any], curve: Curve, stride: int, start: int, live: bool
) -> Iterator[dict[str, Any]]:
    """Yield a row for every `stride` items from `start` on: mean step, weighted mean value."""
    for first in range(start, len(items), stride):
        part = [curve.point(item) for item in items[first : first + stride]]
        if len(part) == 1:  # exactly that, whatever it weighs
            step, value, _ = part[0]
        else:
            step = sum(point[0] for point in part) / len(part)
            value = sum(v * w for _, v, w in part) / sum(point[2] for point in part)
        if len(part) == stride or not live:
            yield {"step": step, curve.field: finite(value)}


def _figure(name: str, history: Sequence[Progress], field: str = "loss") -> Rows:
    return [
        {"step": step, field: finite(figures[name])}
        for step, figures in evaluated(history)
        if name in figures
    ]


def _in_series(name: str, rows: Rows) -> Rows:
    return [row | {"series": name} for row in rows]

"""Short trainings held against each other: speed, memory, energy, loss, each with its spread."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import altair as alt
import numpy as np

from workbench.charts.frame import finite, framed, inline, notice
from workbench.charts.tables import Cell, Table
from workbench.records import Trial

TITLE = "The same tokens, trained on in different ways"
WIDTH = 215  # px of a plot
ROW = 26  # px of a way


class Measure(NamedTuple):
    """What is compared: its title, how it is written, its value in a trial, where it begins."""

    title: str
    form: str
    of: Callable[[Trial], float | None]
    zero: bool = True


MEASURES = (
    Measure("target tokens per second", ",.0f", lambda it: it.tokens_per_second),
    Measure("memory, GiB", ".2f", lambda it: it.memory / 2**30),
    Measure("joules for 1000 tokens", ",.1f",
            lambda it: None if it.joules is None else 1000 * it.joules / it.tokens),
    Measure("validation loss (nats a token)", ".3f", lambda it: it.loss, zero=False),
)  # fmt: skip


def trials_chart(trials: Sequence[Trial]) -> alt.ConcatChart | alt.Chart:
    """Draw each measure in a small chart: a ring a trial, a bar up to the mean of its repeats.

    The loss has no bars: it does not begin at zero, and a diamond stands at its mean.
    """
    if not trials:
        return notice(TITLE, "nothing was tried")
    parts = [_small(trials, measure) for measure in _known(trials)]
    every: alt.ConcatChart = alt.concat(*parts, columns=2, spacing=28)
    subtitle = [
        "precision · sentence pairs in a batch; a ring is one training, a bar the mean of its kind",
        f"{trials[0].tokens:,} target tokens each, the first step left out of the speed",
    ]
    return framed(every, TITLE, _in_words(trials), subtitle)


def trials_table(trials: Sequence[Trial]) -> Table:
    """Return every measure of each way: the mean, and the lowest and highest of its repeats."""
    measures = _known(trials)
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (way, len(same), *(_written(measure, same) for measure in measures))
        for way, same in _ways(trials).items()
    )
    columns = ("way", "repeats", *(measure.title for measure in measures))
    return Table(columns, rows, "Means, with lowest to highest of the repeats")


def _small(trials: Sequence[Trial], measure: Measure) -> alt.LayerChart:
    rows = [
        {"way": _way(trial), "value": finite(value), "seed": trial.seed}
        for trial in trials
        if (value := measure.of(trial)) is not None
    ]
    means = [
        {"way": way, "value": finite(float(np.mean(values)))}
        for way, same in _ways(trials).items()
        if (values := _values(measure, same))
    ]
    ways = [str(row["way"]) for row in means]
    axis = alt.Axis(tickCount=4, format="~s" if measure.form.startswith(",") else "~g")
    scale = alt.Scale(nice=4) if measure.zero else alt.Scale(zero=False, padding=14)
    x = alt.X("value:Q", title=None, axis=axis, scale=scale)
    y = alt.Y("way:N", title=None, sort=ways, axis=alt.Axis(labelLimit=110))
    tooltips = [alt.Tooltip("way:N"), alt.Tooltip("value:Q", format=measure.form)]
    mean = alt.Chart(inline(means)).encode(x=x, y=y, tooltip=tooltips)
    ring = alt.Chart(inline(rows)).mark_point(style="label", size=34, strokeWidth=1.5)
    layers = [
        mean.mark_bar(style="faint", height=14) if measure.zero
        else mean.mark_point(style="accent", shape="diamond", size=50),
        ring.encode(x=x, y=y, tooltip=[*tooltips, alt.Tooltip("seed:Q")]),
    ]  # fmt: skip
    heading = alt.Title(measure.title, fontSize=12, frame="group", offset=8)
    return alt.LayerChart(layer=layers, title=heading, width=WIDTH, height=ROW * len(ways))


def _known(trials: Sequence[Trial]) -> list[Measure]:
    return [one for one in MEASURES if any(one.of(trial) is not None for trial in trials)]


def _ways(trials: Sequence[Trial]) -> dict[str, list[Trial]]:
    """Return the repeats of each way, in the order of their first ones."""
    found: dict[str, list[Trial]] = {}
    for trial in trials:
        found.setdefault(_way(trial), []).append(trial)
    return found


def _way(trial: Trial) -> str:
    return f"{trial.precision} · {trial.batch_size}"


def _values(measure: Measure, trials: Sequence[Trial]) -> list[float]:
    return [value for trial in trials if (value := measure.of(trial)) is not None]


def _written(measure: Measure, trials: Sequence[Trial]) -> str:
    values = _values(measure, trials)
    if not values:
        return "unknown"
    mean, low, high = (format(value, measure.form)
                       for value in (float(np.mean(values)), min(values), max(values)))  # fmt: skip
    return f"{mean} ({low} to {high})" if len(values) > 1 else mean


def _in_words(trials: Sequence[Trial]) -> str:
    speed, *_, loss = MEASURES
    parts = [
        f"{way}: {_written(speed, same)} tokens per second, loss {_written(loss, same)}"
        for way, same in _ways(trials).items()
    ]
    return f"Trained on {trials[0].tokens:,} target tokens each. {'; '.join(parts)}."

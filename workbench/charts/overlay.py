"""Several runs in one chart, and the settings in which they differ."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import altair as alt
import numpy as np

from workbench.charts.curve_rows import evaluated
from workbench.charts.frame import finite, framed, inline, notice
from workbench.charts.names import format_of, ordered, title_of, written
from workbench.charts.tables import Table
from workbench.config import RunConfig
from workbench.records import Progress

TRAINING = "training_loss"  # of every step; all other figures are those of the evaluations
POINTS = 100  # of a line at most
WIDTH, HEIGHT = 600, 260  # px, of the plot alone
_NOT_COMPARED = {"name", "run_directory", "live", "log_to"}  # where a run is, not what it is
_DASHES = [[1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [4, 4], [10, 4]]
CHOICES = len(_DASHES)
CHOSEN = "indexof(chosen, datum.run) >= 0"
SLOT = "indexof(chosen, datum.run)"
NAME_OF_SLOT = "chosen[datum.value]"
SINGLE = "datum.points === 1"
HIGHLIGHTED: Any = {"or": [{"param": "pointed", "empty": False}, "datum.run === highlight"]}
_STEP = alt.Axis(format=",.0f", grid=False, tickCount=8, tickMinStep=1)

Histories = Mapping[str, Sequence[Progress]]
Points = list[tuple[float, float]]
Lines = Mapping[str, Sequence[tuple[float, float]]]
Width = int | Literal["container"]


def overlay(
    histories: Histories, figure: str = TRAINING, width: Width = WIDTH
) -> alt.LayerChart | alt.Chart:
    """Draw one figure of several runs over their steps, a line for each.

    Args:
        histories: by the name of the run.
        figure: `training_loss`, or a figure of the evaluations such as `bleu`.
        width: px of the plot, or `container` to fill the place that a page has for it.
    """
    title = figure_title(figure)
    every = {name: points_of(history, figure) for name, history in histories.items()}
    lines = {name: points for name, points in every.items() if points}
    if not lines:
        return notice(title, "no run has recorded it")
    chart = _drawn(lines, figure).properties(width=width, height=HEIGHT)
    return framed(chart, title, _in_words(lines, figure))


def many(
    lines: Lines,
    figure: str = TRAINING,
    chosen: Sequence[str] = (),
    width: Width = WIDTH,
    legend: bool = True,
) -> alt.LayerChart | alt.Chart:
    """Draw one figure of many runs: a faint line for each, those `chosen` told apart.

    The line under the mouse stands out. A page may set the parameters `chosen` and `highlight`,
    listen to `pointed`, and replace the rows of `curves`.

    Args:
        lines: step and value of the figure, by the name of the run.
        figure: as `overlay` takes it.
        chosen: names of runs; as many have a look of their own as there are CHOICES.
        width: px of the plot, or `container`.
        legend: whether the chart says itself which line is which.
    """
    title = figure_title(figure)
    if not any(lines.values()):
        return notice(title, "no run has recorded it")
    told = {name: lines[name] for name in chosen if lines.get(name)}
    words = _in_words(told, figure, f"{title} of {len(lines)} runs over their steps")
    chart = _all_drawn(lines, figure, list(chosen[:CHOICES]), legend)
    return framed(chart.properties(width=width, height=HEIGHT), title, words)


def figures_in(histories: Histories) -> list[str]:
    """Return what `overlay` can draw of these runs: every figure that any of them recorded."""
    evaluations = (figures for history in histories.values() for _, figures in evaluated(history))
    return [TRAINING, *ordered({name for figures in evaluations for name in figures})]


def figure_title(figure: str) -> str:
    """Return what a figure that `overlay` draws is called."""
    if figure == TRAINING:
        return "Training loss (nats a token)"
    title = title_of(figure)
    return f"Validation in training: {title}"


def differing_settings(configs: Mapping[str, RunConfig]) -> Table:
    """Return the settings in which runs differ, a row a setting, a column a run."""
    values = {name: config.model_dump() for name, config in configs.items()}
    rows = tuple(
        (setting, *(_plain(settings[setting]) for settings in values.values()))
        for setting in RunConfig.model_fields
        if setting not in _NOT_COMPARED
        and any(settings[setting] != one[setting] for one in values.values()
                for settings in values.values())
    )  # fmt: skip
    same = "All settings are the same" if len(configs) > 1 else "Settings: no other run is chosen"
    caption = "Settings that differ" if rows else same
    return Table(("setting", *values), rows, caption)


def points_of(history: Sequence[Progress], figure: str) -> Points:
    """Return step and value of a figure, training loss averaged over neighbouring steps."""
    if figure != TRAINING:
        return [(step, figures[figure]) for step, figures in evaluated(history)
                if finite(figures.get(figure, np.nan)) is not None]  # fmt: skip
    parts = np.array_split(np.arange(len(history)), min(POINTS, len(history)) or 1)
    means = [
        (float(np.mean([one.step for one in rows])),
         float(np.average([one.loss for one in rows], weights=[one.tokens for one in rows])))
        for part in parts
        if (rows := [history[i] for i in part])
    ]  # fmt: skip
    return [point for point in means if finite(point[1]) is not None]


def _in_words(lines: Lines, figure: str, what: str = "") -> str:
    what = what or f"{figure_title(figure)} of {len(lines)} runs over their steps"
    ends = "; ".join(f"{name} {_written(figure, points[-1][1])}" for name, points in lines.items())
    return f"{what}. At the end: {ends}." if ends else f"{what}."


def _all_drawn(lines: Lines, figure: str, chosen: list[str], legend: bool) -> alt.LayerChart:
    data = inline(_rows(lines))
    data.name = "curves"
    every = _over_steps(alt.Chart(), figure).encode(detail="run:N")
    pointed = alt.selection_point(
        name="pointed", on="pointerover", clear="pointerout", fields=["run"], empty=False
    )
    thick = every.mark_line(opacity=0, strokeWidth=8).add_params(pointed)  # easier to hit
    own = every.transform_filter(CHOSEN).transform_calculate(slot=SLOT).mark_line(strokeWidth=2.25)
    own = own.encode(**slot_looks(len(chosen) * legend))
    accent = every.transform_filter(HIGHLIGHTED).mark_line(style="accent", strokeWidth=3)
    faint = every.mark_line(style="faint", strokeWidth=1.25, opacity=faintness(len(lines)))
    single = every.transform_joinaggregate(points="count()", groupby=["run"])
    single = single.transform_filter(SINGLE)  # of one evaluation no line can be drawn
    dots = single.mark_point(style="faint", filled=True, size=28, opacity=0.6)
    own_dots = single.transform_filter(CHOSEN).transform_calculate(slot=SLOT)
    own_dots = own_dots.mark_point(filled=True, size=40, opacity=1)
    own_dots = own_dots.encode(color=slot_looks(0)["color"])
    whole = alt.LayerChart(layer=[faint, dots, own, own_dots, accent, thick]).add_params(
        alt.param(name="chosen", value=chosen), alt.param(name="highlight", value="")
    )
    whole.data = data  # last, since Altair copies the rows with every change of a chart
    return whole


def faintness(lines: int) -> float:
    """Return how opaque a line is among so many others: together they must not be one blot."""
    return round(max(0.08, min(0.35, 12 / max(lines, 1))), 3)


def slot_looks(named: int) -> dict[str, Any]:
    """Return colour and dash of the chosen runs, by their place; the legend names so many."""
    slots = list(range(CHOICES))
    legend = _legend(2).copy() if named else None
    if legend:
        legend.labelExpr, legend["values"] = NAME_OF_SLOT, slots[:named]
    scale = alt.Scale(domain=slots)
    dash = alt.StrokeDash("slot:O", scale=alt.Scale(domain=slots, range=_DASHES), legend=None)
    return {
        "color": alt.Color("slot:N", scale=scale, legend=legend),
        "strokeDash": dash,
    }


def _rows(lines: Lines) -> list[dict[str, Any]]:
    return [
        {"run": name, "step": step, "value": value}
        for name, points in lines.items()
        for step, value in points
    ]


def _drawn(lines: Mapping[str, Points], figure: str) -> alt.LayerChart:
    rows = _rows(lines)
    names = list(lines)
    color = alt.Color("run:N", scale=alt.Scale(domain=names), legend=_legend(len(names)))
    dashes = [_DASHES[i % len(_DASHES)] for i in range(len(names))]
    dash = alt.StrokeDash("run:N", scale=alt.Scale(domain=names, range=dashes), legend=None)
    chart = _over_steps(alt.Chart(inline(rows)), figure).encode(color=color)
    layers = [chart.mark_line(strokeWidth=1.75).encode(strokeDash=dash)]
    if figure != TRAINING or len(rows) == len(names):  # so few points that each may be seen
        layers.append(chart.mark_point(filled=True, size=28, opacity=1))
    return alt.LayerChart(layer=layers)


def _over_steps(chart: alt.Chart, figure: str) -> alt.Chart:
    form = _form(figure)
    axis = alt.Axis(tickCount=6, minExtent=32, format={".1%": "~%"}.get(form, alt.Undefined))
    encoded: alt.Chart = chart.encode(
        x=alt.X("step:Q", title="step", axis=_STEP, scale=alt.Scale(zero=True)),
        y=alt.Y("value:Q", title=figure_title(figure), axis=axis, scale=alt.Scale(zero=False)),
        tooltip=[
            alt.Tooltip("run:N"),
            alt.Tooltip("step:Q", format=",.0f"),
            alt.Tooltip("value:Q", format=form),
        ],
    )
    return encoded


def _legend(count: int) -> alt.Legend:
    return alt.Legend(title=None, orient="bottom", columns=min(count, 2), labelLimit=280,
                      symbolType="stroke", symbolStrokeWidth=2)  # fmt: skip


def _form(figure: str) -> str:
    return ".4f" if figure == TRAINING else format_of(figure)


def _written(figure: str, value: float) -> str:
    return f"{value:.3g}" if figure == TRAINING else written(figure, value)


def _plain(value: object) -> str:
    return str(value) if value != "" else "(empty)"

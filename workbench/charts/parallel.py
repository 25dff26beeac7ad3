"""Many runs over their parameters: parallel coordinates (Inselberg 1985), and what mattered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log
from typing import Any

import altair as alt

from workbench.charts.frame import framed, inline, notice, shortened
from workbench.charts.names import titled
from workbench.charts.overlay import CHOSEN, HIGHLIGHTED, SLOT, Width, faintness, slot_looks

HEIGHT = 280  # px, of the plot alone
WIDTH = 600
MOST = 12  # axes that can be read beside each other
WIDE = 50  # factor between smallest and largest, from which on an axis is logarithmic
TICKS = 8  # values named on an axis, at most
_LETTERS = 14  # of a name or a value
_HIT = (
    "isValid(brush.place) && indexof(brush.axis, datum.axis) >= 0 "
    "&& inrange(datum.place, brush.place) ? 1 : 0"
)
_KEPT = "!isValid(brush.place) || datum.hits === length(brush.axis)"


@dataclass(frozen=True)
class _Axis:
    """An axis: its name, where each value lies, 0 to 1 from below, and which are written."""

    name: str
    places: tuple[float | None, ...]
    ticks: tuple[tuple[float, str], ...]


def parallel_coordinates(
    names: Sequence[str],
    parameters: Mapping[str, Sequence[Any]],
    objective: str,
    values: Sequence[float | None],
    *,
    lower: bool = False,
    chosen: Sequence[str] = (),
    width: Width = WIDTH,
    legend: bool = True,
) -> alt.LayerChart | alt.Chart:
    """Draw each run as a line over its parameters and, on the last axis, the objective.

    Dragging over an axis keeps the runs that pass there and fades the others. `chosen`,
    `highlight` and `pointed` are the parameters of `charts.overlay.many`.

    Args:
        names: of the runs.
        parameters: by name, the value of every run or None.
        objective: how it is called.
        values: of the objective for every run, None where there is none.
        lower: whether a small value is good: the good end of the last axis is always above.
        chosen: runs that are told apart.
        width: px of the plot, or `container`.
        legend: whether the chart says itself which line is which.
    """
    if len(names) < 2 or not parameters:
        return notice("Runs over their parameters", "no parameter differs between the runs")
    axes = [_axis(name, each) for name, each in list(parameters.items())[:MOST]]
    if any(value is not None for value in values):
        axes.append(_axis(objective, values, lower))
    chart = _layers(_rows(names, axes), axes, list(chosen), legend)
    left_out = len(parameters) - MOST
    more = f" {left_out} more parameters are not drawn." if left_out > 0 else ""
    words = (
        f"Parallel coordinates of {len(names)} runs over {', '.join(axis.name for axis in axes)}; "
        f"a line is a run. Drag over an axis to keep the runs that pass there.{more}"
    )
    return framed(chart.properties(width=width, height=HEIGHT), "Runs over their parameters", words)


def importance_bars(
    importances: Mapping[str, float], objective: str, width: Width = WIDTH
) -> alt.LayerChart | alt.Chart:
    """Draw the share of the objective's variance that each parameter explains, largest first."""
    title = f"What mattered for {titled(objective)}"
    shares = sorted(importances.items(), key=lambda one: -one[1])[: 2 * MOST]
    if not shares:
        return notice(title, "nothing is known yet")
    data = inline({"parameter": name, "share": float(share)} for name, share in shares)
    bars = alt.Chart(data).encode(
        y=alt.Y("parameter:N", title=None, sort=None, axis=alt.Axis(labelLimit=160, ticks=False,
                                                                   domain=False)),
        x=alt.X("share:Q", title="share of the variance explained", scale=alt.Scale(zero=True),
                axis=alt.Axis(format="~%", tickCount=5)),
        tooltip=[alt.Tooltip("parameter:N"), alt.Tooltip("share:Q", format=".1%")],
    )  # fmt: skip
    texts = bars.mark_text(style="label_muted", align="left", dx=5).encode(
        text=alt.Text("share:Q", format=".0%")
    )
    chart = alt.LayerChart(layer=[bars.mark_bar(style="main", height={"band": 0.6}), texts])
    words = "; ".join(f"{name} {share:.0%}" for name, share in shares)
    sized = chart.properties(width=width, height=24 * len(shares))
    return framed(sized, title, f"{title}, as shares of the variance explained: {words}.")


# Axes ---------------------------------------------------------------------------------------


def _axis(name: str, values: Sequence[Any], lower: bool = False) -> _Axis:
    known = [value for value in values if value is not None]
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in known):
        return _number_axis(name, values, lower)
    kinds = sorted({str(value) for value in known})
    at = {kind: (place + 0.5) / len(kinds) for place, kind in enumerate(kinds)}
    step = -(-len(kinds) // TICKS)
    ticks = [(place, _short(kind)) for kind, place in list(at.items())[::step]]
    places = [None if value is None else at[str(value)] for value in values]
    return _Axis(name, tuple(places), tuple(ticks))


def _number_axis(name: str, values: Sequence[Any], lower: bool) -> _Axis:
    known = sorted({float(value) for value in values if value is not None})
    low, high = known[0], known[-1]
    wide = low > 0 and high / low >= WIDE

    def place(value: float) -> float:
        if low == high:
            return 0.5
        part = log(value / low) / log(high / low) if wide else (value - low) / (high - low)
        return 1 - part if lower else part

    few = len(known) <= TICKS - 2
    shown = known if few and _apart([place(value) for value in known]) else [low, high]
    ticks = [(place(value), f"{value:.4g}") for value in dict.fromkeys(shown)]
    places = [None if value is None else place(float(value)) for value in values]
    return _Axis(name, tuple(places), tuple(ticks))


def _apart(places: Sequence[float]) -> bool:
    """Tell whether labels at these places do not touch."""
    ordered = sorted(places)
    return all(b - a > 12 / HEIGHT for a, b in pairwise(ordered))


def _short(text: str) -> str:
    return shortened(text or "(empty)", _LETTERS)


def _rows(names: Sequence[str], axes: Sequence[_Axis]) -> list[dict[str, Any]]:
    return [
        {"run": name, "axis": axis.name, "place": axis.places[number]}
        for number, name in enumerate(names)
        for axis in axes
        if axis.places[number] is not None
    ]


# Marks --------------------------------------------------------------------------------------


def _layers(
    rows: list[dict[str, Any]], axes: Sequence[_Axis], chosen: list[str], legend: bool
) -> alt.LayerChart:
    x = alt.X("axis:N", sort=[axis.name for axis in axes], title=None,
              scale=alt.Scale(type="point", padding=0.35), axis=_NAMES)  # fmt: skip
    y = alt.Y("place:Q", axis=None, scale=alt.Scale(domain=[-0.04, 1.04], nice=False))
    every = alt.Chart().encode(x=x, y=y, detail="run:N", tooltip=[alt.Tooltip("run:N")])
    judged = every.transform_calculate(hit=_HIT).transform_joinaggregate(
        hits="sum(hit)", groupby=["run"]
    )
    kept = judged.transform_filter(_KEPT)
    pointed = alt.selection_point(
        name="pointed", on="pointerover", clear="pointerout", fields=["run"], empty=False
    )
    brush = alt.selection_interval(name="brush", encodings=["x", "y"])
    own = kept.transform_filter(CHOSEN).transform_calculate(slot=SLOT)
    faint = faintness(len(rows) // len(axes))
    layers = [
        every.mark_line(style="muted", opacity=faint / 3, strokeWidth=1),
        kept.mark_line(style="faint", opacity=faint, strokeWidth=1.5),
        own.mark_line(strokeWidth=2.25).encode(**slot_looks(len(chosen) * legend)),
        every.transform_filter(HIGHLIGHTED).mark_line(style="accent", strokeWidth=3),
        *_scales(axes, x),
        every.mark_line(opacity=0, strokeWidth=8).add_params(pointed),
        every.mark_point(opacity=0, size=60).add_params(brush),
    ]
    whole = alt.LayerChart(layer=layers).add_params(
        alt.param(name="chosen", value=chosen), alt.param(name="highlight", value="")
    )
    whole.data = inline(rows)  # last, since Altair copies the rows with every change of a chart
    whole.data.name = "places"
    return whole


def _scales(axes: Sequence[_Axis], x: alt.X) -> list[alt.Chart]:
    """Return the axes, a line each, and the values written beside them."""
    ends = [{"axis": axis.name, "low": 0, "high": 1} for axis in axes]
    rule = alt.Chart(inline(ends)).mark_rule(style="arrow", strokeWidth=1)
    ticks = [
        {"axis": axis.name, "place": place, "label": label}
        for axis in axes
        for place, label in axis.ticks
    ]
    texts = alt.Chart(inline(ticks)).encode(x=x, y=alt.Y("place:Q", axis=None), text="label:N")
    return [
        rule.encode(x=x, y=alt.Y("low:Q", axis=None), y2="high:Q"),
        texts.mark_text(style="halo", align="left", dx=5),
        texts.mark_text(style="label_muted", align="left", dx=5),
    ]


_NAMES = alt.Axis(
    orient="top", labelAngle=0, domain=False, ticks=False, labelPadding=10, labelLimit=110
)

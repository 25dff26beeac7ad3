"""Hidden states: a map of them, one unit over a sentence, and which lie close."""

from collections.abc import Sequence
from typing import Any, Literal

import altair as alt
import numpy as np

from workbench.charts.frame import finite, framed, inline, shortened
from workbench.charts.tables import Table
from workbench.records import Neighbour, Projection, States

DOTS = 2000  # states drawn one by one at most
_SIDES = ("encoder", "decoder")
_LEGEND = alt.Legend(title=None, orient="top", symbolStrokeWidth=0)

Colour = Literal["side", "position"]


def state_map(projection: Projection, colour: Colour = "side") -> alt.Chart:
    """Draw states as dots in two dimensions; the mouse over one tells its token and sentence.

    Of more than 2,000 states a regular sample is drawn.
    """
    states, every = projection.states, -(-len(projection.points) // DOTS)
    rows = [_dot(projection, number) for number in range(0, len(projection.points), every)]
    names = [f"{projection.method.upper()} {axis}{share}" for axis, share in _axes(projection)]
    flat = alt.Axis(grid=True, tickCount=5)
    chart: alt.Chart = (
        alt.Chart(inline(rows), width=560, height=420)
        .mark_point(filled=True, size=36, opacity=0.7)
        .encode(
            x=alt.X("x:Q", title=names[0], axis=flat, scale=alt.Scale(zero=False)),
            y=alt.Y("y:Q", title=names[1], axis=flat, scale=alt.Scale(zero=False)),
            color=_colour(colour),
            shape=alt.Shape("side:N", scale=alt.Scale(domain=list(_SIDES)), legend=_LEGEND),
            tooltip=[
                alt.Tooltip("token:N"),
                alt.Tooltip("side:N"),
                alt.Tooltip("position:Q", title="token number"),
                alt.Tooltip("sentence:N"),
            ],
        )
    )
    title = "Hidden states"
    counts = ", ".join(
        f"{sum(place.side == side for place in states.places):,} of the {side}" for side in _SIDES
    )
    sample = f"; one in {every} is drawn" if every > 1 else ""
    left = f"; {states.left_out:,} sentences were left out" if states.left_out else ""
    subtitle = f"{counts}, from {len(states.pairs):,} sentences{sample}{left}"
    return framed(chart, title, f"{title} by {', '.join(names)}: {subtitle}.", subtitle)


def unit_bars(states: States, unit: int, sentence: int = 0) -> alt.VConcatChart:
    """Draw the activation of one unit, from 0, over the tokens of a sentence, source above.

    Raises:
        ValueError: there is no such unit or sentence.
    """
    width = states.vectors.shape[1]
    for name, pick, count in (("unit", unit, width), ("sentence", sentence, len(states.pairs))):
        if not 0 <= pick < count:
            raise ValueError(f"expected a {name} from 0 to {count - 1}, got {pick}")
    here = [n for n, place in enumerate(states.places) if place.sentence == sentence]
    values = states.vectors[here, unit]
    most = max(float(np.abs(values).max()), 1e-6)
    panels = [
        _bars(states, [n for n in here if states.places[n].side == side], unit, side, most)
        for side in _SIDES
    ]
    text = " → ".join(shortened(side, 45) for side in states.pairs[sentence])
    listed = ", ".join(
        f"{states.places[n].token} {value:+.2f}" for n, value in zip(here, values, strict=True)
    )
    title = f"Unit {unit} of {width}"
    return framed(alt.vconcat(*panels, spacing=12), title, f"{title} over {text}: {listed}.", text)


def neighbours_table(neighbours: Sequence[Neighbour], metric: str = "cosine") -> Table:
    """Return the states close to another, the nearest first, with their sentences."""
    rows = tuple(
        (f"{one.distance:.4f}", one.place.token, one.place.side, one.place.position + 1,
         one.source, one.target)
        for one in neighbours
    )  # fmt: skip
    columns = ("distance", "token", "side", "at", "source", "target")
    return Table(columns, rows, f"The {len(rows)} nearest states by {metric} distance")


def _dot(projection: Projection, number: int) -> dict[str, Any]:
    place = projection.states.places[number]
    source, target = projection.states.pairs[place.sentence]
    x, y = projection.points[number]
    return {
        "x": finite(x), "y": finite(y), "token": place.token, "side": place.side,
        "position": place.position + 1,
        "sentence": shortened(source if place.side == "encoder" else target, 80),
    }  # fmt: skip


def _axes(projection: Projection) -> list[tuple[int, str]]:
    shares = [f" ({share:.0%} of the variance)" for share in projection.explained] or ["", ""]
    return list(enumerate(shares, 1))


def _colour(colour: Colour) -> alt.Color:
    if colour == "position":
        scale = alt.Scale(interpolate="lab")
        return alt.Color("position:Q", title="token number", scale=scale)
    return alt.Color("side:N", scale=alt.Scale(domain=list(_SIDES)), legend=_LEGEND)


def _bars(states: States, numbers: Sequence[int], unit: int, side: str, most: float) -> alt.Chart:
    rows: list[dict[str, Any]] = [
        {"place": f"{place.position}:{place.token}", "token": place.token,
         "activation": finite(states.vectors[number, unit])}
        for number in numbers for place in [states.places[number]]
    ]  # fmt: skip
    names = [row["place"] for row in rows]
    across = alt.Axis(title=None, labelExpr="replace(datum.label, /^[0-9]+:/, '')", labelAngle=-45,
                      labelLimit=90, ticks=False, domain=False)  # fmt: skip
    scale = alt.Scale(domain=[-most, most], nice=True)
    style = "main" if side == "encoder" else "accent"
    chart: alt.Chart = (
        alt.Chart(inline(rows), width=min(600, 40 * len(rows)), height=110)
        .mark_bar(style=style)
        .encode(
            x=alt.X("place:N", axis=across, scale=alt.Scale(domain=names, paddingInner=0.2)),
            y=alt.Y("activation:Q", title=side, scale=scale, axis=alt.Axis(tickCount=4)),
            tooltip=[alt.Tooltip("token:N"), alt.Tooltip("activation:Q", format="+.3f")],
        )
    )
    return chart

"""A heat map of source tokens across and target tokens down, with links boxed in."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import altair as alt
import numpy as np
from numpy.typing import NDArray

from workbench.charts.frame import finite, inline

TOKENS = 80  # of a side at most: beyond, a cell is smaller than a reader can see

_TOKEN = "replace(datum.{}, /^[0-9]+:/, '')"  # from "3:jump" to "jump"
SHADES = alt.Scale(domain=[0, 1], interpolate="lab", clamp=True)
_WEIGHTS = alt.Legend(orient="bottom", gradientLength=140, gradientThickness=10, tickCount=3)
_LINKS = alt.Legend(title="gold alignment", orient="bottom", symbolType="square", symbolSize=140,
                    symbolStrokeWidth=2)  # fmt: skip
_DASHES = {"sure": [1, 0], "possible": [3, 2]}
_KEPT = alt.FillOpacity(
    "kept:N", scale=alt.Scale(domain=[True, False], range=[1, 0.2]), legend=None
)

Weights = NDArray[np.floating]


class Size(NamedTuple):
    """Pixels: of the heat map's longer side, of its largest cell, of the labels beside it.

    `tokens` of a side are drawn at most.
    """

    plot: int
    cell: int
    label: int
    tokens: int = TOKENS


ALONE, IN_GRID = Size(520, 26, 110), Size(200, 20, 80)


class TokenLink(NamedTuple):
    """A source token and a target token, counted from 0, that gold links: sure or possible."""

    source: int
    target: int
    kind: str


def heat_map(
    source_tokens: Sequence[str],
    target_tokens: Sequence[str],
    weights: Weights,
    links: Iterable[TokenLink],
    size: Size = ALONE,
    name: str = "attention",
    kept: NDArray[np.bool_] | None = None,
    what: str = "attention weight",
) -> alt.LayerChart:
    """Draw `weights` [T, S], 0 to 1, for the first tokens of each side.

    Cells that are not `kept` [T, S], where that is given, are faded. The mouse over a row fades
    the others. `name` must be another for each map in one figure; `what` the weights are stands
    in the legend.
    """
    source, target = _labels(source_tokens, size), _labels(target_tokens, size)
    cell = min(size.cell, size.plot // max(len(source), len(target), 1))
    width, height = cell * len(source), cell * len(target)
    x, y = _axes(source, target, cell, size)
    legend = _WEIGHTS.copy()
    legend.title = what
    shade = alt.Color("weight:Q", scale=SHADES, legend=legend)
    heat = _cells(source, target, weights, kept, name).encode(x=x, y=y, color=shade)
    border = alt.Chart(inline([{}])).mark_rect(
        style="border", filled=False, x=0, y=0, x2=width, y2=height, aria=False
    )
    layers = [heat.properties(width=width, height=height), border]
    drawn = [link for link in links if link.source < len(source) and link.target < len(target)]
    if drawn:
        layers += _boxes(source, target, drawn, cell)
    return alt.LayerChart(layer=layers)


def _labels(tokens: Sequence[str], size: Size) -> list[str]:
    """Number the tokens, so that a word that comes twice keeps two rows."""
    return [f"{i}:{token}" for i, token in enumerate(tokens[: size.tokens])]


def _axes(source: list[str], target: list[str], cell: int, size: Size) -> tuple[alt.X, alt.Y]:
    down = alt.Axis(
        title=None,
        labelExpr=_TOKEN.format("label"),
        labelLimit=size.label,
        labelFontSize=min(11, max(6, cell - 1)),
        labelOverlap=cell < 8,
        labelPadding=3,
        ticks=False,
        domain=False,
    )
    across = down.copy()
    across.orient, across.labelAngle = "top", -45 if cell >= 14 else -90
    return (
        alt.X("source:N", scale=alt.Scale(domain=source), axis=across),
        alt.Y("target:N", scale=alt.Scale(domain=target), axis=down),
    )


def _cells(
    source: list[str],
    target: list[str],
    weights: Weights,
    kept: NDArray[np.bool_] | None,
    name: str,
) -> alt.Chart:
    def cell(j: int, i: int) -> dict[str, Any]:
        row = {"source": source[i], "target": target[j]}
        faded = {} if kept is None else {"kept": bool(kept[j, i])}
        return row | {"weight": finite(round(float(weights[j, i]), 4))} | faded

    rows = inline(cell(j, i) for j in range(len(target)) for i in range(len(source)))
    row = alt.selection_point(
        name=f"{name}_row", fields=["target"], on="mouseover", clear="mouseout"
    )
    chart: alt.Chart = (
        alt.Chart(rows, name=name)
        .mark_rect(aria=False)  # the description says more to a listener than 400 cells
        .encode(
            opacity=alt.condition(row, alt.value(1), alt.value(0.35)),
            tooltip=[
                alt.Tooltip("source_token:N", title="source"),
                alt.Tooltip("target_token:N", title="target"),
                alt.Tooltip("weight:Q", format=".3f"),
            ],
        )
        .transform_calculate(
            source_token=_TOKEN.format("source"), target_token=_TOKEN.format("target")
        )
        .add_params(row)
    )
    if kept is not None:
        chart = chart.encode(fillOpacity=_KEPT)
    return chart


def _boxes(
    source: list[str], target: list[str], links: list[TokenLink], cell: int
) -> list[alt.Chart]:
    """Draw the links, each box over a wider one in its casing."""
    rows = inline(
        {"source": source[link.source], "target": target[link.target], "link": link.kind}
        for link in links
    )
    kinds = [kind for kind in _DASHES if any(link.kind == kind for link in links)]
    dashes = alt.Scale(domain=kinds, range=[_DASHES[kind] for kind in kinds])
    side = max(cell - 4, 3)
    boxes = alt.Chart(rows).encode(
        x="source:N",
        y="target:N",
        strokeDash=alt.StrokeDash("link:N", scale=dashes, legend=_LINKS),
    )
    return [
        boxes.mark_point(style=style, shape="square", filled=False, opacity=1, size=side**2)
        for style in ("casing", "link")
    ]

"""The beam, node by node: a click shows what the search knew there, on a page without a kernel."""

from collections.abc import Sequence
from math import exp
from typing import Any

import altair as alt

from workbench.charts.frame import framed, inline, notice, shortened
from workbench.charts.hypotheses import MOST, SHARES
from workbench.charts.nodes import LOST, Node, path_to, tree
from workbench.charts.search import (
    NOT_RECORDED,
    TITLE,
    TOOLTIPS,
    described,
    drawn_tree,
)
from workbench.charts.selections import choosing
from workbench.charts.sight import Pick, choose
from workbench.records import BeamRecord, Candidate, Translation

_CHOSEN: Any = {"param": "node"}
_AS_POSITION: Any = {"as": "position"}
_BARS = 230  # px, of the longest bar
_READ = 250  # px, of the attention
_SOURCE = 40  # tokens at most
_HINT = "click a node, or move to it below: what stood to choose there, and what was read"

Rows = list[dict[str, Any]]


def beam_explorer(
    translation: Translation, layer: Pick = None, head: Pick = None
) -> alt.VConcatChart | alt.Chart:
    """Draw the tree of `beam_tree`; of the node that is clicked, what stood to choose there.

    That are the candidates that continue the same prefix, by the model's own probability, and
    what a layer and a head, by default their mean, read while they were weighed. The parameter
    `node` counts from 1 as `explored` does.

    Raises:
        ValueError: there is no such layer or head.
    """
    drawing, beam = drawn_tree(translation), translation.beam
    if drawing is None or beam is None:
        return notice(TITLE, NOT_RECORDED)
    weighed = _weighed(translation, drawing.nodes)
    nodes = [_node_row(number, node, weighed) for number, node in enumerate(drawing.nodes, 1)]
    pick = layer, head
    places = [_place_row(place, shown, beam, pick) for place, shown in weighed.items()]
    below: list[Any] = [_candidates(nodes, places)]
    if beam.attention.size:
        below.append(_read(nodes, places, translation.source_tokens[:_SOURCE]))
    chart = alt.vconcat(
        alt.layer(*drawing.chart.layer, _ring(nodes), _clickable(nodes)).properties(
            width=drawing.chart.width, height=drawing.chart.height
        ),
        _heading(nodes),
        alt.hconcat(*below, spacing=24),
        spacing=16,
    )
    first = 1 + _first(drawing.nodes, translation)
    chart = choosing(chart, "node", len(nodes), "Node", "nodes", first, nearest=True)
    title, words, subtitle = drawing.frame
    return framed(chart, title, words, [*subtitle, _HINT])


def explored(translation: Translation, node: int = 0) -> Candidate | None:
    """Return the candidate that is chosen as `node`, from 1; 0 is what is shown at first.

    None where no search is on record, or there is no such node.
    """
    drawing = drawn_tree(translation)
    if drawing is None or node > len(drawing.nodes):
        return None
    place = node - 1 if node else _first(drawing.nodes, translation)
    return drawing.nodes[place].candidate


def _first(nodes: Sequence[Node], translation: Translation) -> int:
    """Return where the best hypothesis begins."""
    winner = path_to(nodes, translation)
    return nodes.index(winner[0]) if winner else 0


# What is known of each node --------------------------------------------------------------------

Place = tuple[int, int]  # a step and the row of the beam that is continued there
Weighed = dict[Place, list[Node]]


def _weighed(translation: Translation, drawn: Sequence[Node]) -> Weighed:
    """Return the likeliest that stood to choose at each place, and all that are drawn."""
    every: Weighed = {}
    for node in sorted(tree(translation), key=lambda node: -node.candidate.log_probability):
        every.setdefault(_at(node), []).append(node)
    seen = {id(node.candidate) for node in drawn}
    return {
        _at(node): [
            each for rank, each in enumerate(every[_at(node)])
            if rank < MOST or id(each.candidate) in seen
        ]
        for node in drawn
    }  # fmt: skip


def _at(node: Node) -> Place:
    return node.candidate.step, node.candidate.parent


def _named(place: Place) -> str:
    return f"{place[0]}.{place[1]}"


def _node_row(number: int, node: Node, weighed: Weighed) -> dict[str, Any]:
    candidate, place = node.candidate, _at(node)
    prefix = " ".join(one.candidate.token for one in node.path()[:-1]) or "the beginning"
    told = (
        f"step {candidate.step + 1}: {shortened(candidate.token, 40)}", candidate.fate,
        f"log p {node.token_log_probability:.3f}", f"score {candidate.score:.3f}",
    )  # fmt: skip
    [chosen] = [n for n, each in enumerate(weighed[place]) if each.candidate is candidate]
    return {
        **described(node), "node": number, "place": _named(place), "chosen": chosen,
        "told": " · ".join(told), "after": f"after: {shortened(prefix, 100)}",
    }  # fmt: skip


def _place_row(
    place: Place, shown: Sequence[Node], beam: BeamRecord, pick: tuple[Pick, Pick]
) -> dict[str, Any]:
    """Return one place: names and probabilities of its candidates, and what was read there."""
    chances = [min(exp(node.token_log_probability), 1.0) for node in shown]
    row: dict[str, Any] = {
        "place": _named(place),
        "order": list(range(len(shown))),
        "weighed": [node.candidate.token for node in shown],
        "probability": [round(chance, 4) for chance in chances],
        "became": [node.candidate.fate for node in shown],
    }
    if beam.attention.size:
        [weights] = choose(beam.attention[place][:, :, None], *pick)[:, :_SOURCE]
        row["weight"] = [round(float(weight), 3) for weight in weights]
    return row


# The parts of the chart ------------------------------------------------------------------------


def _clickable(nodes: Rows) -> alt.Chart:
    """Draw what takes the clicks: every place of the tree belongs to the node nearest to it."""
    points = alt.Chart(inline(nodes), name="nodes").mark_point(opacity=0, cursor="pointer")
    chart: alt.Chart = points.encode(x="step:Q", y="rank:Q", tooltip=TOOLTIPS)
    return chart


def _ring(nodes: Rows) -> alt.Chart:
    ring = alt.Chart(inline(nodes)).mark_point(style="accent", filled=False, size=220, opacity=1)
    chart: alt.Chart = ring.encode(x="step:Q", y="rank:Q").transform_filter(_CHOSEN)
    return chart


def _heading(nodes: Rows) -> alt.LayerChart:
    text = alt.Chart(inline(nodes)).transform_filter(_CHOSEN)
    first = text.mark_text(style="label_strong", align="left", x=0, y=8).encode(text="told:N")
    second = text.mark_text(style="label_muted", align="left", x=0, y=28).encode(text="after:N")
    layered: alt.LayerChart = alt.LayerChart(layer=[first, second]).properties(
        width=_BARS + _READ, height=36
    )
    return layered


def _at_the_chosen(nodes: Rows, places: Rows, *fields: str) -> alt.Chart:
    """Return the rows of the chosen node's place, one for each of what the lists hold."""
    place = alt.LookupData(data=inline(places), key="place", fields=list(fields))
    rows: alt.Chart = (
        alt.Chart(inline(nodes))
        .transform_filter(_CHOSEN)
        .transform_lookup("place", from_=place)
        .transform_flatten(list(fields))
    )
    return rows


def _candidates(nodes: Rows, places: Rows) -> alt.LayerChart:
    rows = _at_the_chosen(nodes, places, "order", "weighed", "probability", "became")
    most = max(len(each["order"]) for each in places)
    room = alt.Axis(title=None, labels=False, ticks=False, domain=False, minExtent=_SIDE)
    y = alt.Y("order:O", axis=room, scale=alt.Scale(domain=list(range(most))))
    x = alt.X("probability:Q", axis=SHARES, scale=alt.Scale(domain=[0, 1]))
    tooltip = [
        alt.Tooltip("weighed:N", title="token"),
        alt.Tooltip("probability:Q", format=".2%"),
        alt.Tooltip("became:N", title="fate"),
    ]

    def bars(style: str, among: Any) -> alt.Chart:
        marks: alt.Chart = rows.transform_filter(among).mark_bar(style=style, height=12)
        return marks.encode(x=x, y=y, tooltip=tooltip)

    lost = {"field": "became", "oneOf": list(LOST)}
    layers = (
        bars("main", {"not": lost}),
        bars("muted", lost),
        bars("accent", "datum.order === datum.chosen"),
        rows.mark_text(style="label", align="right", x=-8, limit=_SIDE).encode(
            y=y, text="weighed:N"
        ),
        rows.mark_text(style="label", align="left", dx=6).encode(
            x=x, y=y, text=alt.Text("probability:Q", format=".1%")
        ),
    )
    layered: alt.LayerChart = alt.LayerChart(layer=list(layers)).properties(
        width=_BARS, height=18 * most, title=_titled("Candidates")
    )
    return layered


def _read(nodes: Rows, places: Rows, tokens: Sequence[str]) -> alt.Chart:
    """Draw what was read of the source while the chosen node was weighed."""
    names = [f"{number}:{token}" for number, token in enumerate(tokens)]
    named = inline({"position": n, "source": name} for n, name in enumerate(names, 1))
    step = min(22, _READ // len(names))
    axis = alt.Axis(
        title=None, labelExpr="replace(datum.label, /^[0-9]+:/, '')", ticks=False, labelLimit=80,
        labelAngle=-45 if step >= 14 else -90, labelFontSize=min(11, max(6, step)),
    )  # fmt: skip
    weights: alt.Chart = (
        _at_the_chosen(nodes, places, "weight")
        .transform_window([alt.WindowFieldDef(op="row_number", **_AS_POSITION)])
        .transform_lookup("position", from_=alt.LookupData(named, "position", ["source"]))
        .mark_bar(style="main")
        .encode(
            x=alt.X("source:N", axis=axis, scale=alt.Scale(domain=names)),
            y=alt.Y("weight:Q", title="attention", scale=alt.Scale(domain=[0, 1]),
                    axis=alt.Axis(tickCount=3, format="~%")),
            tooltip=[alt.Tooltip("weight:Q", title="attention", format=".3f")],
        )
        .properties(width=step * len(names), height=120, title=_titled("What was read"))
    )  # fmt: skip
    return weights


_SIDE = 110  # px left of the bars, for tokens


def _titled(text: str) -> alt.Title:
    return alt.Title(text, fontSize=12)

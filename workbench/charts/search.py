"""What the beam weighed: the tree of its candidates, and those that it threw away."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import altair as alt

from workbench.charts.frame import finite, framed, inline, notice, shortened
from workbench.charts.nodes import LOST, RANKS, Node, contenders, path_to, tree
from workbench.charts.tables import Table
from workbench.records import Translation

STEPS = 80  # drawn at most
_WIDTH = 640
TITLE, _DRAWN = "Beam search", "Samples"
NOT_RECORDED = "the search was not recorded"
_KEY = "orange: the best hypothesis; circle: kept; square: finished; grey: pruned"
_BARRED_KEY = "; cross: barred by the prefix, the least length or the rule against repetition"
_DRAWN_KEY = "orange: the likeliest sample; circle: drawn; square: its end; grey: not drawn"
_KINDS = ("pruned", "alive", "winner")  # the later is drawn over the earlier
_STYLES = {"pruned": "muted", "alive": "main", "winner": "accent"}
_LABELS = {"pruned": "label_muted", "alive": "label", "winner": "label_accent"}

Kinds = dict[str, list[Node]]


def beam_tree(translation: Translation) -> alt.LayerChart | alt.Chart:
    """Draw the candidates of the beam: steps across, in each the best on top.

    Circles went on, squares ended a hypothesis, grey ones were pruned, crosses barred; the path
    of the best hypothesis stands out. Groups of a diverse beam stand one below the other. Of
    samples, grey ones were likely and not drawn.
    """
    drawing = drawn_tree(translation)
    if drawing is None:
        return notice(TITLE, NOT_RECORDED)
    return framed(drawing.chart, *drawing.frame)


class Drawing(NamedTuple):
    """The tree as it is drawn: the chart, the nodes in it; title, description and subtitle."""

    chart: alt.LayerChart
    nodes: list[Node]
    frame: tuple[str, str, list[str]]


def drawn_tree(translation: Translation) -> Drawing | None:
    """Draw the tree of `beam_tree` without its frame; None where no search is on record."""
    nodes = contenders(translation)
    if not translation.beam or not nodes:
        return None
    kinds = _kinds(nodes, path_to(nodes, translation))
    kept = {node for kind in kinds.values() for node in kind}
    shown = [node for node in nodes if node in kept]
    steps = 1 + max(node.candidate.step for node in shown)
    ranks = 1 + max(node.row for node in shown)
    step = min(76, _WIDTH // (steps + 1))
    roomy = step >= 44  # for the tokens of all nodes
    x, y = _axes(steps, ranks)
    labels = _tokens(kinds, step - 6) if roomy else _winner_tokens(kinds)
    layers = [*_edges(kinds), _start(), *_points(kinds), *_groups(nodes), *labels]
    chart = alt.LayerChart(layer=[layer.encode(x=x, y=y) for layer in layers]).properties(
        width=step * (steps + 1), height=ranks * (30 if roomy else 16)
    )
    drawn = translation.beam.drawn
    barred = any(node.candidate.fate == "barred" for node in nodes)
    subtitle = [(_DRAWN_KEY if drawn else _KEY) + _BARRED_KEY * barred]
    if len(shown) < len(nodes):
        subtitle.append(f"{len(nodes) - len(shown):,} of {len(nodes):,} candidates are not drawn")
    frame = _DRAWN if drawn else TITLE, _in_words(translation, nodes), subtitle
    return Drawing(chart, shown, frame)


def discarded(translation: Translation, limit: int = 10) -> Table:
    """Return the pruned candidates that came closest to staying, and where each fell off.

    With beam width K, a candidate is short by what its score lacks of the K-th best of its step;
    in groups of N rows, of the N-th best of its group, whatever diversity added to it.
    """
    nodes = contenders(translation)
    if not translation.beam or not nodes:
        return Table(_COLUMNS, (), f"{TITLE}: {NOT_RECORDED}")
    if translation.beam.drawn:
        return Table(_COLUMNS, (), f"{_DRAWN}: nothing competed, so nothing was pruned")
    last = translation.beam.group_width - 1
    bars = {_round(node): node.candidate.score for node in nodes if node.rank == last}
    pruned = [
        (bars[_round(node)] - node.candidate.score, node)
        for node in nodes
        if node.candidate.fate == "pruned" and _round(node) in bars
    ]
    pruned.sort(key=lambda pair: pair[0])
    rows = tuple(_discarded_row(node, short) for short, node in pruned[:limit])
    caption = f"The {len(rows)} closest of {len(pruned):,} candidates that the beam pruned"
    if barred := sum(node.candidate.fate == "barred" for node in tree(translation)):
        caption += f"; {barred:,} more on record were barred"
    return Table(_COLUMNS, rows, caption)


_COLUMNS = ("step", "prefix", "pruned token", "log-probability", "score", "short by")


def _round(node: Node) -> tuple[int, int]:
    """Return the step and the group, within which candidates competed."""
    return node.candidate.step, node.group


def _discarded_row(node: Node, short: float) -> tuple[int, str, str, str, str, str]:
    return (
        node.candidate.step + 1,
        shortened(" ".join(one.candidate.token for one in node.path()[:-1]), 60),
        node.candidate.token,
        f"{node.candidate.log_probability:.2f}",
        f"{node.candidate.score:.2f}",
        f"{short:.2f}",
    )


def _kinds(nodes: Sequence[Node], winner: Sequence[Node]) -> Kinds:
    """Return the nodes to draw, by how they are drawn."""
    path = set(winner)
    kinds: Kinds = {kind: [] for kind in _KINDS}
    for node in nodes:
        lost = node.candidate.fate in LOST
        kind = "winner" if node in path else "pruned" if lost else "alive"
        if node.candidate.step < STEPS and (kind == "winner" or node.rank < RANKS):
            kinds[kind].append(node)
    return kinds


def place_of(node: Node | None) -> dict[str, int]:
    """Return where a node is drawn; the root, which None stands for, is at step 0."""
    if node is None:
        return {"step": 0, "rank": 0}
    return {"step": node.candidate.step + 1, "rank": node.row}


def _axes(steps: int, ranks: int) -> tuple[alt.X, alt.Y]:
    axis = alt.Axis(values=list(range(1, steps + 1)), grid=False, format="d", labelOverlap=True)
    across = alt.Scale(domain=[-0.5, steps + 0.5], nice=False)
    down = alt.Scale(domain=[ranks - 0.5, -0.75], nice=False)
    return (
        alt.X("step:Q", title="step", axis=axis, scale=across),
        alt.Y("rank:Q", axis=None, scale=down),
    )


def _edges(kinds: Kinds) -> Iterator[alt.Chart]:
    """Yield the lines from parents to children."""
    drawn = {node for nodes in kinds.values() for node in nodes}
    for kind in _KINDS:
        rows = [
            {**place_of(node.parent), "to_step": end["step"], "to_rank": end["rank"]}
            for node in kinds[kind]
            if node.parent is None or node.parent in drawn
            for end in [place_of(node)]
        ]
        if rows:
            width = 2 if kind == "winner" else 1
            lines = alt.Chart(inline(rows)).mark_rule(style=_STYLES[kind], strokeWidth=width)
            yield lines.encode(x2="to_step:Q", y2="to_rank:Q")


def _start() -> alt.Chart:
    root: alt.Chart = alt.Chart(inline([place_of(None)])).mark_point(
        style="main", filled=True, opacity=1, size=20
    )
    return root


def _groups(nodes: Sequence[Node]) -> Iterator[alt.Chart]:
    """Yield the numbers of the groups, left of each, where there are several."""
    rows = [{"step": 0, "rank": above, "group": f"group {group + 1}"}
            for group, above in sorted({(node.group, node.above) for node in nodes})]  # fmt: skip
    if len(rows) > 1:
        text = alt.Chart(inline(rows)).encode(text="group:N")
        yield text.mark_text(style="label", dy=-10, fontSize=10)


def _points(kinds: Kinds) -> Iterator[alt.Chart]:
    for kind in _KINDS:
        rows = [described(node) for node in kinds[kind]]
        if rows:
            size = 30 if kind == "pruned" else 60
            points = alt.Chart(inline(rows)).mark_point(
                style=_STYLES[kind], filled=True, opacity=1, size=size
            )
            yield points.encode(shape=_SHAPES, tooltip=TOOLTIPS)


_SHAPES = alt.Shape(
    "fate:N",
    legend=None,
    scale=alt.Scale(
        domain=["kept", "finished", "pruned", "barred"],
        range=["circle", "square", "circle", "cross"],
    ),
)
TOOLTIPS = [
    alt.Tooltip("step:Q"),
    alt.Tooltip("token:N"),
    alt.Tooltip("log_probability:Q", title="log p of the token", format=".3f"),
    alt.Tooltip("prefix:Q", title="log p with its prefix", format=".3f"),
    alt.Tooltip("score:Q", format=".3f"),
    alt.Tooltip("fate:N"),
]


def described(node: Node) -> dict[str, Any]:
    """Return where a node is drawn, and what is known of its candidate."""
    return {
        **place_of(node),
        "token": node.candidate.token,
        "log_probability": finite(round(node.token_log_probability, 4)),
        "prefix": finite(round(node.candidate.log_probability, 4)),
        "score": finite(round(node.candidate.score, 4)),
        "fate": node.candidate.fate,
    }


def _tokens(kinds: Kinds, limit: float) -> Iterator[alt.Chart]:
    """Yield the tokens above their nodes, on a halo that keeps them off the lines."""
    for kind in _KINDS:
        rows = [{**place_of(node), "token": node.candidate.token} for node in kinds[kind]]
        text = alt.Chart(inline(rows)).encode(text="token:N")
        for style in ("halo", _LABELS[kind]) if rows else ():
            yield text.mark_text(style=style, dy=-10, limit=limit, fontSize=10)


def _winner_tokens(kinds: Kinds) -> Iterator[alt.Chart]:
    """Yield the winner's tokens upright above the tree, where its nodes have no room for them."""
    rows = [{**place_of(node), "rank": -0.75, "token": node.candidate.token}
            for node in kinds["winner"]]  # fmt: skip
    if rows:
        text = alt.Chart(inline(rows)).encode(text="token:N")
        yield text.mark_text(
            style="label_accent", angle=270, align="left", limit=90, fontSize=9, fontWeight="normal"
        )


def _in_words(translation: Translation, nodes: Sequence[Node]) -> str:
    fates = [node.candidate.fate for node in nodes]
    assert translation.beam  # or there would be no nodes
    steps, width = nodes[-1].candidate.step + 1, translation.beam.width
    groups = f" in {translation.beam.groups} groups" if translation.beam.groups > 1 else ""
    barred = f", {fates.count('barred')} barred" if "barred" in fates else ""
    if translation.beam.drawn:
        words = f"{width} samples over {steps} steps, {fates.count('finished')} of them finished."
    else:
        words = (
            f"Beam search of width {width}{groups} over {steps} steps: "
            f"{fates.count('kept')} candidates kept, {fates.count('finished')} finished, "
            f"{fates.count('pruned')} pruned{barred}."
        )
    if translation.hypotheses:
        best = translation.best
        words += f" Best: {shortened(best.text, 90)} (score {best.score:.3f})."
    return words

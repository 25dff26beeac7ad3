"""The tree of decoding states that a person has grown by hand, a search's candidates beside it."""

from collections.abc import Iterator, Sequence
from typing import Any

import altair as alt

from workbench.charts.frame import framed, inline, notice
from workbench.charts.state_layout import (
    STILL,
    TITLE,
    Place,
    State,
    in_words,
    places,
    thinned,
)

_WIDTH, _STEP, _ROW, _HEIGHT, _ROOMY = 640, 76, 26, 860, 16  # px
_STYLES = {"pruned": "muted", "grown": "main", "yours": "accent"}  # the later over the earlier
_LABELS = {"pruned": "label_muted", "grown": "label", "yours": "label_accent"}
_KEY = "orange: where you stand; square: an end; grey: what the search pruned"


def state_tree(states: Sequence[State]) -> alt.LayerChart | alt.Chart:
    """Draw the tree: steps across, each branch in a row of its own."""
    if not states:
        return notice(TITLE, "no translation is taken apart yet")
    shown = thinned(states, STILL)
    where = places(shown)
    steps = 1 + max(place.step for place in where.values())
    rows = 1 + max(place.row for place in where.values())
    step, height = min(_STEP, _WIDTH // (steps + 1)), min(_ROW, _HEIGHT // rows)
    x, y = _axes(steps, rows)
    labels = _tokens(shown, where, step) if height >= _ROOMY else ()
    layers = [*_edges(shown, where), *_points(shown, where), *labels]
    chart = alt.LayerChart(layer=[layer.encode(x=x, y=y) for layer in layers]).properties(
        width=step * (steps + 1), height=rows * height
    )
    left_out = len(states) - len(shown)
    subtitle = [_KEY, *([f"{left_out:,} of {len(states):,} states are not drawn"] * bool(left_out))]
    return framed(chart, TITLE, in_words(states), subtitle)


def _kind(state: State) -> str:
    if state.yours:
        return "yours"
    return "pruned" if state.fate in ("pruned", "barred") else "grown"


def _axes(steps: int, rows: int) -> tuple[alt.X, alt.Y]:
    axis = alt.Axis(values=list(range(steps)), grid=False, format="d", labelOverlap=True)
    across = alt.Scale(domain=[-0.5, steps], nice=False)
    down = alt.Scale(domain=[rows - 0.5, -0.75], nice=False)
    return (
        alt.X("step:Q", title="step", axis=axis, scale=across),
        alt.Y("row:Q", axis=None, scale=down),
    )


def _edges(states: Sequence[State], where: dict[str, Place]) -> Iterator[alt.Chart]:
    for kind, style in _STYLES.items():
        rows = [
            {**where[state.parent]._asdict(), "to_step": end.step, "to_row": end.row}
            for state in states
            if state.parent is not None and _kind(state) == kind
            for end in [where[state.key]]
        ]
        if rows:
            lines = alt.Chart(inline(rows)).mark_rule(style=style)
            yield lines.encode(x2="to_step:Q", y2="to_row:Q")


def _points(states: Sequence[State], where: dict[str, Place]) -> Iterator[alt.Chart]:
    for kind, style in _STYLES.items():
        rows: list[dict[str, Any]] = [
            {**where[state.key]._asdict(), "state": state.words,
             "ended": state.ended}
            for state in states if _kind(state) == kind
        ]  # fmt: skip
        if rows:
            points = alt.Chart(inline(rows)).mark_point(
                style=style, filled=True, opacity=1, size=60
            )
            yield points.encode(shape=_SHAPES, tooltip="state:N")


_SHAPES = alt.Shape(
    "ended:N", legend=None, scale=alt.Scale(domain=[False, True], range=["circle", "square"])
)


def _tokens(states: Sequence[State], where: dict[str, Place], step: int) -> Iterator[alt.Chart]:
    for kind, style in _LABELS.items():
        mine = [state for state in states if _kind(state) == kind]
        tokens = [{**where[state.key]._asdict(), "token": state.token} for state in mine]
        ends = [
            {**where[state.key]._asdict(), "end": state.end} for state in mine if state.end
        ]  # fmt: skip
        for each in ("halo", style) if tokens else ():
            text = alt.Chart(inline(tokens)).encode(text="token:N")
            yield text.mark_text(style=each, dy=-11, limit=step - 6, fontSize=10)
        if ends:
            text = alt.Chart(inline(ends)).encode(text="end:N")
            yield text.mark_text(style=style, align="left", dx=8, fontSize=10)

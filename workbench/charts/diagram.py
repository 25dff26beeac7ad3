"""The model as boxes and arrows: encoder left, decoder right, attention between."""

from collections.abc import Iterator, Sequence

import altair as alt

from workbench.charts.frame import framed, inline, notice
from workbench.charts.layout import BOX_HEIGHT, BOX_WIDTH, Arrow, Box, arrows, place
from workbench.records import Block

_TITLE = "Model"
_MARGIN, _TOP = 3, 28  # px around what is drawn; above it, for the headings
_HEAD = 5  # px from the middle of an arrow's head to its tip


def model_diagram(blocks: Sequence[Block]) -> alt.LayerChart | alt.Chart:
    """Draw the model's layers with their shapes and parameters, in the order of the data.

    A dashed arrow is read at the next step (input feeding).
    """
    if not blocks:
        return notice(_TITLE, "there is no model yet")
    boxes = place(blocks)
    lines = list(arrows(boxes))
    places = [point for line in lines for point in line.points]
    left = min([0, *(x for x, _ in places)]) - _MARGIN
    right = max(x for x, _ in [*places, *((box.side(1), 0) for box in boxes)]) + _MARGIN
    bottom = max(box.y for box in boxes) + BOX_HEIGHT / 2 + _MARGIN
    across = alt.Scale(domain=[left, right], nice=False, zero=False)
    down = alt.Scale(domain=[bottom, -_TOP], nice=False, zero=False)
    x, y = alt.X("x:Q", axis=None, scale=across), alt.Y("y:Q", axis=None, scale=down)
    layers = [*_lines(lines), *_boxes(boxes), *_texts(boxes), _headings(boxes)]
    chart = alt.LayerChart(layer=[layer.encode(x=x, y=y) for layer in layers]).properties(
        width=right - left, height=bottom + _TOP
    )
    total = f"{sum(block.parameters for block in blocks):,} parameters"
    subtitle = f"{total}. Boxes: shape (B sentences, S source, T target tokens) · parameters"
    return framed(chart, _TITLE, _in_words(blocks, total), subtitle)


def _lines(lines: Sequence[Arrow]) -> Iterator[alt.Chart]:
    """Yield the lines of the arrows, those read at the next step dashed, and their heads."""
    for back in (False, True):
        rows = [
            {"arrow": f"{line.source} → {line.target}", "number": number, "order": order,
             "x": x, "y": y}
            for number, line in enumerate(lines) if line.back == back
            for order, (x, y) in enumerate(line.points)
        ]  # fmt: skip
        if rows:
            yield (
                alt.Chart(inline(rows))
                .mark_line(style="arrow", strokeDash=[4, 3] if back else [1, 0])
                .encode(detail="number:O", order="order:Q", tooltip="arrow:N")
            )
    if lines:
        yield (
            alt.Chart(inline(_head(line) for line in lines))
            .mark_point(style="arrow", filled=True, opacity=1, size=50)
            .encode(shape=_HEADS)
        )


_BACK = {"down": (0, -_HEAD), "right": (-_HEAD, 0), "left": (_HEAD, 0)}
_HEADS = alt.Shape(
    "heading:N",
    legend=None,
    scale=alt.Scale(domain=list(_BACK), range=[f"triangle-{heading}" for heading in _BACK]),
)


def _head(line: Arrow) -> dict[str, object]:
    (x, y), (dx, dy) = line.points[-1], _BACK[line.heading]
    return {"heading": line.heading, "x": x + dx, "y": y + dy}


def _boxes(boxes: Sequence[Box]) -> Iterator[alt.Chart]:
    for style in ("panel", "panel_accent"):
        rows = [
            {
                "x": box.side(-1),
                "x2": box.side(1),
                "y": box.y - BOX_HEIGHT / 2,
                "y2": box.y + BOX_HEIGHT / 2,
                "name": box.block.name,
                "kind": box.block.kind,
                "shape": box.block.shape,
                "parameters": box.block.parameters,
            }
            for box in boxes
            if (box.block.side == "attention") == (style == "panel_accent")
        ]
        if rows:
            tooltip = [
                *map(alt.Tooltip, ("name:N", "kind:N", "shape:N")),
                alt.Tooltip("parameters:Q", format=",.0f"),
            ]
            yield (
                alt.Chart(inline(rows))
                .mark_rect(style=style, cornerRadius=5)
                .encode(x2="x2:Q", y2="y2:Q", tooltip=tooltip)
            )


def _texts(boxes: Sequence[Box]) -> Iterator[alt.Chart]:
    """Yield the three lines of text in each box."""
    rows = [
        {
            "x": box.x,
            "y": box.y,
            "name": box.block.name,
            "kind": box.block.kind,
            "size": f"{box.block.shape} · {box.block.parameters:,}",
        }
        for box in boxes
    ]
    base = alt.Chart(inline(rows))
    for field, style, down in (
        ("name", "label_strong", -17),
        ("kind", "label", 1),
        ("size", "label_muted", 18),
    ):
        text = base.mark_text(style=style, dy=down, limit=BOX_WIDTH - 12)
        yield text.encode(text=alt.Text(field, type="nominal"))


def _headings(boxes: Sequence[Box]) -> alt.Chart:
    """Name the columns, but not that of the attention: its one box does."""
    columns = {box.block.side: box.x for box in boxes if box.block.side != "attention"}
    rows = inline({"x": x, "y": -15, "side": side.upper()} for side, x in columns.items())
    chart: alt.Chart = (
        alt.Chart(rows).mark_text(style="label_muted", fontSize=10).encode(text="side:N")
    )
    return chart


def _in_words(blocks: Sequence[Block], total: str) -> str:
    parts = [
        f"{block.name} ({block.kind}, {block.shape}, {block.parameters:,} parameters"
        + (f", reads {', '.join(block.inputs)})" if block.inputs else ")")
        for block in blocks
    ]
    return f"The model has {total}: {'; '.join(parts)}."

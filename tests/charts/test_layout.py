import pytest

from workbench.charts.layout import BOX_HEIGHT, BOX_WIDTH, arrows, place
from workbench.config import RunConfig
from workbench.records import Block


def block(name, side="encoder", *inputs):
    return Block(name, "kind", "B", 1, inputs, side)


DEFAULT = [  # as a model with one layer and attention has them
    block("source"), block("encoder", "encoder", "source"),
    block("target", "decoder"), block("decoder", "decoder", "target", "encoder"),
    block("attention", "attention", "encoder", "decoder"),
    block("vector", "decoder", "attention", "decoder"), block("output", "decoder", "vector"),
]  # fmt: skip


def deep(layers):
    encoder = [block(f"e{i}", "encoder", f"e{i - 1}") for i in range(layers)]
    decoder = [block(f"d{i}", "decoder", f"d{i - 1}", f"e{i}") for i in range(layers)]
    last = layers - 1
    return [
        *encoder, *decoder, block("attention", "attention", f"e{last}", f"d{last}"),
        block("vector", "decoder", "attention", f"d{last}"),
    ]  # fmt: skip


def test_boxes_stand_by_side_and_below_what_they_read():
    where = {box.block.name: (box.column, box.row) for box in place(DEFAULT)}
    assert where == {
        "source": (0, 0), "encoder": (0, 1), "target": (2, 0), "decoder": (2, 1),
        "attention": (1, 2), "vector": (2, 2), "output": (2, 3),
    }  # fmt: skip


def test_without_attention_there_are_two_columns():
    boxes = place([block("e"), block("d", "decoder", "e")])
    assert [(box.column, box.row) for box in boxes] == [(0, 0), (1, 0)]


def test_two_blocks_never_share_a_place():
    boxes = place([block("a"), block("b"), block("c", "encoder", "a")])
    assert [box.row for box in boxes] == [0, 1, 2]


def test_a_level_arrow_asks_for_a_free_way():
    middle = place([block("e"), block("a", "attention"), block("d", "decoder", "e")])
    assert [(box.column, box.row) for box in middle] == [(0, 0), (1, 0), (2, 1)]


def straight_cuts(line, box):
    """Tell whether the line runs through the inside of the box."""
    for (x1, y1), (x2, y2) in zip(line.points, line.points[1:], strict=False):
        across = min(x1, x2) < box.side(1) and max(x1, x2) > box.side(-1)
        down = min(y1, y2) < box.y + BOX_HEIGHT / 2 and max(y1, y2) > box.y - BOX_HEIGHT / 2
        if across and down:
            return True
    return False


FEEDING = [
    Block(b.name, b.kind, b.shape, 1, (*b.inputs, "vector"), b.side) if b.name == "decoder" else b
    for b in DEFAULT
]
MIDDLE = [
    block("e"), block("a", "attention", "e"), block("d", "decoder"),
    block("f", "decoder", "d"), block("g", "decoder", "a", "e", "f"), block("h", "attention", "g"),
    block("i", "encoder", "h"), block("j", "encoder", "i", "e"),
]  # fmt: skip


@pytest.mark.parametrize("blocks", [DEFAULT, FEEDING, MIDDLE, deep(2), deep(5)])
def test_no_arrow_runs_through_a_box(blocks):
    boxes = place(blocks)
    lines = list(arrows(boxes))
    names = {b.name for b in blocks}
    assert len(lines) == sum(name in names for b in blocks for name in b.inputs)
    for line in lines:
        for box in boxes:
            assert not straight_cuts(line, box), (line, box)


@pytest.mark.parametrize("blocks", [DEFAULT, FEEDING, MIDDLE, deep(3)])
def test_arrows_begin_and_end_at_their_boxes(blocks):
    boxes = {box.block.name: box for box in place(blocks)}
    for line in arrows(list(boxes.values())):
        for name, (x, y) in ((line.source, line.points[0]), (line.target, line.points[-1])):
            box = boxes[name]
            beside = abs(x - box.x) == BOX_WIDTH / 2 and abs(y - box.y) < BOX_HEIGHT / 2
            above = abs(y - box.y) == BOX_HEIGHT / 2 and abs(x - box.x) < BOX_WIDTH / 2
            assert beside or above


def test_input_feeding_runs_back():
    back = [(line.source, line.target) for line in arrows(place(FEEDING)) if line.back]
    assert back == [("vector", "decoder")]


def test_the_outline_of_a_model_fits():
    from workbench.model.outline import outline

    boxes = place(outline(RunConfig(layers=2), 100, 100))
    assert {box.column for box in boxes} == {0, 1, 2}
    assert len({(box.column, box.row) for box in boxes}) == len(boxes)

from itertools import product

import pytest

from workbench.config import RunConfig
from workbench.model.attention import SCORERS
from workbench.model.cells import CELLS
from workbench.model.outline import GATES, outline
from workbench.model.seq2seq import Seq2Seq

SETTINGS = [
    {"encoder": cell, "decoder": cell, "attention": attention, "layers": layers}
    for cell, attention, layers in product(CELLS, ["none", *SCORERS], [1, 3])
] + [
    {"encoder": "lstm", "decoder": "gru", "bidirectional": False, "layers": 2},
    {"encoder": "gru", "decoder": "lstm", "tie_embeddings": True},
    {"input_feeding": True, "layers": 2, "residual": True},
    {"input_feeding": True, "tie_embeddings": True, "bidirectional": False, "attention": "concat"},
]  # fmt: skip


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda some: "-".join(map(str, some.values())))
def test_the_boxes_hold_as_many_parameters_as_the_model(settings):
    config = RunConfig(units=6, embedding=4, **settings)
    blocks = outline(config, 11, 13)
    model = Seq2Seq(config, 11, 13)
    assert sum(block.parameters for block in blocks) == model.count_params()


def test_one_box_counted_by_hand():
    blocks = {b.name: b for b in outline(RunConfig(units=6, embedding=4), 11, 13)}
    assert blocks["source embedding"].parameters == 11 * 4
    assert blocks["encoder layer 1"].parameters == 2 * 4 * 3 * (4 + 3 + 1)
    assert blocks["decoder layer 1"].parameters == 4 * 6 * (4 + 6 + 1)
    assert blocks["attention"].parameters == 2 * 36 + 6
    assert blocks["attentional vector"].parameters == 12 * 6
    assert blocks["output"].parameters == 6 * 13 + 13
    assert blocks["output"].shape == "B × T × 13"


@pytest.mark.parametrize("attention", ["none", "dot"])
def test_every_arrow_begins_at_a_box_that_stands_before(attention):
    seen = set()
    blocks = outline(RunConfig(attention=attention, layers=3), 11, 13)
    for block in blocks:
        assert set(block.inputs) <= seen, block
        assert block.side in ("encoder", "decoder", "attention")
        seen.add(block.name)
    used = {name for block in blocks for name in block.inputs}
    dead_ends = seen - used - {"output"}
    assert not dead_ends


def test_gates_are_those_of_the_cells():
    assert {name: cell.gates for name, cell in CELLS.items()} == GATES


def test_kinds_and_shapes_say_what_was_chosen():
    config = RunConfig(units=6, embedding=4, tie_embeddings=True, encoder="gru", attention="dot")
    blocks = {b.name: b for b in outline(config, 11, 13)}
    assert blocks["encoder layer 1"].kind == "bidirectional gru"
    assert blocks["attention"].kind == "dot"
    assert blocks["output"].kind == "tied softmax"
    one_way = outline(config.replace(bidirectional=False), 11, 13)
    assert one_way[1].kind == "gru"

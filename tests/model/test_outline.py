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
    {"encoder": "lstm", "layers": 3, "bidirectional_layers": 1, "residual": True},
    {"attention_span": "local_m"},
    {"attention_span": "local_p", "attention": "dot"},
    {"attention_span": "monotonic", "attention": "general", "coverage": True},
    {"location_filters": 3, "location_width": 5},
    {"location_filters": 3, "location_width": 5, "coverage": True, "attention": "scaled_dot"},
    {"coverage": True, "attention": "concat"},
    {"encoder": "lstm", "decoder": "gru", "bidirectional": False, "layers": 2},
    {"encoder": "gru", "decoder": "lstm", "tie_embeddings": True},
    {"input_feeding": True, "layers": 2, "residual": True},
    {"input_feeding": True, "tie_embeddings": True, "bidirectional": False, "attention": "concat"},
    {"encoder": "cnn", "decoder": "cnn", "layers": 3, "kernel_width": 4},
    {"encoder": "cnn", "decoder": "cnn", "tie_embeddings": True, "max_length": 7},
    {"encoder": "cnn", "decoder": "cnn", "tie_embeddings": True, "embedding": 6},
    {"encoder": "cnn", "decoder": "lstm", "layers": 2},
    {"encoder": "gru", "decoder": "cnn", "layers": 2},
    {"encoder": "transformer", "decoder": "transformer", "layers": 2, "heads": 2},
    {"encoder": "transformer", "decoder": "transformer", "heads": 3, "norm": "pre",
     "positions": "learned", "embedding": 6, "feed_forward": 5, "tie_embeddings": True},
    {"encoder": "transformer", "decoder": "transformer", "heads": 1, "positions": "relative",
     "segment": 3, "layers": 2, "tie_embeddings": True},
    {"encoder": "transformer", "decoder": "lstm", "heads": 2, "norm": "pre"},
    {"encoder": "gru", "decoder": "transformer", "heads": 2, "layers": 2},
    {"copy_source": True, "decoder": "gru", "layers": 2},
    {"copy_source": True, "encoder": "cnn", "decoder": "cnn", "layers": 2},
    {"copy_source": True, "encoder": "transformer", "decoder": "transformer", "heads": 2},
]  # fmt: skip


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda some: "-".join(map(str, some.values())))
def test_the_boxes_hold_as_many_parameters_as_the_model(settings):
    config = RunConfig(**{"units": 6, "embedding": 4} | settings)
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


@pytest.mark.parametrize(
    "settings",
    [
        {"attention": "none"},
        {"attention": "dot"},
        {"encoder": "cnn"},
        {"decoder": "cnn"},
        {"encoder": "cnn", "decoder": "cnn"},
        {"encoder": "transformer", "decoder": "transformer"},
        {"encoder": "transformer", "norm": "pre"},
    ],
    ids=str,
)
def test_every_arrow_begins_at_a_box_that_stands_before(settings):
    seen = set()
    blocks = outline(RunConfig(layers=3, **settings), 11, 13)
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


def test_convolutions_counted_by_hand():
    chosen = RunConfig(units=6, embedding=4, encoder="cnn", decoder="cnn", kernel_width=5)
    blocks = {b.name: b for b in outline(chosen, 11, 13)}
    assert blocks["encoder entry"].parameters == 101 * 4 + 4 * 6 + 6  # 100 tokens and the end
    assert blocks["encoder layer 1"].parameters == 5 * 6 * 12 + 12
    assert blocks["decoder layer 1"].parameters == 5 * 6 * 12 + 12
    assert blocks["attention 1"].parameters == 6 * 6 + 6
    assert blocks["attention 1"].inputs == ("encoder exit", "decoder layer 1")
    assert blocks["decoder exit"].shape == "B × T × 6"


def test_transformer_layers_counted_by_hand():
    chosen = RunConfig(units=6, embedding=4, encoder="transformer", decoder="transformer", heads=2)
    blocks = {b.name: b for b in outline(chosen, 11, 13)}
    attention = 4 * (6 * 6 + 6) + 2 * 6  # four kernels and biases, one normalization
    forward = 6 * 24 + 24 + 24 * 6 + 6 + 2 * 6
    assert blocks["encoder entry"].parameters == 4 * 6
    assert blocks["encoder self-attention 1"].parameters == attention
    assert blocks["decoder layer 1"].parameters == forward
    assert blocks["attention 1"].parameters == attention
    assert blocks["attention 1"].inputs == ("encoder layer 1", "decoder self-attention 1")
    relative = {b.name: b for b in outline(chosen.replace(positions="relative"), 11, 13)}
    assert relative["decoder self-attention 1"].parameters == attention + 6 * 6 + 2 * 6


@pytest.mark.parametrize(
    ("decoder", "attention"),
    [("lstm", "attention"), ("cnn", "attention 2"), ("transformer", "attention 2")],
)
def test_copying_joins_the_output_with_the_last_attention(decoder, attention):
    config = RunConfig(decoder=decoder, layers=2, units=6, heads=2, embedding=4, copy_source=True)
    blocks = outline(config, 11, 13)
    names = [block.name for block in blocks]
    copying = blocks[-1]
    assert (copying.name, copying.kind) == ("copying", "pointer-generator")
    assert copying.parameters == 6 + 6 + 4 + 1  # context, vector, embedding, bias
    assert copying.shape == "B × T × (13 + S)"
    assert {attention, "output", "target embedding"} < set(copying.inputs) < set(names)
    assert set(copying.inputs) > set(blocks[-2].inputs)


def test_wu_et_al_read_both_ways_in_the_first_layer_only():
    blocks = outline(RunConfig(units=6, embedding=4, layers=2, bidirectional_layers=1), 11, 13)
    assert [block.kind for block in blocks[1:3]] == ["bidirectional lstm", "lstm"]
    assert blocks[2].parameters == 4 * 6 * (6 + 6 + 1)


def test_attention_counted_by_hand():
    chosen = RunConfig(
        units=6, embedding=4, attention_span="local_p", location_filters=3, location_width=5,
        coverage=True,
    )  # fmt: skip
    (block,) = (b for b in outline(chosen, 11, 13) if b.name == "attention")
    assert block.kind == "additive, local_p, location, coverage"
    assert block.parameters == (2 * 36 + 6) + (3 + 1) * 6 + 5 * 3 + (36 + 6)

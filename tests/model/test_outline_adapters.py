import pytest

from workbench.config import RunConfig
from workbench.model.lora import Lora
from workbench.model.outline import outline
from workbench.model.seq2seq import Seq2Seq

SMALL = {"units": 8, "embedding": 6, "layers": 2, "heads": 2, "adapt_from": "somewhere"}
SETTINGS = [
    {},
    {"encoder": "gru", "decoder": "rnn", "attention": "concat", "bidirectional": False},
    {"attention": "general", "tie_embeddings": True, "bidirectional_layers": 1},
    {"attention": "scaled_dot", "input_feeding": True, "attention_span": "local_p"},
    {"attention": "none", "copy_source": False},
    {"location_filters": 5, "location_width": 7, "coverage": True},
    {"encoder": "cnn", "decoder": "cnn", "kernel_width": 4},
    {"encoder": "cnn", "decoder": "lstm", "tie_embeddings": True, "embedding": 8},
    {"encoder": "transformer", "decoder": "transformer"},
    {"encoder": "transformer", "decoder": "transformer", "positions": "relative", "embedding": 8},
    {"encoder": "transformer", "decoder": "gru", "positions": "learned", "feed_forward": 12},
]


@pytest.mark.parametrize("adapter", ["lora", "bottleneck"])
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_the_boxes_hold_as_many_parameters_as_the_adapted_model(settings, adapter):
    config = RunConfig(**SMALL | settings, adapter=adapter, adapter_rank=3)
    model = Seq2Seq(config, 11, 13)
    if adapter == "lora":
        model = Lora(model, config.adapter_rank, config.adapter_scale)
    blocks = outline(config, 11, 13)
    plain = outline(config.replace(adapter="none"), 11, 13)
    assert sum(block.parameters for block in blocks) == model.count_params()
    assert [block.name for block in blocks] == [block.name for block in plain]


def test_boxes_counted_by_hand():
    config = RunConfig(**SMALL, adapter="lora", adapter_rank=2)
    lora = {block.name: block for block in outline(config, 11, 13)}
    plain = {block.name: block for block in outline(config.replace(adapter="none"), 11, 13)}
    assert lora["output"].parameters - plain["output"].parameters == 2 * (8 + 13)
    first = lora["encoder layer 1"].parameters - plain["encoder layer 1"].parameters
    assert first == 2 * (2 * (6 + 16) + 2 * (4 + 16))
    assert lora["output"].kind == "softmax, lora"
    assert lora["source embedding"] == plain["source embedding"]
    bottleneck = {
        block.name: block for block in outline(config.replace(adapter="bottleneck"), 11, 13)
    }
    second = bottleneck["decoder layer 2"].parameters - plain["decoder layer 2"].parameters
    assert second == 8 * 2 + 2 + 2 * 8 + 8  # Houlsby et al. 2019, section 2.1: 2md + d + m
    assert bottleneck["decoder layer 2"].kind == "lstm, bottleneck"

import pytest

from workbench.config import OWN_ATTENTION, RunConfig, settings
from workbench.errors import SettingsError
from workbench.model.outline import outline
from workbench.model.relevance import offered, without_effect
from workbench.training.schedule import learning_rate

MODELS = [
    {},
    {"attention": "none"},
    {"bidirectional": False, "layers": 2},
    {"attention_span": "local_m", "location_filters": 2, "location_width": 3},
    {"encoder": "cnn", "decoder": "cnn"},
    {"encoder": "cnn", "decoder": "gru", "attention": "dot"},
    {"encoder": "transformer", "decoder": "transformer"},
    {"encoder": "transformer", "decoder": "lstm", "layers": 2, "residual": True},
    {"encoder": "gru", "decoder": "transformer", "positions": "relative", "segment": 4},
]
OTHER = {
    "bidirectional": False, "bidirectional_layers": 1, "residual": True, "input_feeding": True,
    "attention_span": "local_p", "attention_window": 3, "location_filters": 2,
    "location_width": 5, "coverage": True, "kernel_width": 5, "heads": 2, "feed_forward": 7,
    "norm": "pre", "positions": "learned", "adapter_rank": 2, "adapter_scale": 2.0,
}  # fmt: skip
KNOWN = {setting.name: setting for setting in settings()}


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_what_has_no_effect_changes_no_box_or_is_refused(model):
    config = RunConfig(**model)
    before = outline(config, 20, 20)
    for name in OTHER.keys() & without_effect(config).keys():
        try:
            changed = config.replace(**{name: OTHER[name]})
        except SettingsError:
            continue  # no model at all can have it
        assert outline(changed, 20, 20) == before, name


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_what_changes_the_boxes_has_an_effect(model):
    config = RunConfig(**model)
    before, idle = outline(config, 20, 20), without_effect(config)
    for name, value in OTHER.items():
        try:
            changed = config.replace(**{name: value})
        except SettingsError:
            continue
        if outline(changed, 20, 20) != before:
            assert name not in idle


def test_each_is_a_setting_with_a_reason():
    for model in MODELS:
        found = without_effect(RunConfig(**model))
        assert found.keys() <= KNOWN.keys()
        assert all(reason and reason[0].islower() for reason in found.values())


def test_the_floor_of_a_rate_that_has_none():
    for schedule in ("constant", "inverse_sqrt"):
        config = RunConfig(schedule=schedule)
        assert "learning_rate_floor" in without_effect(config)
        other = config.replace(learning_rate_floor=0.5)
        assert learning_rate(config, 90, 100) == learning_rate(other, 90, 100)
    assert "learning_rate_floor" not in without_effect(RunConfig(schedule="cosine"))


def test_settings_that_wait_for_another():
    idle = without_effect(RunConfig())
    assert idle["weight_decay"] == "choose adamw or sgd first"
    assert "adapter" in idle
    assert "stochastic_depth" in idle
    assert "validation_share" not in idle
    chosen = without_effect(
        RunConfig(
            optimizer="adamw", layers=2, residual=True, adapt_from="run", adapter="lora",
            train_file="a", validation_file="b", test_file="c",
        )
    )  # fmt: skip
    waited = {"weight_decay", "adapter", "adapter_rank", "adapter_scale", "residual"}
    assert not chosen.keys() & waited
    assert {"validation_share", "test_share"} <= chosen.keys()


def test_only_attention_that_the_decoder_may_have_is_offered():
    attention = KNOWN["attention"]
    for decoder, own in OWN_ATTENTION.items():
        assert offered(RunConfig(decoder=decoder), attention) == (own,)
    choices = offered(RunConfig(), attention)
    assert set(choices) | set(OWN_ATTENTION.values()) == set(attention.choices)
    for choice in choices:
        RunConfig(attention=choice)  # none of them is refused
    assert offered(RunConfig(), KNOWN["encoder"]) == KNOWN["encoder"].choices

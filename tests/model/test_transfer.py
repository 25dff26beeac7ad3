"""What the session does with these is tested in `tests/session/test_adapters.py`."""

import numpy as np
import pytest

from workbench.errors import RunError, SettingsError
from workbench.model.adapters import bottlenecks
from workbench.model.storage import build_model, save_model
from workbench.model.transfer import adopted, merged, take_weights, trained_codec


@pytest.fixture
def adapting(config, codec, model, tmp_path):
    """Settings that adapt a saved model, and leave all that is its own at the default."""
    save_model(tmp_path / "run" / "model", config, codec, model)
    given = {"adapt_from": str(tmp_path / "run"), "adapter": "lora", "adapter_rank": 2}
    return type(config)(**given, seed=4)


def test_only_text_and_model_settings_are_adopted(config, adapting):
    whole = adopted(adapting)
    assert (whole.units, whole.embedding, whole.dropout) == (8, 6, 0.2)
    assert (whole.seed, whole.batch_size, whole.beam_width) == (4, 64, 5)
    assert whole.adapter == "lora"
    assert adopted(whole) == whole
    assert adopted(config) is config


def test_what_shapes_weights_must_agree_and_dropout_need_not(adapting):
    assert adopted(adapting.replace(dropout=0.4, units=8)).dropout == 0.4
    for changes in ({"units": 16}, {"tie_embeddings": True}, {"encoder": "gru"}):
        (name,) = changes
        with pytest.raises(SettingsError, match=f"{name} is .* in adapt_from has .* leave {name}"):
            adopted(adapting.replace(**changes))


@pytest.mark.parametrize("adapter", ["none", "lora", "bottleneck"])
def test_shared_weights_are_taken_and_new_ones_begin_as_they_are(adapting, model, adapter):
    config, codec = adopted(adapting.replace(adapter=adapter)), trained_codec(adapting)
    fresh, adapted = build_model(config, codec), build_model(config, codec)
    take_weights(adapted, config, codec)
    base = adapted.base if adapter == "lora" else adapted
    new = {id(weight) for weight in bottlenecks(base)}
    shared = [weight for weight in base.weights if id(weight) not in new]
    assert all(map(np.array_equal, shared, model.get_weights()))
    own = {id(weight) for weight in shared}
    for weight, begin in zip(adapted.weights, fresh.weights, strict=True):
        if id(weight) not in own:
            np.testing.assert_array_equal(weight, begin)


def test_a_lora_becomes_a_plain_model(adapting, tmp_path):
    config, codec = adopted(adapting), trained_codec(adapting)
    lora = build_model(config, codec)
    take_weights(lora, config, codec)
    for weight in lora.b:
        weight.assign(weight + 0.1)
    plain, whole = merged(config, codec, lora)
    assert plain == config.replace(adapter="none", adapt_from="")
    assert all(map(np.array_equal, whole.get_weights(), lora.merged_weights()))
    with pytest.raises(RunError, match="adapter is 'none': only lora can be merged"):
        merged(plain, codec, whole)
    save_model(tmp_path / "lora", config, codec, lora)
    again = adopted(adapting.replace(adapt_from=str(tmp_path / "lora"), adapter="none"))
    model = build_model(again, codec)
    take_weights(model, again, codec)
    assert all(map(np.array_equal, model.get_weights(), whole.get_weights()))

import numpy as np
import pytest

from workbench.errors import RunError
from workbench.model.lora import Lora
from workbench.model.storage import (
    build_model,
    find_model,
    load_weights,
    read_settings,
    save_model,
)


def test_neighbouring_seeds_share_no_weights(config, codec):
    one, two = (build_model(config.replace(seed=seed), codec) for seed in (1, 2))
    rows = {tuple(row) for model in (one, two)
            for weight in model.get_weights() if weight.ndim == 2 for row in weight}  # fmt: skip
    count = sum(len(weight) for weight in one.get_weights() if weight.ndim == 2)
    assert len(rows) == 2 * count


def test_the_same_seed_gives_the_same_weights(config, codec):
    one, two = (build_model(config, codec).get_weights() for _ in range(2))
    assert all(map(np.array_equal, one, two))


def test_a_model_comes_back_as_it_was(config, codec, model, tmp_path):
    save_model(tmp_path / "model", config, codec, model)
    assert read_settings(tmp_path / "model") == config
    again = build_model(config, codec)
    load_weights(tmp_path / "model", again)
    assert all(map(np.array_equal, model.get_weights(), again.get_weights()))


def test_saving_never_replaces_what_is_no_model(config, codec, model, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(RunError, match="no model"):
        save_model(tmp_path, config, codec, model)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_weights_of_another_shape_are_refused_on_one_line(config, codec, model, tmp_path):
    save_model(tmp_path / "model", config, codec, model)
    wider = build_model(config.replace(units=32), codec)
    with pytest.raises(RunError, match="cannot load weights") as refusal:
        load_weights(tmp_path / "model", wider)
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 400


def test_settings_that_cannot_be_read_are_named(tmp_path):
    with pytest.raises(RunError, match="expected a directory with a model"):
        read_settings(tmp_path)
    (tmp_path / "config.json").write_text('{"unit": 3}')
    with pytest.raises(RunError, match="'units'"):
        read_settings(tmp_path)


def test_a_model_of_a_run_is_found_and_one_that_is_not_there_is_named(
    config, codec, model, tmp_path
):
    save_model(tmp_path / "run" / "model", config, codec, model)
    assert find_model(tmp_path / "run") == tmp_path / "run" / "model"
    assert find_model(tmp_path / "run" / "model") == tmp_path / "run" / "model"
    with pytest.raises(RunError, match="nowhere: expected a run directory with a model"):
        find_model(tmp_path / "nowhere")


@pytest.mark.parametrize("adapter", ["none", "lora", "bottleneck"])
def test_a_built_model_trains_what_the_settings_say(config, codec, adapter):
    model = build_model(config.replace(adapter=adapter, adapt_from="there"), codec)
    assert isinstance(model, Lora) == (adapter == "lora")
    trained = len(model.trainable_variables)
    assert (trained == len(model.weights)) == (adapter == "none")
    assert trained

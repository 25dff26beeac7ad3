import numpy as np
import pytest
import tensorflow as tf

from workbench.config import RunConfig
from workbench.model.adapters import (
    Bottleneck,
    adapt,
    adapters_for,
    bottlenecks,
    train_bottlenecks,
)
from workbench.model.seq2seq import Seq2Seq

SMALL = {"units": 8, "embedding": 6, "layers": 2, "heads": 2, "adapter_rank": 3}
CODERS = [
    {"encoder": "lstm", "decoder": "lstm"},
    {"encoder": "gru", "decoder": "rnn", "residual": True},
    {"input_feeding": True},
    {"encoder": "cnn", "decoder": "cnn"},
    {"encoder": "transformer", "decoder": "transformer"},
]
SOURCE = tf.constant([[4, 5, 6, 7, 3], [8, 9, 3, 0, 0]])
TARGET = tf.constant([[6, 5, 4, 3], [9, 3, 0, 0]])


def make(settings, **more):
    return Seq2Seq(RunConfig(**SMALL | settings | more), 12, 13, seed=5)


def bottlenecked(settings):
    return make(settings, adapter="bottleneck", adapt_from="somewhere")


def randomize(variables, seed=0):
    print("seed", seed)
    random = np.random.default_rng(seed)
    for variable in variables:
        variable.assign(random.normal(size=variable.shape))


def test_a_bottleneck_is_the_formula():
    adapter = Bottleneck(8, 3, seed=1)
    randomize(adapter.weights)
    down, down_bias, up, up_bias = (weight.numpy() for weight in adapter.weights)
    values = np.random.default_rng(1).normal(size=(2, 5, 8)).astype(np.float32)
    expected = values + np.maximum(values @ down + down_bias, 0) @ up + up_bias
    np.testing.assert_allclose(adapter.adapt(values), expected, rtol=1e-5, atol=1e-6)


def test_a_fresh_bottleneck_changes_nothing():
    values = tf.random.stateless_normal([2, 5, 8], [1, 2])
    np.testing.assert_array_equal(Bottleneck(8, 3, seed=1).adapt(values), values)


def test_there_is_one_bottleneck_a_layer_where_the_settings_ask_for_it():
    settings = RunConfig(**SMALL, adapter="bottleneck", adapt_from="somewhere")
    adapters = adapters_for(settings, seed=4)
    assert [tuple(adapter.down.shape) for adapter in adapters] == [(8, 3), (8, 3)]
    assert not np.array_equal(adapters[0].down, adapters[1].down)
    assert adapters_for(RunConfig(**SMALL), seed=4) == []
    assert adapters_for(settings.replace(adapter="lora"), seed=4) == []
    values = tf.ones([2, 8])
    assert adapt([], 1, values) is values
    adapters[1].up_bias.assign(tf.ones(8))
    np.testing.assert_array_equal(adapt(adapters, 1, values), 2 * values)
    np.testing.assert_array_equal(adapt(adapters, 0, values), values)


@pytest.mark.parametrize("settings", CODERS, ids=str)
def test_fresh_bottlenecks_change_no_output_and_others_do_behind_every_layer(settings):
    plain, adapted = make(settings), bottlenecked(settings)
    new = {id(weight) for weight in bottlenecks(adapted)}
    shared = [weight for weight in adapted.weights if id(weight) not in new]
    for weight, value in zip(shared, plain.get_weights(), strict=True):
        weight.assign(value)
    expected, _ = plain.forward(SOURCE, TARGET)
    np.testing.assert_array_equal(adapted.forward(SOURCE, TARGET)[0], expected)
    for side in (adapted.encoder, adapted.decoder):
        for adapter in side.adapters:
            randomize([adapter.up_bias])
            outcome, _ = adapted.forward(SOURCE, TARGET)
            assert np.abs(outcome - expected).max() > 1e-3
            expected = outcome


@pytest.mark.parametrize("settings", CODERS, ids=str)
def test_steps_read_the_bottlenecks_as_whole_sentences_do(settings):
    model = bottlenecked(settings)
    randomize(bottlenecks(model))
    logits, _ = model.forward(SOURCE[:1], TARGET[:1])
    state, memory = model.encode(SOURCE[:1])
    for position, token in enumerate([2, *TARGET[0, :-1].numpy()]):
        now, _, state = model.step(tf.constant([token]), state, memory)
        np.testing.assert_allclose(now[0], logits[0, position], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("settings", CODERS, ids=str)
def test_only_bottlenecks_are_trained_and_the_order_of_the_weights_stays(settings):
    model = bottlenecked(settings)
    before = [id(weight) for weight in model.weights]
    values = model.get_weights()
    train_bottlenecks(model)
    assert [id(weight) for weight in model.weights] == before
    assert all(map(np.array_equal, model.get_weights(), values))
    trained = {id(weight) for weight in model.trainable_variables}
    assert trained == {id(weight) for weight in bottlenecks(model)}
    assert len(trained) == 2 * 2 * 4  # sides, layers, weights each

import numpy as np
import pytest
import tensorflow as tf

from workbench.data.batches import batches
from workbench.data.tokenizer import BEGIN
from workbench.model.noise import Noise
from workbench.training import sampling
from workbench.training.loss import cross_entropy
from workbench.training.step import TrainingStep

NOISE = Noise(0.0, tf.constant([3, 1]))
SHAPES = [{}, {"input_feeding": True}, {"encoder": "cnn", "decoder": "cnn"},
          {"decoder": "transformer", "heads": 2}]  # fmt: skip


def drawer(settings):
    at_once = settings.decoder in sampling.AT_ONCE
    return sampling._inputs_at_once if at_once else sampling._inputs_one_by_one


@pytest.fixture(params=SHAPES, ids=["lstm", "fed", "cnn", "transformer"])
def settings(request, config):
    return config.replace(
        **{"attention": {"cnn": "multi_step", "transformer": "multi_head"}.get(
            request.param.get("decoder"), "additive")} | request.param
    )  # fmt: skip


@pytest.fixture(scope="module")
def some(encoded):
    return next(iter(batches(encoded, 30, seed=1, epoch=0)))


@pytest.fixture
def sharp(make_model, settings):
    """A model so sure of itself that what it draws is what it thinks most likely."""
    model = make_model(settings)
    for weight in model.weights:
        weight.assign(4 * weight)
    model.output_kernel.assign(1000 * model.output_kernel)
    return model


def test_without_a_chance_the_inputs_are_the_true_tokens(sharp, settings, some):
    inputs = drawer(settings)(sharp, some.source, some.target, tf.constant(0.0), NOISE).numpy()
    assert (inputs[:, 0] == BEGIN).all()
    np.testing.assert_array_equal(inputs[:, 1:], some.target[:, :-1])


def test_with_certainty_the_inputs_are_what_the_model_says(sharp, settings, some):
    """Token by token that is greedy search; at once it is the best guess after true tokens."""
    inputs = drawer(settings)(sharp, some.source, some.target, tf.constant(1.0), NOISE).numpy()
    shown = some.target if settings.decoder in sampling.AT_ONCE else np.pad(
        inputs[:, 1:], [(0, 0), (0, 1)], constant_values=4)  # fmt: skip
    logits = sharp.forward(some.source, shown, inputs=None)[0].numpy()
    real = some.target[:, :-1] != 0
    agree = (inputs[:, 1:] == logits.argmax(-1)[:, :-1])[real]
    assert agree.mean() > 0.9
    assert (inputs[:, 1:] != some.target[:, :-1]).mean() > 0.3


def test_the_share_of_replaced_tokens_is_the_chance(some):
    coins = sampling._coins(tf.zeros([200, 50], tf.int32), tf.constant(0.3), NOISE)
    assert np.mean(coins) == pytest.approx(0.3, abs=0.02)


def test_the_draw_follows_the_distribution():
    logits = tf.math.log(tf.repeat([[0.1, 0.2, 0.7]], 5000, 0))
    drawn = sampling._draw(logits, NOISE).numpy()
    np.testing.assert_allclose(np.bincount(drawn) / 5000, [0.1, 0.2, 0.7], atol=0.02)


def test_a_step_with_sampling_is_repeatable_and_differs(make_model, settings, some):
    sampled = settings.replace(scheduled_sampling=1.0, dropout=0.0)
    steps = TrainingStep(make_model(sampled), sampled, 0.0)
    logits, _ = steps.model.forward(some.source, some.target)
    nats, tokens = cross_entropy(logits, some.target, 0.0, steps.model.target_size)
    none, _, _ = steps(some, 1, 0.0, chance=0.0)
    assert none == pytest.approx(float(nats / tokens), rel=1e-5)
    one, _, _ = steps(some, 1, 0.0, chance=1.0)
    assert steps(some, 1, 0.0, chance=1.0)[0] == one
    assert one != pytest.approx(none, rel=1e-4)
    assert steps(some, 2, 0.0, chance=1.0)[0] != one
    assert steps.traces == 1

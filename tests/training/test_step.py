import numpy as np
import pytest
import tensorflow as tf

from workbench.data.batches import Batch, batches
from workbench.data.tokenizer import PAD
from workbench.training.step import TrainingStep, make_optimizer


@pytest.fixture(scope="module")
def step_for(make_model, config):
    def make(**changes):
        settings = config.replace(**changes)
        return TrainingStep(make_model(settings), settings, settings.dropout)

    return make


@pytest.fixture(scope="module")
def adam(step_for):
    return step_for(dropout=0.1)


@pytest.fixture(scope="module")
def descent(step_for):
    """Plain descent, unclipped: at rate 1 the weights move by the gradient itself."""
    return step_for(optimizer="sgd", dropout=0.0, clip_norm=0, label_smoothing=0.1)


@pytest.fixture(scope="module")
def some(encoded):
    return list(batches(encoded, 16, seed=1, epoch=0))


def move(steps, batch):
    """Return by how much a step at rate 1 moves the weights, and what it says it did."""
    before = steps.model.get_weights()
    said = steps(batch, 1, 1.0)
    after = steps.model.get_weights()
    steps.model.set_weights(before)
    moved = [(new - old).ravel() for new, old in zip(after, before, strict=True)]
    return np.concatenate(moved), *said


def test_one_seed_and_step_drop_the_same_units(adam, some):
    """At rate 0 nothing is learnt in between."""
    first = adam(some[0], 7, 0.0)
    assert adam(some[0], 7, 0.0) == first
    assert adam(some[0], 8, 0.0) != first


def test_a_small_batch_is_learnt_by_heart_and_the_graph_traced_once(adam, some):
    assert len({each.source.shape + each.target.shape for each in some}) > 1
    losses = [adam(some[0], step, 0.02)[0] for step in range(1, 61)]
    assert losses[0] == pytest.approx(np.log(adam.model.target_size), abs=0.2)  # knows nothing
    assert losses[-1] < 0.25 * losses[0]
    for number, other in enumerate(some, 61):
        _, norm, tokens = adam(other, number, 0.01)
        assert tokens == (other.target != PAD).sum()
        assert norm > 0
    assert adam.traces == 1


def test_a_long_gradient_is_clipped_and_its_length_before_reported(descent, step_for, some):
    clipping = step_for(optimizer="sgd", dropout=0.0, clip_norm=0.01, label_smoothing=0.1)
    whole, _, norm, _ = move(descent, some[0])
    short, _, same_norm, _ = move(clipping, some[0])
    assert norm > 0.1
    assert norm == pytest.approx(same_norm, rel=1e-5)
    assert np.linalg.norm(whole) == pytest.approx(norm, rel=1e-3)
    assert np.linalg.norm(short) == pytest.approx(0.01, rel=1e-3)
    cosine = whole @ short / np.linalg.norm(whole) / np.linalg.norm(short)
    assert cosine == pytest.approx(1, abs=1e-4)


def test_the_loss_is_the_mean_over_real_tokens(descent):
    """A sentence that stands twice in a batch, with padding behind it, counts the same."""
    source, target = np.array([[4, 5, 3]], np.int32), np.array([[6, 3]], np.int32)
    alone, _, tokens = descent(Batch(source, target, np.arange(1)), 1, 0.0)
    assert tokens == 2
    source, target = np.pad(source, [(0, 0), (0, 2)]), np.pad(target, [(0, 0), (0, 3)])
    double = Batch(np.repeat(source, 2, 0), np.repeat(target, 2, 0), np.arange(2))
    twice, _, tokens = descent(double, 1, 0.0)
    assert tokens == 4
    assert twice == pytest.approx(alone, rel=1e-5)


@pytest.mark.parametrize(("optimizer", "decay"), [("adamw", 0.1), ("sgd", 0.1), ("adamw", 0.0)])
def test_weight_decay_spares_biases(optimizer, decay, make_model, config):
    settings = config.replace(optimizer=optimizer, weight_decay=decay)
    model = make_model(settings)
    for weight in model.weights:
        weight.assign(tf.ones(weight.shape))
    made = make_optimizer(settings)
    made.build(model.trainable_variables)
    made.learning_rate.assign(0.5)
    made.apply([tf.zeros(v.shape) for v in model.trainable_variables], model.trainable_variables)
    biases = [weight for weight in model.weights if len(weight.shape) == 1]
    assert len(biases) == 4  # two directions, the decoder, the output
    for weight in model.weights:
        spared = any(weight is bias for bias in biases)
        wanted = 1 if spared else 1 - 0.5 * decay  # Loshchilov & Hutter 2019, algorithm 2
        np.testing.assert_allclose(weight.numpy(), wanted, rtol=1e-6)


def test_adam_is_adam(config):
    """With the first gradient Adam moves by the rate against its sign (Kingma & Ba 2015)."""
    variable = tf.Variable([1.0, 1.0])
    made = make_optimizer(config.replace(optimizer="adam", learning_rate=0.25))
    made.build([variable])
    made.apply([tf.constant([3.0, -0.2])], [variable])
    np.testing.assert_allclose(variable.numpy(), [0.75, 1.25], rtol=1e-4)

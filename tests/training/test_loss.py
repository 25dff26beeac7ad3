import numpy as np
import pytest
import tensorflow as tf

from workbench.training.loss import cross_entropy


def test_two_tokens_by_hand():
    logits = tf.math.log([[[0.1, 0.2, 0.7], [0.5, 0.25, 0.25], [0.1, 0.8, 0.1]]])
    total, tokens = cross_entropy(logits, np.array([[2, 1, 0]]))  # 0 is padding
    assert float(total) == pytest.approx(-np.log(0.7) - np.log(0.25))
    assert float(tokens) == 2


def test_padding_counts_nothing_whatever_its_logits():
    logits = np.random.default_rng(1).normal(size=(2, 4, 5)).astype("f")
    target = np.array([[3, 1, 2, 0], [4, 0, 0, 0]])
    total, tokens = cross_entropy(logits, target, smoothing=0.1)
    logits[target == 0] = 50 * np.arange(5)
    other, _ = cross_entropy(logits, target, smoothing=0.1)
    assert float(other) == float(total)
    assert float(tokens) == 4


def test_smoothing_is_the_cross_entropy_with_a_smoothed_one_hot():
    logits = np.random.default_rng(2).normal(size=(3, 4, 6)).astype("f")
    target = np.random.default_rng(3).integers(1, 6, size=(3, 4))
    log_probabilities = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    wanted = 0.9 * np.eye(6)[target] + 0.1 / 6
    total, _ = cross_entropy(logits, target, smoothing=0.1)
    assert float(total) == pytest.approx(-(wanted * log_probabilities).sum(), rel=1e-5)


@pytest.mark.parametrize(("smoothing", "vocabulary"), [(0.0, None), (0.1, None), (0.1, 5)])
def test_the_gradient_is_the_probability_less_what_was_wanted(smoothing, vocabulary):
    generator = np.random.default_rng(4)
    logits = tf.constant(5 * generator.normal(size=(2, 3, 7)).astype("f"))
    target = generator.integers(0, 7, size=(2, 3))
    target[0, 2] = 0
    with tf.GradientTape() as tape:
        tape.watch(logits)
        total, _ = cross_entropy(logits, tf.constant(target), smoothing, vocabulary)
        weighted = 3 * total
    probabilities = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    wanted = (1 - smoothing) * np.eye(7)[target]
    wanted[..., :vocabulary] += smoothing / (vocabulary or 7)
    expected = 3 * (probabilities - wanted) * (target != 0)[:, :, None]
    np.testing.assert_allclose(tape.gradient(weighted, logits), expected, atol=1e-6)


def test_smoothing_leaves_out_what_may_only_be_copied():
    logits = np.array([[[1.0, 2.0, 3.0, -46.0]]], "f")
    total, _ = cross_entropy(logits, np.array([[2]]), 0.3, vocabulary=3)
    partition = np.log(np.exp(logits).sum())
    assert float(total) == pytest.approx(partition - 0.7 * 3 - 0.3 * 2, rel=1e-6)


def test_a_token_that_is_all_but_impossible_costs_what_it_should():
    """The log-partition stays exact where probabilities vanish."""
    logits = tf.constant([[[1000.0, 0.0, -1000.0, 995.0]]])
    for token, nats in ((2, 2000), (1, 1000), (3, 5)):
        total, _ = cross_entropy(logits, np.array([[token]]))
        assert float(total) == pytest.approx(nats + np.log1p(np.exp(-5)), rel=1e-6)

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

from itertools import product

import numpy as np
import pytest
import tensorflow as tf

from workbench.model.alignment import distance, expected_alignment, hard_alignment, windowed


def logit(probability):
    return np.log(probability) - np.log1p(-np.asarray(probability))


def expected_in_numpy(energy, before):
    """Raffel et al. 2017, equation 9, term by term."""
    p = 1 / (1 + np.exp(-energy.astype("d")))
    return np.array([
        p[j] * sum(before[k] * np.prod(1 - p[k:j]) for k in range(j + 1)) for j in range(len(p))
    ])  # fmt: skip


def test_distance_counts_to_the_right():
    away = distance(tf.constant([[1.5, 0.0]]), tf.constant([[True, True, False]]))
    np.testing.assert_array_equal(away, [[[-1.5, -0.5, 0.5], [0, 1, 2]]])


def test_a_window_by_hand():
    energy = tf.constant([[[0.0, 0.0, np.log(3.0), 9.0]] * 3])
    mask = tf.constant([[True, True, True, False]])
    rows = windowed(energy, mask, tf.constant([[1.5, 2.0, 5.0]]), 1)
    wanted = [[0, 0.25, 0.75, 0], [0, 0.25, 0.75, 0], [0, 0, 0, 0]]
    np.testing.assert_allclose(rows[0], wanted, atol=1e-6)


def test_expected_alignment_by_hand():
    """At 0 with 1/2: half stays; a quarter halts at 1, of which 1/2 goes on; then 1/5 of that."""
    energy = tf.constant(logit([[0.5, 0.5, 0.2]]), tf.float32)
    first = expected_alignment(energy, tf.constant([[1.0, 0.0, 0.0]]))
    np.testing.assert_allclose(first, [[0.5, 0.25, 0.05]], rtol=1e-5)
    second = expected_alignment(energy, first)
    np.testing.assert_allclose(second, [[0.25, 0.25, 0.06]], rtol=1e-5)


@pytest.mark.parametrize("scale", [1, 10, 100])
def test_expected_alignment_is_the_double_loop(scale):
    generator = np.random.default_rng(5)
    energy = (scale * generator.normal(size=(3, 40))).astype("f")
    before = generator.dirichlet(np.ones(40), 3).astype("f")
    before[0] = np.eye(40)[0]
    ours = expected_alignment(tf.constant(energy), tf.constant(before)).numpy()
    for row in range(3):
        wanted = expected_in_numpy(energy[row], before[row])
        np.testing.assert_allclose(ours[row], wanted, rtol=2e-3, atol=1e-6)
    assert (ours.sum(-1) <= 1 + 1e-3).all()


def test_expected_alignment_enumerates_all_paths():
    """Every step may halt at each of 3 positions or behind the last; 3 steps are 64 paths."""
    halting = np.random.default_rng(2).uniform(0.1, 0.9, size=(3, 3))
    chances = np.zeros((3, 3))
    for path in product(range(4), repeat=3):
        chance, stood = 1.0, 0
        for step, place in enumerate(path):
            if place < stood:
                chance = 0.0
            chance *= np.prod(1 - halting[step, stood:place])
            chance *= halting[step, place] if place < 3 else 1.0
            stood = place
        for step, place in enumerate(path):
            if place < 3:
                chances[step, place] += chance
    row = tf.constant([[1.0, 0.0, 0.0]])
    for step in range(3):
        row = expected_alignment(tf.constant(logit(halting[step : step + 1]), tf.float32), row)
        np.testing.assert_allclose(row[0], chances[step], rtol=1e-4)


def test_expected_alignment_has_a_finite_gradient():
    energy = tf.Variable([[-1e9, 60.0, -60.0, 3.0]])
    before = tf.Variable([[1.0, 0.0, 0.0, 0.0]])
    with tf.GradientTape() as tape:
        row = expected_alignment(energy, before)
        second = expected_alignment(energy, row)
    for gradient in tape.gradient(second, [energy, before]):
        assert np.isfinite(gradient.numpy()).all()


def test_the_gradient_is_that_of_small_differences():
    energy = tf.Variable([[0.3, -0.7, 0.2]])
    weights = np.array([1.0, -2.0, 0.5])
    before = np.array([0.6, 0.3, 0.1])
    with tf.GradientTape() as tape:
        row = expected_alignment(energy, tf.constant(before[None], tf.float32))
        total = tf.reduce_sum(row * tf.constant(weights, tf.float32))
    gradient = tape.gradient(total, energy)[0]
    for place, slope in enumerate(gradient):
        nudge = 1e-5 * np.eye(3)[place]
        ends = [expected_in_numpy(energy[0].numpy() + s * nudge, before) @ weights for s in (1, -1)]
        assert float(slope) == pytest.approx((ends[0] - ends[1]) / 2e-5, abs=1e-4)


@pytest.mark.parametrize(
    ("energy", "position", "wanted"),
    [
        ([3, -1, 2, 5], 0, [1, 0, 0, 0]),
        ([3, -1, 2, 5], 1, [0, 0, 1, 0]),
        ([3, -1, 2, 5], 2, [0, 0, 1, 0]),
        ([3, -1, 0, -5], 1, [0, 0, 1, 0]),
        ([3, -1, 2, -5], 3, [0, 0, 0, 0]),
    ],
)
def test_hard_alignment_by_hand(energy, position, wanted):
    row = hard_alignment(tf.constant([energy], tf.float32), tf.constant([position]))
    np.testing.assert_array_equal(row, [wanted])

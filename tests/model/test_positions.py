import numpy as np
import pytest
import tensorflow as tf

from workbench.model.positions import LearnedPositions, RelativePositions, shift, sinusoids


def draw(*shape):
    return np.random.default_rng(shape).normal(size=shape).astype("f")


def test_sinusoids_by_hand():
    """Section 3.5 of Vaswani et al. 2017 at 4 units: the rates are 1 and 1 / 100."""
    wanted = [
        [0, 1, 0, 1],
        [0.841471, 0.540302, 0.010000, 0.999950],
        [0.909297, -0.416147, 0.019999, 0.999800],
        [-0.841471, 0.540302, -0.010000, 0.999950],
    ]
    np.testing.assert_allclose(sinusoids(tf.constant([0, 1, 2, -1]), 4), wanted, atol=1e-6)
    assert sinusoids(tf.constant([[0], [1]]), 4).shape == (2, 1, 4)


def test_positions_beyond_the_table_share_its_last():
    table = LearnedPositions(3, 4, seed=1)
    rows = table.positions.numpy()
    np.testing.assert_array_equal(table.at(tf.constant([[0, 2, 5]])), [rows[[0, 2, 2]]])


@pytest.mark.parametrize(("count", "past"), [(1, 0), (1, 4), (3, 0), (3, 2)])
def test_shift_sorts_by_key(count, past):
    farthest_first = np.arange(past + count - 1, -count - 1, -1)
    by_distance = np.broadcast_to(farthest_first, (2, 2, count, past + 2 * count))
    query, key = np.mgrid[past : past + count, : past + count]
    shifted = shift(tf.constant(by_distance), tf.constant(past))
    np.testing.assert_array_equal(shifted, np.broadcast_to(query - key, (2, 2, *query.shape)))


@pytest.mark.parametrize("past", [0, 2])
def test_relative_energy_term_by_term(past):
    """The four terms of Dai et al. 2019, section 3.3, one pair of positions after another."""
    heads, width, count = 2, 3, 4
    relative = RelativePositions(heads * width, heads, seed=1)
    relative.content.assign(draw(heads, 1, width))
    relative.distance.assign(-draw(heads, 1, width))
    queries, keys = draw(1, heads, count, width), draw(1, heads, past + count, width)
    energy = relative.energy(tf.constant(queries), tf.constant(keys)).numpy()
    u, v = relative.content.numpy()[:, 0], relative.distance.numpy()[:, 0]
    for head, i, j in np.ndindex(heads, count, past + count):
        q, k = queries[0, head, i], keys[0, head, j]
        place = past + i - j
        angles = place / 10_000 ** (np.arange(0, heads * width, 2) / (heads * width))
        sinusoid = np.stack([np.sin(angles), np.cos(angles)], 1).reshape(-1)
        r = (sinusoid @ relative.kernel.numpy())[head * width : (head + 1) * width]
        wanted = q @ k + q @ r + u[head] @ k + v[head] @ r
        assert energy[0, head, i, j] == pytest.approx(wanted, abs=1e-5)

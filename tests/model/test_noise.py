import numpy as np
import pytest
import tensorflow as tf

from workbench.model.noise import Noise, drop, survive

ONES = tf.ones([100, 100])


@pytest.fixture
def noise():
    return Noise(0.3, tf.constant([1, 2]))


def test_one_seed_and_place_drop_the_same_units(noise):
    first = drop(ONES, noise, 4).numpy()
    np.testing.assert_array_equal(first, drop(ONES, Noise(0.3, tf.constant([1, 2])), 4))


def test_another_place_seed_or_step_drops_others(noise):
    others = [
        drop(ONES, noise, 5),
        drop(ONES, noise.at(4), 4),
        drop(ONES, Noise(0.3, tf.constant([1, 3])), 4),
        drop(ONES, Noise(0.3, tf.constant([2, 2])), 4),
    ]
    drawn = [drop(ONES, noise, 4).numpy(), *(other.numpy() for other in others)]
    for index, one in enumerate(drawn):
        for other in drawn[:index]:
            agreed = (one == other).mean()  # 0.7² + 0.3² by chance, standard deviation 0.005
            assert agreed == pytest.approx(0.58, abs=0.03)


def test_the_rate_is_kept_and_the_rest_scaled(noise):
    dropped = drop(2 * ONES, noise, 1).numpy()
    assert (dropped == 0).mean() == pytest.approx(0.3, abs=0.02)  # four standard deviations
    np.testing.assert_allclose(dropped[dropped != 0], 2 / 0.7, rtol=1e-6)


def test_places_inside_a_loop_are_places_outside(noise):
    inside = tf.map_fn(lambda place: noise.at(place).seed, tf.range(3))
    outside = [noise.at(place).seed.numpy() for place in range(3)]
    np.testing.assert_array_equal(inside, outside)


@pytest.mark.parametrize("none", [None, Noise(0.0, tf.constant([1, 2]))])
def test_without_noise_nothing_changes(none):
    assert drop(ONES, none, 1) is ONES


@pytest.mark.parametrize("rate", [0.0, 0.3])
def test_a_branch_survives_whole_or_not_at_all(rate):
    branch = tf.constant(np.random.default_rng(5).normal(size=(4000, 2, 3)).astype("f"))
    noise = Noise(rate, tf.constant([1, 2]))  # whose own rate is another matter
    survived = survive(branch, noise, 7, 0.25).numpy()
    skipped = ~survived.any((1, 2))
    assert skipped.mean() == pytest.approx(0.25, abs=0.03)  # four standard deviations
    np.testing.assert_allclose(survived[~skipped], branch.numpy()[~skipped] / 0.75, rtol=1e-6)
    np.testing.assert_array_equal(survived, survive(branch, noise, 7, 0.25))
    other = survive(branch, noise, 8, 0.25).numpy()
    assert (skipped != ~other.any((1, 2))).mean() == pytest.approx(0.375, abs=0.04)


@pytest.mark.parametrize(("none", "rate"), [(None, 0.5), (Noise(0.5, tf.constant([1, 2])), 0.0)])
def test_outside_training_or_without_a_rate_every_branch_survives(none, rate):
    assert survive(ONES, none, 1, rate) is ONES

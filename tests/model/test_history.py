import numpy as np
import tensorflow as tf

from workbench.config import RunConfig
from workbench.model.history import Features, History

LAST, COVERAGE = [[0.25, 0.75, 0.0]], [[1.0, 1.5, 0.5]]


def features(**changes):
    return Features(RunConfig(units=4, embedding=3, **changes), seed=1)


def test_location_and_coverage_by_hand():
    layer = features(location_filters=2, location_width=3, coverage=True)
    taps = [[1, 0], [2, 1], [4, 0]]  # [width, filters]: left, middle, right
    layer.set_weights([np.array(taps, "f")[:, None, :]])
    told = layer.of(History(tf.constant(LAST), tf.constant(COVERAGE)))
    assert layer.count == 3
    wanted = [
        [2 * 0.25 + 4 * 0.75, 0.25, 1.0],
        [0.25 + 2 * 0.75, 0.75, 1.5],
        [0.75, 0.0, 0.5],
    ]
    np.testing.assert_allclose(told[0], wanted, atol=1e-6)


def test_each_alone_and_none():
    covered = features(coverage=True)
    assert covered.count == 1
    assert not covered.weights
    told = covered.of(History(coverage=tf.constant(COVERAGE)))
    np.testing.assert_array_equal(told[..., 0], COVERAGE)
    located = features(location_filters=3, location_width=5)
    assert located.count == 3
    assert located.of(History(tf.constant(LAST))).shape == (1, 3, 3)
    assert features().count == 0

import numpy as np
import pytest
import tensorflow as tf

from workbench.config import RunConfig
from workbench.model.cells import run
from workbench.model.encoder import RecurrentEncoder
from workbench.model.noise import Noise, drop

WIDTH, UNITS = 3, 6
MASK = np.arange(5) < np.array([[5], [2]])


def settings(**changes):
    return RunConfig(units=UNITS, embedding=WIDTH, **changes)


@pytest.fixture
def embedded():
    return np.random.default_rng(1).normal(size=(2, 5, WIDTH)).astype("f")


def one_way(cell, inputs, backwards=False):
    return run(cell, inputs, MASK, cell.initial_state(2), backwards)


@pytest.mark.parametrize("kind", ["rnn", "lstm", "gru"])
def test_both_ways_stand_side_by_side(kind, embedded):
    encoder = RecurrentEncoder(settings(encoder=kind), seed=1)
    forth, back = encoder.cells
    encoded = encoder.encode(embedded, MASK)
    right, right_state = one_way(forth, embedded)
    left, left_state = one_way(back, embedded, backwards=True)
    assert encoded.values.shape == (2, 5, UNITS)
    np.testing.assert_array_equal(encoded.values, np.concatenate([right, left], -1))
    assert len(encoded.states) == 1
    assert len(encoded.states[0]) == forth.states
    for state, *halves in zip(encoded.states[0], right_state, left_state, strict=True):
        np.testing.assert_array_equal(state, np.concatenate(halves, -1))
    np.testing.assert_array_equal(encoded.mask, MASK)


@pytest.mark.parametrize("residual", [False, True])
def test_layers_read_the_layer_below(residual, embedded):
    chosen = settings(layers=3, residual=residual, bidirectional=False, encoder="gru")
    encoder = RecurrentEncoder(chosen, seed=1)
    encoded = encoder.encode(embedded, MASK)
    values, states = embedded, []
    for layer, cell in enumerate(encoder.cells):
        outputs, state = one_way(cell, values)
        values = outputs + values if residual and layer else outputs
        states.append(state)
    np.testing.assert_allclose(encoded.values, values, atol=1e-6)
    for ours, theirs in zip(encoded.states, states, strict=True):
        np.testing.assert_allclose(ours[0], theirs[0], atol=1e-6)


def test_no_two_cells_begin_alike():
    encoder = RecurrentEncoder(settings(layers=3), seed=1)
    kernels = [cell.recurrent_kernel.numpy() for cell in encoder.cells]
    assert len(kernels) == 6
    for index, kernel in enumerate(kernels):
        assert not any(np.array_equal(kernel, other) for other in kernels[:index])


def test_noise_falls_between_layers_only(embedded):
    """The embeddings have been dropped from already, in `Seq2Seq.encode`."""
    noise = Noise(0.5, tf.constant([1, 1]))
    encoder = RecurrentEncoder(settings(layers=2, bidirectional=False), seed=1)
    first, second = encoder.cells
    below, state = one_way(first, embedded)
    values, _ = one_way(second, drop(below, noise, 1))
    encoded = encoder.encode(embedded, MASK, noise)
    np.testing.assert_array_equal(encoded.states[0][0], state[0])
    np.testing.assert_array_equal(encoded.values, values)
    assert not np.allclose(encoded.values, encoder.encode(embedded, MASK).values)

import numpy as np
import pytest
import tensorflow as tf

from workbench.config import RunConfig
from workbench.model.cells import run
from workbench.model.encoder import RecurrentEncoder
from workbench.model.noise import Noise, drop, survive

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


@pytest.mark.parametrize(("layers_both_ways", "cells"), [(0, 6), (1, 4), (2, 5), (3, 6)])
def test_only_the_first_layers_read_both_ways(layers_both_ways, cells, embedded):
    chosen = settings(layers=3, bidirectional_layers=layers_both_ways, residual=True)
    encoder = RecurrentEncoder(chosen, seed=1)
    assert len(encoder.cells) == cells
    encoded = encoder.encode(embedded, MASK)
    values, rest = embedded, list(encoder.cells)
    for layer in range(3):
        if layer < (layers_both_ways or 3):
            forth, back = rest.pop(0), rest.pop(0)
            assert forth.units == back.units == UNITS // 2
            outputs = np.concatenate(
                [one_way(forth, values)[0], one_way(back, values, backwards=True)[0]], -1
            )
        else:
            cell = rest.pop(0)
            assert cell.units == UNITS
            outputs = one_way(cell, values)[0].numpy()
        values = outputs + values if layer else outputs
    np.testing.assert_allclose(encoded.values, values, atol=1e-6)
    assert all(part.shape == (2, UNITS) for state in encoded.states for part in state)


def test_stochastic_depth_skips_more_of_higher_layers(embedded):
    """Layers 2 and 3 of 3 are skipped with 2/3 and all of the rate (Huang et al. 2016)."""
    chosen = settings(layers=3, residual=True, stochastic_depth=0.6, bidirectional=False)
    encoder = RecurrentEncoder(chosen, seed=1)
    noise = Noise(0.0, tf.constant([5, 1]))
    values = one_way(encoder.cells[0], embedded)[0]
    for layer, rate in ((1, 0.4), (2, 0.6)):
        branch = one_way(encoder.cells[layer], values)[0]
        values = survive(branch, noise, 100 + layer, rate) + values
    np.testing.assert_allclose(encoder.encode(embedded, MASK, noise).values, values, atol=1e-6)
    assert not np.allclose(encoder.encode(embedded, MASK).values, values)

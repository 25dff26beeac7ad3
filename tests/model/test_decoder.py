import numpy as np
import pytest
import tensorflow as tf

from workbench.config import RunConfig
from workbench.model.decoder import RecurrentDecoder
from workbench.model.encoder import Encoded
from workbench.model.noise import Noise

WIDTH, UNITS = 3, 4
MASK = np.array([[True, True, True], [True, False, False]])


def draw(*shape):
    return np.random.default_rng(shape).normal(size=shape).astype("f")


def settings(**changes):
    return RunConfig(units=UNITS, embedding=WIDTH, **changes)


def encoded(states=2, layers=1):
    state = tuple(draw(2, UNITS, 1 + index)[..., 0] for index in range(states))
    return Encoded(tf.constant(draw(2, 3, UNITS)), (state,) * layers, tf.constant(MASK))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm(weights, x, hidden, memory):
    kernel, recurrent, bias = weights
    i, f, g, o = np.split(x @ kernel + hidden @ recurrent + bias, 4)
    memory = sigmoid(f) * memory + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(memory), memory


def attentional_vector(scorer, combine, hidden, source):
    """Bahdanau et al. 2015, section A.1.2, then Luong et al. 2015, equation 5."""
    query_kernel, key_kernel, v = scorer
    energy = np.tanh(hidden @ query_kernel + source @ key_kernel) @ v[:, 0]
    attention = np.exp(energy) / np.exp(energy).sum()
    return np.tanh(np.concatenate([attention @ source, hidden]) @ combine), attention


@pytest.mark.parametrize("input_feeding", [False, True])
def test_two_steps_in_numpy(input_feeding):
    decoder = RecurrentDecoder(settings(input_feeding=input_feeding), seed=3)
    source = encoded()
    state, memory = decoder.begin(source)
    cell, scorer = decoder.cells[0].get_weights(), decoder.scorer.get_weights()
    combine = decoder.combine.get_weights()[0]
    now = [[part[row] for part in source.states[0]] for row in range(2)]
    vectors = np.zeros((2, UNITS))
    for embedded in (draw(2, WIDTH), -draw(2, WIDTH)):
        vector, attention, state = decoder.step(embedded, state, memory)
        for row, length in enumerate(MASK.sum(1)):
            x = np.concatenate([embedded[row], vectors[row]] if input_feeding else [embedded[row]])
            now[row] = lstm(cell, x, *now[row])
            values = source.values.numpy()[row, :length]
            vectors[row], wanted = attentional_vector(scorer, combine, now[row][0], values)
            np.testing.assert_allclose(vector[row], vectors[row], atol=1e-6)
            np.testing.assert_allclose(attention[row, 0, 0, :length], wanted, atol=1e-6)
            assert not attention[row, 0, 0, length:].numpy().any()
            for ours, theirs in zip(state.cells[0], now[row], strict=True):
                np.testing.assert_allclose(ours[row], theirs, atol=1e-6)
    assert input_feeding == (not isinstance(state.fed, tuple))


def test_noise_is_new_at_every_position():
    decoder = RecurrentDecoder(settings(input_feeding=True, layers=2), seed=3)
    state, memory = decoder.begin(encoded(layers=2))
    embedded, noise = np.ones((2, 5, WIDTH), "f"), Noise(0.5, tf.constant([1, 1]))
    together, _ = decoder.unroll(embedded, np.ones((2, 5), bool), state, memory, noise)
    for position in range(5):
        here = noise.at(position)
        vector, _, state = decoder.step(embedded[:, position], state, memory, noise=here)
        np.testing.assert_allclose(together[:, position], vector, atol=1e-6)


def test_residual_layers_add_their_input():
    decoder = RecurrentDecoder(settings(residual=True, layers=2, attention="none"), seed=3)
    state, memory = decoder.begin(encoded(layers=2))
    embedded = draw(2, WIDTH)
    vector, attention, new = decoder.step(embedded, state, memory)
    below = decoder.cells[0].advance(decoder.cells[0].project(embedded), state.cells[0])
    above = decoder.cells[1].advance(decoder.cells[1].project(below[0]), state.cells[1])
    np.testing.assert_allclose(vector, above[0] + below[0], atol=1e-6)
    np.testing.assert_array_equal(new.cells[1][0], above[0])  # the state is the cell's own
    assert attention.shape == (2, 0, 1, 3)


def test_given_attention_is_read_and_returned():
    decoder = RecurrentDecoder(settings(), seed=3)
    source = encoded()
    state, memory = decoder.begin(source)
    given = tf.constant([[[[0.0, 0.25, 0.75]]], [[[0.5, 0.5, 0.0]]]])
    vector, used, _ = decoder.step(draw(2, WIDTH), state, memory, given)
    own, own_attention, new = decoder.step(draw(2, WIDTH), state, memory)
    np.testing.assert_array_equal(used, given)
    assert not np.allclose(own_attention, given)
    context = given[:, 0] @ source.values  # [B, 1, U]
    hidden = new.cells[0][0]
    wanted = np.tanh(np.concatenate([context[:, 0], hidden], -1) @ decoder.combine.kernel)
    np.testing.assert_allclose(vector, wanted, atol=1e-6)
    assert not np.allclose(own, wanted)


def test_keys_are_projected_once_a_sentence():
    decoder = RecurrentDecoder(settings(attention="general"), seed=3)
    _, memory = decoder.begin(encoded())
    np.testing.assert_array_equal(memory.keys, decoder.scorer.keys(encoded().values))
    _, without = RecurrentDecoder(settings(attention="none"), seed=3).begin(encoded())
    assert without.keys.shape == (2, 3, 0)


@pytest.mark.parametrize(
    ("encoder_states", "decoder", "places"),
    [(2, "lstm", [0, 1]), (1, "lstm", [0, 0]), (2, "gru", [0]), (1, "rnn", [0])],
)
def test_a_state_may_come_from_another_kind_of_cell(encoder_states, decoder, places):
    source = encoded(encoder_states)
    state, _ = RecurrentDecoder(settings(decoder=decoder), seed=3).begin(source)
    assert len(state.cells[0]) == len(places)
    for part, place in zip(state.cells[0], places, strict=True):
        np.testing.assert_array_equal(part, source.states[0][place])

import numpy as np
import pytest
import tensorflow as tf

from workbench.config import RunConfig
from workbench.model.attention import SCORERS
from workbench.model.decoder import RecurrentDecoder
from workbench.model.encoder import Encoded
from workbench.model.history import History
from workbench.model.noise import Noise
from workbench.model.spans import SPANS

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


def rnn(weights, x, hidden):
    kernel, recurrent, bias = weights
    return (np.tanh(x @ kernel + hidden @ recurrent + bias),)


def lstm(weights, x, hidden, memory):
    kernel, recurrent, bias = weights
    i, f, g, o = np.split(x @ kernel + hidden @ recurrent + bias, 4)
    memory = sigmoid(f) * memory + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(memory), memory


def gru(weights, x, hidden):
    kernel, recurrent, bias = weights
    update, reset, candidate = np.split(x @ kernel + bias, 3)
    from_update, from_reset, from_candidate = np.split(hidden @ recurrent, 3)
    update, reset = sigmoid(update + from_update), sigmoid(reset + from_reset)
    return (update * hidden + (1 - update) * np.tanh(candidate + reset * from_candidate),)


ADVANCE = {"rnn": rnn, "lstm": lstm, "gru": gru}


def energies(name, scorer, hidden, source):
    """Score a state [U] against the source [S, U]."""
    if name == "dot":
        return source @ hidden
    if name == "general":
        return source @ scorer[0] @ hidden
    if name == "scaled_dot":
        return (source @ scorer[1]) @ (hidden @ scorer[0]) / np.sqrt(UNITS)
    if name == "additive":
        return np.tanh(hidden @ scorer[0] + source @ scorer[1]) @ scorer[2][:, 0]
    both = np.concatenate([np.broadcast_to(hidden, source.shape), source], -1)
    return np.tanh(both @ scorer[0]) @ scorer[1][:, 0]


def attentional_vector(energy, combine, hidden, source):
    """Luong et al. 2015, equations 7 and 5."""
    attention = np.exp(energy) / np.exp(energy).sum()
    return np.tanh(np.concatenate([attention @ source, hidden]) @ combine), attention


@pytest.mark.parametrize("input_feeding", [False, True])
@pytest.mark.parametrize("attention", SCORERS)
@pytest.mark.parametrize("kind", ADVANCE)
def test_two_steps_in_numpy(kind, attention, input_feeding):
    chosen = settings(decoder=kind, attention=attention, input_feeding=input_feeding)
    decoder = RecurrentDecoder(chosen, seed=3)
    source = encoded(states=2 if kind == "lstm" else 1)
    state, memory = decoder.begin(source)
    cell, scorer = decoder.cells[0].get_weights(), decoder.scorer.get_weights()
    combine = decoder.combine.get_weights()[0]
    now = [[part[row] for part in source.states[0]] for row in range(2)]
    vectors = np.zeros((2, UNITS))
    for embedded in (draw(2, WIDTH), -draw(2, WIDTH)):
        vector, used, state = decoder.step(embedded, state, memory)
        for row, length in enumerate(MASK.sum(1)):
            x = np.concatenate([embedded[row], vectors[row]] if input_feeding else [embedded[row]])
            now[row] = ADVANCE[kind](cell, x, *now[row])
            values = source.values.numpy()[row, :length]
            energy = energies(attention, scorer, now[row][0], values)
            vectors[row], wanted = attentional_vector(energy, combine, now[row][0], values)
            np.testing.assert_allclose(vector[row], vectors[row], atol=1e-6)
            np.testing.assert_allclose(used[row, 0, 0, :length], wanted, atol=1e-6)
            assert not used[row, 0, 0, length:].numpy().any()
            for ours, theirs in zip(state.cells[0], now[row], strict=True):
                np.testing.assert_allclose(ours[row], theirs, atol=1e-6)
    assert input_feeding == (not isinstance(state.fed, tuple))


EVERYTHING = {"location_filters": 2, "location_width": 3, "coverage": True}


def alive(span, **changes):
    """Make a decoder whose attention is not the same at every step."""
    chosen = settings(attention_span=span, attention_window=2, **changes)
    decoder = RecurrentDecoder(chosen, seed=3)
    for place, weight in enumerate(decoder.scorer.weights):
        weight.assign(3 * draw(*weight.shape, place + 1)[..., 0])
    return decoder


@pytest.mark.parametrize("input_feeding", [False, True])
@pytest.mark.parametrize("coverage", [False, True])
@pytest.mark.parametrize("filters", [0, 2])
@pytest.mark.parametrize("span", SPANS)
def test_repeated_steps_are_one_unrolled_sentence(span, filters, coverage, input_feeding):
    decoder = alive(
        span, location_filters=filters, location_width=3, coverage=coverage,
        input_feeding=input_feeding,
    )  # fmt: skip
    state, memory = decoder.begin(encoded())
    embedded = 2 * draw(2, 5, WIDTH)
    vectors, attention = decoder.unroll(embedded, np.ones((2, 5), bool), state, memory)
    for position in range(5):
        vector, used, state = decoder.step(embedded[:, position], state, memory)
        np.testing.assert_allclose(vectors[:, position], vector, atol=1e-6)
        np.testing.assert_allclose(attention[:, :, :, position], used, atol=1e-6)
    if span != "monotonic" or filters or coverage:  # that alone halts at one place throughout
        assert np.ptp(attention, axis=3).max() > 0.01
    assert not attention[1, ..., 1:].numpy().any()  # padding


@pytest.mark.parametrize("span", SPANS)
def test_one_graph_takes_sources_and_targets_of_every_length(span):
    decoder = alive(span, input_feeding=True, **EVERYTHING)

    @tf.function(autograph=False, input_signature=[
        tf.TensorSpec([None, None, UNITS]), tf.TensorSpec([None, None], tf.bool),
        tf.TensorSpec([None, None, WIDTH]),
    ])  # fmt: skip
    def unroll(values, mask, embedded):
        first = (values[:, 0], values[:, 0])
        state, memory = decoder.begin(Encoded(values, (first,), mask))
        return decoder.unroll(embedded, embedded[..., 0] > -9, state, memory)

    for batch, source, target in [(2, 3, 4), (1, 5, 2)]:
        vectors, attention = unroll(
            draw(batch, source, UNITS), np.ones((batch, source), bool), draw(batch, target, WIDTH)
        )
        assert vectors.shape == (batch, target, UNITS)
        assert attention.shape == (batch, 1, 1, target, source)


def test_a_step_is_told_what_was_read():
    decoder = alive("global", **EVERYTHING)
    source = encoded()
    state, memory = decoder.begin(source)
    read = np.array([[0.2, 0.5, 0.3], [1, 0, 0]], "f")
    state = state._replace(history=History(attention=read, coverage=read + 1))
    _, used, new = decoder.step(draw(2, WIDTH), state, memory)
    kernel, wq, wk, v = decoder.scorer.get_weights()
    taps = decoder.features.kernel.numpy()[:, 0]  # [width, filters]
    padded = np.pad(read[0], 1)
    located = np.array([padded[s : s + 3] @ taps for s in range(3)])
    told = np.concatenate([located, read[0][:, None] + 1], -1) @ kernel
    hidden = new.cells[0][0][0].numpy()
    energy = np.tanh(hidden @ wq + source.values.numpy()[0] @ wk + told) @ v[:, 0]
    wanted = np.exp(energy) / np.exp(energy).sum()
    np.testing.assert_allclose(used[0, 0, 0], wanted, atol=1e-6)


@pytest.mark.parametrize("span", SPANS)
def test_given_attention_is_what_later_steps_go_on_from(span):
    decoder = alive(span, **EVERYTHING)
    state, memory = decoder.begin(encoded())
    given = tf.constant([[[[0.0, 0.25, 0.75]]], [[[1.0, 0.0, 0.0]]]])
    _, used, new = decoder.step(draw(2, WIDTH), state, memory, given)
    np.testing.assert_array_equal(used, given)
    np.testing.assert_array_equal(new.history.attention, given[:, 0, 0])
    np.testing.assert_array_equal(new.history.coverage, given[:, 0, 0])
    if span == "monotonic":
        np.testing.assert_array_equal(new.history.position, [2, 0])
    if span == "local_m":
        np.testing.assert_array_equal(new.history.position, [1, 1])


def test_monotonic_attention_is_soft_in_training_only():
    decoder = alive("monotonic")
    state, memory = decoder.begin(encoded())
    embedded, mask = 2 * draw(2, 5, WIDTH), np.ones((2, 5), bool)
    _, hard = decoder.unroll(embedded, mask, state, memory)
    _, soft = decoder.unroll(embedded, mask, state, memory, Noise(0.0, tf.constant([1, 1])))
    assert set(np.unique(hard)) == {0, 1}
    assert ((soft.numpy() > 0.01) & (soft.numpy() < 0.99)).any()


def test_stochastic_depth_skips_upper_layers_in_training():
    """Layer 2 of 2 takes the whole rate: its branch is dropped or doubled."""
    chosen = settings(residual=True, layers=2, attention="none", stochastic_depth=0.5, dropout=0)
    decoder = RecurrentDecoder(chosen, seed=3)
    state, memory = decoder.begin(encoded(layers=2))
    embedded, seen = draw(2, WIDTH), set()
    for seed in range(8):
        noise = Noise(0.0, tf.constant([seed, 1]))
        vector, _, new = decoder.step(embedded, state, memory, noise=noise)
        below, branch = new.cells[0][0], new.cells[1][0]
        for row in range(2):
            factor = (vector - below)[row].numpy() / branch[row].numpy()
            np.testing.assert_allclose(factor, factor[0], atol=1e-4)
            seen.add(round(float(factor[0])))
    assert seen == {0, 2}
    vector, _, new = decoder.step(embedded, state, memory)
    np.testing.assert_allclose(vector, new.cells[0][0] + new.cells[1][0], atol=1e-6)


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

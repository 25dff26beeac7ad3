import numpy as np
import pytest

from workbench.model.cells import CELLS, run

WIDTH, UNITS = 3, 4
LENGTHS = [5, 2, 1]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def rnn(w, u, b, x, state):
    return (np.tanh(x @ w + state[0] @ u + b),)


def lstm(w, u, b, x, state):
    hidden, memory = state
    i, f, g, o = np.split(x @ w + hidden @ u + b, 4, axis=-1)
    memory = sigmoid(f) * memory + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(memory), memory


def gru(w, u, b, x, state):
    (wz, wr, wn), (uz, ur, un), (bz, br, bn) = (np.split(m, 3, axis=-1) for m in (w, u, b))
    h = state[0]
    z = sigmoid(x @ wz + h @ uz + bz)
    r = sigmoid(x @ wr + h @ ur + br)
    return (z * h + (1 - z) * np.tanh(x @ wn + bn + r * (h @ un)),)


IN_NUMPY = {"rnn": rnn, "lstm": lstm, "gru": gru}


@pytest.fixture(params=CELLS)
def name(request):
    return request.param


@pytest.fixture
def cell(name):
    cell = CELLS[name](WIDTH, UNITS, seed=1)
    cell.bias.assign(np.random.default_rng(2).normal(size=cell.bias.shape))
    return cell


@pytest.fixture
def inputs():
    return np.random.default_rng(3).normal(size=(3, 5, WIDTH)).astype("f")


@pytest.fixture
def mask():
    return np.arange(5) < np.array(LENGTHS)[:, None]


@pytest.fixture
def state(cell):
    generator = np.random.default_rng(4)
    return tuple(generator.normal(size=(3, UNITS)).astype("f") for _ in range(cell.states))


def test_one_step_is_the_published_formula(name, cell, inputs, state):
    new = cell.advance(cell.project(inputs[:, 0]), state)
    wanted = IN_NUMPY[name](*cell.get_weights(), inputs[:, 0], state)
    assert len(new) == len(wanted) == cell.states
    for ours, theirs in zip(new, wanted, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_a_sentence_is_one_step_after_another(cell, inputs, state):
    outputs, last = run(cell, inputs, np.ones((3, 5), bool), state)
    for time in range(5):
        state = cell.advance(cell.project(inputs[:, time]), state)
        np.testing.assert_allclose(outputs[:, time], state[0], atol=1e-6)
    for ours, theirs in zip(last, state, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


@pytest.mark.parametrize("backwards", [False, True])
def test_padding_changes_nothing(cell, inputs, mask, state, backwards):
    outputs, last = run(cell, inputs, mask, state, backwards)
    noisy = np.where(mask[:, :, None], inputs, 1e3).astype("f")
    others, other_last = run(cell, noisy, mask, state, backwards)
    np.testing.assert_array_equal(outputs.numpy()[mask], others.numpy()[mask])
    for row, length in enumerate(LENGTHS):
        alone = tuple(each[row : row + 1] for each in state)
        real = inputs[row : row + 1, :length]
        short, short_last = run(cell, real, np.ones((1, length), bool), alone, backwards)
        np.testing.assert_allclose(outputs[row, :length], short[0], atol=1e-6)
        for some in (last, other_last):
            for ours, theirs in zip(some, short_last, strict=True):
                np.testing.assert_allclose(ours[row], theirs[0], atol=1e-6)


def test_backwards_begins_at_the_last_real_token(cell, inputs, mask, state):
    outputs, last = run(cell, inputs, mask, state, backwards=True)
    for row, length in enumerate(LENGTHS):
        now = tuple(each[row : row + 1] for each in state)
        for time in reversed(range(length)):
            now = cell.advance(cell.project(inputs[row : row + 1, time]), now)
            np.testing.assert_allclose(outputs[row, time], now[0][0], atol=1e-6)
        np.testing.assert_allclose(last[0][row], now[0][0], atol=1e-6)


def test_first_weights(name):
    cell = CELLS[name](WIDTH, UNITS, seed=1)
    kernel, recurrent, bias = cell.get_weights()
    assert kernel.shape == (WIDTH, cell.gates * UNITS)
    np.testing.assert_allclose(recurrent @ recurrent.T, np.eye(UNITS), atol=1e-5)
    wanted = [0] * UNITS + [1] * UNITS + [0] * 2 * UNITS if name == "lstm" else 0
    np.testing.assert_array_equal(bias, np.broadcast_to(wanted, cell.gates * UNITS))
    for zeros in cell.initial_state(2):
        np.testing.assert_array_equal(zeros, np.zeros((2, UNITS)))
    np.testing.assert_array_equal(CELLS[name](WIDTH, UNITS, seed=1).get_weights()[0], kernel)
    assert not np.array_equal(CELLS[name](WIDTH, UNITS, seed=2).get_weights()[0], kernel)

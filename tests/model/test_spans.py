import numpy as np
import pytest
import tensorflow as tf

from workbench.config import RunConfig
from workbench.model.alignment import expected_alignment
from workbench.model.history import History
from workbench.model.noise import Noise
from workbench.model.spans import SPANS, Steps, begin_history, remember

MASK = tf.constant([[True, True, True], [True, True, False]])
UNITS = 2


def make(name, **changes):
    settings = RunConfig(units=UNITS, embedding=3, attention_span=name, **changes)
    return SPANS[name](settings, seed=1), settings


def test_local_m_by_hand():
    span, settings = make("local_m", attention_window=1)
    history = begin_history(settings, span, MASK)
    rows = span.attention(tf.zeros([2, 4, 3]), Steps(tf.zeros([2, 4, 2]), MASK, history))
    np.testing.assert_allclose(
        rows[0], [[0.5, 0.5, 0], [1 / 3, 1 / 3, 1 / 3], [0, 0.5, 0.5], [0, 0, 1]], atol=1e-6
    )
    np.testing.assert_allclose(
        rows[1], [[0.5, 0.5, 0], [0.5, 0.5, 0], [0, 1, 0], [0, 0, 0]], atol=1e-6
    )


def test_local_p_by_hand():
    """S = 2 and sigmoid(ln 3) = 3/4: the centre is 1.5 and σ is 1."""
    span, _ = make("local_p", attention_window=2)
    aim = np.log(3) / (2 * np.tanh(1))
    span.set_weights([np.eye(2, dtype="f"), np.full((2, 1), aim, "f")])
    mask = tf.constant([[True, True, False]])
    steps = Steps(tf.ones([1, 1, 2]), mask, History())
    assert span.centre(steps).numpy() == pytest.approx(1.5)
    rows = span.attention(tf.constant([[[0.0, np.log(3.0), 9.0]]]), steps)
    wanted = [0.25 * np.exp(-1.125), 0.75 * np.exp(-0.125), 0]
    np.testing.assert_allclose(rows[0, 0], wanted, atol=1e-6)


def test_local_p_reads_its_window_only():
    span, _ = make("local_p", attention_window=1)
    span.set_weights([np.eye(2, dtype="f"), np.zeros((2, 1), "f")])  # the centre is S / 2
    rows = span.attention(tf.zeros([2, 1, 3]), Steps(tf.ones([2, 1, 2]), MASK, History()))
    near = np.exp(-0.5)  # half a position away, σ = 1/2
    np.testing.assert_allclose(rows[0, 0], [0, near / 2, near / 2], atol=1e-6)
    far = np.exp(-2)
    np.testing.assert_allclose(rows[1, 0], [far / 2, 0.5, 0], atol=1e-6)


def test_monotonic_goes_on_from_where_it_stood():
    span, settings = make("monotonic")
    assert float(span.offset) == -1  # so an energy of 1 is a probability of one half
    energy = tf.constant([[[0.0, 1, 3], [3, 0, 0.5], [9, 0, 1]], [[0, 2, 9], [0, 0, 9], [9, 1, 0]]])
    history = begin_history(settings, span, MASK)
    rows = span.attention(energy, Steps(tf.zeros([2, 3, 2]), MASK, history))
    np.testing.assert_array_equal(rows[0], [[0, 1, 0], [0, 0, 0], [0, 0, 1]])
    np.testing.assert_array_equal(rows[1], [[0, 1, 0], [0, 0, 0], [0, 1, 0]])


@pytest.mark.parametrize("seed", range(3))
def test_monotonic_never_goes_back(seed):
    print("seed", seed)
    span, settings = make("monotonic")
    mask = tf.ones([20, 9], tf.bool)
    energy = np.random.default_rng(seed).normal(size=(20, 12, 9)).astype("f") * 2
    steps = Steps(tf.zeros([20, 12, 2]), mask, begin_history(settings, span, mask))
    rows = span.attention(tf.constant(energy), steps).numpy()
    assert set(np.unique(rows.sum(-1))) == {0, 1}
    moved = False
    for sentence in rows:
        read = [row.argmax() for row in sentence if row.any()]
        assert read == sorted(read)
        moved |= len(set(read)) > 1
    assert moved


def test_monotonic_in_training_is_the_expectation_under_noise():
    span, settings = make("monotonic")
    noise = Noise(0.0, tf.constant([3, 4]))
    energy = tf.constant(np.random.default_rng(1).normal(size=(2, 4, 3)), tf.float32)
    history = begin_history(settings, span, MASK)
    rows = span.attention(energy, Steps(tf.zeros([2, 4, 2]), MASK, history, noise))
    drawn = tf.random.stateless_normal([2, 4, 3], noise.at(200).seed)
    noisy = tf.where(MASK[:, None], energy - 1.0, -1e9) + drawn
    before = tf.constant([[1.0, 0, 0]] * 2)
    for step in range(4):
        before = expected_alignment(noisy[:, step], before)
        np.testing.assert_allclose(rows[:, step], before, atol=1e-6)
    assert not rows[1, :, 2].numpy().any()
    other = Steps(tf.zeros([2, 4, 2]), MASK, history, Noise(0.0, tf.constant([3, 5])))
    assert not np.allclose(span.attention(energy, other), rows)


def test_the_noise_has_unit_variance():
    span, settings = make("monotonic")
    mask = tf.ones([500, 1], tf.bool)
    steps = Steps(
        tf.zeros([500, 1, 2]), mask, begin_history(settings, span, mask),
        Noise(0.0, tf.constant([3, 4])),
    )  # fmt: skip
    halts = span.attention(tf.ones([500, 1, 1]), steps).numpy().ravel()  # sigmoid of the noise
    drawn = np.log(halts) - np.log1p(-halts)
    assert drawn.mean() == pytest.approx(0, abs=0.15)
    assert drawn.std() == pytest.approx(1, abs=0.1)


def test_monotonic_learns_through_the_loop():
    span, settings = make("monotonic")
    energy = tf.Variable(np.random.default_rng(1).normal(size=(2, 4, 3)).astype("f"))
    steps = Steps(
        tf.zeros([2, 4, 2]), MASK, begin_history(settings, span, MASK),
        Noise(0.0, tf.constant([3, 4])),
    )  # fmt: skip
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(span.attention(energy, steps)[:, :, 1])
    of_energy, of_offset = tape.gradient(loss, [energy, span.offset.value])
    assert np.isfinite(of_energy).all()
    assert np.abs(of_energy[:, -1]).max() > 0
    assert float(of_offset) != 0


def test_history_holds_only_what_is_asked_for():
    for name, fields in {
        "global": (False, False), "local_p": (False, False),
        "local_m": (False, True), "monotonic": (True, True),
    }.items():  # fmt: skip
        span, settings = make(name)
        history = begin_history(settings, span, MASK)
        held = tuple(not isinstance(part, tuple) for part in history)
        assert held == (fields[0], False, fields[1])
        after = remember(history, span, tf.constant([[0, 0.5, 0], [0, 0, 0.0]]))
        assert tuple(not isinstance(part, tuple) for part in after) == held
    np.testing.assert_array_equal(history.attention, [[1, 0, 0]] * 2)  # of monotonic
    np.testing.assert_array_equal(after.position, [1, 0])


def test_what_was_read_is_remembered():
    span, settings = make("local_m", location_filters=1, coverage=True)
    history = begin_history(settings, span, MASK)
    rows = tf.constant([[0.5, 0.5, 0], [1, 0, 0]]), tf.constant([[0, 0.25, 0.75], [0, 1, 0]])
    for row in rows:
        history = remember(history, span, row)
    np.testing.assert_array_equal(history.attention, rows[1])
    np.testing.assert_array_equal(history.coverage, rows[0] + rows[1])
    np.testing.assert_array_equal(history.position, [2, 2])

import numpy as np
import pytest
import tensorflow as tf

from workbench.model.attention import (
    MINUS_INFINITY,
    SCORERS,
    Concat,
    normalize,
    read,
    rereading,
)

IDENTITY = np.eye(2, dtype="f")
SWAP = IDENTITY[::-1]
TANH = {1: 0.761594, 2: 0.964028, 3: 0.995055}  # from a table


def softmax(energy):
    powers = np.exp(energy - energy.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


# The query is (1, 2); the source states are (1, 0) and (0, 1).
BY_HAND = {
    "dot": ([], [1, 2]),
    "general": ([SWAP], [2, 1]),
    "scaled_dot": ([2 * IDENTITY, IDENTITY], [2 / 2**0.5, 4 / 2**0.5]),
    "additive": ([IDENTITY, IDENTITY, [[1], [1]]], [2 * TANH[2], TANH[1] + TANH[3]]),
    "concat": (
        [[[1, 0], [0, 1], [2, 0], [0, 1]], [[1], [1]]],
        [TANH[3] + TANH[2], TANH[1] + TANH[3]],
    ),
}


@pytest.mark.parametrize("name", SCORERS)
def test_two_states_by_hand(name):
    weights, energies = BY_HAND[name]
    scorer = SCORERS[name](2, seed=0)
    scorer.set_weights([np.array(weight, "f") for weight in weights])
    query, values = tf.constant([[[1.0, 2.0]]]), tf.constant([[[1.0, 0.0], [0.0, 1.0]]])
    energy = scorer.energy(query, scorer.keys(values))
    assert energy.numpy()[0, 0] == pytest.approx(energies, abs=1e-5)
    attention = normalize(energy, tf.constant([[True, True]]))
    first = 1 / (1 + np.exp(energies[1] - energies[0]))
    assert attention.numpy()[0, 0] == pytest.approx([first, 1 - first], abs=1e-5)
    assert read(attention, values).numpy()[0, 0] == pytest.approx([first, 1 - first], abs=1e-5)


def energy_of_one_pair(name, weights, q, h):
    if name == "dot":
        return q @ h
    if name == "general":
        return q @ weights[0].T @ h
    if name == "scaled_dot":
        return (weights[0].T @ q) @ (weights[1].T @ h) / np.sqrt(len(q))
    if name == "additive":
        return np.tanh(weights[0].T @ q + weights[1].T @ h) @ weights[2][:, 0]
    return np.tanh(weights[0].T @ np.concatenate([q, h])) @ weights[1][:, 0]


@pytest.fixture
def sentences():
    generator = np.random.default_rng(7)
    query = generator.normal(size=(3, 4, 6)).astype("f")  # [B, T, D]
    values = generator.normal(size=(3, 5, 6)).astype("f")  # [B, S, E]
    mask = np.arange(5) < np.array([[5], [3], [1]])
    return query, values, mask


@pytest.mark.parametrize("name", SCORERS)
def test_the_same_numbers_as_one_pair_at_a_time_in_numpy(name, sentences):
    query, values, mask = sentences
    scorer = SCORERS[name](6, seed=11)
    attention = normalize(scorer.energy(query, scorer.keys(values)), mask)
    context = read(attention, values).numpy()
    weights = scorer.get_weights()
    for b in range(3):
        real = mask[b].sum()
        energy = np.array(
            [[energy_of_one_pair(name, weights, q, h) for h in values[b, :real]] for q in query[b]]
        )
        wanted = softmax(energy)
        np.testing.assert_allclose(attention[b, :, :real], wanted, atol=1e-5)
        np.testing.assert_allclose(context[b], wanted @ values[b, :real], atol=1e-5)


@pytest.mark.parametrize("name", SCORERS)
def test_padding_gets_nothing_and_changes_nothing(name, sentences):
    query, values, mask = sentences
    scorer = SCORERS[name](6, seed=11)

    def look(values):
        attention = normalize(scorer.energy(query, scorer.keys(values)), mask)
        return attention.numpy(), read(attention, values).numpy()

    attention, context = look(values)
    np.testing.assert_allclose(attention.sum(-1), 1, atol=1e-6)
    assert not attention[~np.broadcast_to(mask[:, None], attention.shape)].any()
    other = look(np.where(mask[:, :, None], values, values + 100))
    np.testing.assert_array_equal(other[0], attention)
    np.testing.assert_array_equal(other[1], context)


def test_a_row_of_nothing_but_padding_is_zero_and_has_a_gradient():
    energy = tf.Variable([[[3.0, -2.0]]])
    with tf.GradientTape() as tape:
        attention = normalize(energy, tf.constant([[False, False]]))
    assert not attention.numpy().any()
    assert np.isfinite(tape.gradient(attention, energy).numpy()).all()
    assert MINUS_INFINITY < -1e8


def test_the_halves_of_concat_are_drawn_as_one_matrix():
    width = 50
    kernel = Concat(width, seed=2).kernel.numpy()
    limit = np.sqrt(6 / (3 * width))  # Glorot & Bengio 2010, equation 16
    assert kernel.shape == (2 * width, width)
    assert 0.98 * limit < np.abs(kernel).max() <= limit
    assert not np.allclose(kernel[:width], kernel[width:])


def test_weights_depend_on_the_seed_alone():
    one, same, other = (SCORERS["additive"](4, seed).get_weights() for seed in (1, 1, 2))
    assert all(map(np.array_equal, one, same))
    assert not any(map(np.array_equal, one, other))
    assert not np.array_equal(one[0], one[1])


@pytest.mark.parametrize("name", SCORERS)
def test_features_join_inside_the_tanh_or_as_a_linear_term(name, sentences):
    query, values, _ = sentences
    scorer = SCORERS[name](6, seed=11, features=2)
    features = np.random.default_rng(8).normal(size=(3, 4, 5, 2)).astype("f")  # [B, T, S, F]
    ours = scorer.energy_with(query, scorer.keys(values), features)
    kernel, *weights = scorer.get_weights()
    assert kernel.shape == (2, 6 if name in ("additive", "concat") else 1)
    for b, t, s in [(0, 0, 0), (1, 3, 4), (2, 2, 1)]:
        added = features[b, t, s] @ kernel
        q, h = query[b, t], values[b, s]
        if name == "additive":
            wanted = np.tanh(q @ weights[0] + h @ weights[1] + added) @ weights[2][:, 0]
        elif name == "concat":
            wanted = np.tanh(np.concatenate([q, h]) @ weights[0] + added) @ weights[1][:, 0]
        else:
            wanted = energy_of_one_pair(name, weights, q, h) + added[0]
        assert float(ours[b, t, s]) == pytest.approx(wanted, abs=1e-5)


def test_rereading_by_hand():
    """See et al. 2017, equation 12: the second step reads 0.25 again, the third 0.5 + 0.5."""
    attention = tf.constant([[[0.75, 0.25, 0.0], [0.0, 0.5, 0.5], [0.5, 0.0, 0.5]]])
    np.testing.assert_allclose(rereading(attention), [[0, 0.25, 1.0]], atol=1e-6)

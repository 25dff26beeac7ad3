import numpy as np
import pytest
import tensorflow as tf

from workbench.model.multi_head import MultiHead
from workbench.model.noise import Noise

VISIBLE = np.array([[1, 1, 1], [1, 0, 0]], bool)[:, None, None, :]


def draw(*shape):
    return np.random.default_rng(shape).normal(size=shape).astype("f")


def set_waves(layer):
    for place, weight in enumerate(layer.weights):
        waves = np.sin(place + np.arange(np.prod(weight.shape)))
        weight.assign(waves.reshape(weight.shape))


@pytest.mark.parametrize("heads", [1, 2])
def test_heads_one_after_another_in_numpy(heads):
    layer = MultiHead(4, heads, seed=1)
    set_waves(layer)
    inputs, values = draw(2, 5, 4), draw(2, 3, 4)
    outputs, attention = layer.attend(inputs, layer.project(tf.constant(values)), VISIBLE)
    kernels, biases = [w.numpy() for w in layer.weights[::2]], layer.weights[1::2]
    q, k, v = (
        x @ w + b.numpy()
        for x, w, b in zip((inputs, values, values), kernels, biases, strict=False)
    )
    width = 4 // heads
    for row, length in enumerate([3, 1]):
        contexts = []
        for head in range(heads):
            own = slice(head * width, (head + 1) * width)
            energy = q[row, :, own] @ k[row, :length, own].T / np.sqrt(width)
            weights = np.exp(energy) / np.exp(energy).sum(-1, keepdims=True)
            np.testing.assert_allclose(attention[row, head, :, :length], weights, atol=1e-5)
            assert not attention[row, head, :, length:].numpy().any()
            contexts.append(weights @ v[row, :length, own])
        wanted = np.concatenate(contexts, -1) @ kernels[3] + biases[3].numpy()
        np.testing.assert_allclose(outputs[row], wanted, atol=1e-5)


def test_a_row_that_sees_nothing_is_zero():
    layer = MultiHead(4, 2, seed=1)
    values = tf.constant(draw(2, 3, 4))
    outputs, attention = layer.attend(values, layer.project(values), np.zeros_like(VISIBLE))
    assert not attention.numpy().any()
    assert not outputs.numpy().any()  # the biases begin at 0


def test_attention_is_dropped_from_but_returned_whole():
    layer = MultiHead(4, 2, seed=1)
    values = tf.constant(draw(2, 3, 4))
    pair = layer.project(values)
    outputs, attention = layer.attend(values, pair, VISIBLE)
    noise = Noise(0.5, tf.constant([1, 2]))
    dropped, whole = layer.attend(values, pair, VISIBLE, noise)
    np.testing.assert_array_equal(whole, attention)
    assert not np.allclose(dropped, outputs)


def test_no_two_kernels_begin_alike():
    layer = MultiHead(4, 2, seed=1, relative=True)
    kernels = [weight.numpy() for weight in layer.weights if weight.path.endswith("kernel")]
    assert len(kernels) == 5
    for index, kernel in enumerate(kernels):
        assert not any(np.array_equal(kernel, other) for other in kernels[:index])

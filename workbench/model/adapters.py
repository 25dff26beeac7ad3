"""Bottleneck adapters: a few new weights behind each layer, trained instead of all others.

Shape letters: U units, R width of an adapter.
"""

from collections.abc import Sequence

import keras
import tensorflow as tf

from workbench.config import RunConfig


class Bottleneck(keras.layers.Layer):
    """h + W' relu(W h + b) + b', W' zero at first (Houlsby et al. 2019, section 2.1, figure 2).

    A fresh one changes nothing, so that the adapted model begins as the one it was made from.
    """

    def __init__(self, units: int, width: int, seed: int) -> None:
        """Make the weights: down [U, R] and its bias [R], up [R, U] and its bias [U]."""
        super().__init__(dtype="float32")
        glorot = keras.initializers.GlorotUniform(seed=seed)
        self.down = self.add_weight(name="down", shape=(units, width), initializer=glorot)
        self.down_bias = self.add_weight(name="down_bias", shape=(width,), initializer="zeros")
        self.up = self.add_weight(name="up", shape=(width, units), initializer="zeros")
        self.up_bias = self.add_weight(name="up_bias", shape=(units,), initializer="zeros")
        self.built = True

    def adapt(self, values: tf.Tensor) -> tf.Tensor:
        """Adapt the outputs of a layer [..., U]."""
        narrow = tf.nn.relu(tf.tensordot(values, self.down, 1) + self.down_bias)
        return values + tf.tensordot(narrow, self.up, 1) + self.up_bias


def adapters_for(settings: RunConfig, seed: int) -> list[Bottleneck]:
    """Return one bottleneck a layer where the settings ask for them, else none."""
    if settings.adapter != "bottleneck":
        return []
    return [
        Bottleneck(settings.units, settings.adapter_rank, seed + layer)
        for layer in range(settings.layers)
    ]


def adapt(adapters: Sequence[Bottleneck], layer: int, values: tf.Tensor) -> tf.Tensor:
    """Adapt the outputs [..., U] of a layer; without adapters return them unchanged."""
    return adapters[layer].adapt(values) if adapters else values


def bottlenecks(model: keras.Model) -> list[keras.Variable]:
    """Return the weights of the bottlenecks in an encoder-decoder."""
    sides = (model.encoder, model.decoder)
    return [weight for side in sides for adapter in side.adapters for weight in adapter.weights]


def train_bottlenecks(model: keras.Model) -> None:
    """Let training change the bottlenecks alone; the order of the weights stays."""
    chosen = {id(weight) for weight in bottlenecks(model)}
    for weight in model.weights:
        weight.trainable = id(weight) in chosen

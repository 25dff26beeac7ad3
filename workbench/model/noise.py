"""Dropout as a pure function of (seed, step, place), so that a resumed run drops the same units."""

from typing import NamedTuple

import tensorflow as tf


class Noise(NamedTuple):
    """What to drop in one training step.

    Attributes:
        rate: share of activations dropped; the rest is scaled by 1 / (1 - rate)
            (Srivastava et al. 2014).
        seed: int32 [2]; two draws with one seed and one place are equal.
    """

    rate: float
    seed: tf.Tensor

    def at(self, place: int | tf.Tensor) -> "Noise":
        """Return the noise of another place in the model or another moment in the sentence."""
        return Noise(self.rate, tf.random.experimental.stateless_fold_in(self.seed, place))


def drop(values: tf.Tensor, noise: Noise | None, place: int) -> tf.Tensor:
    """Drop units of `values`; without noise (outside training) return them unchanged."""
    if noise is None or not noise.rate:
        return values
    return tf.nn.experimental.stateless_dropout(values, noise.rate, seed=noise.at(place).seed)

"""Noise as a pure function of (seed, step, place), so that a resumed run draws the same again."""

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


def at(noise: Noise | None, place: int | tf.Tensor) -> Noise | None:
    """Return the noise of another place, where there is any."""
    return None if noise is None else noise.at(place)


def drop(values: tf.Tensor, noise: Noise | None, place: int) -> tf.Tensor:
    """Drop units of `values`; without noise (outside training) return them unchanged."""
    if noise is None or not noise.rate:
        return values
    return tf.nn.experimental.stateless_dropout(values, noise.rate, seed=noise.at(place).seed)


def survive(branch: tf.Tensor, noise: Noise | None, place: int, rate: float) -> tf.Tensor:
    """Skip a residual branch for a share of the sentences (Huang et al. 2016, section 3).

    What survives is scaled by 1 / (1 - rate), so that the sum stays the expected one and nothing
    needs to be scaled outside training. Layer l of L takes l / L of the rate of the last one
    (equation 4 there). The rate of `noise` plays no part.

    Args:
        branch: what is to be added to a residual layer's input [B, ...].
        noise: None outside training, where every branch survives.
        place: number of the draw, different for each one in a layer.
        rate: chance that a sentence skips the branch, from 0 to below 1.
    """
    if noise is None or not rate:
        return branch
    shape = tf.concat([tf.shape(branch)[:1], tf.ones([branch.shape.rank - 1], tf.int32)], 0)
    drawn = tf.random.stateless_uniform(shape, noise.at(place).seed)
    return branch * (tf.cast(drawn >= rate, branch.dtype) / (1 - rate))

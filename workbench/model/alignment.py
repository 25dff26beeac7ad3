"""Alignments as pure functions: windows around a position, and steps that only go forwards.

Shape letters: B sentences, T decoder positions, S source positions.
"""

import tensorflow as tf

from workbench.model.attention import MINUS_INFINITY


def distance(centre: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Return how far each position of a source lies to the right of `centre` [B, T]: [B, T, S]."""
    places = tf.range(tf.shape(mask)[1], dtype=centre.dtype)
    return places - centre[:, :, None]


def windowed(energy: tf.Tensor, mask: tf.Tensor, centre: tf.Tensor, window: int) -> tf.Tensor:
    """Turn energies [B, T, S] into attention over the positions at most `window` from `centre`.

    Shapes: mask [B, S]; centre [B, T]. Rows sum to 1, or are 0 where no real position is near.
    """
    near = mask[:, None, :] & (tf.abs(distance(centre, mask)) <= window)
    return tf.nn.softmax(tf.where(near, energy, MINUS_INFINITY)) * tf.cast(near, energy.dtype)


def expected_alignment(energy: tf.Tensor, before: tf.Tensor) -> tf.Tensor:
    """Return how likely a monotonic step halts at each position (Raffel et al. 2017, equation 9).

    It sums over where the step before stood, α_j = p_j Σ_k before_k Π (1 - p_l), k ≤ l < j: with
    C the logarithm of the running product of (1 - p) this is p_j exp(C_j) Σ_k before_k / exp(C_k),
    kept in logarithms because the products underflow.

    Shapes: energy, before, result [B, S].
    """
    going_on = tf.cumsum(tf.math.log_sigmoid(-energy), axis=-1, exclusive=True)
    stood = tf.math.log(tf.maximum(before, 1e-37))  # 0 has no logarithm; above denormals
    arrived = going_on + tf.math.cumulative_logsumexp(stood - going_on, axis=-1)
    return tf.sigmoid(energy) * tf.exp(arrived)


def hard_alignment(energy: tf.Tensor, position: tf.Tensor) -> tf.Tensor:
    """Read the first position from `position` on that has no negative energy, or none.

    Shapes: energy [B, S]; position [B]. Returns: rows of a single 1, or of 0 [B, S].
    """
    ahead = tf.range(tf.shape(energy)[1]) >= position[:, None]
    halts = tf.cast(ahead & (energy >= 0), tf.int32)
    first = tf.cumsum(halts, axis=-1) * halts == 1
    return tf.cast(first, energy.dtype)

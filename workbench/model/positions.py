"""Where a token stands: sinusoids, a learned table, or the distance between two tokens.

Shape letters: B sentences, T query positions, K key positions, H heads, U units, D = U / H,
P positions or distances.
"""

import keras
import tensorflow as tf

from workbench.config import RunConfig


def sinusoids(positions: tf.Tensor, units: int) -> tf.Tensor:
    """Return PE(p, 2i) = sin(p / 10000^(2i/U)), PE(p, 2i+1) = cos of the same.

    Source: Vaswani et al. 2017, section 3.5. Negative positions (distances) are allowed.
    Shapes: positions [...], of any type of number; result [..., U].
    """
    rates = 10_000.0 ** (-tf.range(0, units, 2, dtype=tf.float32) / units)  # [U / 2]
    angles = tf.cast(positions, tf.float32)[..., None] * rates
    pairs = tf.stack([tf.sin(angles), tf.cos(angles)], -1)  # [..., U / 2, 2]
    return tf.reshape(pairs, tf.concat([tf.shape(positions), [units]], 0))


def capacity(settings: RunConfig) -> int:
    """Return how many positions a sentence may have: its longest with the end symbol."""
    return max(settings.max_length, settings.max_decode_length) + 1


class LearnedPositions(keras.layers.Layer):
    """A vector a position (Vaswani et al. 2017, table 3, row E), up to a highest one."""

    def __init__(self, rows: int, units: int, seed: int) -> None:
        """Make the table [rows, U]."""
        super().__init__(dtype="float32")
        self.rows = rows
        self.positions = self.add_weight(
            name="positions", shape=(rows, units),
            initializer=keras.initializers.RandomNormal(stddev=units**-0.5, seed=seed),
        )  # fmt: skip
        self.built = True

    def at(self, positions: tf.Tensor) -> tf.Tensor:
        """Return the vectors [..., U] of positions [...]; those beyond the table share its last."""
        return tf.gather(self.positions, tf.minimum(positions, self.rows - 1))


class RelativePositions(keras.layers.Layer):
    """Energies from the distance of query and key (Dai et al. 2019, section 3.3).

    Of the four terms there this adds (b) and (d), (q + v)ᵀ W R(i - j), and the u of term (c).
    u and v are a layer's own.
    """

    def __init__(self, units: int, heads: int, seed: int) -> None:
        """Make W [U, U] and the biases u and v [H, 1, D], which begin at 0."""
        super().__init__(dtype="float32")
        self.units, self.heads = units, heads
        self.kernel = self.add_weight(
            name="distance_kernel", shape=(units, units),
            initializer=keras.initializers.GlorotUniform(seed=seed),
        )  # fmt: skip
        shape = (heads, 1, units // heads)
        self.content = self.add_weight(name="content_bias", shape=shape, initializer="zeros")
        self.distance = self.add_weight(name="distance_bias", shape=shape, initializer="zeros")
        self.built = True

    def energy(self, queries: tf.Tensor, keys: tf.Tensor) -> tf.Tensor:
        """Score keys [B, H, K, D] against queries [B, H, T, D], the last T of these positions.

        Returns: energies [B, H, T, K], not yet scaled.
        """
        content = tf.matmul(queries + self.content, keys, transpose_b=True)
        count = tf.shape(queries)[2]
        past = tf.shape(keys)[2] - count
        farthest_first = tf.range(past + count - 1, -count - 1, -1)  # [P], P = past + 2 T
        table = sinusoids(farthest_first, self.units) @ self.kernel  # [P, U]
        table = tf.reshape(table, [-1, self.heads, self.units // self.heads])
        by_distance = tf.einsum("bhtd,phd->bhtp", queries + self.distance, table)
        return content + shift(by_distance, past)


def shift(by_distance: tf.Tensor, past: tf.Tensor) -> tf.Tensor:
    """Sort energies by key instead of by distance.

    Column c of the input is the distance past + T - 1 - c; key k stands past + t - k before
    query t, in column T - 1 - t + k. Every row begins one column before the last one, which is
    what the rows of a flat array do when they are cut one column shorter.

    Shapes: by_distance [B, H, T, past + 2 T]; result [B, H, T, past + T].
    """
    batch, heads, count, width = tf.unstack(tf.shape(by_distance))
    flat = tf.reshape(by_distance, [batch, heads, -1])
    flat = flat[:, :, count - 1 : count - 1 + count * (width - 1)]
    return tf.reshape(flat, [batch, heads, count, width - 1])[..., : past + count]

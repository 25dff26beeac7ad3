"""Attention: how much each source position matters to a decoder state.

Shape letters: B sentences, T decoder positions, S source positions, D width of the query,
E width of the memory's values, U width of its keys.
"""

from typing import NamedTuple

import keras
import tensorflow as tf

from workbench.config import Attention as Name

MINUS_INFINITY = -1e9  # finite, so that a row without any real position stays a number


class Memory(NamedTuple):
    """The encoded source: what is read, how it is addressed, and which positions are real.

    Shapes: values [B, S, E]; keys [B, S, U]; mask [B, S], true at real tokens.
    """

    values: tf.Tensor
    keys: tf.Tensor
    mask: tf.Tensor


class Scorer(keras.layers.Layer):
    """Score keys against queries. A subclass is one row of the literature's table."""

    def __init__(self, width: int, seed: int) -> None:
        """Make the weights for queries and values of `width`; keys are as wide."""
        super().__init__(dtype="float32")
        self.width = width
        self.seed = seed
        self.built = True

    def keys(self, values: tf.Tensor) -> tf.Tensor:
        """Project values [B, S, E] to keys [B, S, U], once a sentence."""
        return values

    def energy(self, query: tf.Tensor, keys: tf.Tensor) -> tf.Tensor:
        """Score query [B, T, D] against keys [B, S, U]: energies [B, T, S]."""
        raise NotImplementedError

    def _matrix(self, name: str, rows: int, columns: int) -> keras.Variable:
        place = len(self.weights)
        initializer = keras.initializers.GlorotUniform(seed=self.seed + place)
        return self.add_weight(name=name, shape=(rows, columns), initializer=initializer)


class Dot(Scorer):
    """score = qᵀ h (Luong et al. 2015, equation 8, dot)."""

    def energy(self, query: tf.Tensor, keys: tf.Tensor) -> tf.Tensor:
        """See `Scorer.energy`."""
        return tf.matmul(query, keys, transpose_b=True)


class General(Scorer):
    """score = qᵀ W h (Luong et al. 2015, equation 8, general)."""

    def __init__(self, width: int, seed: int) -> None:
        """See `Scorer`."""
        super().__init__(width, seed)
        self.kernel = self._matrix("kernel", width, width)

    def keys(self, values: tf.Tensor) -> tf.Tensor:
        """See `Scorer.keys`."""
        return values @ self.kernel

    def energy(self, query: tf.Tensor, keys: tf.Tensor) -> tf.Tensor:
        """See `Scorer.energy`."""
        return tf.matmul(query, keys, transpose_b=True)


class ScaledDot(Scorer):
    """score = (W q)ᵀ (W' h) / √U, one head (Vaswani et al. 2017, equation 1)."""

    def __init__(self, width: int, seed: int) -> None:
        """See `Scorer`."""
        super().__init__(width, seed)
        self.query_kernel = self._matrix("query_kernel", width, width)
        self.key_kernel = self._matrix("key_kernel", width, width)

    def keys(self, values: tf.Tensor) -> tf.Tensor:
        """See `Scorer.keys`."""
        return values @ self.key_kernel

    def energy(self, query: tf.Tensor, keys: tf.Tensor) -> tf.Tensor:
        """See `Scorer.energy`."""
        return tf.matmul(query @ self.query_kernel, keys, transpose_b=True) * self.width**-0.5


class Additive(Scorer):
    """score = vᵀ tanh(W q + U h) (Bahdanau et al. 2015, section A.1.2)."""

    def __init__(self, width: int, seed: int) -> None:
        """See `Scorer`."""
        super().__init__(width, seed)
        self.query_kernel = self._matrix("query_kernel", width, width)
        self.key_kernel = self._matrix("key_kernel", width, width)
        self.v = self._matrix("v", width, 1)

    def keys(self, values: tf.Tensor) -> tf.Tensor:
        """See `Scorer.keys`."""
        return values @ self.key_kernel

    def energy(self, query: tf.Tensor, keys: tf.Tensor) -> tf.Tensor:
        """See `Scorer.energy`."""
        projected = query @ self.query_kernel  # [B, T, U]
        hidden = tf.tanh(projected[:, :, None, :] + keys[:, None, :, :])  # [B, T, S, U]
        return tf.tensordot(hidden, self.v, 1)[..., 0]  # [B, T, S]


class Concat(Additive):
    """score = vᵀ tanh(W [q; h]) (Luong et al. 2015, equation 8, concat).

    W [q; h] is a product with q plus one with h, so this is the additive score with both
    kernels drawn as the halves of one matrix.
    """

    def __init__(self, width: int, seed: int) -> None:
        """See `Scorer`."""
        Scorer.__init__(self, width, seed)
        self.kernel = self._matrix("kernel", 2 * width, width)
        self.v = self._matrix("v", width, 1)

    @property
    def query_kernel(self) -> tf.Tensor:
        """The rows of W that meet the query."""
        return self.kernel[: self.width]

    @property
    def key_kernel(self) -> tf.Tensor:
        """The rows of W that meet the memory."""
        return self.kernel[self.width :]


SCORERS: dict[Name, type[Scorer]] = {
    "additive": Additive,
    "dot": Dot,
    "general": General,
    "concat": Concat,
    "scaled_dot": ScaledDot,
}


def normalize(energy: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Turn energies [B, T, S] into attention: rows sum to 1, masked positions are 0."""
    masked = tf.where(mask[:, None, :], energy, MINUS_INFINITY)
    return tf.nn.softmax(masked) * tf.cast(mask[:, None, :], energy.dtype)


def read(attention: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """Average values [B, S, E] by attention [B, T, S]: contexts [B, T, E]."""
    return attention @ values

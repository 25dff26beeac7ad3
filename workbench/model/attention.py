"""Attention: how much each source position matters to a decoder state.

Shape letters: B sentences, T decoder positions, S source positions, D width of the query,
E width of the memory's values, U width of its keys, F features of a source position.
"""

from typing import NamedTuple

import keras
import tensorflow as tf

from workbench.config import Attention as Name
from workbench.config import Precision
from workbench.model.precision import product

MINUS_INFINITY = -1e9  # finite, so that a row without any real position stays a number


class Memory(NamedTuple):
    """The encoded source: what is read, how it is addressed, and which positions are real.

    Shapes: values [B, S, E]; keys [B, S, U]; mask [B, S], true at real tokens.
    """

    values: tf.Tensor
    keys: tf.Tensor
    mask: tf.Tensor


class Scorer(keras.layers.Layer):
    """Score keys against queries. A subclass is one row of the literature's table.

    What is known of earlier attention may join as `features` of every source position: as a
    linear term of the energy, or inside the tanh where a score has one.
    """

    precision: Precision = "float32"  # whoever makes the scorer may set another

    def __init__(self, width: int, seed: int, features: int = 0) -> None:
        """Make the weights for queries and values of `width`; keys are as wide."""
        super().__init__(dtype="float32")
        self.width = width
        self.seed = seed
        if features:
            self.feature_kernel = self._matrix("feature_kernel", features, self._feature_columns())
        self.built = True

    def keys(self, values: tf.Tensor) -> tf.Tensor:
        """Project values [B, S, E] to keys [B, S, U], once a sentence."""
        return values

    def energy(self, query: tf.Tensor, keys: tf.Tensor) -> tf.Tensor:
        """Score query [B, T, D] against keys [B, S, U]: energies [B, T, S]."""
        raise NotImplementedError

    def energy_with(self, query: tf.Tensor, keys: tf.Tensor, features: tf.Tensor) -> tf.Tensor:
        """Score as `energy` does and let features [B, T, S, F] of earlier attention count."""
        added = tf.einsum("btsf,f->bts", features, self.feature_kernel[:, 0])
        return self.energy(query, keys) + added

    def _feature_columns(self) -> int:
        return 1

    def _product(self, values: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        return product(values, kernel, self.precision)

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

    def __init__(self, width: int, seed: int, features: int = 0) -> None:
        """See `Scorer`."""
        super().__init__(width, seed, features)
        self.kernel = self._matrix("kernel", width, width)

    def keys(self, values: tf.Tensor) -> tf.Tensor:
        """See `Scorer.keys`."""
        return self._product(values, self.kernel)

    def energy(self, query: tf.Tensor, keys: tf.Tensor) -> tf.Tensor:
        """See `Scorer.energy`."""
        return tf.matmul(query, keys, transpose_b=True)


class ScaledDot(Scorer):
    """score = (W q)ᵀ (W' h) / √U, one head (Vaswani et al. 2017, equation 1)."""

    def __init__(self, width: int, seed: int, features: int = 0) -> None:
        """See `Scorer`."""
        super().__init__(width, seed, features)
        self.query_kernel = self._matrix("query_kernel", width, width)
        self.key_kernel = self._matrix("key_kernel", width, width)

    def keys(self, values: tf.Tensor) -> tf.Tensor:
        """See `Scorer.keys`."""
        return self._product(values, self.key_kernel)

    def energy(self, query: tf.Tensor, keys: tf.Tensor) -> tf.Tensor:
        """See `Scorer.energy`."""
        queries = self._product(query, self.query_kernel)
        return tf.matmul(queries, keys, transpose_b=True) * self.width**-0.5


class Additive(Scorer):
    """score = vᵀ tanh(W q + U h) (Bahdanau et al. 2015, section A.1.2).

    Features f of earlier attention join the sum: vᵀ tanh(W q + U h + V f) (Chorowski et al.
    2015, equation 9; See et al. 2017, equation 11).
    """

    def __init__(self, width: int, seed: int, features: int = 0) -> None:
        """See `Scorer`."""
        super().__init__(width, seed, features)
        self.query_kernel = self._matrix("query_kernel", width, width)
        self.key_kernel = self._matrix("key_kernel", width, width)
        self.v = self._matrix("v", width, 1)

    def keys(self, values: tf.Tensor) -> tf.Tensor:
        """See `Scorer.keys`."""
        return self._product(values, self.key_kernel)

    def energy(self, query: tf.Tensor, keys: tf.Tensor) -> tf.Tensor:
        """See `Scorer.energy`."""
        return self._weigh(self._sum(query, keys))

    def energy_with(self, query: tf.Tensor, keys: tf.Tensor, features: tf.Tensor) -> tf.Tensor:
        """See `Scorer.energy_with`."""
        added = tf.einsum("btsf,fu->btsu", features, self.feature_kernel)
        return self._weigh(self._sum(query, keys) + added)

    def _weigh(self, hidden: tf.Tensor) -> tf.Tensor:
        """Weigh sums [B, T, S, U] after the tanh; in a loop XLA knows no gradient of tensordot."""
        return tf.einsum("btsu,u->bts", tf.tanh(hidden), self.v[:, 0])

    def _sum(self, query: tf.Tensor, keys: tf.Tensor) -> tf.Tensor:
        """Add every query to every key: [B, T, S, U]."""
        queries = self._product(query, self.query_kernel)
        return queries[:, :, None, :] + keys[:, None, :, :]

    def _feature_columns(self) -> int:
        return self.width


class Concat(Additive):
    """score = vᵀ tanh(W [q; h]) (Luong et al. 2015, equation 8, concat).

    W [q; h] is a product with q plus one with h, so this is the additive score with both
    kernels drawn as the halves of one matrix.
    """

    def __init__(self, width: int, seed: int, features: int = 0) -> None:
        """See `Scorer`."""
        Scorer.__init__(self, width, seed, features)
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


def given_or_own(given: tf.Tensor | None, own: tf.Tensor) -> tf.Tensor:
    """Return attention that was given, and the model's own where that is no number (NaN)."""
    return own if given is None else tf.where(tf.math.is_nan(given), own, given)


def read(attention: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """Average values [B, S, E] by attention [B, T, S]: contexts [B, T, E]."""
    return attention @ values


def rereading(attention: tf.Tensor) -> tf.Tensor:
    """Return Σ_s min(a, c) of every step, where c sums the attention of the steps before.

    It is the coverage loss of See et al. 2017 (equation 12): what a step reads of what has been
    read already.

    Shapes: attention [B, T, S]. Returns: [B, T], 0 at the first step.
    """
    coverage = tf.cumsum(attention, axis=1, exclusive=True)
    return tf.reduce_sum(tf.minimum(attention, coverage), -1)

"""Multi-head attention (Vaswani et al. 2017, section 3.2).

Shape letters: B sentences, T query positions, K key positions, H heads, U units, D = U / H.
"""

import keras
import tensorflow as tf

from workbench.config import Precision
from workbench.model.attention import MINUS_INFINITY, given_or_own
from workbench.model.noise import Noise, drop
from workbench.model.positions import RelativePositions
from workbench.model.precision import product

Pair = tuple[tf.Tensor, tf.Tensor]  # keys and values, each [B, H, K, D]


class MultiHead(keras.layers.Layer):
    """Attention of H heads, each on its own share of the units.

    The projections have biases, as in PyTorch's `nn.MultiheadAttention` and unlike the paper's.
    """

    precision: Precision = "float32"  # whoever makes the attention may set another

    def __init__(self, units: int, heads: int, seed: int, relative: bool = False) -> None:
        """Make four kernels [U, U] with biases [U], and the weights of distances if `relative`."""
        super().__init__(dtype="float32")
        self.units, self.heads = units, heads
        for place, name in enumerate(("query", "key", "value", "output")):
            glorot = keras.initializers.GlorotUniform(seed=seed + place)
            kernel = self.add_weight(
                name=f"{name}_kernel", shape=(units, units), initializer=glorot
            )
            bias = self.add_weight(name=f"{name}_bias", shape=(units,), initializer="zeros")
            setattr(self, f"{name}_kernel", kernel)
            setattr(self, f"{name}_bias", bias)
        self.relative = RelativePositions(units, heads, seed + 4) if relative else None
        self.built = True

    def project(self, values: tf.Tensor) -> Pair:
        """Make keys and values of what can be attended to [B, K, U]."""
        return (
            self._split(product(values, self.key_kernel, self.precision) + self.key_bias),
            self._split(product(values, self.value_kernel, self.precision) + self.value_bias),
        )

    def attend(
        self,
        inputs: tf.Tensor,
        pair: Pair,
        visible: tf.Tensor,
        noise: Noise | None = None,
        given: tf.Tensor | None = None,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Read the values where the keys answer the inputs.

        Shapes: inputs [B, T, U]; visible, true where a key may be seen, [B, 1, T, K] or what
        broadcasts to it; `given` [B, H, T, K], where there is one, is read instead, but for what
        is NaN in it.
        Returns: outputs [B, T, U] and attention [B, H, T, K] before dropout.
        """
        attention = given_or_own(given, self._attention(inputs, pair[0], visible))
        heads = drop(attention, noise, 1) @ pair[1]  # [B, H, T, D]
        batch, count = tf.shape(inputs)[0], tf.shape(inputs)[1]
        joined = tf.reshape(tf.transpose(heads, [0, 2, 1, 3]), [batch, count, self.units])
        outputs = product(joined, self.output_kernel, self.precision)
        return outputs + self.output_bias, attention

    def _attention(self, inputs: tf.Tensor, keys: tf.Tensor, visible: tf.Tensor) -> tf.Tensor:
        """Return softmax(q kᵀ / √D) over the visible keys (equation 1); 0 at all others."""
        queries = product(inputs, self.query_kernel, self.precision)
        queries = self._split(queries + self.query_bias)
        if self.relative:
            energy = self.relative.energy(queries, keys)
        else:
            energy = tf.matmul(queries, keys, transpose_b=True)
        scaled = energy * (self.units // self.heads) ** -0.5
        attention = tf.nn.softmax(tf.where(visible, scaled, MINUS_INFINITY))
        return attention * tf.cast(visible, attention.dtype)  # rows that see nothing are 0

    def _split(self, values: tf.Tensor) -> tf.Tensor:
        """Give each head its share: [B, K, U] → [B, H, K, D]."""
        batch, count = tf.shape(values)[0], tf.shape(values)[1]
        shares = tf.reshape(values, [batch, count, self.heads, self.units // self.heads])
        return tf.transpose(shares, [0, 2, 1, 3])

"""Copying from the source: the pointer-generator of See et al. 2017, section 2.2.

The target vocabulary is extended sentence by sentence: V + p is the piece that the source has at
position p first and that the target vocabulary lacks.
Shape letters: B sentences, S source tokens, T target tokens, L layers with attention, H heads,
E width of the encoded source, U width of the decoder's vectors, D width of the embeddings,
V target vocabulary.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from workbench.config import RunConfig
from workbench.data.tokenizer import PAD, UNKNOWN
from workbench.records import Integers

FLOOR = 1e-20  # the least probability, so that its logarithm stays a number
NOTHING = -1  # what a padded position yields


class CopyMemory(NamedTuple):
    """What the decoder reads, and what copying reads beside it.

    Shapes: values [B, S, E], the encoded source; ids [B, S], what copying a position yields.
    """

    inner: Any
    values: tf.Tensor
    ids: tf.Tensor


class Copying(keras.layers.Layer):
    """At every step choose between the vocabulary and the source, and mix both."""

    def __init__(
        self, settings: RunConfig, twins: Sequence[int] | Integers, target_size: int, seed: int
    ) -> None:
        """Make the weights of the choice: kernel [E + U + D, 1], bias [1].

        `twins` [source vocabulary] are the numbers of the same pieces in the target vocabulary of
        `target_size`, -1 for none.
        """
        super().__init__(dtype="float32")
        self.target_size = target_size
        # An unknown source piece that the target vocabulary has is its number beyond the source's.
        known = np.arange(target_size, dtype=np.int32)
        self.twins = np.concatenate([np.array(twins, np.int32), known])
        self.kernel = self.add_weight(
            name="kernel", shape=(2 * settings.units + settings.embedding, 1),
            initializer=keras.initializers.GlorotUniform(seed=seed),
        )  # fmt: skip
        self.bias = self.add_weight(name="bias", shape=(1,), initializer="zeros")
        self.built = True

    def remember(self, inner: Any, values: tf.Tensor, source: tf.Tensor) -> CopyMemory:
        """Join a decoder's memory with the encoded source [B, S, E] and its ids [B, S]."""
        return CopyMemory(inner, values, copied_ids(source, self.twins, self.target_size))

    def mix(
        self,
        logits: tf.Tensor,
        vectors: tf.Tensor,
        embedded: tf.Tensor,
        attention: tf.Tensor,
        memory: CopyMemory,
    ) -> tf.Tensor:
        """Return log-probabilities [B, T, V + S] over the vocabulary and the source.

        The choice is p_gen = σ(wᵀ [context; vector; embedding] + b) (equation 8), its context
        that of the attention of the last layer, averaged over the heads.

        Shapes: logits [B, T, V]; vectors [B, T, U]; embedded [B, T, D]; attention
        [B, L, H, T, S].
        """
        pointer = tf.reduce_mean(attention[:, -1], 1)  # [B, T, S]
        features = tf.concat([pointer @ memory.values, vectors, embedded], -1)
        generate = tf.sigmoid(tf.tensordot(features, self.kernel, 1) + self.bias)
        return mixture(tf.nn.softmax(logits), pointer, generate, memory.ids)


def within(ids: tf.Tensor, size: int) -> tf.Tensor:
    """Return the ids that a table of `size` rows knows, and UNKNOWN for those beyond."""
    return tf.where(ids < size, ids, UNKNOWN)


def copied_ids(source: tf.Tensor, twins: Integers, target_size: int) -> tf.Tensor:
    """Return what copying each position of source ids [B, S] yields: ids [B, S] below V + S.

    That is the twin where there is one, else V + the first position of the same source id, and
    `NOTHING` at padding.
    """
    twin = tf.gather(tf.constant(twins, tf.int32), tf.minimum(source, len(twins) - 1))
    twin = tf.where(source < len(twins), twin, NOTHING)
    positions = tf.range(tf.shape(source)[1])
    same = source[:, :, None] == source[:, None, :]  # [B, S, S]
    first = tf.reduce_min(tf.where(same, positions, tf.shape(source)[1]), -1)
    ids = tf.where(twin >= 0, twin, target_size + first)
    return tf.where(source == PAD, NOTHING, ids)


def mixture(
    probabilities: tf.Tensor, pointer: tf.Tensor, generate: tf.Tensor, ids: tf.Tensor
) -> tf.Tensor:
    """Mix generation and copying (See et al. 2017, equation 9); return log-probabilities.

    What attention leaves over, where it does not sum to 1 or looks at padding, generates.

    Shapes: probabilities [B, T, V]; pointer [B, T, S], attention; generate [B, T, 1], p_gen;
    ids [B, S], what copying a position yields.
    Returns: [B, T, V + S]; those of the same position sum to 1.
    """
    batch, length = tf.unstack(tf.shape(ids))
    copied = (1 - generate) * pointer * tf.cast(ids != NOTHING, pointer.dtype)[:, None, :]
    generated = (1 - tf.reduce_sum(copied, -1, keepdims=True)) * probabilities
    rows = tf.broadcast_to(tf.range(batch)[:, None], [batch, length])
    shape = [batch, tf.shape(probabilities)[2] + length, tf.shape(pointer)[1]]
    by_id = tf.scatter_nd(
        tf.stack([rows, tf.maximum(ids, 0)], -1), tf.transpose(copied, [0, 2, 1]), shape
    )  # [B, V + S, T], sums where several positions yield the same
    mixed = tf.transpose(by_id, [0, 2, 1]) + tf.pad(generated, [[0, 0], [0, 0], [0, length]])
    return tf.math.log(tf.maximum(mixed, FLOOR))

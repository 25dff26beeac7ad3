"""What beam search and sampling have in common: the step, and the record that is written.

Shape letters as in `workbench.search.record`, and V target vocabulary.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from workbench.data.tokenizer import BEGIN, PAD, UNKNOWN
from workbench.search.record import NEVER

Step = Callable[[tf.Tensor, Any, Any], tuple[tf.Tensor, tf.Tensor, Any]]


def own_log_probabilities(logits: tf.Tensor) -> tf.Tensor:
    """Return the model's log-probabilities [B*K, V], with what is never chosen out of reach.

    Those are padding, unknown and begin symbols.
    """
    never = tf.reduce_sum(tf.one_hot([PAD, UNKNOWN, BEGIN], tf.shape(logits)[-1], NEVER), 0)
    return tf.nn.log_softmax(logits) + never


def empty_record(width: int) -> list[tf.TensorArray]:
    """Return where the arrays of `SearchRecord` are written step by step."""
    return [tf.TensorArray(kind, 0, dynamic_size=True, element_shape=shape) for kind, shape in (
        *[(tf.int32, [None, None])] * 4, *[(tf.float32, [None, None])] * 2,
        (tf.float32, [None, width, None, None, None]),
    )]  # fmt: skip


def by_row(attention: tf.Tensor, batch: tf.Tensor, width: int) -> tf.Tensor:
    """Give attention [B*K, L, H, S] an axis for the sentences and one for their rows."""
    return tf.reshape(attention, tf.concat([[batch, width], tf.shape(attention)[1:]], 0))

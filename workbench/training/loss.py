"""The training loss: cross-entropy over real target tokens."""

import tensorflow as tf

from workbench.data.tokenizer import PAD


def cross_entropy(
    logits: tf.Tensor, target: tf.Tensor, smoothing: float = 0.0
) -> tuple[tf.Tensor, tf.Tensor]:
    """Sum the cross-entropy of the real tokens; padding counts nothing.

    With label smoothing ε the wanted distribution is (1 - ε) on the token and ε spread evenly
    over the vocabulary (Szegedy et al. 2016, section 7).

    Shapes: logits [B, T, V]; target [B, T].
    Returns: the sum in nats, and the number of real tokens; divide for the mean.
    """
    real = tf.cast(target != PAD, logits.dtype)
    nats = tf.nn.sparse_softmax_cross_entropy_with_logits(target, logits)
    if smoothing:
        evenly = tf.reduce_logsumexp(logits, -1) - tf.reduce_mean(logits, -1)
        nats = (1 - smoothing) * nats + smoothing * evenly
    return tf.reduce_sum(nats * real), tf.reduce_sum(real)

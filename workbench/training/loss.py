"""The training loss: cross-entropy over real target tokens, and what may be added to it.

Shape letters: B sentences, T target tokens, V target vocabulary, N = B × T.
"""

from collections.abc import Callable

import tensorflow as tf

from workbench.data.tokenizer import PAD


def cross_entropy(
    logits: tf.Tensor, target: tf.Tensor, smoothing: float = 0.0, vocabulary: int | None = None
) -> tuple[tf.Tensor, tf.Tensor]:
    """Sum the cross-entropy of the real tokens; padding counts nothing.

    With label smoothing ε the wanted distribution is (1 - ε) on the token and ε spread evenly
    over the vocabulary (Szegedy et al. 2016, section 7): the first `vocabulary` columns, where
    those behind them are what may be copied.

    Shapes: logits [B, T, V]; target [B, T].
    Returns: the sum in nats, and the number of real tokens; divide for the mean.
    """
    real = tf.cast(target != PAD, logits.dtype)
    rows = tf.reshape(logits, [-1, tf.shape(logits)[-1]])
    nats = _nats(rows, tf.reshape(target, [-1]), smoothing, vocabulary)
    return tf.reduce_sum(nats * tf.reshape(real, [-1])), tf.reduce_sum(real)


def _nats(
    logits: tf.Tensor, target: tf.Tensor, smoothing: float, vocabulary: int | None
) -> tf.Tensor:
    """Return the cross-entropy of every row of logits [N, V] with its target [N].

    TensorFlow's own operation takes six times as long on a processor as the softmax that is
    all its gradient needs. A row's log-partition is its largest logit less the logarithm of its
    largest probability, which is at least 1 / V, so that nothing is lost.
    """

    @tf.custom_gradient  # type: ignore[untyped-decorator]  # TensorFlow ships no types
    def nats(logits: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
        probabilities = tf.nn.softmax(logits)
        partition = tf.reduce_max(logits, -1) - tf.math.log(tf.reduce_max(probabilities, -1))
        wanted = (1 - smoothing) * tf.gather(logits, target, batch_dims=1)
        if smoothing:
            wanted += smoothing * tf.reduce_mean(logits[:, :vocabulary], -1)

        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            spread = probabilities - _evenly(logits, smoothing, vocabulary)
            places = tf.stack([tf.range(tf.shape(target, target.dtype)[0]), target], -1)  # [N, 2]
            taken = (1 - smoothing) * upstream
            return tf.tensor_scatter_nd_sub(spread * upstream[:, None], places, taken)

        return partition - wanted, gradient

    return nats(logits)


def _evenly(logits: tf.Tensor, smoothing: float, vocabulary: int | None) -> tf.Tensor:
    """Spread `smoothing` over the columns of logits [N, V] that are of the vocabulary."""
    if not smoothing:
        return 0.0
    size = tf.shape(logits)[-1]
    known = tf.cast(tf.range(size) < (size if vocabulary is None else vocabulary), logits.dtype)
    return smoothing * known / tf.reduce_sum(known)

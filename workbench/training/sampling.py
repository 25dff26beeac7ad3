"""Scheduled sampling: in training too, the model sometimes reads its own last token.

Shape letters: B sentences, T target tokens, V target vocabulary.
"""

from typing import Any

import tensorflow as tf

from workbench.config import TrainingSettings
from workbench.data.tokenizer import BEGIN
from workbench.model.noise import Noise
from workbench.model.seq2seq import Seq2Seq, shifted

AT_ONCE = ("cnn", "transformer")  # decoders that take whole sentences in at once
COINS, SAMPLES = 9001, 9002  # places of the noise


def predict(
    model: Seq2Seq,
    settings: TrainingSettings,
    source: tf.Tensor,
    target: tf.Tensor,
    noise: Noise,
    chance: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return logits [B, T, V] and attention as `forward`, with sampled inputs where asked for.

    Where `settings.scheduled_sampling` is 0 this is teacher forcing and nothing else. Otherwise
    the inputs are drawn first, without dropout and without a gradient (none is taken through
    the draw by Bengio et al. either), and the targets are then predicted from them.
    """
    if not settings.scheduled_sampling:
        return model.forward(source, target, noise)
    recurrent = getattr(settings, "decoder", "") not in AT_ONCE
    draw = _inputs_one_by_one if recurrent else _inputs_at_once
    inputs = tf.stop_gradient(draw(model, source, target, chance, noise))
    return model.forward(source, target, noise, inputs=inputs)


def _inputs_one_by_one(
    model: Seq2Seq, source: tf.Tensor, target: tf.Tensor, chance: tf.Tensor, noise: Noise
) -> tf.Tensor:
    """Draw inputs [B, T] token by token (Bengio et al. 2015, section 2.4).

    Each is, with `chance`, drawn from what the model predicts after the inputs before it, and
    otherwise the true token.
    """
    state, memory = model.encode(source)
    coins = _coins(target, chance, noise)
    length = tf.shape(target)[1]
    begin = tf.fill([tf.shape(target)[0]], BEGIN)

    def advance(
        place: tf.Tensor, token: tf.Tensor, state: Any, written: tf.TensorArray
    ) -> tuple[tf.Tensor, tf.Tensor, Any, tf.TensorArray]:
        logits, _, state = model.step(token, state, memory)
        drawn = _draw(logits, noise.at(SAMPLES).at(place))
        following = tf.where(coins[:, place], drawn, target[:, place])
        return place + 1, following, state, written.write(place, token)

    written = tf.TensorArray(tf.int32, length, element_shape=[None])
    *_, written = tf.while_loop(
        lambda place, *_: place < length,
        advance,
        (tf.constant(0), begin, state, written),
        maximum_iterations=length,
    )
    return tf.transpose(written.stack())


def _inputs_at_once(
    model: Seq2Seq, source: tf.Tensor, target: tf.Tensor, chance: tf.Tensor, noise: Noise
) -> tf.Tensor:
    """Draw inputs [B, T] from one pass of teacher forcing (Mihaylova & Martins 2019, section 3)."""
    logits, _ = model.forward(source, target)
    shape = tf.shape(logits)
    drawn = _draw(tf.reshape(logits, [-1, shape[2]]), noise.at(SAMPLES))
    drawn = tf.reshape(drawn, shape[:2])
    mixed = tf.where(_coins(target, chance, noise), drawn, target)
    return shifted(mixed)


def _coins(target: tf.Tensor, chance: tf.Tensor, noise: Noise) -> tf.Tensor:
    """Toss for every token of targets [B, T] whether the model's own takes its place."""
    return tf.random.stateless_uniform(tf.shape(target), noise.at(COINS).seed) < chance


def _draw(logits: tf.Tensor, noise: Noise) -> tf.Tensor:
    """Draw one token [B] a row of logits [B, V]."""
    return tf.random.stateless_categorical(logits, 1, noise.seed, dtype=tf.int32)[:, 0]

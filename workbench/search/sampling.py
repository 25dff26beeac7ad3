"""Drawing translations token by token. Shape letters as in `workbench.search.record`."""

from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from workbench.data.tokenizer import BEGIN, END
from workbench.search.constraints import Constraints, barred, noted
from workbench.search.record import AFTER_END, BARRED, FINISHED, KEPT, NEVER, PRUNED
from workbench.search.steps import Step, by_row, empty_record, own_log_probabilities


class Sampling(NamedTuple):
    """From which tokens a sample is drawn, and with what chances.

    Attributes:
        temperature: what the logits are divided by; below 1 the likely become likelier.
        top_k: only the k likeliest tokens (Fan et al. 2018); 0 for all.
        top_p: of these only the likeliest that hold so much probability (Holtzman et al. 2020).
        seed: the same seed draws the same samples again.
    """

    temperature: float | tf.Tensor
    top_k: int | tf.Tensor = 0
    top_p: float | tf.Tensor = 1.0
    seed: int | tf.Tensor = 1


def sample(
    step: Step,
    state: Any,
    memory: Any,
    width: int,
    limit: tf.Tensor,
    sampling: Sampling,
    others: int = 0,
    constraints: Constraints | None = None,
) -> tuple[tf.Tensor, ...]:
    """Draw K continuations of the begin symbol, token by token, each on its own.

    What is on record are the model's own log-probabilities, not those that were drawn from, and
    a score is the log-probability of the whole. Padding, unknown and begin symbols are never
    drawn. A sample for which nothing is allowed any more stops without an end symbol.

    Args:
        step: as in `beam_search`.
        state: before the first token.
        memory: what the step reads and never changes.
        width: K.
        limit: steps at most, int32.
        sampling: what is drawn from.
        others: how many of the tokens that a row did not draw go on record, as pruned or barred.
        constraints: what may be drawn, a row for each sentence.

    Returns: the arrays of `SearchRecord`, in its order; C is K + K × others.
    """
    state, memory = tf.nest.map_structure(lambda t: tf.repeat(t, width, 0), (state, memory))
    batch = tf.shape(tf.nest.flatten((state, memory))[0])[0] // width
    constraints = constraints.for_rows(width) if constraints else None

    def go_on(time: tf.Tensor, done: tf.Tensor, *_: Any) -> tf.Tensor:
        return (time < limit) & ~tf.reduce_all(done)

    def advance(
        time: tf.Tensor, done: tf.Tensor, tokens: tf.Tensor, totals: tf.Tensor, state: Any,
        history: Any, written: list[tf.TensorArray],
    ) -> tuple[Any, ...]:  # fmt: skip
        logits, attention, state = step(tokens, state, memory)
        own = own_log_probabilities(logits)
        shut = tf.zeros_like(own, tf.bool)
        if constraints:
            shut = barred(constraints, time, history, tf.shape(own)[-1]) | (own < NEVER / 2)
        drawn = draw(tf.where(shut, NEVER, own), sampling, time)
        chosen = tf.concat([drawn[:, None], _likeliest(own, drawn, others)], 1)  # [B*K, 1 + others]
        fates = _fates(chosen, tf.gather(shut, chosen, batch_dims=1), done)
        reached = totals[:, None] + tf.gather(own, chosen, batch_dims=1)
        parents = tf.broadcast_to(tf.range(batch * width)[:, None] % width, tf.shape(chosen))
        rows = tf.where(fates == KEPT, parents, -1)
        by_step = [_across(each, batch, width)
                   for each in (chosen, parents, fates, rows, reached, reached)]  # fmt: skip
        now = [*by_step, by_row(attention, batch, width)]
        written = [array.write(time, value) for array, value in zip(written, now, strict=True)]
        done |= fates[:, 0] != KEPT
        return time + 1, done, drawn, reached[:, 0], state, noted(history, time, drawn), written

    nothing = tf.zeros([batch * width])
    begin = (
        tf.constant(0), nothing > 0, tf.fill([batch * width], BEGIN), nothing, state,
        constraints.history(limit) if constraints else (), empty_record(width),
    )  # fmt: skip
    *_, written = tf.while_loop(go_on, advance, begin)
    return tuple(array.stack() for array in written)


def draw(logits: tf.Tensor, sampling: Sampling, time: tf.Tensor) -> tf.Tensor:
    """Draw a token for each row of logits [R, V]; `time` tells one draw of a seed from the next.

    The token with the highest logit plus Gumbel noise is one drawn from their softmax.
    """
    size = tf.shape(logits)[-1]
    ranked, tokens = tf.math.top_k(logits, size)
    ranked /= sampling.temperature
    count = tf.where(sampling.top_k > 0, sampling.top_k, size)
    ranked = tf.where(tf.range(size) < count, ranked, -np.inf)
    before = tf.cumsum(tf.nn.softmax(ranked), axis=1, exclusive=True)
    ranked = tf.where((before < sampling.top_p) | (sampling.top_p >= 1), ranked, -np.inf)
    least = np.finfo(np.float32).tiny  # the noise of 0 would be none
    even = tf.random.stateless_uniform(tf.shape(ranked), [sampling.seed, time], least)
    place = tf.argmax(ranked - tf.math.log(-tf.math.log(even)), axis=1, output_type=tf.int32)
    return tf.gather(tokens, place, batch_dims=1)


def _fates(chosen: tf.Tensor, shut: tf.Tensor, done: tf.Tensor) -> tf.Tensor:
    """Say what became of the tokens of each row [B*K, C], the drawn one first.

    A drawn one that is barred was drawn because all were.
    """
    fates = tf.where(chosen == END, FINISHED, KEPT)
    fates = tf.where(tf.range(tf.shape(chosen)[1]) == 0, fates, PRUNED)
    fates = tf.where(shut, BARRED, fates)
    return tf.where(done[:, None], AFTER_END, fates)


def _likeliest(own: tf.Tensor, but: tf.Tensor, count: int) -> tf.Tensor:
    """Return the likeliest tokens [B*K, count] of each row, without the one in `but`."""
    size = tf.shape(own)[-1]
    rest = own + tf.one_hot(but, size, 2 * NEVER)
    return tf.math.top_k(rest, tf.minimum(count, size - 1)).indices


def _across(values: tf.Tensor, batch: tf.Tensor, width: int) -> tf.Tensor:
    """Put the columns [B*K, C] of the rows of a sentence one after the other: [B, C*K]."""
    by_sentence = tf.reshape(values, [batch, width, -1])
    return tf.reshape(tf.transpose(by_sentence, [0, 2, 1]), [batch, -1])

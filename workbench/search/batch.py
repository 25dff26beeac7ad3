"""Greedy search, beam search and sampling of many sentences at once, for any step function.

The search asks for nothing but `step(tokens, state, memory)`, so its tests need no model.
What it writes down is what it looked at: for every step the candidates it weighed and what
became of them. Hypotheses are read back from that.

Shape letters: B sentences, K beam width or samples, C candidates on record a step, T steps
taken, V target vocabulary, L layers with attention, H heads, S source tokens.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from workbench.data.tokenizer import BEGIN, END, PAD, UNKNOWN
from workbench.records import Floats, Integers

Step = Callable[[tf.Tensor, Any, Any], tuple[tf.Tensor, tf.Tensor, Any]]

PRUNED, KEPT, FINISHED, AFTER_END = 0, 1, 2, 3  # what became of a candidate
NEVER = -1e9
LEAST_READ = 1e-6  # what counts as read of a position never looked at, so that a log is a number


@dataclass(frozen=True)
class SearchRecord:
    """What the search weighed, best first within a step; of samples, the drawn tokens first.

    Attributes:
        tokens, parents, fates, rows: [T, B, C]; a candidate continues row `parents` of the
            beam; a kept one becomes row `rows` of the next step (-1 otherwise).
        log_probabilities: of the whole prefix with the candidate, in nats [T, B, C].
        scores: the same over the length penalty, and the coverage penalty added [T, B, C].
        attention: what each row attended to while it weighed a step [T, B, K, L, H, S].
        drawn: whether the rows are samples, each on its own.
    """

    tokens: Integers
    parents: Integers
    fates: Integers
    rows: Integers
    log_probabilities: Floats
    scores: Floats
    attention: Floats
    drawn: bool = False

    @property
    def width(self) -> int:
        """The beam width K."""
        return int(self.attention.shape[2])

    def path(self, step: int, sentence: int, candidate: int) -> list[tuple[int, int]]:
        """Return (step, candidate) from the first step to this candidate."""
        path = [(step, candidate)]
        while step:
            row = self.parents[step, sentence, candidate]
            step -= 1
            candidate = int(np.flatnonzero(self.rows[step, sentence] == row)[0])
            path.append((step, candidate))
        return path[::-1]

    def best(self, sentence: int, count: int) -> list[tuple[int, int]]:
        """Return (step, candidate) of the `count` best hypotheses, best first.

        Finished ones come first; where there are too few, those still open when the search
        of this sentence ended follow.
        """
        fates, scores = self.fates[:, sentence], self.scores[:, sentence]
        ends = [tuple(end) for end in np.argwhere(fates == FINISHED)]
        ends.sort(key=lambda end: -scores[end])
        last = int(np.flatnonzero((fates != AFTER_END).any(1))[-1])
        still_open = [(last, int(c)) for c in np.flatnonzero(fates[last] == KEPT)]
        if self.drawn:  # the rows of a beam are in order already
            still_open.sort(key=lambda end: -scores[end])
        ends += still_open
        return [(int(step), int(candidate)) for step, candidate in ends[:count]]


def length_penalty(length: tf.Tensor, alpha: float | tf.Tensor) -> tf.Tensor:
    """Return lp(Y) = ((5 + |Y|) / 6)^α (Wu et al. 2016, formula 14)."""
    return ((5.0 + length) / 6.0) ** alpha


class Coverage(NamedTuple):
    """What the coverage penalty of formula 14 is counted with.

    Attributes:
        beta: its weight, float32.
        mask: [B, S], true at the source positions that are to be read: the real ones.
    """

    beta: tf.Tensor
    mask: tf.Tensor


def coverage_penalty(covered: tf.Tensor, coverage: Coverage) -> tf.Tensor:
    """Return cp(X; Y) = β Σᵢ log(min(Σⱼ pᵢⱼ, 1)), at most 0 (Wu et al. 2016, formula 14).

    Shapes: covered [B, S], the attention that each source position got so far; the result [B].
    """
    nats = tf.math.log(tf.clip_by_value(covered, LEAST_READ, 1.0))
    return coverage.beta * tf.reduce_sum(tf.where(coverage.mask, nats, 0.0), -1)


def beam_search(
    step: Step,
    state: Any,
    memory: Any,
    width: int,
    limit: tf.Tensor,
    alpha: tf.Tensor,
    coverage: Coverage | None = None,
    weighed: int = 0,
) -> tuple[tf.Tensor, ...]:
    """Search for the best continuations of the begin symbol.

    Each step weighs the 2 K best continuations of the K rows, or more. An end symbol among the
    best K finishes a hypothesis; the K best others go on. A sentence is done when K hypotheses
    have finished and no row scores better than the best of them, or when no row could still
    beat it within the limit. With K = 1 this is greedy search. Padding, unknown and begin symbols
    are never chosen.

    Rows compete by log-probability, as they are equally long; the penalties decide among the
    hypotheses that have finished (Wu et al. 2016, section 7). The coverage penalty of an open
    row may yet rise, to 0 at most, so the search stops as it does without.

    Args:
        step: from tokens [B*K], state and memory to logits [B*K, V], attention
            [B*K, L, H, S] and the next state; every tensor of state and memory begins with B
            here and is repeated to B*K.
        state: before the first token.
        memory: what the step reads and never changes.
        width: K.
        limit: steps at most, int32.
        alpha: exponent of the length penalty, float32.
        coverage: for the coverage penalty; none without.
        weighed: candidates to have on record a step, where more than 2 K are wanted.

    Returns: the arrays of `SearchRecord`, in its order.
    """
    state, memory = tf.nest.map_structure(lambda t: tf.repeat(t, width, 0), (state, memory))
    covered: tf.Tensor | tuple[()] = ()  # [B*K, S] where it is to be counted
    if coverage is not None:
        coverage = coverage._replace(mask=tf.repeat(coverage.mask, width, 0))
        covered = tf.zeros_like(coverage.mask, tf.float32)
    batch = tf.shape(tf.nest.flatten((state, memory))[0])[0] // width
    weighed = max(2 * width, weighed)
    first = tf.concat([[0.0], tf.fill([width - 1], NEVER)], 0)  # one row, not K equal ones
    bound = length_penalty(tf.cast(limit, tf.float32), alpha)
    written = _empty_record(width)

    def go_on(time: tf.Tensor, done: tf.Tensor, *_: Any) -> tf.Tensor:
        return (time < limit) & ~tf.reduce_all(done)

    def advance(
        time: tf.Tensor, done: tf.Tensor, finished: tf.Tensor, best: tf.Tensor,
        tokens: tf.Tensor, totals: tf.Tensor, state: Any, covered: Any,
        written: list[tf.TensorArray],
    ) -> tuple[Any, ...]:  # fmt: skip
        logits, attention, state = step(tokens, state, memory)
        weighed_totals, parents, chosen = _weigh(logits, totals, weighed)
        ends, kept, rows = _decide(chosen, weighed_totals > NEVER / 2, width)
        penalty = length_penalty(tf.cast(time + 1, tf.float32), alpha)
        scores = weighed_totals / penalty
        if coverage is not None:
            covered += _looked_at(attention)
            by_parent = tf.reshape(coverage_penalty(covered, coverage), [batch, width])
            scores += tf.gather(by_parent, parents, batch_dims=1)
        fates = tf.where(ends, FINISHED, tf.where(kept, KEPT, PRUNED))
        fates = tf.where(done[:, None], AFTER_END, fates)
        by_row = _by_row(attention, batch, width)
        now = (chosen, parents, fates, rows, weighed_totals, scores, by_row)
        written = [array.write(time, value) for array, value in zip(written, now, strict=True)]

        finished += tf.reduce_sum(tf.cast(ends, tf.int32), 1)
        best = tf.maximum(best, tf.reduce_max(tf.where(ends, scores, NEVER), 1))
        order = tf.argsort(tf.where(kept, rows, weighed), axis=1, stable=True)[:, :width]
        order = tf.ensure_shape(order, [None, width])  # not known where V is not: copied words
        totals = tf.gather(tf.where(kept, weighed_totals, NEVER), order, batch_dims=1)
        done |= (finished >= width) & (best >= totals[:, 0] / penalty)
        done |= best >= totals[:, 0] / bound
        from_row = tf.gather(parents, order, batch_dims=1) + width * tf.range(batch)[:, None]
        picked = tf.reshape(from_row, [-1])
        state, covered = tf.nest.map_structure(lambda t: tf.gather(t, picked), (state, covered))
        tokens = tf.reshape(tf.gather(chosen, order, batch_dims=1), [-1])
        return time + 1, done, finished, best, tokens, totals, state, covered, written

    begin = (
        tf.constant(0), tf.zeros([batch], tf.bool), tf.zeros([batch], tf.int32),
        tf.fill([batch], NEVER), tf.fill([batch * width], BEGIN),
        tf.tile(first[None, :], [batch, 1]), state, covered, written,
    )  # fmt: skip
    *_, written = tf.while_loop(go_on, advance, begin)
    return tuple(array.stack() for array in written)


def _empty_record(width: int) -> list[tf.TensorArray]:
    """Return where the arrays of `SearchRecord` are written step by step."""
    return [tf.TensorArray(kind, 0, dynamic_size=True, element_shape=shape) for kind, shape in (
        *[(tf.int32, [None, None])] * 4, *[(tf.float32, [None, None])] * 2,
        (tf.float32, [None, width, None, None, None]),
    )]  # fmt: skip


def _by_row(attention: tf.Tensor, batch: tf.Tensor, width: int) -> tf.Tensor:
    """Give attention [B*K, L, H, S] an axis for the sentences and one for their rows."""
    return tf.reshape(attention, tf.concat([[batch, width], tf.shape(attention)[1:]], 0))


def _own(logits: tf.Tensor) -> tf.Tensor:
    """Return the model's log-probabilities [B*K, V], with what is never chosen out of reach."""
    never = tf.reduce_sum(tf.one_hot([PAD, UNKNOWN, BEGIN], tf.shape(logits)[-1], NEVER), 0)
    return tf.nn.log_softmax(logits) + never


def _weigh(
    logits: tf.Tensor, totals: tf.Tensor, count: int
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Return the `count` best continuations of each sentence's rows, best first.

    Shapes: logits [B*K, V]; totals [B, K], log-probabilities of the rows so far.
    Returns: log-probability of the whole, row continued, token added; each [B, count].
    """
    batch, width = tf.unstack(tf.shape(totals))
    size = tf.shape(logits)[-1]
    log_probabilities = _own(logits)
    sums = totals[:, :, None] + tf.reshape(log_probabilities, [batch, width, size])
    best, flat = tf.math.top_k(
        tf.reshape(sums, [batch, width * size]), tf.minimum(count, width * size)
    )
    return best, flat // size, flat % size


def _decide(
    chosen: tf.Tensor, possible: tf.Tensor, width: int
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Say which candidates [B, C], best first, end a hypothesis and which go on.

    Returns: whether each ends; whether each is kept; the next step's row of each kept one, -1
    for the others.
    """
    ends = (chosen == END) & possible & (tf.range(tf.shape(chosen)[1]) < width)
    goes_on = (chosen != END) & possible
    rows = tf.cumsum(tf.cast(goes_on, tf.int32), axis=1) - 1
    kept = goes_on & (rows < width)
    return ends, kept, tf.where(kept, rows, -1)


def _looked_at(attention: tf.Tensor) -> tf.Tensor:
    """Average attention [B, L, H, S] over layers and heads: [B, S].

    A model without attention is taken to look at everything, so that nothing is held against it.
    """
    maps = tf.cast(tf.size(attention[0, :, :, 0]), tf.float32)
    looked_at = tf.math.divide_no_nan(tf.reduce_sum(attention, [1, 2]), maps)
    return tf.where(maps > 0, looked_at, 1.0)


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
) -> tuple[tf.Tensor, ...]:
    """Draw K continuations of the begin symbol, token by token, each on its own.

    What is on record are the model's own log-probabilities, not those that were drawn from, and
    a score is the log-probability of the whole. Padding, unknown and begin symbols are never
    drawn.

    Args:
        step: as in `beam_search`.
        state: before the first token.
        memory: what the step reads and never changes.
        width: K.
        limit: steps at most, int32.
        sampling: what is drawn from.
        others: how many of the tokens that a row did not draw go on record, as pruned.

    Returns: the arrays of `SearchRecord`, in its order; C is K + K × others.
    """
    state, memory = tf.nest.map_structure(lambda t: tf.repeat(t, width, 0), (state, memory))
    batch = tf.shape(tf.nest.flatten((state, memory))[0])[0] // width

    def go_on(time: tf.Tensor, done: tf.Tensor, *_: Any) -> tf.Tensor:
        return (time < limit) & ~tf.reduce_all(done)

    def advance(
        time: tf.Tensor, done: tf.Tensor, tokens: tf.Tensor, totals: tf.Tensor, state: Any,
        written: list[tf.TensorArray],
    ) -> tuple[Any, ...]:  # fmt: skip
        logits, attention, state = step(tokens, state, memory)
        own = _own(logits)
        drawn = draw(own, sampling, time)
        chosen = tf.concat([drawn[:, None], _likeliest(own, drawn, others)], 1)  # [B*K, 1 + others]
        reached = totals[:, None] + tf.gather(own, chosen, batch_dims=1)
        fates = tf.where(chosen == END, FINISHED, KEPT)
        fates = tf.where(tf.range(tf.shape(chosen)[1]) == 0, fates, PRUNED)
        fates = tf.where(done[:, None], AFTER_END, fates)
        parents = tf.broadcast_to(tf.range(batch * width)[:, None] % width, tf.shape(chosen))
        rows = tf.where(fates == KEPT, parents, -1)
        by_step = [_across(each, batch, width)
                   for each in (chosen, parents, fates, rows, reached, reached)]  # fmt: skip
        now = [*by_step, _by_row(attention, batch, width)]
        written = [array.write(time, value) for array, value in zip(written, now, strict=True)]
        return time + 1, done | (drawn == END), drawn, reached[:, 0], state, written

    nothing = tf.zeros([batch * width])
    begin = (
        tf.constant(0), nothing > 0, tf.fill([batch * width], BEGIN), nothing, state,
        _empty_record(width),
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


def _likeliest(own: tf.Tensor, but: tf.Tensor, count: int) -> tf.Tensor:
    """Return the likeliest tokens [B*K, count] of each row, without the one in `but`."""
    size = tf.shape(own)[-1]
    rest = own + tf.one_hot(but, size, 2 * NEVER)
    return tf.math.top_k(rest, tf.minimum(count, size - 1)).indices


def _across(values: tf.Tensor, batch: tf.Tensor, width: int) -> tf.Tensor:
    """Put the columns [B*K, C] of the rows of a sentence one after the other: [B, C*K]."""
    by_row = tf.reshape(values, [batch, width, -1])
    return tf.reshape(tf.transpose(by_row, [0, 2, 1]), [batch, -1])


class BatchSearch:
    """Search with one model, compiled once for each way to search and each width."""

    def __init__(self, encode: Callable[[tf.Tensor], tuple[Any, Any]], step: Step) -> None:
        """Search with `step` from what `encode` makes of source ids [B, S]."""
        self._encode, self._step = encode, step
        self._compiled: dict[tuple[Any, ...], Any] = {}

    def __call__(
        self,
        source: NDArray[np.int32],
        width: int,
        limit: int,
        alpha: float,
        beta: float = 0.0,
        sampling: Sampling | None = None,
        weighed: int = 0,
    ) -> SearchRecord:
        """Search on padded source ids [B, S]; with `sampling`, draw instead.

        `beta` weighs the coverage penalty. See `beam_search` and `sample` for the rest; at least
        `weighed` candidates go on record a step.
        """
        if sampling is None:
            search = self._once(self._beam, width, beta > 0, weighed)
            arrays = search(source, limit, np.float32(alpha), np.float32(beta))
        else:
            temperature, top_k, top_p, seed = sampling
            search = self._once(self._sample, width, weighed // width)
            arrays = search(source, limit, np.float32(temperature), top_k, np.float32(top_p), seed)
        record = SearchRecord(*(array.numpy() for array in arrays))
        return replace(record, drawn=sampling is not None)

    def _once(self, compile_for: Callable[..., Any], *kind: Any) -> Any:
        """Return the compiled search of one kind, from earlier where it is there."""
        key = compile_for.__name__, *kind
        if key not in self._compiled:
            self._compiled[key] = compile_for(*kind)
        return self._compiled[key]

    def _beam(self, width: int, covers: bool, weighed: int) -> Any:
        """Return the search of one width as a function of source, limit, α and β."""

        def search(
            source: tf.Tensor, limit: tf.Tensor, alpha: tf.Tensor, beta: tf.Tensor
        ) -> tuple[tf.Tensor, ...]:
            coverage = Coverage(beta, source != PAD) if covers else None
            encoded = self._encode(source)
            return beam_search(self._step, *encoded, width, limit, alpha, coverage, weighed)

        return _compiled(search, tf.float32, tf.float32)

    def _sample(self, width: int, others: int) -> Any:
        """Return the sampling of so many as a function of source, limit and `Sampling`."""

        def search(
            source: tf.Tensor, limit: tf.Tensor, *sampling: tf.Tensor
        ) -> tuple[tf.Tensor, ...]:
            encoded = self._encode(source)
            return sample(self._step, *encoded, width, limit, Sampling(*sampling), others)

        return _compiled(search, tf.float32, tf.int32, tf.float32, tf.int32)


def _compiled(search: Callable[..., Any], *scalars: tf.DType) -> Any:
    """Compile a function of source ids [B, S], the limit and some scalars."""
    signature = [tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([], tf.int32)]
    signature += [tf.TensorSpec([], kind) for kind in scalars]
    return tf.function(search, input_signature=signature, autograph=False)

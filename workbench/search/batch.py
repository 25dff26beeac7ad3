"""Greedy and beam search over many sentences at once, compiled, for any step function.

The search asks for nothing but `step(tokens, state, memory)`, so its tests need no model.
What it writes down is what it looked at: for every step the candidates it weighed and what
became of them. Hypotheses are read back from that.

Shape letters: B sentences, K beam width, C candidates weighed a step (2 K), T steps taken,
V target vocabulary, L layers with attention, H heads, S source tokens.
"""

from collections.abc import Callable
from dataclasses import dataclass
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
    """What the search weighed, best first within a step.

    Attributes:
        tokens, parents, fates, rows: [T, B, C]; a candidate continues row `parents` of the
            beam; a kept one becomes row `rows` of the next step (-1 otherwise).
        log_probabilities: of the whole prefix with the candidate, in nats [T, B, C].
        scores: the same over the length penalty, and the coverage penalty added [T, B, C].
        attention: what each row attended to while it weighed a step [T, B, K, L, H, S].
    """

    tokens: Integers
    parents: Integers
    fates: Integers
    rows: Integers
    log_probabilities: Floats
    scores: Floats
    attention: Floats

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
        ends += [(last, int(c)) for c in np.flatnonzero(fates[last] == KEPT)]
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
) -> tuple[tf.Tensor, ...]:
    """Search for the best continuations of the begin symbol.

    Each step weighs the 2 K best continuations of the K rows. An end symbol among the best K
    finishes a hypothesis; the K best others go on. A sentence is done when K hypotheses have
    finished and no row scores better than the best of them, or when no row could still beat
    it within the limit. With K = 1 this is greedy search. Padding, unknown and begin symbols
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

    Returns: the arrays of `SearchRecord`, in its order.
    """
    state, memory = tf.nest.map_structure(lambda t: tf.repeat(t, width, 0), (state, memory))
    covered: tf.Tensor | tuple[()] = ()  # [B*K, S] where it is to be counted
    if coverage is not None:
        coverage = coverage._replace(mask=tf.repeat(coverage.mask, width, 0))
        covered = tf.zeros_like(coverage.mask, tf.float32)
    batch = tf.shape(tf.nest.flatten((state, memory))[0])[0] // width
    weighed = 2 * width
    first = tf.concat([[0.0], tf.fill([width - 1], NEVER)], 0)  # one row, not K equal ones
    bound = length_penalty(tf.cast(limit, tf.float32), alpha)
    written = [tf.TensorArray(kind, 0, dynamic_size=True, element_shape=shape) for kind, shape in (
        *[(tf.int32, [None, weighed])] * 4, *[(tf.float32, [None, weighed])] * 2,
        (tf.float32, [None, width, None, None, None]),
    )]  # fmt: skip

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
        shape = tf.shape(attention)
        by_row = tf.reshape(attention, tf.concat([[batch, width], shape[1:]], 0))
        now = (chosen, parents, fates, rows, weighed_totals, scores, by_row)
        written = [array.write(time, value) for array, value in zip(written, now, strict=True)]

        finished += tf.reduce_sum(tf.cast(ends, tf.int32), 1)
        best = tf.maximum(best, tf.reduce_max(tf.where(ends, scores, NEVER), 1))
        order = tf.argsort(tf.where(kept, rows, weighed), axis=1, stable=True)[:, :width]
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


def _weigh(
    logits: tf.Tensor, totals: tf.Tensor, count: int
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Return the `count` best continuations of each sentence's rows, best first.

    Shapes: logits [B*K, V]; totals [B, K], log-probabilities of the rows so far.
    Returns: log-probability of the whole, row continued, token added; each [B, count].
    """
    batch, width = tf.unstack(tf.shape(totals))
    size = tf.shape(logits)[-1]
    never = tf.reduce_sum(tf.one_hot([PAD, UNKNOWN, BEGIN], size, NEVER), 0)
    log_probabilities = tf.nn.log_softmax(logits) + never
    sums = totals[:, :, None] + tf.reshape(log_probabilities, [batch, width, size])
    best, flat = tf.math.top_k(tf.reshape(sums, [batch, width * size]), count)
    return best, flat // size, flat % size


def _decide(
    chosen: tf.Tensor, possible: tf.Tensor, width: int
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Say which candidates [B, C], best first, end a hypothesis and which go on.

    Returns: whether each ends; whether each is kept; the next step's row of each kept one, -1
    for the others.
    """
    ends = (chosen == END) & possible & (tf.range(2 * width) < width)
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


class BatchSearch:
    """Beam search with one model, compiled once for each beam width, with coverage and without."""

    def __init__(self, encode: Callable[[tf.Tensor], tuple[Any, Any]], step: Step) -> None:
        """Search with `step` from what `encode` makes of source ids [B, S]."""
        self._encode, self._step = encode, step
        self._compiled: dict[tuple[int, bool], Any] = {}

    def __call__(
        self, source: NDArray[np.int32], width: int, limit: int, alpha: float, beta: float = 0.0
    ) -> SearchRecord:
        """Search on padded source ids [B, S]; `beta` weighs the coverage penalty.

        See `beam_search` for the rest.
        """
        kind = width, beta > 0
        if kind not in self._compiled:
            self._compiled[kind] = self._compile(*kind)
        arrays = self._compiled[kind](source, limit, np.float32(alpha), np.float32(beta))
        return SearchRecord(*(array.numpy() for array in arrays))

    def _compile(self, width: int, covers: bool) -> Any:
        """Return the search of one width as a function of source, limit, α and β."""

        def search(
            source: tf.Tensor, limit: tf.Tensor, alpha: tf.Tensor, beta: tf.Tensor
        ) -> tuple[tf.Tensor, ...]:
            coverage = Coverage(beta, source != PAD) if covers else None
            return beam_search(self._step, *self._encode(source), width, limit, alpha, coverage)

        scalar = tf.TensorSpec([], tf.float32)
        signature = [tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([], tf.int32)]
        return tf.function(search, input_signature=[*signature, scalar, scalar], autograph=False)

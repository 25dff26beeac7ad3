"""Greedy and beam search, diverse beam search too. Shape letters as in `workbench.search.record`.

V is the target vocabulary, N = K / G the rows of a group.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import tensorflow as tf

from workbench.data.tokenizer import BEGIN, END
from workbench.penalties import LEAST_READ, length_penalty
from workbench.search.constraints import Constraints, barred, noted
from workbench.search.record import AFTER_END, BARRED, FINISHED, KEPT, NEVER, PRUNED
from workbench.search.steps import Step, by_row, empty_record, own_log_probabilities


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


class Diversity(NamedTuple):
    """How the beam is split (Vijayakumar et al. 2018): into `groups`, with `strength` λ.

    Groups choose one after the other. What λ takes off a token, for each time that an earlier
    group has chosen it at the same step, changes by what a row stands, not its log-probability.
    """

    groups: int = 1
    strength: float | tf.Tensor = 0.0


WHOLE = Diversity()  # a beam that is not split


def beam_search(
    step: Step,
    state: Any,
    memory: Any,
    width: int,
    limit: tf.Tensor,
    alpha: tf.Tensor,
    coverage: Coverage | None = None,
    weighed: int = 0,
    diversity: Diversity = WHOLE,
    constraints: Constraints | None = None,
) -> tuple[tf.Tensor, ...]:
    """Search for the best continuations of the begin symbol.

    Each step weighs the 2 K best continuations of the K rows, or more. An end symbol among the
    best K finishes a hypothesis; the K best others go on. A sentence is done when K hypotheses
    have finished and no row scores better than the best of them, or when no row could still
    beat it within the limit, or goes on at all. With K = 1 this is greedy search. Padding,
    unknown and begin symbols are never chosen.

    Rows compete by log-probability, as they are equally long; the penalties decide among the
    hypotheses that have finished (Wu et al. 2016, section 7). The coverage penalty of an open
    row may yet rise, to 0 at most, so the search stops as it does without.

    In groups, all this holds for each with its K / G rows; in all but the first they compete
    with the diversity term added up over the steps (Vijayakumar et al. 2018, algorithm 1, with
    Hamming diversity). Finished hypotheses compete without it.

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
        weighed: candidates to have on record a step, where more than 2 K are wanted; as many at
            most that were barred join them.
        diversity: the groups of the beam.
        constraints: what may be chosen, a row for each sentence.

    Returns: the arrays of `SearchRecord`, in its order.
    """
    state, memory = tf.nest.map_structure(lambda t: tf.repeat(t, width, 0), (state, memory))
    if coverage is not None:
        coverage = coverage._replace(mask=tf.repeat(coverage.mask, width, 0))
    search = _Search(
        step, memory, width, limit, alpha, coverage, weighed, diversity,
        constraints.for_rows(width) if constraints else None,
    )  # fmt: skip
    begin = (tf.constant(0), search.begin(state), empty_record(width))
    *_, written = tf.while_loop(search.goes_on, search.advance, begin)
    return tuple(array.stack() for array in written)


class Rows(NamedTuple):
    """The beam before a step, and what is known of its hypotheses.

    Attributes:
        done, finished, best: of each group, whether its search has ended, how many hypotheses
            have finished and the best score of them [B, G].
        tokens: the latest of each row [B*K].
        totals: log-probability of each row; NEVER where there is none [B, K].
        standing: the same with the diversity term, by which rows compete [B, K].
        carried: the model's state, what was read so far, the history of tokens; all [B*K, …].
    """

    done: tf.Tensor
    finished: tf.Tensor
    best: tf.Tensor
    tokens: tf.Tensor
    totals: tf.Tensor
    standing: tf.Tensor
    carried: Any


class Weighed(NamedTuple):
    """The candidates of a step, best first within a group; each [B, G, C / G]."""

    tokens: tf.Tensor
    parents: tf.Tensor
    fates: tf.Tensor
    rows: tf.Tensor
    totals: tf.Tensor
    standing: tf.Tensor


@dataclass(frozen=True)
class _Search:
    """One beam search: everything that does not change from step to step."""

    step: Step
    memory: Any
    width: int
    limit: tf.Tensor
    alpha: tf.Tensor
    coverage: Coverage | None
    weighed: int
    diversity: Diversity
    constraints: Constraints | None

    @property
    def size(self) -> int:
        """The rows of a group."""
        return self.width // self.diversity.groups

    def begin(self, state: Any) -> Rows:
        """Return a beam whose groups have one row each, not K / G equal ones."""
        everything = tf.nest.flatten((state, self.memory))
        batch, groups = tf.shape(everything[0])[0] // self.width, self.diversity.groups
        covered: Any = ()
        if self.coverage is not None:
            covered = tf.zeros_like(self.coverage.mask, tf.float32)
        history = self.constraints.history(self.limit) if self.constraints else ()
        of_group = [0.0] + [NEVER] * (self.size - 1)
        first = tf.tile(tf.constant(of_group * groups)[None], [batch, 1])
        return Rows(
            tf.zeros([batch, groups], tf.bool), tf.zeros([batch, groups], tf.int32),
            tf.fill([batch, groups], NEVER), tf.fill([batch * self.width], BEGIN),
            first, first, (state, covered, history),
        )  # fmt: skip

    def goes_on(self, time: tf.Tensor, rows: Rows, _: Any) -> tf.Tensor:
        """Tell whether a step is left and a group is not done."""
        return (time < self.limit) & ~tf.reduce_all(rows.done)

    def advance(
        self, time: tf.Tensor, rows: Rows, written: list[tf.TensorArray]
    ) -> tuple[tf.Tensor, Rows, list[tf.TensorArray]]:
        """Take a step and write it down."""
        state, covered, history = rows.carried
        logits, attention, state = self.step(rows.tokens, state, self.memory)
        own = own_log_probabilities(logits)
        shut = None
        if self.constraints:
            shut = barred(self.constraints, time, history, tf.shape(own)[-1])
        found = self._choose(own, shut, rows)
        penalty = length_penalty(tf.cast(time + 1, tf.float32), self.alpha)
        scores = found.totals / penalty
        if self.coverage is not None:
            covered += _looked_at(attention)
            of_rows = tf.reshape(coverage_penalty(covered, self.coverage), [-1, self.width])
            scores += tf.gather(of_rows, found.parents, batch_dims=1)
        batch = tf.shape(rows.totals)[0]
        now = [tf.reshape(each, [batch, -1]) for each in (*found[:5], scores)]
        now.append(by_row(attention, batch, self.width))
        written = [array.write(time, value) for array, value in zip(written, now, strict=True)]
        rows = rows._replace(carried=(state, covered, history))
        return time + 1, self._next(time, rows, found, scores, penalty), written

    def _choose(self, own: tf.Tensor, shut: tf.Tensor | None, rows: Rows) -> Weighed:
        """Let each group choose in turn among its continuations.

        Shapes: own, shut [B*K, V].
        """
        batch, groups, vocabulary = (
            tf.shape(rows.totals)[0],
            self.diversity.groups,
            tf.shape(own)[1],
        )
        own = tf.reshape(own, [batch, self.width, vocabulary])
        shut = None if shut is None else tf.reshape(shut, [batch, self.width, vocabulary])
        chosen_before = tf.zeros([batch, vocabulary])
        found = []
        for group in range(groups):
            mine = slice(group * self.size, (group + 1) * self.size)
            sums = rows.standing[:, mine, None] + own[:, mine]
            if group:
                sums -= self.diversity.strength * chosen_before[:, None]
            out = None if shut is None else shut[:, mine]
            one = self._weigh(own[:, mine], sums, out, rows.totals[:, mine])
            one = one._replace(
                parents=one.parents + mine.start,
                rows=tf.where(one.fates == KEPT, one.rows + mine.start, -1),
                fates=tf.where(rows.done[:, group, None], AFTER_END, one.fates),
            )
            found.append(one)
            if group < groups - 1:
                chosen_before += _counts(one, vocabulary)
        return Weighed(*(tf.stack(each, 1) for each in zip(*found, strict=True)))

    def _weigh(
        self, own: tf.Tensor, sums: tf.Tensor, shut: tf.Tensor | None, totals: tf.Tensor
    ) -> Weighed:
        """Weigh the continuations of one group: the best `sums` that are not shut.

        Where more is wanted on record than competes, what was shut follows, the likeliest first.
        Shapes: own, sums, shut [B, N, V]; totals [B, N].
        """
        groups, vocabulary = self.diversity.groups, tf.shape(own)[2]
        count = max(2 * self.size, self.weighed // groups)
        standing, flat = _top(sums if shut is None else tf.where(shut, NEVER, sums), count)
        possible = exists = standing > NEVER / 2
        if shut is not None and self.weighed > 2 * self.width:
            likeliest, more = _top(tf.where(shut, totals[:, :, None] + own, NEVER), count)
            flat, standing = (
                tf.concat(both, 1)
                for both in ((flat, more), (standing, tf.fill(tf.shape(more), NEVER)))
            )
            exists = tf.concat([exists, likeliest > NEVER / 2], 1)
            possible = tf.pad(possible, [[0, 0], [0, tf.shape(more)[1]]])
        tokens, parents = flat % vocabulary, flat // vocabulary
        reached = tf.gather(totals, parents, batch_dims=1)
        reached += tf.gather(tf.reshape(own, [tf.shape(own)[0], -1]), flat, batch_dims=1)
        ends, kept, rows = _decide(tokens, possible, self.size)
        fates = tf.where(ends, FINISHED, tf.where(kept, KEPT, PRUNED))
        fates = tf.where(exists & ~possible, BARRED, fates)
        return Weighed(tokens, parents, fates, rows, tf.where(exists, reached, NEVER), standing)

    def _next(
        self, time: tf.Tensor, rows: Rows, found: Weighed, scores: tf.Tensor, penalty: tf.Tensor
    ) -> Rows:
        """Return the beam after a step."""
        ends, kept = found.fates == FINISHED, found.fates == KEPT
        finished = rows.finished + tf.reduce_sum(tf.cast(ends, tf.int32), 2)
        best = tf.maximum(rows.best, tf.reduce_max(tf.where(ends, scores, NEVER), 2))
        places = tf.where(kept, found.rows, self.width)
        order = tf.argsort(places, axis=2, stable=True)[:, :, : self.size]
        batch = tf.shape(order)[0]

        def picked(values: tf.Tensor) -> tf.Tensor:
            return tf.reshape(tf.gather(values, order, batch_dims=2), [batch, self.width])

        totals = picked(tf.where(kept, found.totals, NEVER))
        lead = tf.reduce_max(tf.reshape(totals, [batch, self.diversity.groups, self.size]), 2)
        bound = length_penalty(tf.cast(self.limit, tf.float32), self.alpha)
        done = rows.done | (best >= lead / bound) | (lead < NEVER / 2)
        done |= (finished >= self.size) & (best >= lead / penalty)
        from_row = picked(found.parents) + self.width * tf.range(batch)[:, None]
        carried = tf.nest.map_structure(
            lambda t: tf.gather(t, tf.reshape(from_row, [-1])), rows.carried
        )
        tokens = tf.reshape(picked(found.tokens), [-1])
        state, covered, history = carried
        return Rows(
            done, finished, best, tokens, totals, picked(tf.where(kept, found.standing, NEVER)),
            (state, covered, noted(history, time, tokens)),
        )  # fmt: skip


def _top(sums: tf.Tensor, count: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the `count` best of [B, N, V], best first, and where they stand among N * V."""
    batch, rows, vocabulary = tf.unstack(tf.shape(sums))
    flat = tf.reshape(sums, [batch, rows * vocabulary])
    best, places = tf.math.top_k(flat, tf.minimum(count, rows * vocabulary))
    return best, places


def _counts(found: Weighed, vocabulary: tf.Tensor) -> tf.Tensor:
    """Return how often a group has chosen each token, to end with it or to go on: [B, V]."""
    chosen = tf.cast((found.fates == KEPT) | (found.fates == FINISHED), tf.float32)
    batch, count = tf.unstack(tf.shape(found.tokens))
    sentence = tf.broadcast_to(tf.range(batch)[:, None], [batch, count])
    return tf.scatter_nd(tf.stack([sentence, found.tokens], -1), chosen, [batch, vocabulary])


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

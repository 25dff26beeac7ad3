"""Search needs no model: these steps spell a word, or look up a table of logits."""

from itertools import product

import numpy as np
import pytest
import tensorflow as tf

from workbench.config import SearchSettings
from workbench.data.tokenizer import BEGIN, END, PAD, SPECIAL, UNKNOWN
from workbench.penalties import length_penalty
from workbench.search.batch import BatchSearch
from workbench.search.beam import Coverage, beam_search, coverage_penalty
from workbench.search.record import AFTER_END, FINISHED, KEPT, PRUNED, SearchRecord
from workbench.search.sampling import Sampling, draw, sample

LETTERS = "abcdefghijklmnopqrstuvwxyz"
A, B, C = 4, 5, 6
SIZE = 7  # the special symbols, A, B and C


def table_step(tokens, time, table):
    """Look logits up by time and latest token [B, T, V, V]; attention shows that token."""
    rows = tf.range(tf.shape(tokens)[0])
    logits = tf.gather_nd(table, tf.stack([rows, time, tokens], -1))
    return logits, tf.cast(tokens, tf.float32)[:, None, None, None], time + 1


def find(table, width, limit=None, alpha=0.6):
    """Search sentences whose logits are `table` [B, T, V, V]."""
    table = np.asarray(table, np.float32)
    batch, times = table.shape[:2]
    arrays = beam_search(
        table_step, tf.zeros([batch], tf.int32), tf.constant(table), width,
        tf.constant(times if limit is None else limit), tf.constant(alpha),
    )  # fmt: skip
    return SearchRecord(*(array.numpy() for array in arrays))


def searching(width, limit, alpha=0.6, **settings):
    return SearchSettings(
        beam_width=width, max_decode_length=limit, length_penalty=alpha, **settings
    )


def read(record, sentence=0, count=1):
    """Return (tokens, log-probability, score, finished) of the best hypotheses."""
    found = []
    for step, candidate in record.best(sentence, count):
        path = record.path(step, sentence, candidate)
        tokens = tuple(int(record.tokens[time, sentence, place]) for time, place in path)
        total, score, fate = (
            array[step, sentence, candidate]
            for array in (record.log_probabilities, record.scores, record.fates)
        )
        found.append((tokens, float(total), float(score), bool(fate == FINISHED)))
    return found


def log_softmax(logits):
    return logits - np.log(np.exp(logits).sum(-1, keepdims=True))


def log_probability(table, tokens):
    """Sum the log-probabilities of `tokens` under one sentence's table [T, V, V]."""
    before = (BEGIN, *tokens[:-1])
    every = log_softmax(np.asarray(table, float))
    return sum(every[time, b, t] for time, (b, t) in enumerate(zip(before, tokens, strict=True)))


def every_sentence(limit):
    """Return all sentences of A, B, C that end within the limit."""
    words = [word for n in range(limit) for word in product((A, B, C), repeat=n)]
    return [(*word, END) for word in words]


def penalty(length, alpha):
    return ((5 + length) / 6) ** alpha


def random_table(seed, batch=1, times=4, scale=2.0):
    print(f"seed {seed}")
    shape = (batch, times, SIZE, SIZE)
    return np.random.default_rng(seed).normal(scale=scale, size=shape).astype("f")


def certain(*distributions):
    """Return a table whose probabilities at each time are given, e.g. {A: 0.6, END: 0.4}."""
    table = np.full((1, len(distributions), SIZE, SIZE), -50.0)
    for time, distribution in enumerate(distributions):
        for token, probability in distribution.items():
            table[0, time, :, token] = np.log(probability)
    return table


# What is found -----------------------------------------------------------------------------


@pytest.mark.parametrize("width", [1, 2, 5])
def test_it_spells_words_of_any_length(width):
    words = ["sequentially", "a", "beam"]
    spelled = np.full((3, 15), END, np.int32)
    for row, word in zip(spelled, words, strict=True):
        row[: len(word)] = [LETTERS.index(letter) + len(SPECIAL) for letter in word]

    def spell(tokens, time, memory):
        wanted = tf.gather(memory, time, batch_dims=1)
        return 20 * tf.one_hot(wanted, 30), tf.zeros([len(time), 0, 1, 15]), time + 1

    arrays = beam_search(
        spell, tf.zeros([3], tf.int32), tf.constant(spelled), width, tf.constant(15),
        tf.constant(0.6),
    )  # fmt: skip
    record = SearchRecord(*(array.numpy() for array in arrays))
    assert record.width == width
    for sentence, word in enumerate(words):
        tokens, _, _, finished = read(record, sentence)[0]
        assert "".join(LETTERS[number - len(SPECIAL)] for number in tokens[:-1]) == word
        assert tokens[-1] == END
        assert finished


@pytest.mark.parametrize("seed", range(5))
def test_width_one_takes_the_likeliest_token_each_time(seed):
    table = random_table(seed, times=6)
    tokens, wanted = (BEGIN,), []
    for time in range(6):
        logits = table[0, time, tokens[-1]].copy()
        logits[[PAD, UNKNOWN, BEGIN]] = -np.inf
        wanted.append(int(logits.argmax()))
        tokens = tuple(wanted)
        if tokens[-1] == END:
            break
    found, total, score, finished = read(find(table, width=1))[0]
    assert found == tokens
    assert total == pytest.approx(log_probability(table[0], tokens), abs=1e-5)
    assert score == pytest.approx(total / penalty(len(tokens), 0.6), abs=1e-5)
    assert finished == (tokens[-1] == END)


@pytest.mark.parametrize("alpha", [0.0, 0.6, 2.0])
@pytest.mark.parametrize("seed", range(5))
def test_a_beam_wide_enough_finds_what_trying_all_finds(seed, alpha):
    table = random_table(seed, scale=0.7)
    table[..., END] -= 1  # so that long sentences have a chance
    ranked = sorted(
        every_sentence(4),
        key=lambda tokens: -log_probability(table[0], tokens) / penalty(len(tokens), alpha),
    )
    record = find(table, width=40, alpha=alpha)  # 27 prefixes of three words, 40 sentences
    tokens, total, score, finished = read(record)[0]
    assert tokens == ranked[0]
    assert total == pytest.approx(log_probability(table[0], ranked[0]), abs=1e-5)
    assert score == pytest.approx(total / penalty(len(tokens), alpha), abs=1e-5)
    assert finished


@pytest.mark.parametrize("seed", range(3))
def test_a_narrow_beam_ranks_what_it_found(seed):
    table = random_table(seed)
    found = read(find(table, width=3), count=3)
    assert len({tokens for tokens, *_ in found}) == len(found) == 3
    for tokens, total, score, _ in found:
        assert total == pytest.approx(log_probability(table[0], tokens), abs=1e-5)
        assert score == pytest.approx(total / penalty(len(tokens), 0.6), abs=1e-5)
    done = [score for *_, score, finished in found if finished]
    assert done == sorted(done, reverse=True)


@pytest.mark.parametrize(
    ("length", "alpha", "wanted"),
    [(1, 0.6, 1), (7, 1.0, 2), (13, 0.5, 3**0.5), (19, 2.0, 16), (7, 0.0, 1)],
)
def test_length_penalty_by_hand(length, alpha, wanted):
    assert float(length_penalty(float(length), alpha)) == pytest.approx(wanted)


@pytest.mark.parametrize(("alpha", "wanted"), [(0.0, (END,)), (1.0, (A, B, END))])
def test_the_length_penalty_lets_a_longer_sentence_win(alpha, wanted):
    """ln .4 = -.916 against ln .36 = -1.022, which over 8 / 6 is -.766."""
    table = certain({END: 0.4, A: 0.6}, {B: 0.6, C: 0.4}, {END: 1.0}, {END: 1.0})
    tokens, total, score, _ = read(find(table, width=2, alpha=alpha))[0]
    assert tokens == wanted
    by_hand = {0.0: (-0.9163, -0.9163), 1.0: (-1.0217, -0.7662)}
    assert (total, score) == pytest.approx(by_hand[alpha], abs=1e-4)


def test_a_beam_finds_what_greedy_search_misses():
    """A is likelier at first, .6, but what follows is not: .6 × .3 < .4 × .9."""
    table = certain({A: 0.6, B: 0.4}, {}, {END: 1.0})
    table[0, 1, A, [A, B, C]] = np.log([0.3, 0.3, 0.4])
    table[0, 1, B, [A, C]] = np.log([0.9, 0.1])
    assert read(find(table, width=1))[0][0] == (A, C, END)
    assert read(find(table, width=2))[0][0] == (B, A, END)


@pytest.mark.parametrize("width", [1, 4])
def test_padding_unknown_and_begin_are_never_chosen(width):
    table = random_table(9)
    table[..., [PAD, UNKNOWN, BEGIN]] = 30
    record = find(table, width)
    live = np.isin(record.fates, [KEPT, FINISHED])
    assert live.any()
    assert not np.isin(record.tokens[live], [PAD, UNKNOWN, BEGIN]).any()
    total = read(record)[0][1]
    assert total == pytest.approx(log_probability(table[0], read(record)[0][0]), rel=1e-5)
    assert total < -25  # the model's own probability, not one shared out anew


# When it stops -----------------------------------------------------------------------------


def test_it_stops_when_nothing_can_win_any_more():
    """After one step the finished hypothesis has ln .9; the other row has ln .1 at most."""
    table = certain(*[{END: 0.9, A: 0.1}] * 10)
    assert len(find(table, width=2, alpha=0.0).tokens) == 1
    # With α = 1 the bound is ln .1 / (15 / 6) = -.92, still below ln .9 = -.105.
    assert len(find(table, width=2, alpha=1.0).tokens) == 1
    # With α = 5 the bound is ln .1 / 2.5⁵ = -.024: a long sentence might still win.
    assert len(find(table, width=2, alpha=5.0).tokens) == 2


def test_hypotheses_that_ended_too_soon_do_not_end_the_search():
    """At each step END is second best, so that by the third two bad hypotheses have finished."""
    table = certain(*[{A: 0.98, END: 0.02}] * 6, {END: 1.0})
    assert read(find(table, width=2, alpha=0.0))[0][0] == (A, A, A, A, A, A, END)


def test_it_stops_when_as_many_hypotheses_have_finished_as_the_beam_is_wide():
    table = certain(*[{END: 0.5, A: 0.5}] * 10)
    assert len(find(table, width=1, alpha=5.0).tokens) <= 2
    assert len(find(table, width=2, alpha=5.0).tokens) == 2


@pytest.mark.parametrize("width", [1, 3])
def test_at_the_limit_hypotheses_are_unfinished(width):
    table = random_table(4, times=8)
    table[..., END] = -40
    record = find(table, width, limit=5)
    found = read(record, count=width)
    assert len(record.tokens) == 5
    assert len(found) == width
    assert not any(finished for *_, finished in found)
    assert all(len(tokens) == 5 and END not in tokens for tokens, *_ in found)
    totals = [total for _, total, *_ in found]
    assert totals == sorted(totals, reverse=True)


def test_finished_hypotheses_stand_before_unfinished_ones():
    """END is unlikely, but C is the only other word and never ends."""
    table = certain({C: 0.9, END: 0.1}, {C: 1.0}, {C: 1.0})
    found = read(find(table, width=2, alpha=5.0), count=2)
    assert [tokens for tokens, *_ in found] == [(END,), (C, C, C)]
    assert [finished for *_, finished in found] == [True, False]


# The record --------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_the_record_is_complete(seed):
    width, table = 3, random_table(seed, times=5)
    record = find(table, width, alpha=1.0)
    every = log_softmax(table[0].astype(float))
    rows = {0: ((), 0.0)}  # row of the beam: its tokens and their log-probability
    for time in range(len(record.tokens)):
        weighed = []
        for place in range(2 * width):
            token, parent, fate, row = (
                int(array[time, 0, place])
                for array in (record.tokens, record.parents, record.fates, record.rows)
            )
            if record.log_probabilities[time, 0, place] < -1e8:
                continue  # of a row that does not exist, or a symbol that is never chosen
            prefix, total = rows[parent]
            latest = prefix[-1] if prefix else BEGIN
            total += every[time, latest, token]
            assert record.log_probabilities[time, 0, place] == pytest.approx(total, abs=1e-4)
            assert record.scores[time, 0, place] == pytest.approx(
                total / penalty(time + 1, 1.0), abs=1e-4
            )
            assert record.attention[time, 0, parent, 0, 0, 0] == latest
            weighed.append(((*prefix, token), total, fate, row, place))
        totals = [total for _, total, *_ in weighed]
        assert totals == sorted(totals, reverse=True)
        best = sorted(
            (
                (total + every[time, prefix[-1] if prefix else BEGIN, token], (*prefix, token))
                for prefix, total in rows.values()
                for token in (END, A, B, C)
            ),
            reverse=True,
        )[: 2 * width]
        assert [tokens for tokens, *_ in weighed] == [tokens for _, tokens in best]
        going_on = [each for each in weighed if each[0][-1] != END]
        for tokens, _, fate, row, place in weighed:
            if tokens[-1] == END:
                assert fate == (FINISHED if place < width else PRUNED)
                assert row == -1
            else:
                rank = [each[0] for each in going_on].index(tokens)
                assert (fate, row) == ((KEPT, rank) if rank < width else (PRUNED, -1))
        rows = {row: (tokens, total) for tokens, total, fate, row, _ in weighed if fate == KEPT}


def test_sentences_in_a_batch_do_not_touch_each_other():
    """The first ends at once, the others go on: in the batch it has steps after its end."""
    table = random_table(11, batch=3, times=7, scale=1.0)
    table[..., END] -= 2
    table[0, 0, :, END] = 6
    together = find(table, width=3)
    assert (together.fates[-1, 0] == AFTER_END).all()
    for sentence in range(3):
        alone = find(table[sentence : sentence + 1], width=3)
        for count in (1, 3):
            ours, theirs = read(together, sentence, count), read(alone, 0, count)
            assert [each[0] for each in ours] == [each[0] for each in theirs]
            for left, right in zip(ours, theirs, strict=True):
                assert left[1:] == pytest.approx(right[1:], abs=1e-5)


# Compiled ----------------------------------------------------------------------------------


def test_one_graph_for_each_width():
    traced = []

    def step(tokens, time, table):
        traced.append(tokens.shape)
        return table_step(tokens, time, table)

    table = random_table(5, batch=2, times=8)

    def encode(source):
        return tf.zeros_like(source[:, 0]), tf.gather(tf.constant(table), source[:, 0])

    compiled = BatchSearch(encode, step)
    first = compiled(np.array([[1, 9], [0, 9]], np.int32), searching(2, 8))
    count = len(traced)
    wanted = [read(find(table[[row]], width=2))[0] for row in (1, 0)]
    for sentence in range(2):
        tokens, *figures = read(first, sentence)[0]
        assert tokens == wanted[sentence][0]
        assert figures == pytest.approx(wanted[sentence][1:], abs=1e-5)
    compiled(
        np.array([[1]], np.int32), searching(2, 3, 1.0)
    )  # other shapes, another limit and penalty
    assert len(traced) == count
    assert len(compiled(np.array([[1]], np.int32), searching(1, 3, 1.0)).tokens) <= 3
    assert len(traced) == 2 * count


# Coverage ----------------------------------------------------------------------------------


def looking_step(tokens, time, table):
    """Look logits up as `table_step`; attention [B, L, H, S] is what the latest token looks at."""
    logits, _, later = table_step(tokens, time, table["logits"])
    return logits, tf.gather(table["attention"], tokens, batch_dims=1), later


def find_covering(logits, attention, mask, beta, width=2, alpha=0.0):
    """Search one sentence with `logits` [1, T, V, V]; token v looks at `attention` [V, L, H, S]."""
    table = {"logits": tf.constant(logits, tf.float32),
             "attention": tf.constant(attention, tf.float32)[None]}  # fmt: skip
    coverage = beta if beta is None else Coverage(tf.constant(beta), tf.constant([mask]))
    arrays = beam_search(
        looking_step, tf.zeros([1], tf.int32), table, width, tf.constant(logits.shape[1]),
        tf.constant(alpha), coverage,
    )  # fmt: skip
    return SearchRecord(*(array.numpy() for array in arrays))


def short_or_whole():
    """Return a step by which A END (ln .6) beats B END (ln .4), but only B reads everything.

    The begin symbol looks at the first of two positions, A too; B looks at the second.
    """
    logits = certain({A: 0.6, B: 0.4}, {END: 1.0}, {END: 1.0})
    attention = np.zeros([SIZE, 1, 1, 2])
    attention[[BEGIN, A], :, :, 0] = 1
    attention[B, :, :, 1] = 1
    return logits, attention


def test_coverage_penalty_by_hand():
    """Reads .25 + .25, .5 + 1 and nothing: β (ln .5 + ln 1) with the last position padding."""
    covered = tf.constant([[0.5, 1.5, 0.0], [1.0, 1.0, 7.0]])
    mask = tf.constant([[True, True, False], [True, True, True]])
    found = coverage_penalty(covered, Coverage(tf.constant(0.2), mask)).numpy()
    assert found == pytest.approx([0.2 * -0.693147, 0.0], abs=1e-6)
    unread = coverage_penalty(tf.zeros([1, 2]), Coverage(tf.constant(1.0), tf.ones([1, 2], bool)))
    assert float(unread[0]) == pytest.approx(2 * np.log(1e-6))


def test_formula_14_by_hand():
    """Two positions, two heads; BEGIN gives (.5, .1) and (.1, .1), A (.4, .4) and (.2, 0).

    The mean over heads is (.3, .1) and then (.3, .2), together (.6, .3). Y = A END with
    P = .8 × .5; lp = (7 / 6)¹ = 1.1667; s = ln .4 / 1.1667 + .5 (ln .6 + ln .3)
    = -.78539 - .85740 = -1.64279.
    """
    logits = certain({A: 0.8, B: 0.2}, {END: 0.5, C: 0.5})
    attention = np.zeros([SIZE, 1, 2, 2])
    attention[BEGIN, 0] = [[0.5, 0.1], [0.1, 0.1]]
    attention[A, 0] = [[0.4, 0.4], [0.2, 0.0]]
    record = find_covering(logits, attention, [True, True], 0.5, width=1, alpha=1.0)
    tokens, total, score, _ = read(record)[0]
    assert tokens == (A, END)
    assert total == pytest.approx(np.log(0.4), abs=1e-5)
    assert score == pytest.approx(-1.64279, abs=1e-4)


@pytest.mark.parametrize(("beta", "wanted"), [(None, A), (0.02, A), (0.5, B)])
def test_the_coverage_penalty_lets_the_sentence_win_that_reads_all(beta, wanted):
    """A leaves the second position unread, ln 1e-6 = -13.8; the odds are ln (.6 / .4) = .405."""
    record = find_covering(*short_or_whole(), [True, True], beta)
    assert read(record)[0][0] == (wanted, END)


def test_padding_need_not_be_read():
    record = find_covering(*short_or_whole(), [True, False], 0.5)
    tokens, total, score, _ = read(record)[0]
    assert tokens == (A, END)
    assert score == total


def test_what_a_hypothesis_read_goes_with_it_through_the_beam():
    """B overtakes A at the second step, so that its row changes from 1 to 0."""
    logits = certain({A: 0.6, B: 0.4}, {}, {END: 1.0})
    logits[0, 1, A, [A, END, C]] = np.log([0.2, 0.2, 0.6])
    logits[0, 1, B, [B, END]] = np.log([0.99, 0.01])
    attention = np.zeros([SIZE, 1, 1, 3])
    for token, place in ((BEGIN, 0), (A, 0), (B, 1), (C, 2)):
        attention[token, :, :, place] = 0.5
    record = find_covering(logits, attention, [True] * 3, 1.0)
    scores = {tokens: score for tokens, _, score, _ in read(record, count=4)}
    # B B END read (.5, 1, 0), A C END read (1, 0, .5): both miss one and half of another
    assert scores[B, B, END] == pytest.approx(np.log(0.4 * 0.99 * 0.5 * 1e-6), abs=1e-4)
    assert scores[A, C, END] == pytest.approx(np.log(0.6 * 0.6 * 0.5 * 1e-6), abs=1e-4)


def test_it_goes_on_while_a_row_may_still_win_by_reading():
    """END at once has ln .9, but reads half of the second position: with β = 4, -.105 - 2.77.

    A END has ln .1 = -2.30 and reads all of both.
    """
    logits = certain({END: 0.9, A: 0.1}, {END: 1.0}, {END: 1.0})
    attention = np.zeros([SIZE, 1, 1, 2])
    attention[BEGIN] = [1.0, 0.5]
    attention[A] = [0.0, 0.5]
    assert len(find_covering(logits, attention, [True, True], None).tokens) == 1
    record = find_covering(logits, attention, [True, True], 4.0)
    assert read(record)[0][0] == (A, END)


@pytest.mark.parametrize("seed", range(5))
def test_a_wide_beam_with_coverage_finds_what_trying_all_finds(seed):
    table = random_table(seed, scale=0.7)
    generator = np.random.default_rng(seed + 100)
    attention = generator.dirichlet(np.ones(5), size=(SIZE, 2, 3))  # two layers of three heads
    looks = attention.mean((1, 2))

    def formula_14(tokens):
        covered = sum(looks[token] for token in (BEGIN, *tokens[:-1]))[:4]  # the fifth is padding
        reads = 0.8 * np.log(np.minimum(covered, 1)).sum()
        return log_probability(table[0], tokens) / penalty(len(tokens), 1.0) + reads

    ranked = sorted(every_sentence(4), key=formula_14, reverse=True)
    mask = [True] * 4 + [False]
    tokens, _, score, _ = read(find_covering(table, attention, mask, 0.8, width=40, alpha=1.0))[0]
    assert tokens == ranked[0]
    assert score == pytest.approx(formula_14(ranked[0]), abs=1e-5)


def test_nothing_is_held_against_a_model_without_attention():
    logits, _ = short_or_whole()
    without = np.zeros([SIZE, 0, 1, 2])
    found = read(find_covering(logits, without, [True, True], 5.0), count=2)
    assert found == read(find_covering(logits, without, [True, True], None), count=2)


def search_over(logits, attention):
    """Return a compiled search in which every source, however it reads, has one model."""

    def encode(source):
        rows = [tf.shape(source)[0], 1, 1, 1]
        table = {
            "logits": tf.tile(tf.constant(logits, tf.float32), rows),
            "attention": tf.tile(tf.constant(attention, tf.float32)[None], [*rows, 1]),
        }
        return tf.zeros_like(source[:, 0]), table

    return BatchSearch(encode, looking_step)


def operations(function):
    graph = function.graph.as_graph_def()
    functions = [graph.node, *(each.node_def for each in graph.library.function)]
    return {node.op for nodes in functions for node in nodes}


def test_without_coverage_nothing_is_counted():
    search = search_over(*short_or_whole())
    source = np.array([[A, END]], np.int32)
    search(source, searching(2, 3))
    search(source, searching(2, 3, coverage_penalty=0.1))
    assert "Log" in operations(search._compiled["_beam", 2, 1, True, 0, None])
    assert "Log" not in operations(search._compiled["_beam", 2, 1, False, 0, None])


def test_padding_of_a_batch_is_not_unread():
    """Two sources of one model; the second position of the one is padding."""
    search = search_over(*short_or_whole())
    record = search(
        np.array([[A, END], [END, PAD]], np.int32), searching(2, 3, 0.0, coverage_penalty=0.5)
    )
    assert [read(record, sentence)[0][0] for sentence in (0, 1)] == [(B, END), (A, END)]


# More on record ----------------------------------------------------------------------------


def test_more_candidates_on_record_change_nothing_else():
    table = random_table(2, times=5)
    arguments = (table_step, tf.zeros([1], tf.int32), tf.constant(table), 2)
    few = SearchRecord(*(a.numpy() for a in beam_search(*arguments, tf.constant(5), 0.6)))
    many = SearchRecord(
        *(a.numpy() for a in beam_search(*arguments, tf.constant(5), 0.6, weighed=6))
    )
    assert (few.tokens.shape[2], many.tokens.shape[2]) == (4, 6)
    for name in ("tokens", "parents", "fates", "rows", "log_probabilities", "scores"):
        ours, theirs = getattr(few, name), getattr(many, name)
        np.testing.assert_array_equal(ours, theirs[:, :, :4])
    assert (many.fates[:, :, 4:] == PRUNED).all()
    assert read(few, count=2) == read(many, count=2)


def test_a_small_vocabulary_has_no_more_candidates_than_tokens():
    arguments = (table_step, tf.zeros([1], tf.int32), tf.constant(random_table(2)), 1)
    tokens, *_ = beam_search(*arguments, tf.constant(4), 0.6, weighed=50)
    assert tokens.shape[2] == SIZE


# Sampling ----------------------------------------------------------------------------------

PROBABILITIES = {A: 0.5, B: 0.3, C: 0.15, END: 0.05}
DRAWS = 20_000


def shares(**settings):
    """Return the share of each token among many draws from PROBABILITIES."""
    (logits,) = certain(PROBABILITIES)[0, :, 0]
    rows = tf.tile(tf.constant(logits[None], tf.float32), [DRAWS, 1])
    drawn = draw(rows, Sampling(**{"temperature": 1.0, **settings}), tf.constant(0)).numpy()
    return {token: np.mean(drawn == token) for token in (A, B, C, END)}


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({}, {A: 0.5, B: 0.3, C: 0.15, END: 0.05}),
        ({"top_k": 1}, {A: 1, B: 0, C: 0, END: 0}),
        ({"top_k": 2}, {A: 0.625, B: 0.375, C: 0, END: 0}),
        ({"top_k": 99}, {A: 0.5, B: 0.3, C: 0.15, END: 0.05}),
        ({"top_p": 0.5}, {A: 1, B: 0, C: 0, END: 0}),
        ({"top_p": 0.51}, {A: 0.625, B: 0.375, C: 0, END: 0}),
        ({"top_p": 0.9}, {A: 0.5 / 0.95, B: 0.3 / 0.95, C: 0.15 / 0.95, END: 0}),
        # of the three likeliest, .5 / .95 + .3 / .95 = .842 is enough for .84 and not for .85
        ({"top_k": 3, "top_p": 0.84}, {A: 0.625, B: 0.375, C: 0, END: 0}),
        ({"top_k": 3, "top_p": 0.85}, {A: 0.5 / 0.95, B: 0.3 / 0.95, C: 0.15 / 0.95, END: 0}),
        # squared: .25, .09, .0225, .0025, together .365
        ({"temperature": 0.5}, {A: 0.25 / 0.365, B: 0.09 / 0.365, C: 0.0225 / 0.365,
                                END: 0.0025 / 0.365}),
        ({"temperature": 1e-4}, {A: 1, B: 0, C: 0, END: 0}),
        # the temperature comes first: .685 of the squared mass is enough for .68
        ({"temperature": 0.5, "top_p": 0.68}, {A: 1, B: 0, C: 0, END: 0}),
    ],
)  # fmt: skip
def test_tokens_are_drawn_with_the_truncated_probabilities(settings, wanted):
    found = shares(**settings)
    for token, share in wanted.items():
        if share in (0, 1):
            assert found[token] == share
        else:  # five standard deviations
            assert found[token] == pytest.approx(
                share, abs=5 * (share * (1 - share) / DRAWS) ** 0.5
            )


def test_as_many_as_asked_where_tokens_are_equally_likely():
    rows = tf.zeros([1000, SIZE])
    drawn = draw(rows, Sampling(1.0, top_k=2), tf.constant(0)).numpy()
    assert len(set(drawn)) == 2


def samples(table, width, limit=None, others=0, **settings):
    table = np.asarray(table, np.float32)
    batch, times = table.shape[:2]
    arrays = sample(
        table_step, tf.zeros([batch], tf.int32), tf.constant(table), width,
        tf.constant(times if limit is None else limit),
        Sampling(**{"temperature": 1.0, **settings}), others,
    )  # fmt: skip
    return SearchRecord(*(array.numpy() for array in arrays), drawn=True)


def test_a_seed_repeats_its_samples_and_another_draws_others():
    table = random_table(3, batch=2, times=6, scale=0.5)
    first, again, other = (samples(table, 4, seed=seed) for seed in (7, 7, 8))
    for ours, theirs in zip(vars(first).values(), vars(again).values(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert [read(first, 0, 4), read(first, 1, 4)] != [read(other, 0, 4), read(other, 1, 4)]


def test_the_steps_of_a_sample_are_drawn_anew():
    table = certain(*[{A: 0.5, B: 0.5}] * 12)
    drawn = [read(samples(table, 1, seed=seed))[0][0] for seed in range(3)]
    assert all(len(set(tokens)) == 2 for tokens in drawn)


def test_samples_carry_the_models_own_probabilities():
    """At temperature 5 and with the two likeliest alone, log-probabilities stay the model's."""
    table = random_table(6, times=6)
    record = samples(table, 5, temperature=5.0, top_k=2)
    found = read(record, count=5)
    assert len({tokens for tokens, *_ in found}) > 1
    for tokens, total, score, _ in found:
        assert total == score == pytest.approx(log_probability(table[0], tokens), abs=1e-4)
    done = [total for _, total, _, finished in found if finished]
    assert done == sorted(done, reverse=True)


def test_with_the_likeliest_token_alone_sampling_is_greedy_search():
    table = random_table(8, batch=3, times=6)
    drawn, greedy = samples(table, 1, top_k=1), find(table, 1, alpha=0.0)
    for sentence in range(3):
        ours, theirs = read(drawn, sentence)[0], read(greedy, sentence)[0]
        assert ours[0] == theirs[0]
        assert ours[1:] == pytest.approx(theirs[1:], abs=1e-5)


def test_samples_end_each_on_its_own():
    table = certain(*[{A: 0.5, END: 0.5}] * 9)
    record = samples(table, 8)
    lengths = [len(tokens) for tokens, *_ in read(record, count=8)]
    assert len(set(lengths)) > 1
    assert len(record.tokens) == max(lengths) <= 9
    for row in range(8):
        fates = record.fates[:, 0, row].tolist()
        ended = fates.index(FINISHED) if FINISHED in fates else len(fates)
        assert fates[:ended] == [KEPT] * ended
        assert set(fates[ended + 1 :]) <= {AFTER_END}


def test_at_the_limit_samples_are_unfinished():
    found = read(samples(certain(*[{A: 1.0}] * 9), 2, limit=3), count=2)
    assert [(tokens, finished) for tokens, *_, finished in found] == [((A, A, A), False)] * 2


def test_the_likeliest_of_the_unfinished_comes_first():
    table = random_table(12, times=8)
    table[..., END] = -40
    totals = [total for _, total, *_ in read(samples(table, 6, limit=5), count=6)]
    assert totals == sorted(totals, reverse=True)
    assert len(set(totals)) > 1


def test_padding_unknown_and_begin_are_never_drawn():
    table = random_table(9)
    table[..., [PAD, UNKNOWN, BEGIN]] = 30
    record = samples(table, 6, temperature=10.0, others=3)
    likely = record.log_probabilities > -1e8
    assert not np.isin(record.tokens[likely], [PAD, UNKNOWN, BEGIN]).any()
    assert np.isin(record.fates[~likely], [PRUNED, AFTER_END]).all()


def test_what_a_sample_did_not_draw_is_on_record():
    table = certain(PROBABILITIES, {END: 1.0})
    record = samples(table, 2, others=3)
    assert record.tokens.shape[2] == 2 + 2 * 3
    first = list(zip(record.tokens[0, 0], record.parents[0, 0], record.fates[0, 0], strict=True))
    for row in (0, 1):
        mine = [token for token, parent, _ in first if parent == row]
        assert sorted(mine) == sorted(PROBABILITIES)
        rest = mine[1:]
        assert rest == sorted(rest, key=lambda token: -PROBABILITIES[token])
    assert [fate for *_, fate in first[2:]] == [PRUNED] * 6


def test_sampling_is_compiled_once_for_all_its_settings():
    traced = []

    def step(tokens, time, table):
        traced.append(tokens.shape)
        return table_step(tokens, time, table)

    table = random_table(5, batch=2, times=8)
    search = BatchSearch(
        lambda source: (tf.zeros_like(source[:, 0]), tf.gather(tf.constant(table), source[:, 0])),
        step,
    )
    source = np.array([[1, 9], [0, 9]], np.int32)
    found = search(source, searching(3, 8, temperature=1.0, sampling_seed=4))
    count = len(traced)
    search(source, searching(3, 5, temperature=0.5, top_k=2, top_p=0.9, sampling_seed=5))
    assert len(traced) == count
    wanted = read(samples(table[[1, 0]], 3, seed=4), 0, 3)
    assert [each[0] for each in read(found, 0, 3)] == [each[0] for each in wanted]

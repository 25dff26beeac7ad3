"""Every way to search beside the same in twenty lines of Python that keep lists of tokens."""

from collections import Counter
from functools import lru_cache
from itertools import product

import numpy as np
import pytest
import tensorflow as tf

from workbench.config import RunConfig, SearchSettings
from workbench.data.tokenizer import BEGIN, END, PAD, UNKNOWN
from workbench.model.seq2seq import Seq2Seq
from workbench.search.batch import BatchSearch
from workbench.search.record import BARRED, FINISHED, KEPT, PRUNED

A, B, C = 4, 5, 6
SIZE = 7  # the special symbols, A, B and C
UNHEARD_OF = -40  # copies of what the source lacks are all alike: which of them is kept is chance
MODES = [
    {},
    {"beam_width": 1},
    {"min_decode_length": 4},
    {"no_repeat_ngram": 1},
    {"no_repeat_ngram": 2},
    {"no_repeat_ngram": 3, "min_decode_length": 6},
    {"prefix": (B,)},
    {"prefix": (C, C, A)},
    {"prefix": (C, C), "no_repeat_ngram": 1, "min_decode_length": 4},
    {"beam_groups": 2, "diversity": 0.7},
    {"beam_groups": 4, "diversity": 1.5},
    {"beam_groups": 2, "diversity": 3.0, "no_repeat_ngram": 2, "prefix": (A,)},
    {"beam_groups": 4, "diversity": 0.5, "min_decode_length": 3, "beam_width": 8},
]


def settings_of(mode, limit=6, alpha=0.8):
    chosen = {"beam_width": 4, **mode, "max_decode_length": limit, "length_penalty": alpha}
    return SearchSettings(**{k: v for k, v in chosen.items() if k != "prefix"})


def allowed(tokens, token, search, prefix):
    """Tell whether a hypothesis may go on with a token."""
    place, n = len(tokens), search.no_repeat_ngram
    if token in (PAD, UNKNOWN, BEGIN):
        return False
    if place < len(prefix):
        return token == prefix[place]
    if token == END:
        return place + 1 >= search.min_decode_length
    grams = {tokens[i : i + n] for i in range(place - n + 1)} if n else set()
    return (*tokens, token)[-n:] not in grams


def lp(length, search):
    return ((5 + length) / 6) ** search.length_penalty


def by_hand(own, search, prefix=()):
    """Search as the papers have it; `own` gives the log-probabilities after a tuple of tokens.

    Returns: (tokens, log-probability, finished) of all that ended, best first; and for every
    step the fate of everything kept or finished.
    """
    groups, size = search.beam_groups, search.beam_width // search.beam_groups
    rows = [[((), 0.0, 0.0)] for _ in range(groups)]
    ended, still_open, done, fates = [[] for _ in rows], [[] for _ in rows], [False] * groups, []
    for time in range(search.max_decode_length):
        if all(done):
            break
        taken, now = Counter(), {}
        for group in range(groups):
            if done[group]:
                continue
            weighed = [
                (standing + own(tokens)[token] - search.diversity * taken[token],
                 total + own(tokens)[token], (*tokens, token))
                for tokens, total, standing in rows[group]
                for token in range(len(own(tokens)))
                if allowed(tokens, token, search, prefix)
            ]  # fmt: skip
            weighed.sort(key=lambda each: -each[0])
            before, rows[group] = rows[group], []
            for place, (standing, total, tokens) in enumerate(weighed[: 2 * size]):
                if tokens[-1] == END and place < size:
                    ended[group].append((tokens, total))
                    now[group, tokens] = FINISHED, total
                elif tokens[-1] != END and len(rows[group]) < size:
                    rows[group].append((tokens, total, standing))
                    now[group, tokens] = KEPT, total
            taken += Counter(tokens[-1] for of, tokens in now if of == group)
            best = max((t / lp(len(y), search) for y, t in ended[group]), default=-np.inf)
            lead = max((total for _, total, _ in rows[group]), default=-np.inf)
            done[group] = lead == -np.inf or best >= lead / lp(search.max_decode_length, search)
            enough = len(ended[group]) >= size and best >= lead / lp(time + 1, search)
            done[group] |= enough
            finished = [tokens[:-1] for tokens, _ in ended[group]]
            stuck = [row for row in before if row[0] not in finished and row[0]]
            still_open[group] = rows[group] or stuck
        fates.append({each: fate for each, (fate, total) in now.items() if total > UNHEARD_OF})
    found = sorted(
        ((y, t, True) for group in ended for y, t in group),
        key=lambda each: -each[1] / lp(len(each[0]), search),
    )
    left = [(y, t, False) for group in still_open for y, t, _ in group]
    found += sorted(left, key=lambda each: -each[1])
    return list({y: (y, t, f) for y, t, f in reversed(found)}.values())[::-1], fates


def tokens_of(record, sentence, step, column):
    path = record.path(step, sentence, column)
    return tuple(int(record.tokens[time, sentence, place]) for time, place in path)


def read(record, sentence=0, count=99):
    """Return what `by_hand` does."""
    totals, of_sentence, found = (
        record.log_probabilities[:, sentence],
        record.fates[:, sentence],
        [],
    )
    for end in record.best(sentence, count):
        tokens = tokens_of(record, sentence, *end)
        found.append((tokens, float(totals[end]), bool(of_sentence[end] == FINISHED)))
    fates = []
    for step, of_step in enumerate(of_sentence):
        columns = np.flatnonzero(np.isin(of_step, (KEPT, FINISHED)) & (totals[step] > UNHEARD_OF))
        each_group = len(of_step) // record.groups
        fates.append({(int(c) // each_group, tokens_of(record, sentence, step, c)): int(of_step[c])
                      for c in columns})  # fmt: skip
    while fates and not fates[-1]:  # steps of other sentences, or one at which nothing went on
        fates.pop()
    return found, fates


def same(record, sentence, wanted, count=99):
    """Assert that a record holds what was worked out."""
    (found, fates), (wanted, wanted_fates) = read(record, sentence, count), wanted
    assert [(y, f) for y, _, f in found] == [(y, f) for y, _, f in wanted[:count]]
    np.testing.assert_allclose(
        [total for _, total, _ in found], [total for _, total, _ in wanted[:count]], atol=1e-4
    )
    assert fates == [step for step in wanted_fates if step]


def random_table(seed, batch=2, times=6, scale=2.0):
    print(f"seed {seed}")
    table = np.random.default_rng(seed).normal(scale=scale, size=(batch, times, SIZE, SIZE))
    return table.astype("f")


def table_step(tokens, time, table):
    """Look logits up by time and latest token [B, T, V, V]."""
    rows = tf.range(tf.shape(tokens)[0])
    logits = tf.gather_nd(table, tf.stack([rows, time, tokens], -1))
    return logits, tf.zeros([tf.shape(tokens)[0], 0, 1, 1]), time + 1


def from_table(table):
    """Return a compiled search in which source s has the logits table[s]."""

    def encode(source):
        return tf.zeros_like(source[:, 0]), tf.gather(tf.constant(table), source[:, 0])

    return BatchSearch(encode, table_step)


def log_softmax(logits):
    logits = np.asarray(logits, float)
    return logits - np.log(np.exp(logits - logits.max(-1, keepdims=True)).sum(-1, keepdims=True)) \
        - logits.max(-1, keepdims=True)  # fmt: skip


def own_of(table):
    every = log_softmax(table)
    return lambda tokens: every[len(tokens), tokens[-1] if tokens else BEGIN]


def run(table, mode, weighed=0, **changes):
    search = settings_of(mode, limit=table.shape[1])
    search = search.model_copy(update=changes)
    prefix = mode.get("prefix")
    given = None if prefix is None else np.tile(np.array(prefix, np.int32), (len(table), 1))
    sources = np.arange(len(table), dtype=np.int32)[:, None]
    return from_table(table)(sources, search, given, weighed), search


# Against the reference ---------------------------------------------------------------------


@pytest.mark.parametrize("weighed", [0, 40])
@pytest.mark.parametrize("mode", MODES, ids=str)
def test_every_mode_is_what_it_is_by_hand(mode, weighed):
    tables = [random_table(seed, batch=4, scale=scale) for seed, scale in
              ((1, 0.5), (2, 2.0), (3, 5.0))]  # fmt: skip
    table = np.concatenate(tables)
    record, search = run(table, mode, weighed)
    for sentence in range(len(table)):
        wanted = by_hand(own_of(table[sentence]), search, mode.get("prefix", ()))
        same(record, sentence, wanted)


def stepping(model, source):
    """Return the log-probabilities that a model gives after some tokens, one step at a time."""

    @lru_cache(None)
    def after(tokens):
        state, memory = start if not tokens else (after(tokens[:-1])[1], start[1])
        latest = np.array([tokens[-1] if tokens else BEGIN], np.int32)
        logits, _, state = model.step(latest, state, memory)
        return log_softmax(logits[0]), state

    start = model.encode(source)
    return lambda tokens: after(tokens)[0]


MODELS = [{"copy_source": True}, {"copy_source": True, "decoder": "transformer", "heads": 2},
          {"decoder": "gru", "coverage": True}, {"decoder": "cnn"}]  # fmt: skip


@pytest.mark.parametrize("settings", MODELS, ids=str)
def test_models_that_copy_and_others(settings):
    seed = 4
    print("seed", seed)
    config = RunConfig(units=6, embedding=6, **settings)
    twins = [-1, -1, -1, END, 6, -1, -1, -1]
    copies = config.copy_source
    model = Seq2Seq(config, 8, SIZE, seed=seed, twins=twins if copies else None)
    for weight in model.weights:
        weight.assign(2 * weight)
    source = np.array([[4, 7, 5, END], [5, 6, END, PAD]], np.int32)
    copied = SIZE + 1 if copies else A  # the piece at position 1 that only the source has
    search = BatchSearch(model.encode, model.step)
    for mode in (MODES[5], MODES[8], MODES[11]):
        mode = mode | ({"prefix": (B, copied)} if "prefix" in mode else {})
        settings = settings_of(mode, limit=5)
        prefix = mode.get("prefix")
        given = None if prefix is None else np.tile(np.array(prefix, np.int32), (2, 1))
        record = search(source, settings, given)
        for sentence in range(2):
            own = stepping(model, source[sentence : sentence + 1])
            same(record, sentence, by_hand(own, settings, prefix or ()), 3)


@pytest.mark.parametrize("size", [SIZE, SIZE + 1])
@pytest.mark.parametrize("mode", [MODES[2], MODES[4], MODES[6], MODES[8]], ids=str)
def test_a_beam_wide_enough_finds_what_trying_all_finds(mode, size):
    table = random_table(6, batch=1, times=4, scale=0.7)
    if size > SIZE:  # one more token that comes and goes, as a word of the source does
        table = np.pad(table, ((0, 0), (0, 0), (0, 1), (0, 1)))
    table[..., END] -= 1
    mode = {**mode, "min_decode_length": min(mode.get("min_decode_length", 0), 3)}
    record, search = run(table, mode, beam_width=64)
    own, prefix = own_of(table[0]), mode.get("prefix", ())
    every = []
    for tokens in ((*words, END) for n in range(4) for words in product(range(4, size), repeat=n)):
        if all(allowed(tokens[:i], tokens[i], search, prefix) for i in range(len(tokens))):
            total = sum(own(tokens[:i])[tokens[i]] for i in range(len(tokens)))
            every.append((tokens, total / lp(len(tokens), search)))
    every.sort(key=lambda each: -each[1])
    assert len(every) > 0
    ends = record.best(0, 1)
    assert tokens_of(record, 0, *ends[0]) == every[0][0]
    assert record.scores[ends[0][0], 0, ends[0][1]] == pytest.approx(every[0][1], abs=1e-4)


# Worked by hand ----------------------------------------------------------------------------


def certain(*distributions):
    """Return a table whose probabilities at each time are given, e.g. {A: 0.6, END: 0.4}."""
    table = np.full((1, len(distributions), SIZE, SIZE), -50.0, np.float32)
    for time, distribution in enumerate(distributions):
        for token, probability in distribution.items():
            table[0, time, :, token] = np.log(probability)
    return table


def test_diverse_beams_worked_by_hand():
    """Two groups of one row; P(A) = .5, P(B) = .3, P(C) = .2 at two steps, then the end.

    With λ = ln 2 the second group halves what the first has chosen. First step: A has .25 of
    .3 for B, so that group 2 takes B. Second step: the first takes A again; the second has
    .3 × .25 for A and .3 × .3 for B. So B B END has log-probability ln .09, without λ.
    With λ = ln 1.5, A is left with .333 of .3 for B and comes first in both groups.
    """
    step = {A: 0.5, B: 0.3, C: 0.2}
    table = certain(step, step, {END: 1.0})
    mode = {"beam_width": 2, "beam_groups": 2}
    record, _ = run(table, {**mode, "diversity": float(np.log(2))}, length_penalty=0.0)
    found, _ = read(record)
    assert [tokens for tokens, *_ in found[:2]] == [(A, A, END), (B, B, END)]
    assert [total for _, total, _ in found[:2]] == pytest.approx(np.log([0.25, 0.09]), abs=1e-5)
    record, _ = run(table, {**mode, "diversity": float(np.log(1.5))}, length_penalty=0.0)
    assert read(record)[0][0][0] == (A, A, END)
    assert len(record.best(0, 9)) == 1 + len([f for *_, f in read(record)[0] if not f])


def test_the_first_group_is_a_beam_of_its_own():
    table = random_table(8, batch=3)
    groups, _ = run(table, {"beam_width": 6, "beam_groups": 3, "diversity": 2.0})
    alone, _ = run(table, {"beam_width": 2})
    for sentence in range(3):
        wanted = {tokens for tokens, _, finished in read(alone, sentence)[0] if finished}
        assert wanted
        fates = read(groups, sentence)[1]
        assert {y for step in fates for (g, y), f in step.items() if g == 0 and f == FINISHED} == \
            wanted  # fmt: skip


def test_groups_differ_the_more_the_stronger():
    table = random_table(9, batch=8, scale=1.0)
    kinds = []
    for strength in (0.01, 2.0):
        record, _ = run(table, {"beam_groups": 4, "diversity": strength})
        kinds.append(sum(len(record.best(sentence, 4)) for sentence in range(8)))
    assert kinds[0] < kinds[1]


def test_what_wants_to_repeat_does_not():
    """A follows A with .9; no pair may come twice, so that the third A would be the first pair.

    A A is one pair, A B another, B A the next; then A has come before A and before B.
    """
    table = certain(*[{A: 0.9, B: 0.08, C: 0.02}] * 5, {END: 1.0})
    record, _ = run(table, {"beam_width": 1, "no_repeat_ngram": 2})
    assert read(record)[0][0][0] == (A, A, B, A, C, END)
    record, _ = run(table, {"beam_width": 1, "no_repeat_ngram": 3})
    assert read(record)[0][0][0] == (A, A, A, B, A, END)
    record, _ = run(table, {"beam_width": 1, "no_repeat_ngram": 1})
    assert read(record)[0][0][0][:3] == (A, B, C)


def test_no_word_is_left():
    """Three words, none of which may come twice, and five tokens at least: a dead end."""
    table = random_table(11, batch=2)
    mode = {"no_repeat_ngram": 1, "min_decode_length": 5}
    record, _ = run(table, mode)
    drawn, _ = run(table, mode, weighed=8, temperature=1.0, beam_width=2)
    for found in (record, drawn):
        for sentence in range(2):
            for tokens, _, finished in read(found, sentence)[0]:
                assert sorted(tokens) == [A, B, C]
                assert not finished
    assert len(record.tokens) == 4  # at the fourth step nothing goes on
    assert not np.isin(drawn.fates[3], [KEPT, FINISHED]).any()


# The record --------------------------------------------------------------------------------


def test_barred_candidates_have_the_models_own_probability():
    """The prefix begins with the least likely word; what was likelier stands beside it."""
    table = certain({A: 0.6, B: 0.3, C: 0.1}, {A: 0.5, END: 0.5}, {END: 1.0})
    record, _ = run(table, {"beam_width": 2, "prefix": (C,)}, weighed=20)
    first = {int(t): (int(f), float(p)) for t, f, p in
             zip(record.tokens[0, 0], record.fates[0, 0], record.log_probabilities[0, 0],
                 strict=True) if p > -40}  # fmt: skip
    assert first == {
        C: (KEPT, pytest.approx(np.log(0.1), abs=1e-5)),
        A: (BARRED, pytest.approx(np.log(0.6), abs=1e-5)),
        B: (BARRED, pytest.approx(np.log(0.3), abs=1e-5)),
    }
    assert read(record)[0][0][1] == pytest.approx(np.log(0.05), abs=1e-5)


def test_a_record_changes_nothing():
    table = random_table(12, batch=3)
    for mode in (MODES[0], MODES[8], MODES[11]):
        few, many = (run(table, mode, weighed)[0] for weighed in (0, 60))
        assert many.tokens.shape[2] > few.tokens.shape[2]
        for sentence in range(3):
            assert read(few, sentence) == read(many, sentence)
        assert set(np.unique(few.fates)) <= {PRUNED, KEPT, FINISHED, 3}


def test_one_graph_whatever_the_prefix_and_the_least_length():
    table = random_table(13)
    search = from_table(table)
    sources = np.array([[0], [1]], np.int32)
    for least, length in ((2, 1), (5, 3), (3, 0)):
        search(sources, settings_of({"min_decode_length": least}),
               np.full((2, length), A, np.int32))  # fmt: skip
    (compiled,) = search._compiled.values()
    assert isinstance(compiled, tf.types.experimental.ConcreteFunction)  # one graph for all of them


def test_many_kinds_of_search_raise_no_alarm(caplog):
    search = from_table(random_table(13))
    for width in range(1, 9):
        search(np.array([[0]], np.int32), settings_of({"beam_width": width}), None)
    assert len(search._compiled) == 8
    assert not caplog.records  # TensorFlow warns of a function that is traced so often


# Sampling ----------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES[3:9], ids=str)
def test_samples_keep_to_what_is_allowed(mode):
    table = random_table(14, batch=3, scale=1.0)
    record, search = run(table, mode, weighed=24, temperature=3.0, beam_width=8)
    prefix = mode.get("prefix", ())
    for sentence in range(3):
        own, found = own_of(table[sentence]), read(record, sentence)[0]
        assert len(found) == 8
        assert len({tokens for tokens, *_ in found}) > 1
        for tokens, total, _ in found:
            assert all(allowed(tokens[:i], tokens[i], search, prefix) for i in range(len(tokens)))
            wanted = sum(own(tokens[:i])[tokens[i]] for i in range(len(tokens)))
            assert total == pytest.approx(wanted, abs=1e-4)
        steps, columns = np.nonzero(record.fates[:, sentence] == BARRED)
        for step, column in zip(steps, columns, strict=True):
            *before, token = tokens_of(record, sentence, step, column)
            assert not allowed(tuple(before), token, search, prefix)


@pytest.mark.parametrize("mode", MODES[5:9:3], ids=str)
def test_the_likeliest_sample_is_the_greedy_one(mode):
    table = random_table(15, batch=3)
    drawn, _ = run(table, mode, temperature=1.0, top_k=1, beam_width=1)
    greedy, _ = run(table, mode, beam_width=1)
    for sentence in range(3):
        ours, theirs = read(drawn, sentence, 1)[0][0], read(greedy, sentence, 1)[0][0]
        assert ours[0] == theirs[0]
        assert ours[1] == pytest.approx(theirs[1], abs=1e-5)

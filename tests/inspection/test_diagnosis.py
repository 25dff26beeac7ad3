from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from workbench.config import SearchSettings
from workbench.data.corpus import Pair
from workbench.errors import WorkbenchError
from workbench.inspection.diagnosis import diagnose, diagnose_all, search_score
from workbench.inspection.ruled_out import Bounds
from workbench.inspection.scoring import Scoring
from workbench.penalties import length_penalty
from workbench.records import BeamRecord, Candidate, Fall, Hypothesis, Translation
from workbench.search.batch import BatchSearch
from workbench.search.beam import Coverage, coverage_penalty
from workbench.search.translate import Translator

ALPHA = 0.6


def written(text, nats, score=None, beam=None, source="a b"):
    """Make a record of white-space tokens with their log-probabilities, uniform attention."""
    tokens, read = tuple(text.split()), tuple(source.split())
    nats = np.array(nats, np.float32)
    attention = np.full((1, 1, len(tokens), len(read)), 1 / len(read), np.float32)
    score = float(nats.sum()) if score is None else score
    return Translation(source, read, (Hypothesis(text, tokens, nats, attention, score),), beam=beam)


def beam_of(*rows, width=2, drawn=False, groups=1):
    """Make a beam of rows (step, parent, token, log-probability, fate, row of the next step)."""
    candidates = tuple(Candidate(*row[:4], row[3], *row[4:]) for row in rows)
    return BeamRecord(width, candidates, np.zeros((3, width, 1, 1, 2), np.float32), drawn, groups)


BEAM = beam_of(
    (0, 0, "a", -0.2, "kept", 0), (0, 0, "b", -1.8, "kept", 1), (0, 0, "c", -3, "pruned", -1),
    (1, 0, "c", -0.7, "kept", 0), (1, 1, "c", -1.9, "kept", 1),
    (1, 0, "<end>", -2.0, "pruned", -1), (1, 0, "d", -2.5, "pruned", -1),
    (2, 0, "<end>", -0.8, "finished", -1), (2, 0, "c", -1.5, "kept", 0),
    (2, 1, "d", -2.1, "kept", 1), (2, 1, "c", -4.0, "pruned", -1),
)  # fmt: skip
FOUND = written("a c <end>", [-0.2, -0.5, -0.1], beam=BEAM)


# The score of the search ------------------------------------------------------------------------


def test_the_score_is_formula_14_by_hand():
    """T = 3, α = 1: -0.8 / (8 / 6). Coverage 1.5 each of two, so min(…, 1) is 1 and costs 0."""
    assert search_score(FOUND.best, 1.0, 0.7) == pytest.approx(-0.6)
    short = written("a", [-1], source="a b")  # half of each position read: log ½ twice
    assert search_score(short.best, 0.0, 0.5) == pytest.approx(-1 + np.log(0.5))


def test_the_score_is_that_of_the_search():
    seed = 3
    print(f"seed {seed}")
    draw = np.random.default_rng(seed)
    attention = draw.dirichlet(np.ones(4), (2, 3, 5)).astype("f")
    one = replace(written("a b c d <end>", -draw.random(5)).best, attention=attention)
    penalty = length_penalty(tf.constant(5.0), 0.6)
    covered = tf.constant(attention.mean((0, 1)).sum(0)[None])
    coverage = coverage_penalty(covered, Coverage(tf.constant(0.3), tf.fill([1, 4], True)))
    expected = float(one.log_probabilities.sum() / penalty + coverage[0])
    assert search_score(one, 0.6, 0.3) == pytest.approx(expected, abs=1e-5)


# Whose fault ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("reference", "nats", "fault"), [
    ("a c <end>", [-0.2, -0.5, -0.1], "none"),
    ("b <end>", [-0.4, -0.3], "search"),
    ("b <end>", [-0.4, -0.4], "model"),  # as high as what was found: nothing was missed
    ("b <end>", [-4.0, -0.3], "model"),
    ("b <unknown> <end>", [-0.1, -0.1, -0.1], "vocabulary"),
])  # fmt: skip
def test_search_model_or_vocabulary(reference, nats, fault):
    assert diagnose(FOUND, written(reference, nats)).fault == fault


def test_the_length_penalty_decides_as_in_the_search():
    """-0.8 for 3 tokens against -0.9 for 8: by α = 1 these are -0.6 and -0.415."""
    longer = written("b b b b b b b <end>", [-0.9 / 8] * 8)
    found = replace(FOUND, hypotheses=(replace(FOUND.best, score=-0.6),))
    assert diagnose(found, longer, alpha=0.0).fault == "model"
    one = diagnose(found, longer, alpha=1.0)
    assert one.fault == "search"
    assert one.margin == pytest.approx(-0.9 * 6 / 13 + 0.6)


def test_another_source_is_refused():
    with pytest.raises(WorkbenchError, match="one source, got 'a b' and 'a c'"):
        diagnose(FOUND, written("x", [-1], source="a c"))


def test_tokens_by_surprise():
    one = diagnose(FOUND, written("b d <end>", [-0.5, -3, -1]))
    assert [(each.place, each.token, round(each.nats, 5)) for each in one.surprises] == [
        (1, "d", 3), (2, "<end>", 1), (0, "b", 0.5),
    ]  # fmt: skip


# Where it fell ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("reference", "nats", "fall"), [
    ("c a <end>", [-3, -1, -1], Fall(0, "c", "pruned", 1.2)),  # b was kept with -1.8
    ("a d <end>", [-0.2, -2.3, -1], Fall(1, "d", "pruned", 0.6)),  # b c was kept with -1.9
    ("a x <end>", [-0.2, -9.8, -1], Fall(1, "x", "pruned", 8.1)),  # not even on record
    ("a <end>", [-0.2, -1.8], Fall(1, "<end>", "pruned", 0.1)),  # the second of all has -1.9
    ("b c d d <end>", [-1.8, -0.1, -0.2, -1, -1], Fall(3, "d", "stopped")),
    ("a <unknown> c", [-0.2, -0.1, -1], Fall(1, "<unknown>", "banned", -1.6)),
    ("a c <end>", [-0.2, -0.5, -0.1], None),
])  # fmt: skip
def test_the_fall_by_hand(reference, nats, fall):
    found = diagnose(FOUND, written(reference, nats)).fall
    if fall is None or fall.short is None:
        assert found == fall
    else:
        assert (found.step, found.token, found.fate) == (fall.step, fall.token, fall.fate)
        assert found.short == pytest.approx(fall.short, abs=1e-5)


def test_a_barred_token_is_where_the_reference_falls():
    """It has no row to go on in: what follows in the record is not the reference's."""
    beam = beam_of(
        (0, 0, "a", -0.2, "kept", 0), (0, 0, "b", -0.1, "barred", -1),
        (1, 0, "c", -0.7, "kept", 0), (2, 0, "<end>", -0.8, "finished", -1), width=1,
    )  # fmt: skip
    one = diagnose(replace(FOUND, beam=beam), written("b c <end>", [-0.1, -0.1, -0.1]))
    assert (one.fault, one.fall) == ("settings", Fall(0, "b", "barred"))


GROUPS = beam_of(  # two groups of two rows each; the second does what the first leaves
    (0, 0, "a", -0.2, "kept", 0), (0, 0, "b", -1.8, "kept", 1),
    (0, 2, "c", -3.0, "kept", 2), (0, 2, "d", -3.5, "kept", 3), (0, 2, "a", -0.2, "pruned", -1),
    (1, 0, "<end>", -0.4, "finished", -1), (1, 0, "b", -2.0, "kept", 0),
    (1, 2, "x", -3.1, "kept", 2), (1, 3, "x", -4.0, "kept", 3), (1, 2, "<end>", -5, "pruned", -1),
    (2, 2, "<end>", -3.3, "finished", -1), (2, 3, "y", -4.5, "kept", 2),
    width=4, groups=2,
)  # fmt: skip


@pytest.mark.parametrize(("reference", "nats", "fall"), [
    ("c x <end>", [-3, -0.1, -0.2], None),  # the second group has it
    ("a <end>", [-0.2, -0.2], None),  # the first has it, the second has pruned its first word
    ("d x y z", [-3.5, -0.5, -0.5, -1], Fall(3, "z", "stopped")),
    ("c y z", [-3, -2, -1], Fall(1, "y", "pruned", 1.0)),  # the second kept d x with -4
    ("c <end>", [-3, -2], Fall(1, "<end>", "pruned", 1.0)),  # the second of its two has -4
    ("a b <end>", [-0.2, -1.8, -0.5], Fall(2, "<end>", "stopped")),
    ("e <end>", [-9, -2], Fall(0, "e", "pruned", 7.2)),  # both at once: the first group's b
])  # fmt: skip
def test_the_reference_is_followed_in_the_group_that_keeps_it(reference, nats, fall):
    found = diagnose(replace(FOUND, beam=GROUPS), written(reference, nats)).fall
    if fall is None or fall.short is None:
        assert found == fall
    else:
        assert (found.step, found.token, found.fate) == (fall.step, fall.token, fall.fate)
        assert found.short == pytest.approx(fall.short, abs=1e-5)


@pytest.mark.parametrize(("reference", "bounds", "fault", "told"), [
    ("b <end>", Bounds(), "search", ""),
    ("b <end>", Bounds(least=2, most=2, prefix=("b",), no_repeat=1), "search", ""),
    ("b <end>", Bounds(least=3), "settings", "it is shorter than min_decode_length, 3"),
    ("b <end>", Bounds(most=1), "settings", "it is longer than max_decode_length, 1"),
    ("b <end>", Bounds(prefix=("a", "c")), "settings", "the prefix has a at step 1"),
    ("b b <end>", Bounds(no_repeat=1), "settings", "it repeats b, and no_repeat_ngram is 1"),
    ("b <end>", Bounds(banned=frozenset({"b"})), "settings", "b is banned at the beginning"),
    ("b <unknown>", Bounds(least=3), "vocabulary", ""),
    ("a c <end>", Bounds(least=9), "none", ""),  # found all the same: somebody has forced it
])  # fmt: skip
def test_what_the_settings_rule_out_is_the_fault_of_neither(reference, bounds, fault, told):
    scored = written(reference, [-0.1] * len(reference.split()))
    one = diagnose(FOUND, scored, bounds=bounds)
    assert (one.fault, one.ruled_out) == (fault, told)


def test_a_reference_falls_where_it_is_ruled_out_unless_before():
    scored = written("a c <end>", [-0.2, -0.5, -0.1])
    found = replace(FOUND, hypotheses=written("b <end>", [-1, -1]).hypotheses)
    bounds = Bounds(least=4)
    assert diagnose(found, scored, bounds=bounds).fall == Fall(2, "<end>", "barred")
    pruned = written("c <end>", [-3, -0.1])
    assert diagnose(FOUND, pruned, bounds=bounds).fall.fate == "pruned"


def test_where_nothing_was_kept_no_distance_is_made_up():
    beam = beam_of((0, 0, "<end>", -0.1, "finished", -1), width=1)
    found = replace(FOUND, beam=beam)
    assert diagnose(found, written("b <end>", [-3, -1])).fall == Fall(0, "b", "pruned", None)


def test_without_a_record_or_a_competition_there_is_no_fall():
    reference = written("c a <end>", [-3, -1, -1])
    assert diagnose(replace(FOUND, beam=None), reference).fall is None
    drawn = replace(FOUND, beam=replace(BEAM, drawn=True))
    assert diagnose(drawn, reference).fall is None


# Real searches ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def searched(model, codec, pairs):
    """Return greedy translations, and the best of a beam of 40 as references, scored."""
    translate = Translator(BatchSearch(model.encode, model.step), codec)
    some = pairs[::3]
    settings = SearchSettings(beam_width=1, max_decode_length=6, length_penalty=ALPHA)
    greedy = translate(some, settings, record=True)
    wide = translate(some, settings.model_copy(update={"beam_width": 40}))
    finished = [(a, b) for a, b in zip(greedy, wide, strict=True) if b.best.finished and b.text]
    scored = Scoring(model, codec)([Pair(b.source, b.text) for _, b in finished])
    return [(a, b, c) for (a, b), c in zip(finished, scored, strict=True)]


def test_what_a_wide_beam_finds_a_greedy_search_has_missed(searched):
    faults = []
    for greedy, wide, scored in searched:
        one = diagnose(greedy, scored, ALPHA)
        assert one.reference_score == pytest.approx(wide.best.score, abs=1e-4)
        faults.append(one.fault)
        if greedy.best.tokens == wide.best.tokens:
            assert (one.fault, one.fall) == ("none", None)
        elif wide.best.score > greedy.best.score + 1e-3:
            assert one.fault == "search"
        if one.fall and one.fall.fate == "pruned":  # a single row: it falls at the first difference
            step = one.fall.step
            assert greedy.best.tokens[:step] == wide.best.tokens[:step]
            assert greedy.best.tokens[step] != wide.best.tokens[step]
            lead = [each.best.log_probabilities[: step + 1].sum() for each in (greedy, scored)]
            if "<end>" not in (greedy.best.tokens[step], wide.best.tokens[step]):
                assert one.fall.short == pytest.approx(lead[0] - lead[1], abs=1e-4)
    assert "search" in faults


def test_a_sample_competes_with_nobody(model, codec, pairs):
    translate = Translator(BatchSearch(model.encode, model.step), codec)
    settings = SearchSettings(beam_width=2, max_decode_length=6, temperature=1.0)
    found = translate(pairs[:4], settings, record=True)
    for one, scored in zip(found, Scoring(model, codec)(pairs[:4]), strict=True):
        assert diagnose(one, scored).fall is None


# A test set -------------------------------------------------------------------------------------


def sized(length, token, fault="model"):
    source = " ".join("s" * length)
    nats = {"none": [-0.1, -0.1], "search": [-0.1, -0.1], "model": [-5, -1]}[fault]
    found = written("a <end>", [-0.5, -0.5], source=source)
    reference = written(f"{'a' if fault == 'none' else token} <end>", nats, source=source)
    return diagnose(found, reference, counts={"a": 250, "b": 7, "<end>": 9000})


def test_the_rarest_token_is_counted_without_the_end():
    assert (sized(2, "b").rarest, sized(2, "b").count) == ("b", 7)
    assert (sized(2, "z").rarest, sized(2, "z").count) == ("z", 0)
    unknown = written("a <unknown> <end>", [-1, -1, -1])
    one = diagnose(FOUND, unknown, counts={"a": 5, "<unknown>": 100})
    assert (one.rarest, one.count) == ("<unknown>", 0)


def test_shares_by_length_and_frequency():
    every = diagnose_all([
        sized(1, "b"), sized(2, "b", "search"), sized(3, "z"), sized(17, "a", "none"),
    ])  # fmt: skip
    assert every.shares == {
        "none": 0.25, "search": 0.25, "model": 0.5, "vocabulary": 0, "settings": 0,
    }  # fmt: skip
    lengths = {each.name: each.counts for each in every.by_length}
    assert list(lengths) == ["1 to 3", "4 to 6", "7 to 9", "10 to 12", "13 to 15", "16 to 17"]
    assert lengths["1 to 3"] == {
        "none": 0, "search": 1, "model": 2, "vocabulary": 0, "settings": 0,
    }  # fmt: skip
    assert lengths["16 to 17"]["none"] == 1
    assert {each.name: sum(each.counts.values()) for each in every.by_frequency} == {
        "0": 1, "1 to 9": 2, "10 to 99": 0, "100 to 999": 1,
    }  # fmt: skip
    assert [one.place for one in every.worth]


def test_no_sentence_no_diagnosis():
    with pytest.raises(WorkbenchError, match="at least one sentence"):
        diagnose_all([])

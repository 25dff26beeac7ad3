"""What a session measures, and how it looks inside its model."""

import numpy as np
import pytest

from workbench.data.corpus import Pair
from workbench.errors import DataError, RunError, WorkbenchError
from workbench.interventions import Ban, Mask
from workbench.session import Session


def test_a_score_is_the_log_probability_of_the_target(trained):
    found = trained.score("red cat", "chat rouge")
    assert found.best.tokens == ("chat", "rouge", "<end>")
    assert found.best.attention.shape == (1, 1, 3, 3)
    both = trained.score_all([Pair("cat", "chat"), Pair("red cat", "chat rouge")])
    assert both[1].best.score == pytest.approx(found.best.score, abs=1e-5)
    best = trained.translate("red cat").best
    if best.finished and best.text:
        again = trained.score("red cat", best.text)
        assert again.best.score == pytest.approx(best.log_probability, abs=1e-4)


def test_a_split_is_measured(trained):
    evaluation, translations = trained.evaluate("test")
    test = trained.load().test
    assert (evaluation.split, evaluation.sentences) == ("test", 6)
    assert [each.source for each in translations] == [pair.source for pair in test]
    assert [each.reference for each in translations] == [pair.target for pair in test]
    right = sum(each.text == each.reference for each in translations)
    assert evaluation.figures["exact_match"] == right / 6
    some, few = trained.evaluate("test", limit=2)
    assert (some.sentences, len(few)) == (2, 2)
    assert some.figures["loss"] == evaluation.figures["loss"]  # over the whole split


def test_an_unknown_split_is_an_error(trained):
    with pytest.raises(WorkbenchError, match=r"train, validation, test.*did you mean 'test'\?"):
        trained.evaluate("tst")


def test_given_pairs_are_measured_with_their_gold_alignment(trained, pairs):
    evaluation = trained.evaluate_pairs(pairs[:8], "mine")
    assert (evaluation.split, evaluation.sentences) == ("mine", 8)
    assert 0 <= evaluation.figures["alignment_error_rate"] <= 1
    # Five single words and three pairs that change places: the diagonal finds 5 of 11 links.
    assert evaluation.figures["diagonal_error_rate"] == pytest.approx(1 - 10 / 22)


def test_letter_case_of_given_pairs_is_folded_like_the_corpus(cheap):
    session = Session(cheap, lowercase=True)
    lower = session.evaluate_pairs([Pair("cat", "chat"), Pair("red dog", "chien rouge")])
    mixed = session.evaluate_pairs([Pair("CAT", "Chat"), Pair("Red Dog", "CHIEN rouge")])
    assert mixed.figures == lower.figures


def test_a_test_set_is_diagnosed_and_what_is_worth_a_look_keeps_its_beam(trained):
    found = trained.diagnose("test")
    pairs = trained.encoded["test"].pairs
    assert [one.found.source for one in found.each] == [pair.source for pair in pairs]
    places = {worth.place for worth in found.worth}
    assert places
    for place, one in enumerate(found.each):
        assert (one.found.beam is not None) == (place in places)
        assert one.found.text == trained.translate(one.found.source).text
        wanted = trained.score(*pairs[place][:2])
        assert one.scored.best.score == pytest.approx(wanted.best.score, abs=1e-5)
    assert len(trained.diagnose("test", limit=1).each) == 1
    trained.configure(min_decode_length=6)
    try:  # no reference is so long
        faults = {(one.fault, one.ruled_out) for one in trained.diagnose("test", limit=3).each}
    finally:
        trained.configure(min_decode_length=0)
    assert faults == {("settings", "it is shorter than min_decode_length, 6")}
    with pytest.raises(WorkbenchError, match="expected a split"):
        trained.diagnose("tset")


def test_the_session_attributes_seeks_and_reads_states(trained):
    pair = trained.encoded["test"].pairs[0]
    rows, columns = trained.attribute(pair, "gradient_input").scores.shape
    scored = trained.score(pair.source, pair.target)
    assert (rows, columns) == (len(scored.best.tokens), len(scored.source_tokens))
    wanted = trained.wanted_attention(pair.source, scored.best.tokens[:1], scored.best.tokens[1])
    assert wanted.log_probabilities[-1] > wanted.log_probabilities[0]
    stepper = trained.stepper(pair.source)
    stepper.edit_attention(Mask(positions=(0,)))
    here = stepper.advance()
    asked = pair.source, here.decoded.prefix, scored.best.tokens[1]
    wanted = trained.wanted_attention(*asked, place=here.id)
    np.testing.assert_array_equal(wanted.own, here.decoded.attention)
    with pytest.raises(RunError, match=r"expected the source and prefix of 0, .* leave the place"):
        trained.wanted_attention(*asked, place=0)
    assert 0 < len(trained.states("train", most=50).vectors) <= 50


# Sentences that are too long ----------------------------------------------------------------------


LONG = " ".join(["cat"] * 12)  # tokens, of a model that allows 10


@pytest.fixture(scope="module")
def short(plain, tmp_path_factory):
    """A model that allows ten tokens."""
    directory = tmp_path_factory.mktemp("short") / "run"
    session = Session(plain, max_length=10, run_directory=str(directory))
    session.build()
    return session


@pytest.mark.parametrize(
    "ask",
    [
        lambda session: session.translate(LONG),
        lambda session: session.translate(LONG, interventions=[Ban(prefix=(), token="chat")]),
        lambda session: session.translate_all(["cat", LONG]),
        lambda session: session.stepper(LONG),
        lambda session: session.score(LONG, "chat"),
        lambda session: session.attribute(Pair(LONG, "chat")),
        lambda session: session.self_attention(LONG, "chat"),
        lambda session: session.wanted_attention(LONG, (), "chat"),
        lambda session: session.states([Pair(LONG, "chat")]),
        lambda session: session.diagnose([Pair(LONG, "chat")]),
    ],
)
def test_a_sentence_longer_than_the_model_allows_is_refused_on_one_line(short, ask):
    with pytest.raises(DataError, match=r"^[^\n]*source [^\n]*12 tokens[^\n]* 10[^\n]*max_length"):
        ask(short)


def test_a_target_longer_than_the_model_allows_is_refused_but_not_what_it_may_write(short):
    with pytest.raises(DataError, match=r"the target .* has 12 tokens, the model allows 10: short"):
        short.score("cat", "chat " * 12)
    with pytest.raises(DataError, match=r"the target .* has 12 tokens"):
        short.attribute(Pair("cat", "chat " * 12))
    assert short.translate(" ".join(["cat"] * 10)).hypotheses


def test_lines_of_a_corpus_that_are_too_long_are_skipped_as_before(short, pairs):
    given = [*pairs[:3], Pair(LONG, "chat", None, "more.tsv:4")]
    with pytest.raises(DataError, match=r"more\.tsv:4: source has 12 tokens, max_length is 10"):
        short.evaluate_pairs(given)
    session = Session(short.config, skip_bad_lines=True)
    assert session.evaluate_pairs(given).sentences == 3
    assert list(map(str, session.bad_lines)) == [
        "more.tsv:4: source has 12 tokens, max_length is 10"
    ]

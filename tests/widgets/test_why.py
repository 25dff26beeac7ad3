"""Asked of a real model that has learnt nothing: what comes back, and what is shown of it."""

import numpy as np
import pytest

from workbench.charts.tables import Table
from workbench.inspection.states import nearest_states
from workbench.session import Session
from workbench.widgets.choices import Choices
from workbench.widgets.decode_panel import DecodePanel
from workbench.widgets.inquiry import Inquiry
from workbench.widgets.stepping import SEARCHED, WHY, Stepping
from workbench.widgets.ticker import Ticker


@pytest.fixture(scope="module")
def built(pairs, config, tmp_path_factory):
    folder = tmp_path_factory.mktemp("why")
    corpus = folder / "phrases.tsv"
    corpus.write_text("".join(f"{pair.source}\t{pair.target}\n" for pair in pairs))
    session = Session(config.replace(corpus=str(corpus), live=True, run_directory=folder / "run"))
    session.build()
    return session


@pytest.fixture
def panel(built):
    built.set_trait("state", "built")  # which makes the inquiry forget
    built.set_trait("state", "trained")
    inquiry, choices = Inquiry.of(built), Choices.of(built)
    for source in (inquiry, choices):
        for name in ("text", "target", "hypothesis", "token", "method", "unit", "mapped", "limit"):
            if source.has_trait(name):
                setattr(source, name, getattr(type(source)(), name))
    Stepping.of(built).view = WHY
    panel = DecodePanel(built)
    settled(built)
    yield panel
    panel.close()
    Stepping.of(built).view = SEARCHED


@pytest.fixture
def known(built):
    """A sentence of the test set."""
    return built.encoded["test"].pairs[0]


def settled(session):
    session._worker.do(lambda: None)
    Inquiry.of(session)._drawer.do(lambda: None)
    assert Ticker.of(session).settle()


def pressed(panel, button):
    assert not button.disabled
    button.click()
    for _ in range(8):  # an answer may ask for the next
        settled(panel.session)


def hidden(widget):
    return "wb-hidden" in widget._dom_classes


def test_nothing_is_shown_before_it_is_asked_for(panel):
    why = panel._why
    assert hidden(why.errors._of_one)
    assert hidden(why.errors._of_all)
    assert hidden(why.words._found)
    assert hidden(why.states._found)


def test_the_test_set_is_diagnosed_and_one_of_it_looked_at(panel, built):
    errors = panel._why.errors
    Inquiry.of(built).limit = 3
    pressed(panel, errors.all)
    found = Inquiry.of(built).diagnoses
    assert len(found.each) == 3
    assert [one.scored.source for one in found.each] == [
        pair.source for pair in built.encoded["test"].pairs[:3]
    ]
    place = found.worth[0].place
    assert [number for _, number in errors.pick.options] == [-1, *(w.place for w in found.worth)]
    errors.pick.value = place
    settled(built)
    one = found.each[place]
    assert Inquiry.of(built).diagnosis is one
    assert Choices.of(built).text == one.scored.source
    assert f"{one.reference_score:.3f}" in errors._table.value
    assert "Surprise" in errors.surprise._specification["title"]["text"]


def test_one_sentence_is_diagnosed_as_the_session_would(panel, built, known):
    Choices.of(built).text = known.source
    pressed(panel, panel._why.errors.one)
    [expected] = built.diagnose([known]).each
    found = Inquiry.of(built).diagnosis
    assert (found.fault, found.reference_score) == (expected.fault, expected.reference_score)
    Choices.of(built).text = "no such sentence"
    settled(built)
    pressed(panel, panel._why.errors.one)
    assert "no reference is known" in panel._status.text


def test_each_method_answers_and_a_word_is_seen_up_close(panel, built, known):
    Choices.of(built).text, Choices.of(built).target = known.source, "reference"
    words = panel._why.words
    pressed(panel, words.ask)
    found = Inquiry.of(built).attributions
    assert [one.method for one in found] == [
        "attention", "gradient_input", "integrated_gradients", "occlusion"
    ]  # fmt: skip
    expected = built.attribute(known, "occlusion")
    np.testing.assert_array_equal(found[3].scores, expected.scores)
    assert words._table.value.count("<tr>") == 1 + len(found)
    words.lists["token"].value, words.lists["method"].value = 1, 3
    settled(built)
    title = words.bars._specification["title"]["text"]
    assert title == f"Occlusion for {expected.translation.best.tokens[1]}"


def test_of_a_pair_asked_before_the_answers_are_dropped(panel, built):
    inquiry, (first, second, *_) = Inquiry.of(built), built.encoded["test"].pairs
    inquiry.attribute(built, first)
    inquiry.attribute(built, second)
    for _ in range(8):
        settled(built)
    assert {one.translation.source for one in inquiry.attributions} == {second.source}
    assert len(inquiry.attributions) == 4


def test_words_of_a_translation_need_one(panel, built):
    Choices.of(built).text = "small dog"
    settled(built)
    pressed(panel, panel._why.words.ask)
    assert "not translated yet" in panel._status.text
    built.translate("small dog")
    pressed(panel, panel._why.words.ask)
    [first, *_] = Inquiry.of(built).attributions
    assert first.translation.text == built.translation.text


def test_the_states_of_the_sentence_and_those_nearest_in_training(panel, built, known):
    Choices.of(built).text, Choices.of(built).target = known.source, "reference"
    states = panel._why.states
    pressed(panel, states.ask)
    mine, trained = built.states([known]), built.states("train")
    assert len(states.state.options) == len(mine.places)
    decoder = next(n for n, place in enumerate(mine.places) if place.side == "decoder")
    states.state.value, states.unit.value = decoder, 2
    settled(built)
    nearest = nearest_states(trained, mine.vectors[decoder], 8, side="decoder")
    assert f"{nearest[0].distance:.4f}" in states.near.value
    assert nearest[0].source in states.near.value
    assert states.bars._specification["title"]["text"].startswith("Unit 2 of")
    assert Inquiry.of(built).projection.states.places == trained.places
    states.mapped.value = "sentence"
    settled(built)
    assert Inquiry.of(built).projection.states.places == mine.places


def test_training_sentences_are_read_once_for_a_model(panel, built, known, monkeypatch):
    read, ask = [], built.request
    monkeypatch.setattr(built, "request", lambda *asked: read.append(asked[1]) or ask(*asked))
    Choices.of(built).text, Choices.of(built).target = known.source, "reference"
    states, inquiry = panel._why.states, Inquiry.of(built)
    for _ in range(2):
        pressed(panel, states.ask)
    assert read == [[known], "train", [known]]
    built.set_trait("state", "training")
    assert inquiry.trained is None
    inquiry.read(built, known)
    for _ in range(8):
        settled(built)
    built.set_trait("state", "trained")  # with the best weights, not those of the last step
    settled(built)
    assert inquiry.trained is None
    assert hidden(states._found)


def test_what_is_answered_is_kept_in_the_notebook(panel, built, known):
    Choices.of(built).text, Choices.of(built).target = known.source, "reference"
    kept = panel.kept_of()
    pressed(panel, panel._why.words.ask)
    assert len(panel.kept_of()) == len(kept) + 4


def test_what_is_missing_for_a_map_is_a_message(panel, built, known, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "umap", None)
    Choices.of(built).text, Choices.of(built).target = known.source, "reference"
    states = panel._why.states
    pressed(panel, states.ask)
    states.projecting.value = "umap"
    settled(built)
    assert "umap-learn" in panel._status.text
    assert hidden(states._drawing)
    states.projecting.value = "pca"


def test_a_page_without_a_kernel_has_all_that_was_asked(panel, built, known):
    Choices.of(built).text, Choices.of(built).target = known.source, "reference"
    before = len(panel.still())
    why = panel._why
    for button in (why.errors.one, why.words.ask, why.states.ask):
        pressed(panel, button)
    things = panel.still()
    captions = [thing.caption for thing in things if isinstance(thing, Table)]
    assert len(things) == before + 7
    assert any(caption.startswith("Diagnosis") for caption in captions)
    assert any("nearest states" in caption for caption in captions)


def test_another_model_makes_the_answers_go(panel, built, known):
    Choices.of(built).text = known.source
    pressed(panel, panel._why.errors.one)
    assert not hidden(panel._why.errors._of_one)
    built.set_trait("state", "training")
    settled(built)
    assert Inquiry.of(built).diagnosis is None
    assert hidden(panel._why.errors._of_one)

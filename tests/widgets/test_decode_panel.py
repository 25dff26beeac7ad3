from dataclasses import replace
from html import escape

import numpy as np
import pytest

from workbench.charts.explorer import beam_explorer, explored
from workbench.charts.tables import Table
from workbench.config import RunConfig
from workbench.session import Session
from workbench.widgets.choices import MEAN, Choices
from workbench.widgets.decode_panel import (
    BEAM,
    GREEDY,
    SAMPLE,
    DecodePanel,
    changes_for,
    way_of,
)
from workbench.widgets.stepping import BY_HAND, OVER_TIME, SEARCHED
from workbench.widgets.ticker import Ticker


@pytest.fixture(scope="module")
def built(pairs, config, tmp_path_factory):
    """A session whose model has learnt nothing, with a translation."""
    folder = tmp_path_factory.mktemp("decode")
    corpus = folder / "phrases.tsv"
    corpus.write_text("".join(f"{pair.source}\t{pair.target}\n" for pair in pairs))
    session = Session(config.replace(corpus=str(corpus), live=True, run_directory=folder / "run"))
    session.build()
    session.translate("red cat")
    return session


@pytest.fixture
def session(built):
    """The session as it was built, with nothing chosen yet."""
    before = built.draft, built.translation
    for name in ("text", "hypothesis", "step", "notice"):
        setattr(Choices.of(built), name, getattr(Choices(), name))
    yield built
    built.set_trait("draft", before[0])
    built.set_trait("translation", before[1])


@pytest.fixture
def panel(session):
    panel = DecodePanel(session)
    yield panel
    panel.close()


def settled(session):
    assert Ticker.of(session).settle()


def drawn(view):
    return view._specification["title"]["text"]


@pytest.mark.parametrize(
    ("settings", "way"),
    [
        ({"beam_width": 1}, GREEDY),
        ({"beam_width": 2}, BEAM),
        ({"beam_width": 1, "temperature": 0.5}, SAMPLE),
        ({"beam_width": 4, "temperature": 2.0}, SAMPLE),
    ],
)
def test_the_settings_tell_how_to_search(settings, way):
    assert way_of(RunConfig(**settings)) == way


@pytest.mark.parametrize("before", [GREEDY, BEAM, SAMPLE])
@pytest.mark.parametrize("way", [GREEDY, BEAM, SAMPLE])
def test_each_way_can_be_reached_from_each(before, way):
    config = RunConfig(beam_width=4, beam_groups=2, diversity=0.5)
    for wanted in (before, way):
        config = config.replace(**changes_for(wanted, config))
        assert way_of(config) == wanted


def test_going_back_to_the_beam_keeps_its_width(panel, session):
    session.configure(beam_width=7)
    for way in (SAMPLE, BEAM):
        panel._way.value = way
    assert session.draft.beam_width == 7
    settled(session)
    assert panel._way.value == BEAM


def test_only_the_settings_of_the_chosen_way_are_shown(panel, session):
    form = panel._form
    shown = {}
    for way in (GREEDY, BEAM, SAMPLE):
        panel._way.value = way
        settled(session)
        shown[way] = {name for name, state in form.state.items() if not state["hidden"]}
    always = {"max_decode_length", "min_decode_length", "no_repeat_ngram", "prefix"}
    assert shown[GREEDY] == always | {"interventions"}
    assert shown[BEAM] == shown[GREEDY] | {
        "beam_width", "beam_groups", "diversity", "hypotheses", "length_penalty", "coverage_penalty"
    }  # fmt: skip
    assert shown[SAMPLE] == always | {
        "beam_width", "hypotheses", "temperature", "top_k", "top_p", "sampling_seed"
    }  # fmt: skip


def test_translating_shows_what_was_found(panel, session):
    panel._text.value = "small dog"
    assert session.draft.beam_width == 3
    panel._translate_button.click()
    session._worker.do(lambda: None)
    settled(session)
    assert session.translation.source == "small dog"
    assert panel._table.value.count("<tr>") == 4
    assert len(panel._which.options) == 3
    assert "Beam search of width 3" in panel._beam.chart._description
    assert drawn(panel._candidates).startswith("Candidates at step 1 of")


def test_sampling_draws_what_the_seed_says(panel, session):
    panel._text.value = "small dog"
    texts = []
    for seed in (1, 1, 2, 3):
        session.configure(temperature=2.0, beam_width=4, sampling_seed=seed)
        panel._translate_button.click()
        session._worker.do(lambda: None)
        assert session.translation.beam.drawn
        texts.append([one.text for one in session.translation.hypotheses])
    assert texts[0] == texts[1]
    assert len({tuple(each) for each in texts}) > 1
    settled(session)
    assert drawn(panel._beam.chart) == "Samples"


def test_it_begins_with_the_sentence_that_was_translated_last(panel):
    assert panel._text.value == "red cat"


def test_nothing_to_translate_is_a_message(panel, session):
    panel._text.value = "  "
    panel._translate_button.click()
    settled(session)
    assert panel._status.tone == "error"
    assert "type a sentence" in panel._status.text


@pytest.mark.parametrize("button", ["_translate_button", "_take_apart_button"])
def test_a_sentence_longer_than_the_model_allows_is_a_message_and_the_session_goes_on(
    panel, session, button
):
    panel._text.value = "cat " * 101
    getattr(panel, button).click()
    session._worker.do(lambda: None)
    settled(session)
    assert panel._status.tone == "error"
    assert "has 101 tokens, the model allows 100: shorten it" in panel._status.text
    panel._text.value = "small dog"
    panel._translate_button.click()
    session._worker.do(lambda: None)
    settled(session)
    assert (session.translation.source, session.error) == ("small dog", "")
    assert panel._status.tone != "error"


def test_before_there_is_a_model_it_says_so_and_builds_none(built):
    session = Session(built.config)
    panel = DecodePanel(session)
    panel._text.value = "red cat"
    panel._translate_button.click()
    settled(session)
    assert (panel._status.tone, session.state) == ("error", "empty")
    assert panel._status.text == "there is no model yet: build or train one first"
    panel.close()


def test_walking_from_step_to_step(panel, session):
    tokens = session.translation.best.tokens
    assert panel._back.disabled
    for step in range(1, len(tokens)):
        panel._on.click()
        settled(session)
        assert Choices.of(session).step == step
        assert panel._step.value == step + 1
        assert drawn(panel._candidates) == f"Candidates at step {step + 1} of {len(tokens)}"
        assert f">{escape(tokens[step])}</strong>" in panel._prefix.value
    assert panel._on.disabled
    panel._back.click()
    settled(session)
    assert panel._step.value == len(tokens) - 1
    panel._step.value = 1
    settled(session)
    assert Choices.of(session).step == 0


def test_each_hypothesis_has_steps_of_its_own(panel, session):
    panel._which.value = 2
    settled(session)
    assert Choices.of(session).hypothesis == 2
    assert panel._step.max == len(session.translation.hypotheses[2].tokens)


def test_two_copies_show_the_same(panel, session):
    other = DecodePanel(session)
    panel._which.value = 1
    panel._way.value = GREEDY
    settled(session)
    assert (other._which.value, other._way.value) == (1, GREEDY)
    panel._text.value = "old bird"
    settled(session)
    assert other._text.value == "old bird"
    other.close()


def test_a_shorter_translation_leaves_no_choice_beyond_its_end(panel, session):
    Choices.of(session).hypothesis, Choices.of(session).step = 2, 99
    session.set_trait(
        "translation", replace(session.translation, hypotheses=session.translation.hypotheses[:1])
    )
    settled(session)
    assert panel._which.value == 0
    assert panel._step.value == panel._step.max


def test_sentences_of_the_test_set_are_offered(panel, session):
    sources = {pair.source for pair in session.encoded["test"].pairs}
    assert set(panel._text.options) <= sources
    assert panel._text.options


def test_what_a_token_says_is_text(panel, session):
    best = session.translation.best
    nasty = replace(best, tokens=("<b>x</b>", *best.tokens[1:]), text="<i>y</i>")
    session.set_trait("translation", replace(session.translation, hypotheses=(nasty,)))
    settled(session)
    assert "<b>" not in panel._prefix.value
    assert "<i>" not in panel._table.value


def test_headless_it_shows_the_hypotheses_the_search_and_a_step(panel, session):
    table, tree, step = panel.still()
    assert isinstance(table, Table)
    assert tree.to_dict()["title"]["text"] == "Beam search"
    assert step.to_dict()["title"]["text"].startswith("Candidates at step 1")
    session.set_trait("translation", None)
    (empty,) = panel.still()
    assert "nothing is translated yet" in empty.to_dict()["description"]
    settled(session)
    assert all("wb-hidden" in part._dom_classes for part in panel._found)
    assert "wb-hidden" not in panel._nothing._dom_classes


def test_the_still_search_is_read_by_the_head_that_is_chosen(panel, session, monkeypatch):
    best, beam = session.translation.best, session.translation.beam
    two = replace(best, attention=np.repeat(best.attention, 2, axis=1))
    both = np.concatenate([beam.attention, beam.attention[..., ::-1]], axis=3)
    session.set_trait("translation", replace(
        session.translation, hypotheses=(two,), beam=replace(beam, attention=both)
    ))  # fmt: skip
    panel.choices.head = 1
    assert panel.still()[1].to_dict() == beam_explorer(session.translation, None, 1).to_dict()
    panel.choices.head = MEAN
    assert panel.still()[1].to_dict() == beam_explorer(session.translation).to_dict()


def test_from_a_node_of_the_search_a_person_goes_on_by_hand(panel, session):
    nodes = beam_explorer(session.translation).to_dict()["params"][0]["bind"]["max"]
    for node in (0, 1, nodes):  # what is chosen at first, and what a click chooses
        panel._beam.chart.selected = {"node": {"node": [node]}} if node else {}
        candidate = explored(session.translation, node)
        panel._beam.go_on.click()
        for _ in range(3):
            session._worker.do(lambda: None)
            settled(session)
        decoded = session.taken_apart.current.decoded
        assert decoded.prefix[-1] == candidate.token
        assert len(decoded.prefix) == candidate.step + 1
        assert float(decoded.total) == pytest.approx(candidate.log_probability, abs=1e-4)
        assert panel._shown.value == BY_HAND
        panel._shown.value = SEARCHED
        settled(session)


def test_a_node_without_a_search_on_record_is_a_message(panel, session):
    session.set_trait("translation", session.translate("red cat", record=False))
    settled(session)
    panel._beam.go_on.click()
    settled(session)
    assert "no search is on record" in panel._status.text


def test_the_training_is_looked_over_in_the_panel_too(panel, session):
    panel._shown.value = OVER_TIME
    settled(session)
    over = panel._over_time
    assert panel._views[OVER_TIME].children == (over.part,)
    session.translate("red cat")
    assert panel._over_time is over  # made once
    panel._shown.value = SEARCHED
    settled(session)

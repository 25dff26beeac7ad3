"""What a session translates, searches by hand and takes apart."""

import asyncio
import pickle
import subprocess
import sys
import threading
from dataclasses import replace

import numpy as np
import pytest
from identical import identical
from sessions import live, same

from workbench.errors import InterventionError, RunError, SettingsError
from workbench.interventions import Ban, Force, Mask, to_json
from workbench.search.stepper import Stepper
from workbench.session import Session

ROUNDED = 1e-6  # what two compilations of one model may differ by in float32, in nats


def test_translations_come_with_the_whole_beam(trained):
    found = trained.translate("red cat")
    assert found.source_tokens == ("red", "cat", "<end>")
    assert len(found.hypotheses) == found.beam.width == trained.config.beam_width == 3
    assert found.reference is None
    greedy = trained.translate("red cat", beam_width=1, record=False)
    assert (len(greedy.hypotheses), greedy.beam) == (1, None)
    assert len(trained.translate("red cat", hypotheses=2).hypotheses) == 2


def test_many_texts_in_their_order(trained):
    texts = ["cat and dog", "cat", "red cat", "old fish and dog"]
    found = trained.translate_all(texts)
    assert [each.source for each in found] == texts
    for text, each in zip(texts, found, strict=True):
        alone = trained.translate(text, hypotheses=1)
        assert alone.best.tokens == each.best.tokens
        assert alone.best.score == pytest.approx(each.best.score, abs=1e-5)
    assert trained.translate_all([]) == []


def test_translating_builds_what_is_missing(cheap):
    session = Session(cheap)
    assert session.translate("cat").source == "cat"
    assert session.state == "built"


def test_a_setting_says_how_many_hypotheses_and_with_what_they_begin(trained):
    before = trained.draft
    trained.configure(hypotheses=2, prefix="chien", no_repeat_ngram=2)
    try:
        found = trained.translate("red cat")
    finally:
        trained.configure(hypotheses=0, prefix="", no_repeat_ngram=0)
    assert [each.tokens[0] for each in found.hypotheses] == ["chien"] * 2
    assert trained.draft == before


def test_interventions_are_replayed_by_the_beam(trained):
    free, prefix = trained.translate("red cat"), ("chat",)
    items = [Force(token="chat"), Ban(prefix=prefix, token="<end>")]
    found = trained.translate("red cat", interventions=items)
    assert len(found.hypotheses) == found.beam.width == 3
    for one in found.hypotheses:
        assert one.tokens[0] == "chat"
        assert one.tokens[1] != "<end>"
    again = trained.translate("red cat", interventions=to_json(items), hypotheses=1, record=False)
    same(again, replace(found, hypotheses=found.hypotheses[:1]))
    assert again.beam is None
    with pytest.raises(InterventionError, match=r"item 1: .* got 'chta'; did you mean 'chat'"):
        trained.translate("red cat", interventions=[Force(token="chta")])
    with pytest.raises(SettingsError, match="interventions: item 1: expected a kind"):
        trained.translate("red cat", interventions=[{"kind": "push"}])
    trained.configure(interventions=to_json(items))
    try:
        same(trained.translate("red cat"), found)
        same(trained.translate("red cat", interventions=()), free)
        assert not trained.stale
    finally:
        trained.configure(interventions="")


def test_interventions_act_beside_every_setting_of_the_search(trained):
    items = [Ban(prefix=("chien",), token="rouge")]
    settings = {"prefix": "chien", "min_decode_length": 4, "no_repeat_ngram": 1,
                "beam_width": 4, "beam_groups": 2, "diversity": 1.0}  # fmt: skip
    before = {name: getattr(trained.draft, name) for name in settings}
    trained.configure(**settings)
    try:
        found = trained.translate("red dog", interventions=items)
    finally:
        trained.configure(**before)
    assert found.beam.groups == 2
    assert "barred" in {one.fate for one in found.beam.candidates}
    for one in found.hypotheses:
        assert one.tokens[0] == "chien"
        assert one.tokens[1] != "rouge"
        assert len(set(one.tokens)) == len(one.tokens)
        assert len(one.tokens) >= 4 or not one.finished


def test_forcing_what_the_model_would_choose_changes_nothing(trained):
    """To the last bit where one step does both; the search of many sentences is another graph."""
    for text in ("red cat", "small dog", "old horse and bird"):
        free = trained.translate(text, beam_width=1, record=False)
        tokens = free.best.tokens
        items = [Force(prefix=tokens[:place], token=token) for place, token in enumerate(tokens)]
        forced = trained.translate(text, beam_width=1, interventions=items, record=False)
        nothing = trained.stepper(text).replay([], 1)
        assert identical(forced.hypotheses, nothing.hypotheses)
        assert forced.best.tokens == tokens
        for name in ("log_probabilities", "attention"):
            ours, theirs = (getattr(one.best, name) for one in (forced, free))
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=ROUNDED)


REPLAYED = """
import pickle, sys
from workbench import Session
session, given = Session.open(sys.argv[1]), sys.argv[2]
found = [session.translate("red cat and dog", width, interventions=given) for width in (1, 3)]
with open(sys.argv[3], "wb") as file:
    pickle.dump(found, file)
"""


def test_a_saved_list_gives_the_same_record_in_another_process(trained, tmp_path):
    stepper = trained.stepper("red cat and dog")
    stepper.edit_source(0, "old")
    stepper.ban("chat")
    stepper.advance()
    stepper.edit_attention(Mask(positions=(1,)))
    stepper.force("noir")
    saved, answer = tmp_path / "done.json", tmp_path / "answer"
    saved.write_text(to_json(stepper.interventions()), encoding="utf-8")
    here = [
        trained.translate("red cat and dog", width, interventions=str(saved)) for width in (1, 3)
    ]  # fmt: skip
    arguments = [str(trained.directory.path), str(saved), str(answer)]
    subprocess.run([sys.executable, "-c", REPLAYED, *arguments], check=True, timeout=300)
    there = pickle.loads(answer.read_bytes())
    for ours, theirs in zip(here, there, strict=True):
        assert ours.beam.candidates
        assert identical(ours, theirs)


def test_a_stepper_goes_the_way_of_greedy_search(trained):
    stepper = trained.request("stepper", "red cat").result(60)
    assert stepper.finish().best.tokens == trained.translate("red cat", beam_width=1).best.tokens
    stepper.go(0)
    stepper.force("chien")
    found = trained.translate("red cat", beam_width=1, interventions=stepper.interventions())
    np.testing.assert_allclose(
        found.best.log_probabilities, stepper.finish().best.log_probabilities, atol=1e-5
    )


def test_the_latest_stepper_is_taken_apart_by_the_sessions_thread(trained, cheap):
    stepper = trained.stepper("red cat")
    assert trained.taken_apart is stepper
    threads, busy = [], []
    trained.observe(lambda change: busy.append(change["new"]), "busy")

    def act(given):
        threads.append(threading.current_thread().name)
        return given.advance()

    assert trained.request("take_apart", act).result(60) is stepper.current
    assert trained.take_apart(act, "stepping") is stepper.current
    assert (threads, busy) == (["workbench session"] * 2, ["stepping", ""])
    trained.unobserve_all("busy")
    with pytest.raises(RunError, match="no translation is taken apart yet"):
        Session(cheap).request("take_apart", act)


def test_while_the_model_learns_nothing_is_taken_apart_and_another_model_ends_it(cheap):
    session = live(cheap)
    session.stepper("red cat")
    session.train()
    with pytest.raises(RunError, match="training is under way and changes the model"):
        session.take_apart(Stepper.advance)
    session.stop()
    asyncio.run(session.wait())
    assert session.taken_apart is not None
    session.configure(units=session.config.units + 1)
    session.build()
    assert session.taken_apart is None

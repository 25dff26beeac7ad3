"""A model that is saved, and a run that is opened, whatever is wrong with it."""

import json
import os
import pickle
import time

import numpy as np
import pytest
from sessions import STEPS, same

from workbench.data.corpus import Pair
from workbench.errors import RunError
from workbench.session import Session
from workbench.training.sinks import read_probes


@pytest.fixture(scope="module")
def opened(trained):
    return Session.open(trained.directory.path)


def test_an_opened_run_translates_and_scores_the_same(trained, opened):
    assert (opened.state, opened.error) == ("trained", "")
    same(opened.translate("red cat"), trained.translate("red cat"))
    same(opened.score("red cat", "chat rouge"), trained.score("red cat", "chat rouge"))
    assert [p.loss for p in opened.history] == [p.loss for p in trained.history]
    assert opened.blocks == trained.blocks
    assert opened.config == trained.config


def test_an_opened_run_reads_its_corpus_when_it_needs_it(trained, opened):
    figures = opened.evaluate("test")[0].figures
    assert figures == pytest.approx(trained.evaluate("test")[0].figures)
    assert opened.load().fingerprint == trained.load().fingerprint


def test_an_opened_run_that_is_finished_trains_no_further(copy, trained):
    session = Session.open(copy)
    session.train()
    assert len(session.history) == STEPS
    assert all(map(np.array_equal, session.model.get_weights(), trained.model.get_weights()))


def test_a_run_may_have_moved_and_its_corpus_be_gone(copy, trained):
    config = json.loads((copy / "model" / "config.json").read_text())
    (copy / "model" / "config.json").write_text(json.dumps(config | {"corpus": "gone.tsv"}))
    session = Session.open(copy)
    same(session.translate("red cat"), trained.translate("red cat"))
    evaluation = session.evaluate_pairs([Pair("red cat", "chat rouge")])
    assert evaluation.sentences == 1
    assert session.directory.path == copy


def test_a_checkpoint_can_be_opened(copy, trained):
    session = Session.open(copy, step=STEPS)
    assert session.translate("cat").hypotheses
    assert [bool(each.probes) for each in session.history] == [
        bool(each.evaluation) for each in session.history
    ]
    with pytest.raises(RunError, match=rf"expected a checkpoint .*{STEPS}.*, got step 1"):
        Session.open(copy, step=1)


def test_a_model_can_be_saved_elsewhere_and_over_itself(trained, tmp_path):
    place = tmp_path / "deep" / "mine"
    for _ in range(2):
        assert trained.save(place) == place
    same(Session.open(place).translate("cat"), trained.translate("cat"))
    assert [path.name for path in place.parent.iterdir()] == ["mine"]


def test_saving_replaces_nothing_but_a_model(trained, tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    for place in (tmp_path, tmp_path / "thesis.tex"):
        with pytest.raises(RunError, match="exists and is no model; choose another place"):
            trained.save(place)
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


# What is wrong with it ----------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["nothing", "empty", "file"])
def test_opening_what_is_no_run_is_an_error(tmp_path, place):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("a")
    with pytest.raises(RunError, match=f"{place}: expected a run directory with a model"):
        Session.open(tmp_path / place)


@pytest.mark.parametrize(
    "file", ["model.weights.h5", "codec.json", "source.model", "target.model", "config.json"]
)
@pytest.mark.parametrize("damage", ["cut", "gone", "nonsense"])
def test_opening_a_damaged_model_is_an_error(copy, file, damage):
    path = copy / "model" / file
    content = path.read_bytes()
    path.unlink()
    if damage != "gone":
        path.write_bytes(content[: len(content) // 2] if damage == "cut" else b"nonsense")
    with pytest.raises(RunError) as error:
        Session.open(copy)
    assert "\n" not in str(error.value)
    assert "copy" in str(error.value)


def test_weights_of_another_shape_are_an_error(copy):
    path = copy / "model" / "config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps(config | {"units": 10}))
    with pytest.raises(RunError, match="cannot load weights"):
        Session.open(copy)


def test_opening_runs_no_code(copy, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("something is being unpickled")

    for name in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(pickle, name, refuse)
    session = Session.open(copy)
    session.train()  # finished: restores the checkpoint, reads history and probes
    assert session.state == "trained"


def test_a_pickle_in_the_place_of_arrays_is_refused(copy):
    started = time.time()
    evil = np.array([os.getcwd], object)
    for place in copy.glob("checkpoints/*/model.npz"):
        np.savez(place, **{"0000": evil})
    with pytest.raises(RunError, match="allow_pickle=False"):
        Session.open(copy).train()
    np.savez(copy / "probes.npz", texts=evil)
    with pytest.raises(ValueError, match="allow_pickle=False"):
        read_probes(copy / "probes.npz")
    assert time.time() - started < 60

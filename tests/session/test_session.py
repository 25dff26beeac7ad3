import asyncio
import gc
import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from identical import identical

from workbench.config import RunConfig
from workbench.data.corpus import Pair
from workbench.errors import (
    DataError,
    InterventionError,
    RunError,
    SettingsError,
    WorkbenchError,
)
from workbench.interventions import Ban, Force, Mask, to_json
from workbench.records import Evaluation
from workbench.runs import RunDirectory
from workbench.search.stepper import Stepper
from workbench.session import Session, trainer
from workbench.session.instruments import Instruments
from workbench.training.checkpoint import Checkpoints
from workbench.training.sinks import read_history, read_probes
from workbench.training.step import TrainingStep

ROUNDED = 1e-6  # what two compilations of one model may differ by in float32, in nats
STEPS = 6  # 51 training pairs, 16 at a time, for at most so many steps


@pytest.fixture(scope="module")
def corpus(pairs, tmp_path_factory):
    """The sixty pairs as a file."""
    path = tmp_path_factory.mktemp("corpus") / "phrases.tsv"
    path.write_text("".join(f"{pair.source}\t{pair.target}\n" for pair in pairs))
    return path


@pytest.fixture(scope="module")
def settings(config, corpus):
    return config.replace(corpus=str(corpus), max_steps=STEPS, probe_sentences=2)


@pytest.fixture(scope="module")
def plain(settings):
    """Settings whose model is compiled fast."""
    return settings.replace(
        encoder="rnn", decoder="rnn", attention="none", bidirectional=False, beam_width=1
    )


@pytest.fixture
def cheap(plain, tmp_path):
    """The same, with a directory of the test's own."""
    return plain.replace(run_directory=str(tmp_path / "run"))


WHOLE = {"epochs": 3, "max_steps": 0, "evaluate_every": 2}  # twelve steps


@pytest.fixture(scope="module")
def undisturbed(plain, tmp_path_factory):
    """A plain session that has trained in one go, to hold against those that did not."""
    directory = tmp_path_factory.mktemp("undisturbed") / "run"
    session = Session(plain, run_directory=str(directory), **WHOLE)
    session.train()
    return session


@pytest.fixture(scope="module")
def trained(settings, tmp_path_factory):
    """A session that has trained to its end; look at it, but do not change it."""
    directory = tmp_path_factory.mktemp("trained") / "run"
    session = Session(settings, run_directory=str(directory))
    session.train()
    return session


@pytest.fixture(scope="module")
def opened(trained):
    return Session.open(trained.directory.path)


@pytest.fixture
def copy(trained, tmp_path):
    """A copy of the trained run's directory, to do with as one likes."""
    return shutil.copytree(trained.directory.path, tmp_path / "copy")


def no_step(monkeypatch, action):
    """Let `action` take the place of a training step."""
    monkeypatch.setattr(TrainingStep, "__call__", lambda *_: action())


def no_look(monkeypatch):
    """Let nothing be measured on the way."""
    monkeypatch.setattr(
        Instruments, "look", lambda *_: (Evaluation("validation", {"loss": 1.0}), ())
    )


def until(true):
    """Wait until something is true."""
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline, "waited for too long"
        time.sleep(0.005)


def same(translation, other):
    assert translation.source == other.source
    assert translation.source_tokens == other.source_tokens
    for ours, theirs in zip(translation.hypotheses, other.hypotheses, strict=True):
        assert (ours.tokens, ours.score) == (theirs.tokens, theirs.score)
        np.testing.assert_array_equal(ours.log_probabilities, theirs.log_probabilities)
        np.testing.assert_array_equal(ours.attention, theirs.attention)


# Data and model ----------------------------------------------------------------------------


def test_settings_come_as_an_object_as_keywords_or_both():
    assert Session().config == RunConfig()
    assert Session(units=64).config.units == 64
    both = Session(RunConfig(units=64, layers=2), units=32).config
    assert (both.units, both.layers) == (32, 2)
    with pytest.raises(SettingsError, match="did you mean 'units'"):
        Session(unit=64)


def test_loading_reads_the_corpus_once(settings):
    session = Session(settings)
    assert session.state == "empty"
    corpus = session.load()
    assert session.state == "data"
    assert session.load() is corpus
    sizes = {split: len(pairs) for split, pairs in session.encoded.items()}
    assert sizes == {split: len(pairs) for split, pairs in corpus.splits.items()}
    assert sum(sizes.values()) == 60
    assert session.codec.source.size == 4 + 5 + 4 + 1


def test_the_diagram_needs_no_model(settings):
    session = Session(settings)
    assert [block.kind for block in session.blocks][:2] == ["embedding", "bidirectional lstm"]
    assert session.state == "data"
    parameters = sum(block.parameters for block in session.blocks)
    assert parameters == session.build().count_params()


def test_building_depends_on_the_seed_alone(cheap):
    weights = [Session(cheap, seed=seed).build().get_weights() for seed in (3, 3, 4)]
    assert all(map(np.array_equal, weights[0], weights[1]))
    assert not np.array_equal(weights[0][0], weights[2][0])
    session = Session(cheap)
    assert session.build() is session.build()
    assert session.state == "built"


def test_a_bad_corpus_is_an_error_and_the_session_stays_empty(tmp_path, config):
    session = Session(config, corpus=str(tmp_path / "missing.tsv"))
    for action in (session.load, session.build, session.train, lambda: session.translate("a")):
        with pytest.raises(WorkbenchError, match=r"missing\.tsv"):
            action()
    assert session.state == "empty"


def test_a_run_is_written_to_runs_by_default(cheap):
    session = Session(cheap, run_directory="")
    path = session.directory.path
    name, _, digest = path.name.rpartition("-")
    assert path.parent.as_posix() == "runs"
    assert name == "session-phrases"
    assert len(digest) == 8
    assert not path.exists()
    renamed = Session(cheap, run_directory="", name="mine", live=True)
    assert renamed.directory.path.name == f"mine-{digest}"
    assert Session(cheap, run_directory="", seed=9).directory.path != path
    assert Session(cheap).directory.path.name == "run"


# Training ----------------------------------------------------------------------------------


def test_a_finished_run_is_all_on_the_disk(trained):
    directory = trained.directory
    assert (trained.state, trained.error, directory.status) == ("trained", "", "ok")
    record = directory.read()
    assert record["config"] == trained.config.model_dump()
    assert record["data"]["pairs"] == {"train": 51, "validation": 3, "test": 6}
    assert record["data"]["fingerprint"] == trained.load().fingerprint
    assert record["parameters_count"] == trained.model.count_params()
    assert record["versions"].keys() >= {"python", "tensorflow", "keras"}
    assert record["device"] in ("CPU", "GPU")
    training = record["training"]
    assert (training["steps"], training["traces"]) == (STEPS, 1)
    assert training["traces_after_first_epoch"] == 0
    assert training["best"] == min(
        progress.evaluation.figures["loss"] for progress in trained.history if progress.evaluation
    )
    assert {path.name for path in directory.path.iterdir()} == {
        "run.json", "metrics.jsonl", "probes.npz", "usage.jsonl", "model", "checkpoints",
    }  # fmt: skip
    assert {path.name for path in directory.model.iterdir()} == {
        "config.json", "codec.json", "source.model", "target.model", "model.weights.h5",
        "version.json",
    }  # fmt: skip


def test_history_is_what_was_yielded(trained):
    history = trained.history
    assert [progress.step for progress in history] == list(range(1, STEPS + 1))
    assert trained.progress is history[-1]
    assert [progress.step for progress in history if progress.evaluation] == [4, 6]
    on_disk = read_history(trained.directory.metrics)
    assert [p.evaluation for p in on_disk] == [p.evaluation for p in history]
    probes = read_probes(trained.directory.probes)
    assert list(probes) == [4, 6]
    watched = [pair.source for pair in trained.load().validation[:2]]
    assert [each.source for each in probes[6]] == watched
    assert [each.text for each in probes[6]] == [each.text for each in history[-1].probes]


def test_validation_figures_have_their_names(trained):
    figures = trained.history[-1].evaluation.figures
    assert figures.keys() == {
        "loss", "perplexity", "token_accuracy", "exact_match", "bleu", "chrf",
        "character_error_rate", "word_error_rate",
    }  # fmt: skip
    assert trained.history[-1].evaluation.sentences == 3


def test_it_says_where_it_ran(trained):
    facts = trained.where_it_ran()
    assert facts["seed"] == "3"
    assert facts["steps"].startswith("6, best at ")
    assert "keras" in facts["versions"]
    assert all(isinstance(value, str) for value in facts.values())


def test_live_training_can_be_stopped_and_goes_on_from_there(cheap):
    session = Session(cheap, live=True, max_steps=12, epochs=100, evaluate_every=6)
    seen = threading.Event()

    def third_step(change):
        if change["new"].step == 3:
            session.stop()
            seen.set()

    session.observe(third_step, "progress")
    session.train()
    assert session.state == "training"
    with pytest.raises(RunError, match="under way"):
        session.train()
    asyncio.run(session.wait())
    assert seen.is_set()
    assert (session.state, session.directory.status) == ("trained", "stopped")
    assert Checkpoints(session.directory.checkpoints).steps == [3]
    same(Session.open(session.directory.path).translate("cat"), session.translate("cat"))

    session.train()
    asyncio.run(session.wait())
    assert (session.state, session.directory.status) == ("trained", "ok")
    assert [progress.step for progress in session.history] == list(range(1, 13))


def live(settings, **changes):
    return Session(settings, **{"live": True, "epochs": 100, "max_steps": 0, **changes})


def test_live_training_is_paused_answers_and_goes_on(cheap):
    session = live(cheap, max_steps=8)
    states = []
    session.observe(lambda change: states.append(change["new"]), "state")
    session.advance(3)
    until(lambda: session.state == "paused")
    assert session.progress.step == 3
    assert session.refusal("train") == "training is paused; resume it or stop it"
    assert session.translate("cat") is session.translation
    session.advance()
    until(lambda: session.state == "paused" and session.progress.step == 4)
    session.resume()
    asyncio.run(session.wait())
    assert (session.state, session.progress.step) == ("trained", 8)
    assert states[:2] == ["data", "built"]
    assert states[-3:] == ["paused", "training", "trained"]


def test_a_paused_training_is_the_same_as_one_left_alone(cheap, undisturbed):
    session = Session(cheap, live=True, **WHOLE)
    session.advance(2)
    until(lambda: session.state == "paused")
    session.evaluate("test")
    session.resume()
    session.stop()
    asyncio.run(session.wait())
    assert session.directory.status == "stopped"
    session.train()
    asyncio.run(session.wait())
    losses = [[each.loss for each in one.history] for one in (undisturbed, session)]
    assert losses[0] == losses[1]
    for ours, theirs in zip(*(s.model.get_weights() for s in (undisturbed, session)), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_stop_ends_an_evaluation_and_it_is_made_when_training_goes_on(
    cheap, undisturbed, monkeypatch
):
    session = Session(cheap, live=True, **WHOLE)
    measure = Instruments.look

    def stopped(*given):
        session.stop()
        return measure(*given)

    monkeypatch.setattr(Instruments, "look", stopped)
    session.train()
    asyncio.run(session.wait())
    assert [each.step for each in session.history] == [1]
    assert Checkpoints(session.directory.checkpoints).steps == [2]
    monkeypatch.undo()
    session.train()
    asyncio.run(session.wait())
    assert session.directory.status == "ok"
    kept = [
        [(each.step, each.loss, each.evaluation) for each in one.history]
        for one in (undisturbed, session)
    ]
    assert kept[0] == kept[1]


def test_commands_out_of_place_are_refused_with_a_reason(cheap):
    session = live(cheap)
    for command in ("pause", "resume"):
        with pytest.raises(RunError, match="there is nothing to"):
            getattr(session, command)()
    with pytest.raises(RunError, match="there is nothing to stop"):
        session.request("stop")
    with pytest.raises(WorkbenchError, match=r"expected a command .*did you mean 'train'"):
        session.request("trian")
    session.build()
    with pytest.raises(RunError, match="built already"):
        session.request("build")
    assert session.build() is session.model
    session.advance()
    until(lambda: session.state == "paused")
    session.resume()
    with pytest.raises(RunError, match="pause it first"):
        session.advance()
    session.request("stop").result(10)
    asyncio.run(session.wait())


def test_what_is_requested_is_done_later_and_its_errors_are_told(cheap):
    session = live(cheap, max_steps=3)
    busy = []
    session.observe(lambda change: busy.append(change["new"]), "busy")
    session.request("build").result(60)
    assert session.state == "built"
    assert busy == ["building the model", ""]
    with pytest.raises(WorkbenchError):
        session.request("evaluate", "nowhere").result(60)
    assert "expected a split" in session.error
    session.request("train").result(60)
    assert (session.state, session.error) == ("trained", "")
    asyncio.run(session.wait())


@pytest.fixture
def waiting():
    """Keep the session's thread from its work until it is let go."""
    gates = []

    def waiting(session):
        gates.append(threading.Event())
        session._worker.submit(gates[-1].wait)
        return gates[-1].set

    yield waiting
    for gate in gates:
        gate.set()


def test_two_quick_starts_are_one_training(cheap, waiting):
    session = live(cheap, max_steps=3)
    let_go = waiting(session)
    session.request("train")
    for again in ("train", "advance", "build"):
        with pytest.raises(RunError, match="training is about to begin; wait for it"):
            session.request(again)
    let_go()
    asyncio.run(session.wait())
    assert (session.state, len(session.history), session.error) == ("trained", 3, "")
    assert session.refusal("train") == session.refusal("advance") == ""


def test_a_start_while_another_reads_the_data_is_refused(cheap, monkeypatch):
    session, refused = live(cheap, max_steps=3), []
    load = Session.load

    def loaded(self):
        refused.append(session.refusal("train"))
        return load(self)

    monkeypatch.setattr(Session, "load", loaded)
    session.request("train").result(60)
    assert refused[0] == "training is about to begin; wait for it"
    assert session.state == "trained"


def test_a_start_that_was_taken_back_or_failed_does_not_hold_up_the_next(cheap, waiting, tmp_path):
    session = live(cheap)
    let_go = waiting(session)
    assert session.request("train").cancel()
    assert session.refusal("train") == ""
    let_go()
    broken = Session(cheap, corpus=str(tmp_path / "nowhere.tsv"))
    refused = []
    broken.observe(lambda _: refused.append(broken.refusal("train")), "error")
    assert broken.request("train").exception(60)
    assert refused[-1] == broken.refusal("train") == ""


def test_a_second_quick_build_is_refused(cheap, waiting):
    session = live(cheap)
    let_go = waiting(session)
    first = session.request("build")
    with pytest.raises(RunError, match="the model is about to be built; wait for it"):
        session.request("build")
    let_go()
    assert first.result(60) is session.model
    assert "built already" in session.refusal("build")


def test_before_there_is_a_model_a_request_is_refused_and_a_method_makes_one(cheap, waiting):
    session = live(cheap)
    asked = {
        "translate": ["cat"], "stepper": ["cat"], "score": ["cat", "chat"], "evaluate": [],
        "self_attention": ["cat", "chat"], "diagnose": [], "attribute": [Pair("cat", "chat")],
        "wanted_attention": ["cat", (), "chat"], "states": [], "over_time": ["cat"], "save": [],
    }  # fmt: skip
    for command, given in asked.items():
        with pytest.raises(RunError, match="there is no model yet: build or train one first"):
            session.request(command, *given)
    assert session.state == "empty"
    let_go = waiting(session)
    session.request("build")
    coming = session.request("translate", "cat")
    let_go()
    assert coming.result(60).hypotheses
    assert all(session.refusal(command) == "" for command in asked)
    assert Session(cheap).diagnose("test", 2).each


def test_what_waits_for_a_model_that_cannot_be_made_is_refused_in_its_turn(
    cheap, waiting, tmp_path
):
    session = Session(cheap, corpus=str(tmp_path / "nowhere.tsv"))
    let_go = waiting(session)
    session.request("build")
    coming = session.request("save")
    let_go()
    with pytest.raises(RunError, match="there is no model yet"):
        coming.result(60)


def test_a_request_that_fails_leaves_the_thread_alive(tmp_path, config):
    session = Session(config, corpus=str(tmp_path / "nowhere.tsv"))
    with pytest.raises(WorkbenchError):
        session.request("train").result(60)
    assert "nowhere.tsv" in session.error
    assert session.state == "empty"
    assert session.request("load").exception(60)


def test_a_loss_that_is_no_number_pauses_and_the_last_checkpoint_is_gone_on_from(
    cheap, monkeypatch
):
    session = live(cheap, max_steps=6, checkpoint_every=2)
    take, broken = TrainingStep.__call__, [3]

    def step(self, batch, number, rate, **more):
        loss, norm, tokens = take(self, batch, number, rate, **more)
        return (float("nan") if number in broken else loss), norm, tokens

    monkeypatch.setattr(TrainingStep, "__call__", step)
    session.train()
    until(lambda: session.state == "paused")
    assert "the loss of step 3 is nan" in session.error
    assert "resume goes on from step 2, the last checkpoint" in session.error
    assert session.translate("cat").hypotheses
    broken.clear()
    session.configure(learning_rate=1e-4)
    session.resume()
    asyncio.run(session.wait())
    assert (session.state, session.error) == ("trained", "")
    assert [each.step for each in session.history] == [1, 2, 3, 4, 5, 6]
    assert session.directory.read()["changes"] == [{"after_step": 2, "learning_rate": 1e-4}]


def test_what_is_wrong_with_a_paused_training_is_said_until_it_goes_on(cheap, monkeypatch):
    session = live(cheap, max_steps=6, evaluate_every=2, monitor="bleu", clip_norm=0)
    take, broken = TrainingStep.__call__, [4]

    def step(self, batch, number, rate, **more):
        taken = take(self, batch, number, rate, **more)
        if number in broken:
            self.variables[0].assign(self.variables[0] * np.nan)
        return taken

    monkeypatch.setattr(TrainingStep, "__call__", step)
    session.train()
    until(lambda: session.state == "paused")
    told = session.error
    assert told.startswith("the weights after step 4 are no numbers any more")
    assert "lower learning_rate (now 0.01), or train anew with another clip_norm (now 0, none)" in (
        told
    )
    assert told.endswith("resume goes on from step 2, the last checkpoint")
    assert Checkpoints(session.directory.checkpoints).steps == [2]
    assert session.request("translate", "cat").result(60).hypotheses
    assert session.error == told
    with pytest.raises(WorkbenchError):
        session.request("evaluate", "nowhere").result(60)
    assert "expected a split" in session.error
    assert session.back_to == "step 2"
    session.request("translate", "cat").result(60)
    assert session.error == told
    with pytest.raises(RunError, match="clip_norm: cannot change while training is under way"):
        session.configure(clip_norm=0.5)
    broken.clear()
    session.configure(learning_rate=1e-4)
    session.request("resume").result(60)
    asyncio.run(session.wait())
    assert (session.state, session.error, session.back_to) == ("trained", "", "")
    assert [each.step for each in session.history] == [1, 2, 3, 4, 5, 6]
    assert all(np.isfinite(each).all() for each in session.model.get_weights())


def test_stopped_with_weights_that_are_no_numbers_it_keeps_the_best_and_says_so(cheap, monkeypatch):
    session = live(cheap, max_steps=6, evaluate_every=2)
    take = TrainingStep.__call__

    def step(self, batch, number, rate, **more):
        taken = take(self, batch, number, rate, **more)
        if number == 3:
            self.variables[0].assign(self.variables[0] * np.nan)
            session.stop()
        return taken

    monkeypatch.setattr(TrainingStep, "__call__", step)
    session.train()
    asyncio.run(session.wait())
    assert (session.state, session.directory.status) == ("trained", "stopped")
    assert session.error.startswith("the weights after step 3 are no numbers any more")
    assert Checkpoints(session.directory.checkpoints).steps == [2]
    assert all(np.isfinite(each).all() for each in session.model.get_weights())


def test_before_any_checkpoint_it_is_gone_on_from_the_start(cheap, monkeypatch):
    no_step(monkeypatch, lambda: (float("nan"), 1.0, 5))
    session = live(cheap)
    first = [weight.copy() for weight in session.build().get_weights()]
    session.model.set_weights([weight + 1 for weight in first])
    session.train()
    until(lambda: session.state == "paused")
    assert "resume goes on from the start" in session.error
    session.stop()
    asyncio.run(session.wait())
    assert session.directory.status == "stopped"


def test_running_out_of_memory_says_what_to_try(cheap, monkeypatch):
    def fail():
        raise MemoryError

    no_step(monkeypatch, fail)
    session = live(cheap)
    session.train()
    with pytest.raises(RunError, match=r"step 1 ran out of memory with batch_size 16: try .* 8"):
        asyncio.run(session.wait())
    assert session.state == "failed"
    session.configure(batch_size=8)
    assert session.stale == ("batch_size",)
    session.build()
    assert (session.state, session.error, session.config.batch_size) == ("built", "", 8)


def test_the_learning_rate_changes_while_training_and_run_json_tells(cheap):
    session = live(cheap, max_steps=5, schedule="constant")
    session.advance(2)
    until(lambda: session.state == "paused")
    session.configure(learning_rate=1e-4)
    assert session.stale == ()
    with pytest.raises(RunError, match="units: cannot change while training is under way"):
        session.configure(units=16)
    session.resume()
    asyncio.run(session.wait())
    rates = [each.learning_rate for each in session.history]
    assert rates == [session.config.learning_rate] * 2 + [1e-4] * 3
    assert session.directory.read()["changes"] == [{"after_step": 2, "learning_rate": 1e-4}]
    assert session.stale == ("learning_rate",)


def test_settings_wait_for_build_where_the_model_would_be_another(cheap, config):
    session = Session(cheap)
    session.configure(units=12)
    assert session.config.units == 12
    session.build()
    session.configure(epochs=3, beam_width=2, units=10)
    assert (session.config.epochs, session.config.units) == (3, 12)
    assert session.stale == ("units",)
    with pytest.raises(SettingsError):
        session.configure(units="wide")
    assert session.draft.units == 10
    assert len(session.translate("cat").hypotheses) == 2
    before = session.model
    assert session.build() is not before
    assert (session.config.units, session.stale) == (10, ())


def test_another_corpus_is_read_anew(cheap, pairs, tmp_path):
    session = Session(cheap)
    first = session.load()
    session.configure(max_length=50)
    assert (session.state, session.corpus_loaded) == ("empty", None)
    assert session.load() is not first
    session.build()
    session.configure(train_limit=20)
    session.build()
    assert len(session.encoded["train"]) == 20


def test_vocabularies_of_a_file_that_failed_are_forgotten(cheap, tmp_path):
    path = tmp_path / "pairs.tsv"
    path.write_text("".join(f"a b {n}\tc d {n}\n" for n in range(30)) + "a\t" + "c " * 80 + "\n")
    session = Session(cheap, corpus=str(path), max_length=60)
    with pytest.raises(DataError):
        session.load()
    path.write_text("".join(f"x y {n}\tz {n}\n" for n in range(30)))
    session.load()
    assert "x" in session.codec.source.tokens(session.codec.encode_source("x y"))


def test_the_diagram_of_a_draft_needs_nothing_built(cheap):
    session = Session(cheap)
    assert session.sketch() == session.sketch()
    full = {block.name: block.parameters for block in session.sketch()}
    session.build()
    assert session.sketch() == session.blocks
    session.configure(units=64)
    assert session.sketch() != session.blocks
    assert sum(full.values()) > sum(block.parameters for block in session.blocks)


def test_a_checkpoint_can_be_opened(copy, trained):
    session = Session.open(copy, step=STEPS)
    assert session.translate("cat").hypotheses
    assert [bool(each.probes) for each in session.history] == [
        bool(each.evaluation) for each in session.history
    ]
    with pytest.raises(RunError, match=rf"expected a checkpoint .*{STEPS}.*, got step 1"):
        Session.open(copy, step=1)


def test_a_session_that_is_gone_ends_its_thread(cheap):
    session = Session(cheap)
    session.load()
    thread = session._worker._thread
    del session
    gc.collect()
    thread.join(10)
    assert not thread.is_alive()


def test_when_the_state_says_trained_the_model_is_there(cheap, monkeypatch):
    no_step(monkeypatch, lambda: (1.0, 1.0, 5))
    session = Session(cheap, live=True)
    found = []

    def look(change):
        if change["new"] == "trained":
            found.append((session.directory.status, session.directory.model.is_dir()))

    session.observe(look, "state")
    no_look(monkeypatch)
    session.train()
    asyncio.run(session.wait())
    assert found == [("ok", True)]


@pytest.mark.parametrize("live", [False, True])
def test_an_error_becomes_state(cheap, monkeypatch, live):
    def fail():
        raise ValueError("no\nluck")

    no_step(monkeypatch, fail)
    session = Session(cheap, live=live)

    def train():
        session.train()
        asyncio.run(session.wait())

    with pytest.raises(ValueError, match="luck"):
        train()
    assert session.state == "failed"
    assert session.error.startswith("ValueError: no luck; a fault of the workbench, or of a model")
    record = session.directory.read()
    assert record["status"] == "failed"
    assert record["error"] == {"type": "ValueError", "message": "no luck"}
    assert record["training"]["steps"] == 0

    no_step(monkeypatch, lambda: (1.0, 1.0, 5))  # and after the error it can be tried again
    no_look(monkeypatch)
    train()
    assert (session.state, session.error, session.directory.status) == ("trained", "", "ok")
    assert session.directory.read()["error"] is None


def test_an_interrupted_run_is_stopped(cheap, monkeypatch):
    def interrupt():
        raise KeyboardInterrupt

    no_step(monkeypatch, interrupt)
    session = Session(cheap)
    with pytest.raises(KeyboardInterrupt):
        session.train()
    assert session.directory.status == "stopped"


def test_a_run_of_another_process_is_left_alone(cheap, monkeypatch):
    monkeypatch.setattr(RunDirectory, "runner", "other")
    session = Session(cheap)
    with pytest.raises(RunError, match="another process is at it; wait for it, or choose"):
        session.train()
    assert session.state != "training"
    assert not session.directory.path.exists()


@pytest.mark.parametrize("fails", [False, True])
def test_under_a_runner_the_status_is_the_runners(cheap, monkeypatch, fails):
    def step():
        if fails:
            raise ValueError("no luck")
        return 1.0, 1.0, 5

    no_step(monkeypatch, step)
    monkeypatch.setattr(RunDirectory, "runner", "parent")
    watched = []
    monkeypatch.setattr(trainer, "when_parent_dies", lambda *arguments: watched.append(arguments))
    session = Session(cheap)
    no_look(monkeypatch)
    session.directory.update(status="running", process="the runner's")
    try:
        session.train()
    except ValueError:
        assert fails
    assert session.state == ("failed" if fails else "trained")
    record = json.loads(session.directory.record.read_text())
    assert (record["status"], record["process"]) == ("running", "the runner's")
    assert record["config"]["encoder"] == "rnn"
    ((parent, act),) = watched
    assert parent == os.getppid()
    act()
    assert session.directory.read()["error"]["type"] == "Killed"


# Using the model ---------------------------------------------------------------------------


def test_translations_come_with_the_whole_beam(trained):
    found = trained.translate("red cat")
    assert found.source_tokens == ("red", "cat", "<end>")
    assert len(found.hypotheses) == found.beam.width == trained.config.beam_width == 3
    assert found.reference is None
    greedy = trained.translate("red cat", beam_width=1, record=False)
    assert (len(greedy.hypotheses), greedy.beam) == (1, None)
    assert len(trained.translate("red cat", hypotheses=2).hypotheses) == 2


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


# The run directory -------------------------------------------------------------------------


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


def test_figures_can_be_added_to_the_record(copy):
    session = Session.open(copy)
    session.record(figures={"bleu": 1.5})
    assert session.directory.read()["figures"] == {"bleu": 1.5}
    assert session.directory.status == "ok"


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


def test_checkpoints_of_other_settings_are_not_gone_on_with(copy, settings):
    other = Session(settings, run_directory=str(copy), learning_rate=0.5)
    with pytest.raises(RunError, match="other settings"):
        other.train()
    assert other.state == "built"


def test_where_it_ran_is_known_after_training(settings, tmp_path):
    session = Session(settings, run_directory=str(tmp_path / "run"))
    session.record(note="begun")
    with pytest.raises(RunError, match="train first"):
        session.where_it_ran()


def test_an_interrupt_stops_training_after_the_step_and_saves_the_model(cheap, monkeypatch):
    def step():
        os.kill(os.getpid(), signal.SIGINT)
        until(lambda: session._control.stopped)  # the signal is the main thread's to handle
        return 1.0, 1.0, 5

    no_step(monkeypatch, step)
    session = Session(cheap)
    with pytest.raises(KeyboardInterrupt):
        session.train()
    assert session.state == "trained"
    assert session.directory.status == "stopped"
    assert [each.step for each in session.history] == [1]
    assert Checkpoints(session.directory.checkpoints).steps == [1]
    assert Session.open(session.directory.path).translate("cat").hypotheses


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

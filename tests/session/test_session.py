"""A session from its settings to a trained model, and the record of it."""

import asyncio
import gc
import os
import signal
import threading

import numpy as np
import pytest
from sessions import STEPS, WHOLE, live, no_step, same, until

from workbench.config import RunConfig
from workbench.errors import RunError, SettingsError, WorkbenchError
from workbench.session import Session
from workbench.training.checkpoint import Checkpoints
from workbench.training.sinks import read_history, read_probes


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


def test_a_bad_corpus_is_an_error_and_the_session_stays_empty(tmp_path, config):
    session = Session(config, corpus=str(tmp_path / "missing.tsv"))
    for action in (session.load, session.build, session.train, lambda: session.translate("a")):
        with pytest.raises(WorkbenchError, match=r"missing\.tsv"):
            action()
    assert session.state == "empty"


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


def test_a_session_that_is_gone_ends_its_thread(cheap):
    session = Session(cheap)
    session.load()
    thread = session._worker._thread
    del session
    gc.collect()
    thread.join(10)
    assert not thread.is_alive()


# Settings -----------------------------------------------------------------------------------------


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


def test_whoever_hears_of_a_change_may_make_another(cheap):
    session = Session(cheap)
    session.build()

    def at_most_two(change):
        if change["new"].epochs > 2:
            session.configure(epochs=2)

    session.observe(at_most_two, "draft")
    session.configure(epochs=9)
    assert (session.draft.epochs, session.config.epochs) == (2, 2)


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


def test_the_diagram_of_a_draft_needs_nothing_built(cheap):
    session = Session(cheap)
    assert session.sketch() == session.sketch()
    full = {block.name: block.parameters for block in session.sketch()}
    session.build()
    assert session.sketch() == session.blocks
    session.configure(units=64)
    assert session.sketch() != session.blocks
    assert sum(full.values()) > sum(block.parameters for block in session.blocks)


# Training -----------------------------------------------------------------------------------------


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


# The record ---------------------------------------------------------------------------------------


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


def test_where_it_ran_is_known_after_training(settings, tmp_path):
    session = Session(settings, run_directory=str(tmp_path / "run"))
    session.record(note="begun")
    with pytest.raises(RunError, match="train first"):
        session.where_it_ran()


def test_figures_can_be_added_to_the_record(copy):
    session = Session.open(copy)
    session.record(figures={"bleu": 1.5})
    assert session.directory.read()["figures"] == {"bleu": 1.5}
    assert session.directory.status == "ok"

"""How a session's training goes wrong and ends, and what its record says then."""

import asyncio
import json
import os

import numpy as np
import pytest
from sessions import WHOLE, live, no_look, no_step, stopping_look, until

from workbench.errors import RunError, WorkbenchError
from workbench.runs import RunDirectory
from workbench.session import Session, trainer
from workbench.training.checkpoint import Checkpoints
from workbench.training.step import TrainingStep


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


def test_stop_ends_an_evaluation_and_it_is_made_when_training_goes_on(
    cheap, undisturbed, monkeypatch
):
    session = Session(cheap, live=True, **WHOLE)
    stopping_look(monkeypatch, session)
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


def test_checkpoints_of_other_settings_are_not_gone_on_with(copy, settings):
    other = Session(settings, run_directory=str(copy), learning_rate=0.5)
    with pytest.raises(RunError, match="other settings"):
        other.train()
    assert other.state == "built"


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

"""A session that tells others of its training, and one that reads the machine meanwhile."""

import asyncio
import sys
import types

import pytest
from sessions import live, until

from workbench.errors import RunError, SettingsError
from workbench.session import Session
from workbench.training import logs as module
from workbench.training.logs import Log
from workbench.training.sinks import read_history


@pytest.fixture
def logged(cheap):
    """Settings of a run that tells another log of its training."""
    return cheap.replace(max_steps=4, evaluate_every=2, log_to="wandb")


@pytest.fixture
def log(monkeypatch):
    """A fake log in the place of `wandb`: what it was told, and what it does of every step."""
    found = types.SimpleNamespace(told=[], steps=[], refuse=0, ended=[])

    class Fake(Log):
        called = "the same name"

        def write(self, progress):
            if progress.step == found.refuse:
                raise ConnectionError("the server is gone")
            found.steps.append(progress.step)

        def close(self):
            found.ended.append(self.failed)

    def open_log(logged):
        found.told.append(logged)
        return Fake()

    ours = types.ModuleType("fake_wandb")
    ours.open_log = open_log
    monkeypatch.setitem(sys.modules, "fake_wandb", ours)
    monkeypatch.setitem(module.MODULES, "wandb", ("fake_wandb", "sys"))
    return found


def test_a_log_that_is_lost_does_not_lose_training(logged, log):
    log.refuse = 2
    session = Session(logged)
    session.train()
    record = session.directory.read()
    reason = "ConnectionError: the server is gone"
    assert (session.state, record["status"]) == ("trained", "ok")
    assert record["dropped_logs"] == {"wandb": reason}
    assert session.error == f"wandb was dropped, training goes on without it: {reason}"
    assert [one.step for one in read_history(session.directory.metrics)] == [1, 2, 3, 4]
    assert log.steps == [1]
    usage = record["usage"]  # the machine was read meanwhile
    assert usage["readings"] == len(session.usage) >= 1
    assert 1 <= session.usage[-1].step <= 4
    assert usage["gpus"] == []
    assert "processor in use" in session.where_it_ran()
    assert Session.open(session.directory.path).translate("cat").hypotheses


def test_a_run_that_goes_on_is_known_by_its_name(logged, log):
    Session(logged, max_steps=2).train()
    session = Session(logged, max_steps=4, name="no other run")
    session.directory.update(identity=session._identity)  # as if interrupted after two steps
    session.train()
    first, second = log.told
    assert (first.step, dict(first.known)) == (0, {})
    assert (second.step, second.known) == (2, {"wandb": "the same name"})
    assert log.steps == [1, 2, 3, 4]
    assert log.ended == [False, False]
    assert session.directory.read()["logs"] == {"wandb": "the same name"}


def test_a_package_that_is_missing_is_told_before_training(logged, monkeypatch):
    monkeypatch.setitem(module.MODULES, "wandb", ("workbench.training.wandb", "no_such_package"))
    session = Session(logged)
    with pytest.raises(SettingsError, match=r"pip install 'seq2seq-workbench\[wandb\]'"):
        session.train()
    assert session.state == "empty"
    assert not session.directory.record.exists()


def test_a_log_that_cannot_be_opened_is_told_before_the_first_step(logged, log, monkeypatch):
    def refuse(_):
        raise OSError("no such server")

    monkeypatch.setattr(sys.modules["fake_wandb"], "open_log", refuse)
    session = Session(logged)
    with pytest.raises(RunError, match="wandb cannot be opened: OSError: no such server"):
        session.train()
    assert session.history == []


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

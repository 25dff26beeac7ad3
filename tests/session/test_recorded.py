"""A session that tells others of its training, and one that reads the machine meanwhile."""

import sys
import types

import pytest

from workbench.errors import RunError, SettingsError
from workbench.session import Session
from workbench.training import logs as module
from workbench.training.logs import Log
from workbench.training.sinks import read_history


@pytest.fixture
def cheap(config, pairs, tmp_path):
    corpus = tmp_path / "phrases.tsv"
    corpus.write_text("".join(f"{pair.source}\t{pair.target}\n" for pair in pairs))
    return config.replace(
        corpus=str(corpus), encoder="rnn", decoder="rnn", attention="none", bidirectional=False,
        beam_width=1, max_steps=4, evaluate_every=2, run_directory=str(tmp_path / "run"),
        log_to="wandb",
    )  # fmt: skip


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


def test_a_log_that_is_lost_does_not_lose_training(cheap, log):
    log.refuse = 2
    session = Session(cheap)
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


def test_a_run_that_goes_on_is_known_by_its_name(cheap, log):
    Session(cheap, max_steps=2).train()
    session = Session(cheap, max_steps=4, name="no other run")
    session.directory.update(identity=session._identity)  # as if interrupted after two steps
    session.train()
    first, second = log.told
    assert (first.step, dict(first.known)) == (0, {})
    assert (second.step, second.known) == (2, {"wandb": "the same name"})
    assert log.steps == [1, 2, 3, 4]
    assert log.ended == [False, False]
    assert session.directory.read()["logs"] == {"wandb": "the same name"}


def test_a_package_that_is_missing_is_told_before_training(cheap, monkeypatch):
    monkeypatch.setitem(module.MODULES, "wandb", ("workbench.training.wandb", "no_such_package"))
    session = Session(cheap)
    with pytest.raises(SettingsError, match=r"pip install 'seq2seq-workbench\[wandb\]'"):
        session.train()
    assert session.state == "empty"
    assert not session.directory.record.exists()


def test_a_log_that_cannot_be_opened_is_told_before_the_first_step(cheap, log, monkeypatch):
    def refuse(_):
        raise OSError("no such server")

    monkeypatch.setattr(sys.modules["fake_wandb"], "open_log", refuse)
    session = Session(cheap)
    with pytest.raises(RunError, match="wandb cannot be opened: OSError: no such server"):
        session.train()
    assert session.history == []

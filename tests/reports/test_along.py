import json

import pytest

from workbench.errors import SettingsError
from workbench.reports import run as report
from workbench.reports.run import run_report
from workbench.training.workers import LostWorkerError

WORKERS = {"strategy": "multi_worker"}


class Session:
    """Trains along, or fails in it."""

    made, failure = [], None

    def __init__(self, config, **changes):
        self.made.append((config.strategy, changes))

    def train(self):
        if self.failure:
            raise self.failure


@pytest.fixture(autouse=True)
def session(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(report, "preflight", lambda _: "fingerprint")
    monkeypatch.setattr("workbench.session.Session", Session)
    monkeypatch.setattr(Session, "made", [])
    monkeypatch.setattr(Session, "failure", None)
    cluster = {"worker": ["alpha:7000", "beta:7000"]}
    task = {"type": "worker", "index": 1}
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": cluster, "task": task}))


def test_another_worker_trains_along_and_leaves_nothing(path_of, tmp_path):
    outcome = run_report(path_of("works"), WORKERS)
    assert Session.made == [("multi_worker", {"live": False})]
    assert outcome.exit_code == 0
    assert outcome.message.startswith(
        "worker 1 of 2 has trained along; the report is with worker 0"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_worker_left_alone_has_failed(path_of, monkeypatch):
    monkeypatch.setattr(Session, "failure", LostWorkerError("a worker is gone"))
    outcome = run_report(path_of("works"), WORKERS)
    assert (outcome.status, outcome.exit_code, outcome.message) == ("failed", 1, "a worker is gone")


def test_without_a_cluster_nothing_begins(path_of, monkeypatch, tmp_path):
    monkeypatch.delenv("TF_CONFIG")
    with pytest.raises(SettingsError, match="TF_CONFIG is not set"):
        run_report(path_of("works"), WORKERS)
    assert list(tmp_path.iterdir()) == []

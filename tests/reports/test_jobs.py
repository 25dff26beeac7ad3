"""With a stand-in for `workbench report`, in real processes."""

import json
import threading
import time
from pathlib import Path

import pytest

from workbench.errors import RunError
from workbench.locks import held
from workbench.reports import jobs
from workbench.reports.jobs import KILL, STOP, Ended, Job, is_damaged, is_done, run_job
from workbench.runs import RunDirectory

STAND_IN = Path(__file__).parent / "stand_in.py"


@pytest.fixture(autouse=True)
def stand_in(monkeypatch):
    monkeypatch.setattr(jobs, "COMMAND", (str(STAND_IN),))


@pytest.fixture
def job(tmp_path):
    def make(**changes):
        (tmp_path / "nb.ipynb").touch()
        fields = {
            "notebook": str(tmp_path / "nb.ipynb"), "run": str(tmp_path / "runs" / "x-12"),
            "digest": "12", "parameters": {"max_steps": "6"}, "lock": str(tmp_path / "locks" / "x"),
            "stop": str(tmp_path / "stop"), "place": str(tmp_path),
        }  # fmt: skip
        return Job(**fields | changes)

    return make


def ends_of(job):
    return (Path(job.run) / "ends").read_text().split()


def test_a_run_is_done_once(job):
    one = job(threads=3)
    assert run_job(one) == Ended("ok")
    record = RunDirectory(one.run).read()
    assert (record["parameters"], record["threads"]) == ({"max_steps": "6"}, "3")
    assert run_job(one) == Ended("ok")
    assert ends_of(one) == ["ok"]


def test_a_run_gets_a_gpu(job, monkeypatch):
    jobs._devices.cache_clear()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,7")
    run_job(one := job())
    jobs._devices.cache_clear()
    assert RunDirectory(one.run).read()["gpu"] == "5"


def test_a_run_that_fails_says_why_and_may_be_tried_again(job):
    one = job(parameters={"word": "fail"})
    assert run_job(one) == Ended("failed", f"{one.run}: failed: told to fail")
    assert run_job(job(parameters={})) == Ended("ok")


def test_what_cannot_be_started_is_refused(job):
    assert run_job(job(notebook="/none.ipynb")) == Ended(
        "failed", "/none.ipynb: is not on this machine; the sweep and its workers must share a "
        "disk", refused=True,
    )  # fmt: skip


def later(act):
    threading.Thread(target=act, daemon=True).start()


def when_under_way(run, act):
    def wait():
        while not RunDirectory(run).metrics.exists():
            time.sleep(0.02)
        act()

    later(wait)


def test_a_run_that_is_told_to_stop_saves_itself_and_goes_on_later(job, tmp_path):
    one = job(parameters={"max_steps": "200"})
    when_under_way(one.run, lambda: (tmp_path / "stop").write_text(STOP))
    assert run_job(one) == Ended("stopped", "interrupted")
    assert RunDirectory(one.run).status == "stopped"
    assert run_job(one) == Ended("stopped", "stopped before it began")
    (tmp_path / "stop").unlink()
    assert run_job(job(parameters={"max_steps": "20", "wait": "0"})).status == "ok"


def test_a_run_that_does_not_listen_is_killed(job, tmp_path, monkeypatch):
    one = job(parameters={"max_steps": "2000"})
    when_under_way(one.run, lambda: (tmp_path / "stop").write_text(KILL))
    assert run_job(one).status == "stopped"
    assert RunDirectory(one.run).status == "killed"
    (tmp_path / "stop").unlink()
    monkeypatch.setattr(jobs, "PATIENCE", 0.1)
    assert run_job(job(parameters={"max_steps": "2000"}, timeout=0.1)).status == "killed"


def test_a_directory_whose_maker_was_killed_at_once_is_made_anew(job):
    one = job()
    Path(one.run).mkdir(parents=True)
    (Path(one.run) / ".writing-1-1-run.json").touch()
    assert run_job(one).status == "ok"


def test_a_directory_with_something_in_it_is_never_removed(job):
    one = job()
    Path(one.run).mkdir(parents=True)
    (Path(one.run) / "mine.txt").touch()
    run_job(one)
    assert (Path(one.run) / "mine.txt").exists()


def test_who_asks_for_the_same_run_waits_for_it(job):
    one, ended = job(), []
    with held(Path(one.lock)):
        waiting = threading.Thread(target=lambda: ended.append(run_job(one)))
        waiting.start()
        time.sleep(0.3)
        assert not Path(one.run).exists()
    waiting.join()
    assert ended == [Ended("ok")]
    with held(Path(one.lock)):
        Path(one.stop).touch()
        assert run_job(one) == Ended("stopped", "stopped before it began")


@pytest.mark.parametrize("text", ["", '{"schema": 1, "sta', "[]", "{}", b"\xff\xfe"])
def test_a_run_whose_record_is_damaged_goes_on_from_its_checkpoints(job, tmp_path, text):
    one = job(parameters={"max_steps": "200"})
    when_under_way(one.run, lambda: (time.sleep(0.3), (tmp_path / "stop").write_text(STOP)))
    run_job(one)
    (tmp_path / "stop").unlink()
    run = RunDirectory(one.run)
    steps = {path.name for path in run.checkpoints.iterdir()}
    data = text if isinstance(text, bytes) else text.encode()
    run.record.write_bytes(data)
    assert is_damaged(run)
    assert not is_done(run, "12")
    resumed = json.loads((run.metrics.read_text().splitlines() or ["{}"])[0])
    assert run_job(job(parameters={"max_steps": "20", "wait": "0"})) == Ended("ok")
    assert (run.path / jobs.DAMAGED).read_bytes() == data
    assert is_done(run, "12")
    assert steps <= {path.name for path in run.checkpoints.iterdir()}
    assert json.loads(run.metrics.read_text().splitlines()[0]) == resumed


def test_a_record_of_a_newer_version_is_not_put_aside(job):
    one = job()
    run = RunDirectory(one.run)
    run.update(schema=99, hash="12")
    assert not is_damaged(run)
    with pytest.raises(RunError, match="install a newer"):
        run_job(one)
    assert json.loads(run.record.read_text())["schema"] == 99

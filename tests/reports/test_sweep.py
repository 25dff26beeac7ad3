"""Sweeps whose runs are done at once, by an executor that only writes their records."""

import errno
import io
import json
import os
import re
from contextlib import contextmanager
from pathlib import Path

import pytest
from optuna.storages import InMemoryStorage

from workbench.errors import DataError, RunError
from workbench.locks import held
from workbench.reports import comparison, plan, sweep
from workbench.reports.jobs import Ended
from workbench.reports.sweep import Options, run_sweep
from workbench.runs import RunDirectory


class Executor:
    """Does runs at once; `ends` says how those of some units end."""

    def __init__(self, slots):
        self.slots, self.done, self.ends = slots, [], {}

    def submit(self, job):
        self.done.append(job)
        return Doing(job, self.ends.get(int(job.parameters.get("units", 0))))


class Doing:
    def __init__(self, job, end):
        self.job, self.end = job, end
        self.run = RunDirectory(job.run)
        self.run.begin(hash=job.digest, parameters=dict(job.parameters))
        if end == "slow":
            line = {"evaluation": {"figures": {"bleu": 1.0}}, "best": True, "step": 1,
                    "total_steps": 2, "loss": 1.0}  # fmt: skip
            self.run.metrics.write_text(json.dumps(line) + "\n")

    def done(self):
        return self.end != "slow" or Path(self.job.stop).exists()

    def result(self):
        if isinstance(self.end, Ended):
            self.run.update(status=self.end.status)
            return self.end
        if self.end == "slow":
            self.run.update(status="stopped")
            return Ended("stopped", "interrupted")
        units, seed = (int(self.job.parameters.get(name, 0)) for name in ("units", "seed"))
        figures = {} if self.end == "mute" else {"bleu": float(units + seed)}
        self.run.update(status="ok", validation=figures)
        return Ended("ok")


@pytest.fixture
def go(tmp_path, monkeypatch, path_of):
    """Sweep over some units; again, as the same command does."""
    monkeypatch.chdir(tmp_path)
    database, executor = InMemoryStorage(), Executor(1)
    monkeypatch.setattr("workbench.reports.study.open_storage", lambda _: database)
    monkeypatch.setattr("workbench.reports.conductor.LOOK", 0.001)
    monkeypatch.setattr(plan, "preflight", lambda _: "fingerprint")

    @contextmanager
    def local(slots):
        executor.slots, executor.done = slots, []
        yield executor

    monkeypatch.setattr(sweep, "local", local)

    def go(text="parameters: {units: [8, 16, 32]}\nobjective: validation.bleu", **options):
        after = options.pop("after_run", lambda _: None)  # None: the page is written
        (tmp_path / "space.yaml").write_text(text)
        go.said = io.StringIO()
        return run_sweep(path_of("swept"), Path("space.yaml"), {}, Options(**options),
                         after_run=after, stream=go.said)  # fmt: skip

    go.executor = executor
    return go


def units(jobs):
    return [int(job.parameters["units"]) for job in jobs]


def test_a_sweep_from_its_space_to_its_record(go, tmp_path):
    seen = []
    swept = go(after_run=lambda runs: seen.append(len(runs)))
    assert (swept.status, swept.exit_code) == ("ok", 0)
    assert swept.folder == tmp_path / "sweeps" / "swept-space"
    assert swept.message.endswith("3 ok of 3 trials; best validation.bleu 32 with units=32")
    assert seen == [1, 2, 3]
    record = json.loads((swept.folder / "sweep.json").read_text())
    assert (record["schema"], record["status"], record["notebook"]) == (1, "ended", "swept.ipynb")
    assert record["space"]["parameters"] == {"units": {"values": [8, 16, 32]}}
    first = record["trials"][0]
    assert (first["number"], first["parameters"], first["value"]) == (0, {"units": 8}, 8.0)
    (run,) = first["runs"]
    assert (run["status"], run["attempts"], run["value"]) == ("ok", 1, 8.0)
    assert RunDirectory(swept.folder / run["run"]).status == "ok"
    assert go.said.getvalue().splitlines() == [
        "began units=8", "1 of 3: ok 8, units=8", "began units=16", "2 of 3: ok 16, units=16",
        "began units=32", "3 of 3: ok 32, units=32",
    ]  # fmt: skip


def test_what_is_done_is_not_done_again(go):
    go()
    seen = []
    swept = go(after_run=lambda runs: seen.append(len(runs)))
    assert go.executor.done == []
    assert swept.message.endswith("3 ok of 3 trials; best validation.bleu 32 with units=32")
    assert seen == [3]  # once, at the start
    go("parameters: {units: [16, 64]}\nobjective: validation.bleu")  # another space, in part done
    assert units(go.executor.done) == [64]


def test_a_trial_is_the_mean_of_its_seeds(go):
    swept = go("parameters: {units: [8, 16]}\nseeds: [1, 3]\nobjective: validation.bleu", jobs=2)
    assert [trial.value for trial in swept.trials] == [10.0, 18.0]
    assert [run.seed for run in swept.trials[0].runs] == [1, 3]


def test_a_failed_run_is_told_and_tried_again_by_the_same_command(go):
    go.executor.ends = {16: Ended("failed", "no luck")}
    swept = go()
    assert (swept.status, swept.exit_code) == ("failed", 1)
    assert "2 ok, 1 failed of 3 trials" in swept.message
    assert "2 of 3: failed, units=16: no luck" in go.said.getvalue()
    go.executor.ends = {}
    again = go()
    assert units(go.executor.done) == [16]
    assert (again.status, len(again.trials)) == ("ok", 3)
    assert {run.attempts for trial in again.trials for run in trial.runs} == {1, 2}


def test_a_sweep_ends_after_too_many_failures(go):
    go.executor.ends = {8: Ended("failed", "no"), 16: Ended("killed", "no")}
    swept = go(max_failures=2)
    assert units(go.executor.done) == [8, 16]
    assert (swept.status, swept.exit_code) == ("stopped", 1)


def test_a_run_without_the_objective_has_failed(go):
    go.executor.ends = {8: "mute"}
    assert [trial.status for trial in go().trials] == ["failed", "ok", "ok"]
    assert "failed, units=8: it has no validation.bleu" in go.said.getvalue()


def test_a_hopeless_run_is_ended_early_for_good(go):
    go.executor.ends = {4: "slow"}
    space = (
        "parameters: {units: [8, 16, 4]}\nobjective: validation.bleu\n"
        "pruner: {name: median, startup: 0}"
    )
    original = sweep.Study.report
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sweep.Study, "report", lambda *words: original(*words) or True)
        swept = go(space)
    assert [trial.status for trial in swept.trials] == ["ok", "ok", "pruned"]
    assert (swept.exit_code, swept.trials[2].runs[0].status) == (0, "pruned")
    assert RunDirectory(swept.folder / swept.trials[2].runs[0].run).status == "stopped"
    assert go(space).exit_code == 0
    assert go.executor.done == []


def head_of(swept):
    """What the head of the comparison page says."""
    page = (swept.folder / "index.html").read_text("utf-8")
    return dict(re.findall(r"<dt>([^<]*)</dt><dd>([^<]*)</dd>", page))


@pytest.fixture
def light(monkeypatch):
    """Making Vega's script takes two seconds."""
    monkeypatch.setattr(comparison, "bundle", lambda: "")


def test_seeds_of_a_pruned_trial_that_never_began_wait_for_nothing(go, light):
    go.executor.ends = {4: "slow"}
    space = (
        "parameters: {units: [8, 16, 4]}\nobjective: validation.bleu\nseeds: 3\n"
        "pruner: {name: median, startup: 0}"
    )
    original = sweep.Study.report
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sweep.Study, "report", lambda *words: original(*words) or True)
        swept = go(space, after_run=None)
    assert [trial.status for trial in swept.trials] == ["ok", "ok", "pruned"]
    head = head_of(swept)
    assert (head["Runs"], head["Finished"], "Waiting" in head) == ("7", "6", False)
    assert [line for line in go.said.getvalue().splitlines() if " of " in line][-1].startswith(
        "7 of 7: pruned"
    )


def test_trials_that_share_a_run_wait_for_nothing(go, light):
    space = (
        "parameters: {units: {low: 8, high: 9}}\nfixed: {bidirectional: false}\n"
        "objective: validation.bleu\nsampler: {name: random, trials: 5}"
    )
    swept = go(space, after_run=None)
    head = head_of(swept)
    assert (head["Runs"], head["Finished"], "Waiting" in head) == ("2", "2", False)
    assert "5 of 5" in go.said.getvalue()


def test_what_is_to_come_waits_on_the_page(go, light):
    go.executor.ends = {16: Ended("failed", "no")}
    swept = go("parameters: {units: [8, 16, 32, 64]}\nseeds: 2", after_run=None, max_failures=1)
    head = head_of(swept)
    assert (head["Runs"], head["Finished"], head["Failed"], head["Waiting"]) == (
        "8", "2", "1", "5",
    )  # fmt: skip


def test_a_page_that_is_too_large_is_told_once(go, light, monkeypatch):
    monkeypatch.setattr(comparison, "LIMIT", 1000)
    go(after_run=None)
    assert go.said.getvalue().count("index.html: has ") == 1


def test_an_interrupt_lets_the_live_runs_end_and_the_same_command_goes_on(go, monkeypatch):
    go.executor.ends = {16: "slow"}
    began = sweep.Conductor._start

    def start(self, run):
        began(self, run)
        if run.job.parameters["units"] == "16":
            os.kill(os.getpid(), 2)

    monkeypatch.setattr(sweep.Conductor, "_start", start)
    swept = go()
    assert (swept.status, swept.exit_code) == ("stopped", 1)
    assert swept.message.endswith("the same command goes on")
    assert [trial.status for trial in swept.trials] == ["ok", "running"]
    go.executor.ends = {}
    monkeypatch.setattr(sweep.Conductor, "_start", began)
    assert [trial.status for trial in go().trials] == ["ok", "ok", "ok"]
    assert units(go.executor.done) == [16, 32]


def test_two_sweeps_on_one_folder(go, tmp_path):
    lock = tmp_path / "sweeps" / "swept-space" / "sweep.lock"
    with held(lock, "process 7"), pytest.raises(RunError, match="at work there, process 7; wait"):
        go()
    assert go.executor.done == []


def test_a_folder_of_something_else_is_not_touched(go, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()
    with pytest.raises(RunError, match="mine: exists and is no sweep; choose another --output"):
        go(output=Path("mine"))
    swept = go()
    record = json.loads((swept.folder / "sweep.json").read_text()) | {"notebook": "other.ipynb"}
    (swept.folder / "sweep.json").write_text(json.dumps(record))
    with pytest.raises(RunError, match=r"holds a sweep of other\.ipynb"):
        go()
    (swept.folder / "sweep.json").write_text('{"sche')
    with pytest.raises(RunError, match=r"sweep\.json: cannot be read"):
        go()


def test_a_full_disk_ends_the_sweep_with_one_line(go):
    go.executor.ends = {8: Ended("failed", f"x: {os.strerror(errno.ENOSPC)}; make room", True)}
    with pytest.raises(RunError, match="No space left on device; make room"):
        go()
    assert units(go.executor.done) == [8]


def test_a_damaged_record_of_a_run_is_told_and_the_run_done_again(go):
    swept = go()
    run = RunDirectory(swept.folder / swept.trials[1].runs[0].run)
    run.record.write_text('{"schema": 1, "stat')
    begin = RunDirectory.begin

    def put_aside(self, **fields):  # as a real job does
        self.record.unlink(missing_ok=True)
        begin(self, **fields)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunDirectory, "begin", put_aside)
        again = go()
    assert (again.status, units(go.executor.done)) == ("ok", [16])
    assert f"{run.record}: is damaged; it is kept as damaged-run.json" in go.said.getvalue()


def test_data_that_cannot_be_read_are_found_before_anything_starts(go, monkeypatch):
    def refuse(config):
        raise DataError(f"{config.corpus}: no such file")

    monkeypatch.setattr(plan, "preflight", refuse)
    with pytest.raises(DataError, match=r"mine\.tsv: no such file"):
        go("parameters: {corpus: [mine.tsv, other.tsv]}")
    assert not Path("sweeps").exists()


def test_what_cannot_begin_leaves_nothing(go, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("workbench.reports.study.open_storage", full)
    with pytest.raises(OSError, match="No space left"):
        go()
    assert not Path("sweeps").exists()
    Path("mine/deep").mkdir(parents=True)
    with pytest.raises(OSError, match="No space left"):
        go(output=Path("mine/deep/sweep"))
    assert [*Path("mine/deep").iterdir()] == []


def test_a_page_that_cannot_be_written_ends_no_sweep(go):
    def fail(runs):
        raise OSError(errno.EACCES, "Permission denied", "index.html")

    assert go(after_run=fail).exit_code == 0
    assert "after a run: [Errno 13] Permission denied: 'index.html'" in go.said.getvalue()


def test_two_trials_that_ask_for_the_same_run_share_it(go):
    text = """
parameters: {units: {low: 8, high: 9}}
fixed: {bidirectional: false}
objective: validation.bleu
sampler: {name: random, trials: 5}
"""
    swept = go(text, jobs=3)
    assert [trial.status for trial in swept.trials] == ["ok"] * 5
    assert sorted(units(go.executor.done)) == [8, 9]


def test_a_sweep_without_an_objective_has_no_best(go):
    swept = go("parameters: {units: [8, 16]}")
    assert (swept.best, swept.exit_code) == (None, 0)
    assert swept.message.endswith("2 ok of 2 trials")

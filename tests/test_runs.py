import json
import os
import subprocess
import sys
import time

import psutil
import pytest

from workbench.config import RunConfig
from workbench.errors import RunError
from workbench.files import write_json
from workbench.runs import SCHEMA, RunDirectory, run_hash, run_name

BEGIN = """
import sys, time
from workbench.runs import RunDirectory
RunDirectory(sys.argv[1]).begin()
print("begun", flush=True)
time.sleep(60)
"""


@pytest.fixture
def run(tmp_path):
    return RunDirectory(tmp_path / "runs" / "one")


@pytest.fixture
def begun_elsewhere(run):
    """Let another process begin the run; yield that process."""
    command = [sys.executable, "-c", BEGIN, str(run)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "begun\n"
        yield process
        process.kill()


def test_making_the_object_touches_no_disk(run):
    assert run.status == "new"
    assert run.runner == "none"
    assert not run.path.exists()
    assert str(run).endswith("one")
    places = (run.record, run.notebook, run.page, run.metrics, run.probes, run.model,
              run.checkpoints)  # fmt: skip
    assert [place.relative_to(run.path).as_posix() for place in places] == [
        "run.json", "report.ipynb", "report.html", "metrics.jsonl", "probes.npz", "model",
        "checkpoints",
    ]  # fmt: skip


def test_a_run_goes_from_new_to_running_to_its_end(run):
    run.begin(config={"units": 4})
    assert (run.status, run.runner) == ("running", "self")
    run.update(figures={"bleu": 1.5})
    run.update(status="failed", error="disk full")
    assert (run.status, run.runner) == ("failed", "none")
    fields = run.read()
    assert (fields["schema"], fields["config"], fields["figures"]) == (
        SCHEMA, {"units": 4}, {"bleu": 1.5},
    )  # fmt: skip
    started = time.strptime(fields["started"], "%Y-%m-%dT%H:%M:%SZ")
    assert abs(time.mktime(started) - time.mktime(time.gmtime())) < 60
    run.begin()
    assert (run.status, run.read()["error"]) == ("running", None)


def test_a_killed_run_is_seen_as_killed(run, begun_elsewhere):
    assert (run.status, run.runner) == ("running", "other")
    begun_elsewhere.kill()
    while psutil.Process(begun_elsewhere.pid).status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)
    assert run.status == "killed"  # before anybody has asked how the process ended
    begun_elsewhere.wait()
    assert (run.status, run.runner) == ("killed", "none")
    assert run.read()["error"] == {
        "type": "Killed", "message": "the process ended without a word",
    }  # fmt: skip
    assert json.loads(run.record.read_text())["status"] == "running"  # reading writes nothing


def test_a_process_knows_that_its_parent_runs_the_run(run):
    run.begin()
    code = "import sys; from workbench.runs import RunDirectory as R; print(R(sys.argv[1]).runner)"
    command = [sys.executable, "-c", code, str(run)]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert found.stdout == "parent\n"


def test_another_process_of_the_same_number_is_not_the_run(run):
    run.begin()
    run.update(process={"id": os.getpid(), "born": 1.0})
    assert run.status == "killed"


@pytest.mark.parametrize("process", [None, {}, {"id": "x", "born": 1.0}, {"id": 2**30, "born": 1}])
def test_a_run_without_a_process_is_killed(run, process):
    run.update(status="running", process=process)
    assert run.status == "killed"


def test_no_run_is_an_error(run):
    with pytest.raises(RunError, match=r"one: expected a run directory, found no run\.json"):
        run.read()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"schema": 1, "sta', r"run\.json: cannot be read"),
        ("\x00\x00", r"run\.json: cannot be read"),
        ("[1]", "expected an object with a schema number"),
        ('{"status": "ok"}', "expected an object with a schema number"),
        (f'{{"schema": {SCHEMA + 1}}}', f"schema {SCHEMA + 1}.*up to {SCHEMA}; install a newer"),
    ],
)
def test_a_damaged_or_newer_record_is_an_error_and_stays(run, text, reason):
    run.path.mkdir(parents=True)
    run.record.write_text(text)
    with pytest.raises(RunError, match=reason):
        run.read()
    with pytest.raises(RunError, match=reason):
        run.update(status="ok")
    assert run.record.read_text() == text


def test_bytes_that_are_no_text_are_an_error(run):
    run.path.mkdir(parents=True)
    run.record.write_bytes(b"\xff\xfe{}")
    with pytest.raises(RunError, match="cannot be read"):
        run.read()


def test_a_record_that_cannot_be_written_leaves_the_old(run, monkeypatch):
    run.update(status="ok")
    with pytest.raises(ValueError, match="JSON"):
        run.update(figure=float("nan"))
    assert run.status == "ok"
    write_json(run.record, {"schema": SCHEMA, "status": "stopped"})
    assert run.status == "stopped"


def test_the_hash_tells_settings_data_and_notebook_apart():
    config = RunConfig()
    one = run_hash(config, "data", "code")
    assert len(one) == 8
    assert int(one, 16) >= 0
    assert one == run_hash(RunConfig(), "data", "code")
    others = {
        run_hash(config.replace(seed=2), "data", "code"),
        run_hash(config.replace(units=512), "data", "code"),
        run_hash(config, "other", "code"),
        run_hash(config, "data", "other"),
        run_hash(config, "data"),
    }
    assert len(others | {one}) == 6


@pytest.mark.parametrize(
    "changes",
    [{"name": "x"}, {"run_directory": "elsewhere"}, {"live": False}, {"log_to": "wandb"}],
    ids=str,
)
def test_where_a_run_is_written_does_not_change_its_hash(changes):
    assert run_hash(RunConfig().replace(**changes), "data") == run_hash(RunConfig(), "data")


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"corpus": "scan"}, "lab-scan-12ab"),
        ({"corpus": "../data/deu-eng.tsv.gz"}, "lab-deu-eng-12ab"),
        ({"train_file": "my corpus/train.en"}, "lab-train-12ab"),
        ({"name": "My run: naïve / 2"}, "My-run-na-ve-2-12ab"),
        ({"name": "../up"}, "..-up-12ab"),
        ({"name": "a_b.c-d"}, "a_b.c-d-12ab"),
    ],
    ids=str,
)
def test_names_are_safe_in_any_file_system(settings, name):
    assert run_name(RunConfig(**settings), "lab", "12ab") == name


def test_a_record_without_a_status_is_of_a_run_not_begun(tmp_path):
    directory = RunDirectory(tmp_path)
    directory.update(figure=1)
    assert directory.status == "new"

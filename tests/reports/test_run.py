import errno
import html
import json
import os
import shlex
import signal
import sys
import threading
import time
from pathlib import Path

import nbformat
import pytest

from workbench.config import RunConfig
from workbench.errors import DataError, RunError, SettingsError
from workbench.reports import run as report
from workbench.reports.cells import Failure, failure_in
from workbench.reports.run import preflight, run_report
from workbench.runs import RunDirectory
from workbench.training import logs

TRAIN = "a b\tx y\nc d\tz\ne\tv w\nb a\ty x\n"


@pytest.fixture(autouse=True)
def workplace(tmp_path, monkeypatch):
    """An empty directory to run in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def no_corpus(monkeypatch):
    """Let the tiny notebooks run without data."""
    monkeypatch.setattr(report, "preflight", lambda _: "fingerprint")


@pytest.fixture
def kernels(monkeypatch):
    """Replace the kernel by a list of ends; count how often one was asked for."""
    ends, begun = [], []

    def execute(document, run, timeout):
        begun.append(run)
        document.metadata.papermill["duration"] = 61.4
        for cell in document.cells:
            cell.metadata.papermill = {"status": "completed", "duration": 1.0}
        end = ends.pop(0) if ends else None
        if callable(end):
            return end(run)
        return end

    monkeypatch.setattr(report, "_execute", execute)
    execute.ends, execute.begun = ends, begun
    return execute


def end_with(run, status):
    """Make `run.json` tell of another end, in a process that is gone."""
    run.update(status=status, process={"id": 2**22 + 1, "born": 0.0})


def files(directory):
    return sorted(path.name for path in directory.iterdir())


# With a kernel --------------------------------------------------------------------------------


def test_a_run_from_its_parameters_to_its_page(no_corpus, path_of, workplace, capfd):
    outcome = run_report(path_of("works"), {"units": "64", "word": "5", "learning_rate": "1e-2"})
    run = outcome.run
    assert (outcome.status, outcome.exit_code, outcome.ran) == ("ok", 0, True)
    assert outcome.message == f"report: {run.page}"
    assert run.path.parent.name == "runs"
    assert run.path.name.startswith("works-phrases-")
    assert files(run.path) == ["report.html", "report.ipynb", "run.json"]
    assert capfd.readouterr() == ("", "")

    record = run.read()
    assert record["status"] == "ok"
    assert record["error"] is None
    assert record["parameters"] == {"units": 64, "word": "5", "learning_rate": 0.01}
    assert record["config"]["units"] == 64
    assert record["config"]["run_directory"] == str(run)
    assert record["config"]["live"] is False
    assert record["data"] == {"fingerprint": "fingerprint"}
    assert record["notebook"] == "works.ipynb"
    assert record["versions"]["python"] == sys.version.split()[0]
    assert [cell["status"] for cell in record["cells"]] == ["completed"] * 5
    assert record["wall_seconds"] > 0

    document = nbformat.read(run.notebook, as_version=4)
    assert document.cells[2].source.splitlines() == [
        "# Parameters", "units = 64", 'word = "5"', "learning_rate = 0.01",
        f'run_directory = "{run}"', "live = False",
    ]  # fmt: skip
    seen = json.loads(document.cells[4].outputs[0].text)
    assert seen == ["5", 64, 0.01, False, str(run)]

    page = run.page.read_text("utf-8")
    assert "<title>" + run.path.name in page
    assert "A tiny notebook" in page
    assert "<span>units</span> 64" in page


def test_a_notebook_that_refuses_its_input_leaves_nothing(no_corpus, path_of, workplace):
    outcome = run_report(path_of("refuses"), {})
    assert outcome.exit_code == 2
    assert outcome.message == "train.tsv:3: expected 2 columns, found 1"
    assert files(workplace / "runs") == []


def test_a_killed_kernel_leaves_a_readable_run_that_can_be_resumed(no_corpus, path_of):
    killed = run_report(path_of("resumes"), {})
    run = killed.run
    assert (killed.status, killed.exit_code) == ("killed", 1)
    assert killed.message.startswith(f"{run}: was killed in cell [3]: DeadKernelError: the kernel")
    assert files(run.path) == ["checkpoints", "report.html", "report.ipynb", "run.json"]
    record = run.read()
    assert record["status"] == "killed"
    assert record["error"]["type"] == "DeadKernelError"
    assert record["error"]["cell"] == 2
    assert [cell["status"] for cell in record["cells"]] == ["completed", "completed", "failed"]
    assert failure_in(nbformat.read(run.notebook, as_version=4)).cell == 2
    assert "This run was killed in cell [3]" in run.page.read_text("utf-8")

    with pytest.raises(RunError, match=r"exists with status killed; --resume goes on"):
        run_report(path_of("resumes"), {})
    resumed = run_report(path_of("resumes"), {}, resume=True)
    assert (resumed.status, resumed.exit_code, str(resumed.run)) == ("ok", 0, str(run))
    document = nbformat.read(run.notebook, as_version=4)
    assert document.cells[2].outputs[0].text == "went on from half of the work\n"
    assert run.read()["error"] is None


def test_a_cell_that_runs_out_of_memory_says_what_to_try(no_corpus, path_of):
    outcome = run_report(path_of("starves"), {})
    run = outcome.run
    assert (outcome.status, outcome.exit_code) == ("failed", 1)
    assert outcome.message == (
        f"{run}: failed in cell [3]: MemoryError; memory ran out: try batch_size 32; see {run.page}"
    )
    record = run.read()
    assert (record["status"], record["log"]) == ("failed", ["reading a large corpus"])
    assert record["error"]["type"] == "MemoryError"
    assert record["error"]["cell"] == 2
    assert record["error"]["remedy"] == "memory ran out: try batch_size 32"
    page = run.page.read_text("utf-8")
    assert "the last lines of its log" in page
    assert "try batch_size 32" in page


def test_ctrl_c_stops_the_run_and_still_writes_the_page(no_corpus, path_of, workplace):
    def press():
        while not (workplace / "reached").exists():
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=press, daemon=True).start()
    outcome = run_report(path_of("sleeps"), {"word": str(workplace / "reached")})
    assert (outcome.status, outcome.exit_code) == ("stopped", 1)
    document = nbformat.read(outcome.run.notebook, as_version=4)
    assert document.cells[2].outputs[0].text == "tidied up\n"
    assert "This run was stopped in cell [3]" in outcome.run.page.read_text("utf-8")
    assert outcome.run.status == "stopped"


# What is wrong before a kernel starts ---------------------------------------------------------


def test_preflight_finds_a_log_whose_package_is_not_there(monkeypatch):
    monkeypatch.setitem(logs.MODULES, "mlflow", ("workbench.training.mlflow", "no_such_package"))
    with pytest.raises(SettingsError, match=r"pip install 'seq2seq-workbench\[mlflow\]'"):
        preflight(RunConfig(corpus="dates", train_limit=10, log_to="mlflow"))


def test_preflight_reads_and_encodes_every_split(workplace):
    (workplace / "train.tsv").write_text(TRAIN)
    config = report.RunConfig(corpus="train.tsv", max_length=2)
    assert preflight(config) == report.corpus_from(config).fingerprint
    with pytest.raises(DataError, match=r"train.tsv:\d: .* has 2 tokens, max_length is 1"):
        preflight(config.replace(max_length=1))


@pytest.mark.parametrize(
    ("parameters", "options", "error", "message"),
    [
        ({"corpus": "none.tsv"}, {}, DataError, "corpus 'none.tsv': expected a file"),
        ({"unitz": "1"}, {}, SettingsError, "unknown parameter 'unitz'; did you mean 'units'"),
        ({"units": "0"}, {}, SettingsError, "units: expected an integer from 1 to 4096, got '0'"),
        ({}, {"resume": True, "force": True}, SettingsError, "choose one of them"),
        ({"run_directory": "a"}, {"run_directory": "b"}, SettingsError, "given twice"),
        ({"corpus": "train.tsv"}, {"resume": True}, RunError, "nothing to resume"),
    ],
)
def test_bad_input_writes_nothing(path_of, workplace, parameters, options, error, message):
    (workplace / "train.tsv").write_text(TRAIN)
    with pytest.raises(error, match=message) as raised:
        run_report(path_of("works"), parameters, **options)
    assert "\n" not in str(raised.value)
    assert files(workplace) == ["train.tsv"]


# Directories that exist -----------------------------------------------------------------------


@pytest.fixture
def go(no_corpus, kernels, path_of):
    def go(*ends, word="hello", **options):
        kernels.ends[:] = ends
        return run_report(path_of("works"), {"word": word}, **options)

    return go


def test_a_run_that_went_well_is_not_run_again(go, kernels):
    first, second = go(), go()
    assert len(kernels.begun) == 1
    assert (second.status, second.exit_code, second.ran) == ("ok", 0, False)
    assert second.message == f"already there: {first.run.page} (use --force to run it again)"
    assert go(resume=True).ran is False
    assert go(run_directory=first.run.path).ran is False


def test_other_parameters_make_another_run(go):
    directories = {str(go(word=word).run) for word in ("a", "b")}
    assert len(directories) == 2


def test_the_default_given_by_hand_is_the_same_run(go):
    assert str(go().run) == str(go(word="hello").run)


@pytest.mark.parametrize("status", ["failed", "stopped", "killed", "running"])
def test_a_run_that_ended_badly_is_not_touched_unasked(go, kernels, status):
    run = go().run
    end_with(run, status)
    before = run.record.read_bytes()
    told = "killed" if status == "running" else status
    with pytest.raises(RunError, match=f"status {told}; --resume goes on, --force starts anew"):
        go()
    assert run.record.read_bytes() == before
    assert go(resume=True).status == "ok"
    assert len(kernels.begun) == 2


@pytest.mark.parametrize("option", ["resume", "force", "run_directory"])
def test_a_run_under_way_is_left_alone(go, option):
    run = go().run
    run.begin()
    options = {option: run.path if option == "run_directory" else True}
    with pytest.raises(RunError, match=f"is running in process {os.getpid()}"):
        go(**options)


def test_force_replaces_the_run_and_resume_keeps_its_checkpoints(go):
    run = go().run
    (run.checkpoints / "step-00000001").mkdir(parents=True)
    end_with(run, "failed")
    go(resume=True)
    assert (run.checkpoints / "step-00000001").exists()
    assert go(force=True).ran
    assert not run.checkpoints.exists()
    assert files(run.path.parent) == [run.path.name]


def test_force_keeps_the_old_run_when_the_new_one_cannot_begin(go, monkeypatch):
    run = go().run
    (run.path / "mine.txt").touch()

    def refuse(config):
        raise DataError("bad data")

    monkeypatch.setattr(report, "preflight", refuse)
    with pytest.raises(DataError):
        go(force=True)
    assert (run.path / "mine.txt").exists()


@pytest.mark.parametrize("option", [{}, {"force": True}, {"resume": True}])
def test_another_run_is_never_overwritten(go, workplace, option):
    other = go(run_directory=workplace / "here", word="other").run
    before = other.record.read_bytes()
    with pytest.raises(RunError, match="here: holds another run"):
        go(run_directory=workplace / "here", **option)
    assert other.record.read_bytes() == before


@pytest.mark.parametrize("option", [{}, {"force": True}, {"resume": True}])
def test_what_is_no_run_is_never_touched(go, workplace, option):
    (workplace / "here").mkdir()
    (workplace / "here" / "mine.txt").touch()
    (workplace / "file").touch()
    for name in ("here", "file"):
        with pytest.raises(RunError, match=f"{name}: exists and is no run"):
            go(run_directory=workplace / name, **option)
    assert files(workplace / "here") == ["mine.txt"]


def test_an_empty_directory_may_be_used(go, workplace):
    (workplace / "here").mkdir()
    assert go(run_directory=workplace / "here").status == "ok"


def test_the_directory_may_be_a_parameter(no_corpus, kernels, path_of):
    outcome = run_report(path_of("works"), {"run_directory": "here", "name": "mine"})
    assert str(outcome.run) == "here"


def test_the_run_is_named_as_told(no_corpus, kernels, path_of):
    outcome = run_report(path_of("works"), {"name": "my run"})
    assert outcome.run.path.name.startswith("my-run-")


# How it ends ----------------------------------------------------------------------------------

FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "report.ipynb")


@pytest.mark.parametrize(
    ("failure", "status", "exit_code", "message"),
    [
        (Failure("ValueError", "no\nway", 3, 2), "failed", 1,
         "{run}: failed in cell [2]: ValueError: no way; see {page}"),
        (Failure("KeyboardInterrupt", "", 3, 2), "stopped", 1,
         "{run}: was stopped in cell [2]: KeyboardInterrupt; see {page}"),
        (Failure("RuntimeError", "no kernel"), "failed", 1,
         "{run}: failed: RuntimeError: no kernel; see {page}"),
        (Failure("CellTimeoutError", "time was up", 3, 2), "failed", 1,
         "{run}: failed in cell [2]: CellTimeoutError: time was up; give it more time, or train "
         "less (max_minutes, max_steps); see {page}"),
        (Failure("OutOfMemoryError", "step 1 ran out: try batch_size 8", 3, 2), "failed", 1,
         "{run}: failed in cell [2]: OutOfMemoryError: step 1 ran out: try batch_size 8; "
         "see {page}"),
        (Failure("KernelOutOfMemoryError", "the kernel died", 3, 2), "killed", 1,
         "{run}: was killed in cell [2]: KernelOutOfMemoryError: the kernel died; "
         "memory ran out: try batch_size 32; see {page}"),
        (Failure("SettingsError", "units: too many"), "failed", 2, "units: too many"),
        (Failure("RunError", "taken"), "failed", 2, "taken"),
        (Failure("OSError", str(FULL)), "failed", 2,
         "{run}: cannot be written: No space left on device; make room, then run it again"),
        (Failure("OSError", "[Errno 5] Input/output error"), "failed", 1,
         "{run}: failed: OSError: [Errno 5] Input/output error; see {page}"),
    ],
)  # fmt: skip
def test_outcomes(go, failure, status, exit_code, message):
    outcome = go(failure)
    run = outcome.run
    assert (outcome.status, outcome.exit_code) == (status, exit_code)
    assert outcome.message == message.format(run=run, page=run.page)
    assert run.path.exists() == (exit_code == 1)
    if exit_code == 1:
        assert run.read()["error"]["type"] == failure.type


def fill_up(run):
    raise FULL


def fill_up_after_a_checkpoint(run):
    (run.checkpoints / "step-00000001").mkdir(parents=True)
    raise FULL


def test_a_full_disk_is_one_line_and_leaves_nothing(go, workplace):
    with pytest.raises(RunError, match="cannot be written: No space left on device; make room"):
        go(fill_up)
    assert files(workplace / "runs") == []


def test_a_full_disk_loses_no_checkpoint(go, workplace):
    with pytest.raises(RunError, match="No space left on device"):
        go(fill_up_after_a_checkpoint, run_directory=workplace / "here")
    run = RunDirectory(workplace / "here")
    assert run.status == "failed"
    assert run.read()["error"]["type"] == "OSError"
    assert go(resume=True, run_directory=run.path).status == "ok"


def test_a_directory_that_cannot_be_made_is_one_line(go, workplace):
    (workplace / "file").touch()
    with pytest.raises(RunError, match="run: cannot be written: "):
        go(run_directory=workplace / "file" / "run")


def test_bad_input_keeps_the_checkpoints_there_are(go, workplace):
    def refuse(run):
        (run.checkpoints / "step-00000001").mkdir(parents=True)
        return Failure("DataError", "late")

    assert go(refuse, run_directory=workplace / "here").exit_code == 2
    assert RunDirectory(workplace / "here").status == "failed"


def test_the_page_names_the_device(go):
    def use_a_gpu(run):
        run.update(gpus=[{"device_name": "NVIDIA H200"}])

    page = go(use_a_gpu).run.page.read_text("utf-8")
    assert "<dd>NVIDIA H200</dd>" in page
    assert "<dd>1 min 1 s</dd>" in page


@pytest.mark.parametrize(
    ("place", "typed"),
    [
        ("runs/x", "runs/x"),
        ("{here}/sweeps/a/runs/x", "sweeps/a/runs/x"),
        ("{here}/my runs/x", "'my runs/x'"),
        ("{above}/other/x", "{above}/other/x"),
        ("../other/x", "../other/x"),
    ],
)
def test_the_page_has_the_line_that_verifies_it_from_here(go, workplace, place, typed):
    here = workplace / "here"
    here.mkdir()
    os.chdir(here)
    known = {"here": here, "above": workplace}
    run = go(run_directory=Path(place.format(**known))).run
    line = f"workbench verify {typed.format(**known)}"
    assert f"<dd>{line}</dd>" in html.unescape(run.page.read_text("utf-8"))
    [path] = shlex.split(line)[2:]
    assert RunDirectory(path).status == "ok"

"""papermill's own command with our engine; each test starts it, and it starts a kernel."""

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from workbench.reports import plain
from workbench.reports.plain import Begun, told_by_papermill
from workbench.runs import RunDirectory

BEGINS = """from workbench.runs import RunDirectory
run = RunDirectory("mine")
run.begin(config={"batch_size": 64})"""
ENDS_WELL = 'run.update(status="ok")'
DEAD = 138  # papermill's exit code for a kernel that died
DIES = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"


@pytest.fixture(autouse=True)
def workplace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def papermill(*cells, notebook=None, parameters=()):
    """Run the command on a notebook of these cells; return its exit code and what it said."""
    if notebook is None:
        notebook = Path("in.ipynb")
        code = [nbformat.v4.new_code_cell(cell) for cell in cells]
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python", "language": "python"}}
        nbformat.write(nbformat.v4.new_notebook(cells=code, metadata=kernel), notebook)
    given = [word for pair in parameters for word in ("-p", *pair)]
    done = subprocess.run(
        [sys.executable, "-m", "papermill", "--engine", "workbench", notebook, "out.ipynb", *given],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    return done.returncode, done.stderr


def test_a_cell_that_fails_after_the_run_ended_well_is_told_in_the_run_and_at_the_top_of_the_page():
    code, said = papermill(BEGINS, ENDS_WELL, "print('almost')\n1 / 0", "print('never')")
    assert code == 1
    assert "ZeroDivisionError" in said
    record = RunDirectory("mine").read()
    assert record["status"] == "failed"
    assert (record["error"]["type"], record["error"]["cell"]) == ("ZeroDivisionError", 2)
    assert record["error"]["number"] == 3
    assert "1 / 0" in record["error"]["traceback"]
    assert record["log"] == ["almost"]
    assert [cell["status"] for cell in record["cells"]] == [
        "completed", "completed", "failed", "pending",
    ]  # fmt: skip
    page = Path("out.html").read_text("utf-8")
    words = "This run failed in cell [3]: ZeroDivisionError: division by zero"
    assert 0 < page.index(words) < page.index("almost")


def test_a_killed_kernel_is_told_with_what_to_do():
    code, _ = papermill(BEGINS, DIES)
    assert code == DEAD
    record = RunDirectory("mine").read()
    assert (record["status"], record["error"]["type"]) == ("killed", "DeadKernelError")
    assert record["error"]["remedy"] == "if so, try batch_size 32"
    assert "This run was killed in cell [2]" in Path("out.html").read_text("utf-8")


def test_without_a_run_there_is_still_the_page():
    assert papermill("print('hello')\n1 / 0")[0] == 1
    assert "This run failed in cell [1]" in Path("out.html").read_text("utf-8")
    assert not list(Path().glob("**/run.json"))


def test_a_run_that_went_well_stays_so():
    assert papermill(BEGINS, ENDS_WELL)[0] == 0
    record = RunDirectory("mine").read()
    assert (record["status"], record["error"]) == ("ok", None)
    assert [cell["status"] for cell in record["cells"]] == ["completed", "completed"]
    page = Path("out.html").read_text("utf-8")
    assert "This run" not in page
    assert "mine" in page


def test_a_session_killed_in_training_is_told(path_of, workplace):
    lines = "".join(f"{a} {b}\t{b} {a}\n" for a in "abcdefghij" for b in "klmnopqrst")
    Path("pairs.tsv").write_text(lines)
    given = [("run_directory", "mine"), ("live", "False"), ("dies_once", "died")]
    code, _ = papermill(notebook=path_of("trains"), parameters=given)
    assert code == DEAD
    record = RunDirectory("mine").read()
    assert (record["status"], record["error"]["cell"]) == ("killed", 3)
    assert record["config"]["units"] == 8
    assert len(Path("mine/metrics.jsonl").read_text().splitlines()) >= 11
    assert "was killed" in Path("out.html").read_text("utf-8")


def test_at_an_address_the_page_lies_beside_the_notebook_too(monkeypatch):
    written = []
    monkeypatch.setattr(plain.papermill_io, "write", lambda *words: written.append(words))
    document = nbformat.v4.new_notebook(metadata={"papermill": {
        "start_time": "2026-01-02T03:04:05+00:00", "duration": 61.0}})  # fmt: skip
    with told_by_papermill(document, "s3://bucket/a/out.ipynb"):
        pass
    [(page, address, _)] = written
    assert address == "s3://bucket/a/out.html"
    assert "1 min 1 s" in page
    with told_by_papermill(document, "-") as begun:
        assert begun is None
    assert len(written) == 1


@pytest.mark.skipif(os.name == "nt", reason="there the number of a kernel is not known")
def test_of_the_runs_begun_it_is_the_last_one_of_the_kernel_itself(workplace):
    begun = Begun(workplace / "begun", 7)
    assert begun.last() is None
    for name in ("a", "b c", "d"):
        RunDirectory(name).update(status="ok")
    begun.file.write_text(f"7 {workplace}/a\n7 {workplace}/b c\n8 {workplace}/d\n")
    run = begun.last()
    assert run
    assert run.path.name == "b c"
    run.record.unlink()
    assert begun.last() is None
    assert json.loads((workplace / "a" / "run.json").read_text())["status"] == "ok"

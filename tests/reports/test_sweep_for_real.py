"""One tiny sweep with real runs, through the command."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.environment import THREADS
from workbench.runs import RunDirectory

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "swept.ipynb"
SPACE = "parameters: {units: [6, 8]}\nseeds: 2\nobjective: validation.loss\n"


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    """Sweep in a folder of its own; again, as the same command does."""
    place = tmp_path_factory.mktemp("sweep")
    (place / "space.yaml").write_text(SPACE)

    def sweep():
        words = ["sweep", str(NOTEBOOK), "space.yaml", "-o", "out", "--jobs", "2", "--json"]
        command = [sys.executable, "-m", "workbench", *words]
        return subprocess.run(command, cwd=place, capture_output=True, text=True)

    return sweep


@pytest.fixture(scope="module")
def swept(sweep):
    return sweep()


def test_four_runs_are_done_and_the_best_is_named(swept):
    assert swept.returncode == 0, swept.stderr
    told = json.loads(swept.stdout)
    assert told["status"] == "ok"
    values = {}
    for trial in told["trials"]:
        runs = [RunDirectory(Path(told["sweep"]) / run["run"]) for run in trial["runs"]]
        assert all(run.status == "ok" and run.page.exists() for run in runs)
        losses = [run.read()["validation"]["loss"] for run in runs]
        assert [run["value"] for run in trial["runs"]] == losses
        assert trial["value"] == pytest.approx(sum(losses) / 2)
        values[trial["parameters"]["units"]] = trial["value"]
    assert told["best"]["parameters"]["units"] == min(values, key=values.get)
    assert swept.stderr.count("began") == 4


def test_the_same_command_finds_all_of_it_done(swept, sweep):
    again = sweep()
    assert again.returncode == 0
    assert "began" not in again.stderr
    assert json.loads(again.stdout)["trials"] == json.loads(swept.stdout)["trials"]


def test_a_run_of_two_jobs_is_verified_with_the_line_that_stands_on_its_page(swept):
    told = json.loads(swept.stdout)
    folder = Path(told["sweep"])
    run = RunDirectory(folder / told["trials"][0]["runs"][0]["run"])
    threads = run.read()["threads"]
    assert len({*threads.values()}) == 1
    assert set(threads) == {*THREADS}
    line = f"workbench verify out/{run.path.relative_to(folder)}"
    assert line in run.page.read_text("utf-8")
    words = [*line.split()[1:], "-o", "again"]
    done = subprocess.run([sys.executable, "-m", "workbench", *words], cwd=folder.parent,
                          capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("figures equal, bit for bit\n")
    assert RunDirectory(folder.parent / "again").read()["threads"] == threads
    assert "threads" not in done.stdout

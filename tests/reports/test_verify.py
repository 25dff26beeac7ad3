"""One run, killed in the middle and gone on with, is run again; the rest takes it as it is."""

import json
import shutil

import pytest

from workbench import __version__
from workbench.config import RunConfig
from workbench.errors import RunError
from workbench.reports import verify as module
from workbench.reports.figures import compare, table
from workbench.reports.run import Outcome, run_report
from workbench.reports.verify import SecondRunError, verify
from workbench.runs import NOT_PART_OF_THE_RUN, RunDirectory
from workbench.session import Session


@pytest.fixture(scope="module")
def workplace(tmp_path_factory, pairs):
    folder = tmp_path_factory.mktemp("verify")
    lines = (f"{pair.source}\t{pair.target}\n" for pair in pairs)
    (folder / "pairs.tsv").write_text("".join(lines))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield folder


@pytest.fixture(scope="module")
def killed(workplace, path_of):
    """A run whose kernel was killed behind its second checkpoint, as it was found then."""
    outcome = run_report(path_of("trains"), {"dies_once": "mark"})
    return outcome, outcome.run.read(), outcome.run.page.read_text("utf-8")


@pytest.fixture(scope="module")
def run(killed, path_of):
    """The same run, gone on with to its end."""
    return run_report(path_of("trains"), {"dies_once": "mark"}, resume=True).run


@pytest.fixture
def copy(run, tmp_path):
    """A copy of the run to be spoilt, at a relative path as people have it."""
    shutil.copytree(run.path, tmp_path / "copy")
    return RunDirectory(tmp_path / "copy")


def change(run, **fields):
    record = json.loads(run.record.read_text())
    for name, value in fields.items():
        record.pop(name) if value is None else record.update({name: value})
    run.record.write_text(json.dumps(record))


def test_a_kernel_killed_in_training_leaves_its_truth_and_its_checkpoints(killed):
    outcome, record, page = killed
    assert (outcome.status, outcome.exit_code) == ("killed", 1)
    assert record["status"] == "killed"
    assert record["error"]["type"] == "DeadKernelError"
    assert record["error"]["cell"] == 3  # behind the injected parameters
    assert record["error"]["remedy"] == "if so, try batch_size 8"
    assert [cell["status"] for cell in record["cells"]] == [*["completed"] * 3, "failed"]
    assert "This run was killed in cell [4]" in page


def test_the_record_holds_what_a_second_run_needs(run, workplace):
    record = run.read()
    assert record["status"] == "ok"
    assert record["recorded"] == ["test"]
    assert len(record["weights"]) == len(record["code"]) == 64
    assert list(record["files"]) == ["pairs.tsv"]
    assert record["working_directory"] == str(workplace)
    assert f"workbench verify {run}" in run.page.read_text("utf-8")


def test_a_second_run_has_every_figure_bit_for_bit(run, workplace):
    before = {path: path.stat().st_mtime_ns for path in run.path.rglob("*")}
    verdict = verify(run.path, output=workplace / "again")
    assert verdict.equal, table(verdict.figures)
    assert verdict.tolerance == 0
    assert verdict.differences == []
    assert verdict.summary.endswith("figures equal, bit for bit")
    names = {(figure.name, figure.step) for figure in verdict.figures}
    assert {("loss", step) for step in range(1, 17)} <= names
    assert {("weights", None), ("test.bleu", None), ("training.best_step", None)} <= names
    assert any(name == "evaluation.figures.loss" for name, _ in names)
    assert before == {path: path.stat().st_mtime_ns for path in run.path.rglob("*")}
    assert RunDirectory(workplace / "again").status == "ok"
    [line] = [line for line in table(verdict.figures) if line.startswith("loss ")]
    assert line.split() == ["loss", "16", "steps", "equal"]


# Without a kernel -----------------------------------------------------------------------------


@pytest.fixture
def second(monkeypatch):
    """Let the second run be a copy of the first, changed as told; remember how it was asked."""
    asked = []

    def prepare(of, status="ok", exit_code=0, **fields):
        def again(notebook, parameters, run_directory):
            asked.append((notebook, parameters, run_directory))
            copy = RunDirectory(shutil.copytree(of.path, run_directory))
            change(copy, **fields)
            return Outcome(copy, status, exit_code, "so it went", True)

        monkeypatch.setattr(module, "run_report", again)
        return asked

    return prepare


def test_it_is_run_again_from_its_own_notebook_and_thrown_away(copy, second):
    asked = second(copy)
    verdict = verify(copy.path)
    [(notebook, parameters, place)] = asked
    assert notebook == copy.notebook
    assert parameters == {"dies_once": "mark"}
    assert verdict.equal
    assert not place.parent.exists()


def test_a_figure_that_differs_is_told(copy, second):
    record = copy.read()
    other = record["test"] | {"bleu": record["test"]["bleu"] + 1e-9}
    second(copy, test=other, weights="0" * 64)
    verdict = verify(copy.path)
    assert not verdict.equal
    assert verdict.summary.startswith(f"{copy}: 2 of ")
    different = [figure.name for figure in verdict.figures if figure.equal is False]
    assert different == ["test.bleu", "weights"]
    [line] = [line for line in table(verdict.figures) if line.startswith("weights")]
    assert line.endswith(f"differs: {record['weights'][:16]} then, {'0' * 16} now")


def test_figures_of_steps_are_told_on_one_line(copy, tmp_path):
    other = RunDirectory(shutil.copytree(copy.path, tmp_path / "other"))
    lines = [json.loads(line) for line in other.metrics.read_text().splitlines()]
    lines[3]["loss"] += 0.5
    lines[5]["loss"] += 0.5
    lines[5]["seconds"] += 99  # the time of day is no figure
    other.metrics.write_text("".join(json.dumps(line) + "\n" for line in lines))
    [line] = [line for line in table(compare(copy, other)) if line.startswith("loss ")]
    assert line.endswith("now at step 4, first of 2")
    assert len([f for f in compare(copy, other) if f.equal is False]) == 2
    assert all(f.equal is not False for f in compare(copy, other, tolerance=0.6))
    other.metrics.write_text("".join(json.dumps(line) + "\n" for line in lines[:-1]))
    [last] = [f for f in compare(copy, other) if (f.name, f.step) == ("loss", 16)]
    assert (last.after, last.equal) == (None, False)


OTHERS = {
    "versions": {"tensorflow": "1.0"}, "cores": 4096, "threads": {"OMP_NUM_THREADS": "7"},
    "driver": "570.86",
}  # fmt: skip


@pytest.mark.parametrize("what", OTHERS)
def test_elsewhere_the_tolerance_is_named_and_weights_are_not_compared(copy, second, what):
    second(copy, **{what: OTHERS[what], "weights": "0" * 64})
    verdict = verify(copy.path, tolerance=0.01)
    assert verdict.equal
    assert "within a tolerance of 0.01" in verdict.summary
    assert [line for line in verdict.differences if line.startswith(what)]
    assert any(line.endswith("not compared") for line in table(verdict.figures))


def test_a_default_that_has_changed_since_is_told(copy, second):
    second(copy, config=copy.read()["config"] | {"units": 9})
    assert verify(copy.path).differences == ["units: 8 then, 9 now"]


def test_a_run_without_determinism_says_so(copy, second):
    change(copy, config=copy.read()["config"] | {"deterministic": False})
    second(copy)
    assert "deterministic is off" in verify(copy.path).differences[0]


def test_a_run_that_does_not_tell_its_threads_says_so(copy, second):
    change(copy, threads=None)
    second(copy, threads={"OMP_NUM_THREADS": "1"})
    verdict = verify(copy.path)
    assert verdict.differences == ["threads: not recorded then, so bits may differ"]
    assert verdict.tolerance


def test_a_session_without_a_notebook_is_repeated_from_its_settings(workplace, pairs, config):
    settings = {"corpus": "pairs.tsv", "max_steps": 4, "run_directory": "by-hand"}
    session = Session(config.replace(**settings))
    session.train()
    verdict = verify("by-hand")
    assert verdict.equal, table(verdict.figures)
    assert {("loss", 4), ("weights", None)} <= {(f.name, f.step) for f in verdict.figures}
    assert verdict.summary.endswith("figures equal, bit for bit")
    session.record(test={"bleu": 5.0})  # as somebody's notebook does
    verdict = verify("by-hand")
    assert not verdict.equal
    assert verdict.not_repeated == ("test",)
    assert verdict.summary.endswith(
        "figures equal, bit for bit; not repeated: test, of a notebook that the run does not hold "
        "(no report.ipynb)"
    )
    [line] = [line for line in table(verdict.figures) if line.startswith("test.bleu")]
    assert line.endswith("not compared")


def test_times_energies_and_memory_are_left_out_and_told(copy, second):
    trials = [{"batch_size": 32, "tokens": 9, "tokens_per_second": 5.0, "memory": 7, "joules": 1.5,
               "loss": 2.0}]  # fmt: skip
    recorded = {"recorded": ["cores", "gpus", "trials"], "trials": trials}
    change(copy, **recorded)
    now = [trials[0] | {"tokens_per_second": 9.0, "memory": 8, "joules": 2.5}]
    second(copy, trials=now, gpus=[{"device_name": "other"}])
    verdict = verify(copy.path)
    assert verdict.equal
    names = {figure.name: figure.equal for figure in verdict.figures if figure.step is None}
    assert {name for name in names if names[name] is None} - {"weights", "training.best_step"} == {
        "trials.0.tokens_per_second", "trials.0.memory", "trials.0.joules",
    }  # fmt: skip
    assert names["trials.0.loss"]
    assert not {"cores", "gpus.0.device_name"} & {*names}
    [line] = [line for line in table(verdict.figures) if line.startswith("trials.0.joules")]
    assert line.endswith("not compared: times, energies and memory are of the day, not of the run")


@pytest.mark.parametrize(("exit_code", "error"), [(1, SecondRunError), (2, Exception)])
def test_a_second_run_that_fails_is_told(copy, second, exit_code, error):
    second(copy, status="failed", exit_code=exit_code)
    with pytest.raises(error, match="did not end well: so it went"):
        verify(copy.path)


# What cannot be run again ---------------------------------------------------------------------


def refused(copy, words, **options):
    with pytest.raises(RunError, match=words) as error:
        verify(copy.path, **options)
    assert "\n" not in str(error.value)
    assert not isinstance(error.value, SecondRunError)


def test_a_data_file_changed_by_one_byte_is_named(copy, workplace):
    path = workplace / "pairs.tsv"
    text = path.read_bytes()
    try:
        path.write_bytes(text + b" ")  # the pairs, tidied, are the same
        refused(copy, r"^pairs\.tsv: has changed since the run read it")
        path.unlink()
        refused(copy, f"^pairs.tsv: No such file.*read it in {workplace}: verify it from there")
    finally:
        path.write_bytes(text)


def test_a_report_whose_notebook_is_missing_says_so(copy):
    copy.notebook.unlink()
    refused(copy, r"report\.ipynb: is missing, and what it did beside training .* put it back")


def test_code_that_changed_is_named(copy):
    document = json.loads(copy.notebook.read_text())
    document["cells"][-1]["source"] = "pass"
    copy.notebook.write_text(json.dumps(document))
    refused(copy, r"report\.ipynb: its code has changed since it ran")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"status": "failed"}, "expected a run that ended well, found status failed"),
        (
            {"files": None, "weights": None},
            f"no files, weights: written by workbench {__version__}",
        ),
        ({"changes": [{"after_step": 3}]}, "changed the learning rate after step 3"),
    ],
)
def test_runs_that_cannot_be_repeated(copy, fields, words):
    change(copy, **fields)
    refused(copy, words)


def test_a_model_of_one_s_own_without_a_notebook(copy):
    copy.notebook.unlink()
    change(copy, model="mine.Own", code=None)
    refused(copy, "the model was your own")


def test_the_place_of_the_second_run_must_be_free(copy):
    refused(copy, "exists; choose another place", output=copy.path)


def test_what_is_no_run(tmp_path):
    refused(RunDirectory(tmp_path), "found no run.json")


def test_every_setting_can_be_written_into_the_notebook_of_a_session():
    record = {"config": RunConfig().model_dump()}
    assert set(module._settings(record)) | NOT_PART_OF_THE_RUN == set(RunConfig.model_fields)

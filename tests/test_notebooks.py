"""The project's own notebooks, run for real."""

import ast
import asyncio
import json
from inspect import iscoroutine
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest

from workbench.config import RunConfig, settings
from workbench.reports.parameters import default_parameters, read_notebook
from workbench.runs import RunDirectory
from workbench.session import Session
from workbench.training.sinks import read_history, read_probes
from workbench.widgets import figure

WORKBENCH = ("workbench", "decoding", "diagnosis", *sorted(
    f"panels/{path.stem}" for path in (Path(__file__).parents[1] / "notebooks/panels").iterdir()
))  # fmt: skip
TINY = {
    "units": 8, "embedding": 6, "epochs": 1, "train_limit": 60, "batch_size": 30,
    "validation_sentences": 4, "probe_sentences": 2, "max_decode_length": 6, "live": False,
}  # fmt: skip


@pytest.fixture(scope="module")
def notebooks(request):
    return request.config.rootpath / "notebooks"


def test_the_parameters_of_the_experiment_are_all_settings_with_their_defaults(notebooks):
    document = nbformat.read(notebooks / "experiment.ipynb", as_version=4)
    cell = next(cell for cell in document.cells if "parameters" in cell.metadata.get("tags", []))
    found = [
        (each.target.id, each.annotation.id, ast.literal_eval(each.value))
        for each in ast.parse(cell.source).body
    ]
    assert found == [(each.name, each.kind.__name__, each.default) for each in settings()]
    for setting in settings():
        assert f"  # {setting.help}\n" in cell.source + "\n"


def test_the_experiment_leaves_a_whole_run_directory(experiment):
    run = experiment.run
    assert (experiment.status, experiment.exit_code) == ("ok", 0), experiment.message
    record = run.read()
    config = RunConfig(**record["config"])
    assert (config.units, config.learning_rate, config.live) == (16, 0.01, False)
    assert record["status"] == "ok"
    assert record["data"]["pairs"]["train"] == 200
    assert record["training"]["steps"] == 8  # 2 epochs of 200 pairs, 50 a step
    assert record["training"]["traces"] == 1
    assert record["training"]["traces_after_first_epoch"] == 0
    for name in ("versions", "commit", "processor", "device", "seed", "wall_seconds"):
        assert name in record
    for name in ("bleu", "exact_match", "alignment_error_rate", "diagonal_error_rate"):
        assert name in record["test"]
    history = read_history(run.metrics)
    assert [each.step for each in history] == list(range(1, 9))
    assert history[-1].evaluation is not None
    assert {len(probes) for probes in read_probes(run.probes).values()} == {4}
    assert Session.open(run.path).translate("marie sleeps .").hypotheses


def test_the_executed_notebook_reads_without_a_kernel(experiment):
    document = nbformat.read(experiment.run.notebook, as_version=4)
    outputs = [output for cell in document.cells for output in cell.get("outputs", [])]
    assert not [output for output in outputs if output.output_type == "error"]
    assert not [output for output in outputs if output.get("name") == "stderr"]
    forms = [set(output.data) for output in outputs if output.output_type == "display_data"]
    charts = [form for form in forms if "application/vnd.vegalite.v5+json" in form]
    assert len(charts) == 7  # lengths, diagram, curves, score by length, attention, beam, usage
    assert all("image/png" in form for form in charts)
    assert not any("widget" in mime for form in forms for mime in form)


def test_the_page_is_small_and_whole(experiment):
    page = experiment.run.page.read_text(encoding="utf-8")
    assert len(page.encode()) <= 2_000_000
    for heading in (
        "Settings",
        "Data",
        "Model",
        "Training",
        "Scores on the test set",
        "Translations",
        "Attention",
        "What the search discarded",
        "Where it ran",
    ):
        assert heading in page  # fmt: skip


def test_the_article_made_right_runs(notebooks, tmp_path):
    from workbench.reports.run import run_report

    settings = {"units": 16, "epochs": 1, "train_pairs": 100}
    run = tmp_path / "run"
    outcome = run_report(notebooks / "article.ipynb", settings, run_directory=run)
    assert (outcome.status, outcome.exit_code) == ("ok", 0), outcome.message
    plain = json.loads((run / "run.json").read_text())
    attentive = json.loads((run / "attention" / "run.json").read_text())
    assert plain["config"]["attention"] == "none"
    assert attentive["config"]["attention"] == "additive"
    assert plain["test"]["exact_match"] >= 0
    assert attentive["status"] == "ok"


@pytest.mark.parametrize("name", ["scan", "g2p", "alignment"])
def test_a_notebook_of_published_figures_imports_sets_and_shows(notebooks, name):
    document = read_notebook(notebooks / "fidelity" / f"{name}.ipynb")
    cells = document.cells
    assert [cell.id for cell in cells] == [f"cell-{i:02}" for i in range(len(cells))]
    for before, cell in pairwise(cells):
        if cell.cell_type == "code":
            assert (before.cell_type, cell.outputs) == ("markdown", [])
            nodes = {type(node) for node in ast.walk(ast.parse(cell.source))}
            assert not nodes & {ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda}
    parameters = default_parameters(document)
    assert parameters["seeds"] == 3
    RunConfig(**{key: parameters[key] for key in parameters if key in RunConfig.model_fields})


def code_of(document):
    return [cell for cell in document.cells if cell.cell_type == "code"]


@pytest.mark.parametrize("name", WORKBENCH)
def test_a_notebook_of_the_workbench_imports_sets_and_shows(notebooks, name):
    document = read_notebook(notebooks / f"{name}.ipynb")
    assert [cell.id for cell in document.cells] == [
        f"cell-{i:02}" for i in range(len(document.cells))
    ]
    for cell in code_of(document):
        nodes = {type(node) for node in ast.walk(ast.parse(cell.source))}
        assert not nodes & {ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda}
        assert cell.outputs == []
    parameters = default_parameters(document)
    own = parameters.keys() - RunConfig.model_fields.keys()
    assert RunConfig(**{key: parameters[key] for key in parameters.keys() - own}).live
    help_of = {setting.name: setting.help for setting in settings()}
    first = code_of(document)[0].source
    for name in parameters.keys() - own:
        assert f"  # {help_of[name]}\n" in first + "\n"


def run_here(document, parameters):
    """Run a notebook in this process, which has TensorFlow; return the values of its cells."""
    names, values = {}, []
    for cell in code_of(document):
        tree = ast.parse(cell.source)
        value = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        parts = [(tree, "exec")] + ([(ast.Expression(value.value), "eval")] if value else [])
        for part, kind in parts:
            code = compile(part, cell.id, kind, flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
            result = eval(code, names)
            if iscoroutine(result):
                result = asyncio.run(_awaited(result))
            values += [result] if result is not None else []
        if "parameters" in cell.metadata.get("tags", []):
            names |= parameters
    return values


async def _awaited(coroutine):
    return await coroutine


@pytest.mark.parametrize("name", WORKBENCH)
def test_a_notebook_of_the_workbench_is_still_in_a_report(notebooks, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shown = []
    monkeypatch.setattr(figure, "display", lambda forms, **_: shown.append(forms))
    document = read_notebook(notebooks / f"{name}.ipynb")
    values = run_here(document, TINY | {"run_directory": str(tmp_path / "run")})
    shown += [value._repr_mimebundle_() for value in values]
    assert shown
    for forms in shown:
        assert forms["text/plain"]
        assert ("image/png" in forms) == (figure.VEGA_LITE in forms)
        assert not any("widget" in mime for mime in forms)
    assert any("image/png" in forms for forms in shown) or name == "panels/report"


def test_decoding_follows_interventions_and_stands_beside_another_run(
    notebooks, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    shown = []
    monkeypatch.setattr(figure, "display", lambda forms, **_: shown.append(forms["text/plain"]))
    Session(RunConfig(**TINY | {"epochs": 2}, run_directory=str(tmp_path / "one"))).train()
    run_here(read_notebook(notebooks / "decoding.ipynb"), TINY | {
        "run_directory": str(tmp_path / "two"), "other_run": str(tmp_path / "one"), "seed": 2,
        "interventions": '[{"kind": "force", "token": "qu\'"}]',
    })  # fmt: skip
    tree, *_ = shown
    assert "Best: qu'" in tree
    [over] = [text for text in shown if "checkpoints" in text]
    assert "one" in over
    assert "two" in over


def test_the_notebook_of_the_device_compares_in_turn(notebooks, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    shown = []
    monkeypatch.setattr(figure, "display", lambda forms, **_: shown.append(forms))
    document = read_notebook(notebooks / "gpu_report.ipynb")
    assert all(cell.outputs == [] for cell in code_of(document))
    own = default_parameters(document).keys() - RunConfig.model_fields.keys()
    assert own == {"precisions", "batch_sizes", "repeats"}
    run = tmp_path / "run"
    run_here(document, {
        "units": 8, "embedding": 6, "train_limit": 90, "batch_sizes": [30, 45], "live": False,
        "precisions": ["float32", "float16"], "repeats": 1, "run_directory": str(run),
        "corpus": "dates", "encoder": "rnn", "decoder": "rnn",
    })  # fmt: skip
    record = RunDirectory(run).read()
    tried = [(one["precision"], one["batch_size"], one["seed"]) for one in record["trials"]]
    assert tried == [("float32", 30, 1), ("float32", 45, 1)]
    device, missing, each, _, table = (forms["text/plain"] for forms in shown)
    assert record["processor"] in device
    assert "there is no GPU" in missing
    assert "no GPU that counts it" in missing
    assert len(each.splitlines()) == 2 + 2
    assert "image/png" in shown[3]
    assert "float32 · 45" in table
    assert capsys.readouterr().err == ""


def test_tensorboard_s_notebook_reads_back_what_it_was_told(notebooks, tmp_path):
    from workbench.reports.run import run_report

    document = read_notebook(notebooks / "tensorboard.ipynb")
    assert all(cell.outputs == [] for cell in code_of(document))
    assert default_parameters(document).keys() <= RunConfig.model_fields.keys()
    outcome = run_report(
        notebooks / "tensorboard.ipynb",
        {"units": 8, "embedding": 6, "epochs": 2, "train_limit": 128},
        run_directory=tmp_path / "run",
    )
    assert (outcome.status, outcome.exit_code) == ("ok", 0), outcome.message
    executed = read_notebook(outcome.run.notebook)
    outputs = [output for cell in code_of(executed) for output in cell.outputs]
    assert not [output for output in outputs if output.get("name") == "stderr"]
    chart, table = (output.data for output in outputs if "data" in output)
    assert "image/png" in chart
    history = read_history(outcome.run.metrics)
    row = next(line for line in table["text/plain"].splitlines() if "training/loss" in line)
    first, last = (f"{one.loss:.4g}" for one in (history[0], history[-1]))
    assert row.split() == ["training/loss", str(len(history)), first, last]
    assert "tensorboard --logdir" in outputs[0].text


@pytest.fixture(scope="module")
def scan(notebooks, tmp_path_factory):
    """Two seeds of SCAN, trained for a moment."""
    from workbench.reports.run import run_report

    settings = {
        "split": "addprim_turn_left", "encoder": "gru", "attention": "none", "seeds": 2, "seed": 3,
        "units": 8, "embedding": 6, "epochs": 1, "train_limit": 100, "max_decode_length": 4,
        "validation_sentences": 5,
    }  # fmt: skip
    directory = tmp_path_factory.mktemp("fidelity") / "run"
    return run_report(notebooks / "fidelity" / "scan.ipynb", settings, run_directory=directory)


def test_scan_is_trained_once_a_seed_and_held_against_the_paper(scan):
    assert (scan.status, scan.exit_code) == ("ok", 0), scan.message
    record, runs = scan.run.read(), []
    for seed in (3, 4):
        run = RunDirectory(scan.run.path / f"seed-{seed}").read()
        assert (run["status"], run["seed"], run["training"]["steps"]) == ("ok", seed, 2)
        assert (run["config"]["encoder"], run["config"]["decoder"]) == ("gru", "gru")
        runs.append(100 * run["test"]["exact_match"])
    fidelity = record["fidelity"]
    assert list(fidelity["runs"].values()) == runs
    assert fidelity["bar"]["value"] == 90.0
    assert fidelity["mean"] == pytest.approx(sum(runs) / 2)
    assert fidelity["verdict"].startswith("missed by ")
    assert record["test"]["exact_match"] == pytest.approx(fidelity["mean"] / 100)
    assert record["config"]["decoder"] == "gru"
    assert record["data"]["pairs"]["train"] == 100


def test_scan_shows_ours_beside_the_papers(scan):
    document = read_notebook(scan.run.notebook)
    outputs = [output for cell in document.cells for output in cell.get("outputs", [])]
    assert not [output for output in outputs if output.get("name") == "stderr"]
    tables = [output.data["text/plain"] for output in outputs if "data" in output]
    (table,) = [text for text in tables if "Lake & Baroni 2018" in text]
    caption, _, *rows = table.splitlines()
    assert caption.startswith("scan-addprim_turn_left: GRU-8, attention none")
    assert [row.split("  ")[0] for row in rows] == [
        "ours", "ours", "ours, mean", "published", "published"
    ]  # fmt: skip
    assert "seed 3" in rows[0]
    assert "the bar" in rows[3]


def test_absent_data_are_named_on_one_line(notebooks, tmp_path):
    from workbench.reports.run import run_report

    outcome = run_report(
        notebooks / "fidelity" / "g2p.ipynb",
        {"language": "ice", "data_directory": str(tmp_path)},
        run_directory=tmp_path / "run",
    )
    assert outcome.exit_code == 2
    assert outcome.message.startswith(f"{tmp_path}: expected ice_train.tsv")
    assert "data_directory" in outcome.message
    assert not outcome.run.path.exists()

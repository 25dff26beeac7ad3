"""The project's own notebooks, run for real."""

import ast
import json

import nbformat
import pytest

from workbench.config import RunConfig, settings
from workbench.session import Session
from workbench.training.sinks import read_history, read_probes


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
    assert len(charts) == 6  # lengths, diagram, curves, score by length, attention, beam
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

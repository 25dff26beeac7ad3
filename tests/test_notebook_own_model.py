"""The example of a model of one's own, run for real, from a folder that is not its own."""

import importlib.util

import nbformat
import pytest

from workbench.config import settings
from workbench.reports.parameters import default_parameters
from workbench.reports.run import run_report
from workbench.session import Session


@pytest.fixture(scope="module")
def notebook(request):
    return request.config.rootpath / "notebooks" / "own_model.ipynb"


@pytest.fixture(scope="module")
def outcome(notebook, tmp_path_factory):
    toy = {"units": 8, "train_limit": 64, "epochs": 1, "beam_width": 2, "max_decode_length": 4}
    folder = tmp_path_factory.mktemp("elsewhere")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return run_report(notebook, toy, run_directory=folder / "run")


def test_it_runs_headless_wherever_it_is_started(outcome):
    assert (outcome.status, outcome.exit_code) == ("ok", 0), outcome.message
    record = outcome.run.read()
    assert record["model"] == "OwnModel"
    assert record["data"]["pairs"]["train"] == 64
    assert "exact_match" in record["test"]


def test_it_shows_what_the_experiment_shows(outcome):
    document = nbformat.read(outcome.run.notebook, as_version=4)
    outputs = [output for cell in document.cells for output in cell.get("outputs", [])]
    assert not [output for output in outputs if output.get("name") == "stderr"]
    charts = [o for o in outputs if "application/vnd.vegalite.v5+json" in o.get("data", {})]
    assert len(charts) == 4  # diagram, curves, attention, beam


def test_the_run_opens_with_the_model_beside_the_notebook(outcome, notebook):
    found = importlib.util.spec_from_file_location("own_model", notebook.with_suffix(".py"))
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    session = Session.open(outcome.run.path, model=lambda s, t: module.OwnModel(s, t, units=8))
    assert session.translate("3 March 2021").hypotheses


def test_the_example_is_short_and_the_model_shorter(notebook):
    document = nbformat.read(notebook, as_version=4)
    cells = [cell.source for cell in document.cells if cell.cell_type == "code"]
    model = notebook.with_suffix(".py").read_text(encoding="utf-8")
    for source in ("\n".join(cells), model):
        assert len([line for line in source.splitlines() if line.strip()]) < 40
    assert not any("def " in source or "class " in source for source in cells)


def test_its_parameters_are_settings(notebook):
    offered = default_parameters(nbformat.read(notebook, as_version=4))
    assert offered.keys() <= {setting.name for setting in settings()}

import ast

import nbformat
import pytest

from workbench.charts.tables import Table
from workbench.errors import RunError
from workbench.widgets import RunsPanel, figure, runs_panel, vega


@pytest.fixture(autouse=True)
def light(monkeypatch):
    monkeypatch.setattr(vega, "vega_script", lambda code: code)
    monkeypatch.setattr(runs_panel, "importances", lambda *_: {"units": 1.0})
    vega.runtime.cache_clear()
    yield
    vega.runtime.cache_clear()


@pytest.fixture
def folder(make_run, tmp_path):
    for place, name in enumerate(("a", "b", "c")):
        make_run(name, units=2 ** (place + 4), bleu=10.0 * place, samples=[["s", "r", name]])
    return tmp_path / "runs"


def test_the_best_runs_are_told_apart_and_what_is_chosen_is_drawn(folder, make_run):
    panel = RunsPanel(folder)
    assert panel.chosen == ("c", "b", "a")
    panel._choice.value = ("a",)
    parameters = panel._views["curves"]._specification["params"]
    assert {"name": "chosen", "value": ["a"]} in parameters
    assert ">a</th>" in panel._side.value
    assert ">b</th>" not in panel._side.value
    panel._figure.value = "training_loss"
    assert panel._views["curves"]._description.startswith("Training loss")
    make_run("d", units=8, bleu=99.0)
    panel._attempt(panel._read)
    assert list(panel.runs) == ["d", "c", "b", "a"]
    assert panel.chosen == ("a",)


def test_another_figure_ranks_the_runs_anew(folder):
    panel = RunsPanel(folder)
    panel._ranking.value = "wall_seconds"
    assert list(panel.runs) == ["a", "b", "c"]  # equal ones as they stand


def test_more_than_can_be_told_apart_is_refused(folder, make_run):
    for number in range(6):
        make_run(f"more-{number}", bleu=1.0)
    panel = RunsPanel(folder)
    panel._choice.value = tuple(panel.runs)[:8]
    assert "6 runs at most are told apart; 8 were chosen" in panel._reason.value
    assert len(panel.chosen) == 6


def test_a_folder_without_runs_is_refused(tmp_path):
    with pytest.raises(RunError, match="expected a run directory"):
        RunsPanel(tmp_path)


def test_the_notebook_is_still_in_a_report(request, folder, monkeypatch):
    path = request.config.rootpath / "notebooks" / "compare.ipynb"
    cells = [it for it in nbformat.read(path, as_version=4).cells if it.cell_type == "code"]
    assert "parameters" in cells[0].metadata.tags
    assert not any(cell.outputs for cell in cells)
    shown, names = [], {"runs": str(folder), "objective": "", "live": False}
    monkeypatch.setattr(figure, "display", lambda forms, **_: shown.append(forms))
    tree = ast.parse(cells[1].source)
    value = tree.body.pop()
    exec(compile(tree, "cell", "exec"), names)
    shown.append(eval(compile(ast.Expression(value.value), "cell", "eval"), names)
                 ._repr_mimebundle_())  # fmt: skip
    assert ["image/png" in forms for forms in shown] == [False, True, True, True, False]
    assert isinstance(RunsPanel(folder, live=False).still()[0], Table)
    assert not any("widget" in form for forms in shown for form in forms)

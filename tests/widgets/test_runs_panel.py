import ast
import time

import nbformat
import pytest

from workbench.charts.tables import Table
from workbench.errors import RunError
from workbench.overview import look
from workbench.widgets import RunsPanel, figure, runs_panel, vega


@pytest.fixture(autouse=True)
def light(monkeypatch):
    monkeypatch.setattr(vega, "vega_script", lambda code: code)
    monkeypatch.setattr(look, "importances", lambda *_: {"units": 1.0})
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
    assert panel.look.chosen == ("c", "b", "a")
    panel._choice.value = ("a",)
    assert panel._ticker.settle()
    parameters = panel._views["curves"]._specification["params"]
    assert {"name": "chosen", "value": ["a"]} in parameters
    assert ">a</th>" in panel._side.value
    assert ">b</th>" not in panel._side.value
    panel._figure.value = "training_loss"
    assert panel._ticker.settle()
    assert panel._views["curves"]._description.startswith("Training loss")
    make_run("d", units=8, bleu=99.0)
    panel._look_again()
    assert list(panel.look.runs) == ["d", "c", "b", "a"]
    assert panel.look.chosen == ("a",)


def shown(panel):
    return [row["name"] for row in panel._table.shown["rows"]]


def press(panel, column):
    panel._table._handle_custom_msg({"sort": column}, [])


def test_a_heading_sorts_and_a_second_press_turns_it_round(folder):
    panel = RunsPanel(folder)
    heads = {it["name"]: it["sorted"] for it in panel._table.shown["columns"]}
    assert heads["validation.bleu"] == "descending"
    assert set(heads.values()) == {"descending", "none"}
    press(panel, "units")
    assert shown(panel) == ["c", "b", "a"]
    press(panel, "units")
    assert shown(panel) == ["a", "b", "c"]
    press(panel, "run")
    assert shown(panel) == ["a", "b", "c"]
    press(panel, "run")
    assert shown(panel) == ["c", "b", "a"]


def test_a_filter_leaves_what_passes_in_the_table_and_in_the_curves(folder):
    panel = RunsPanel(folder)
    panel._query.value = "units>16 bleu<20"
    assert shown(panel) == ["b"]
    assert panel._table.shown["caption"] == "1 of 3 runs, 1 of them ended well"
    assert panel._ticker.settle()
    assert panel._views["curves"]._description.startswith("Training loss (nats a token) of 1 run")
    panel._query.value = ""
    assert shown(panel) == ["c", "b", "a"]


def test_the_best_are_marked_and_lead_to_their_reports(make_run, tmp_path):
    make_run("a", units=16, bleu=1.0, page=True)
    make_run("b", units=32, bleu=2.0)
    panel = RunsPanel(tmp_path / "runs")
    b, a = panel._table.shown["rows"]
    assert [cell.get("top", False) for cell in b["cells"]] == [False, True, False, False]
    assert not any(cell.get("top") for cell in a["cells"])
    runs = (tmp_path / "runs").resolve().as_posix()
    assert (a["path"], b["path"]) == (f"{runs}/a/report.html", f"{runs}/b/")
    best = panel._best.shown["rows"]
    assert [row["cells"][1]["text"] for row in best] == ["units=32", "units=16"]


def test_what_failed_says_why(make_run, tmp_path):
    make_run("a", bleu=1.0)
    error = {"cell": 3, "number": 2, "type": "ValueError", "message": "<none>",
             "traceback": "Traceback: here"}  # fmt: skip
    make_run("b", status="failed", error=error)
    panel = RunsPanel(tmp_path / "runs")
    (row,) = panel._unfinished.shown["rows"]
    assert [cell["text"] for cell in row["cells"]] == ["failed", "cell [2]: ValueError: <none>"]
    assert row["details"] == "Traceback: here"
    assert "wb-hidden" not in panel._cards["unfinished"]._dom_classes
    assert any(table.caption == "Not finished" for table in panel.still())


def test_it_looks_again_while_runs_are_under_way_and_not_when_none_is(
    folder, make_run, monkeypatch
):
    monkeypatch.setattr(runs_panel, "EVERY", 0.05)
    monkeypatch.setattr(runs_panel, "GRACE", 0.5)
    panel = RunsPanel(folder)
    assert panel._ticker._thread is None
    run = make_run("d", units=8)
    run.begin()
    panel._look_again()
    assert panel._going_on.value.startswith("1 under way")
    run.update(status="ok", validation={"bleu": 99.0})
    wait_for(lambda: shown(panel)[0] == "d")
    wait_for(lambda: panel._going_on.value == "")  # which is written a moment later
    wait_for(lambda: panel._ticker._thread is None)
    panel.close()


def test_closed_it_looks_no_more(folder, make_run, monkeypatch):
    monkeypatch.setattr(runs_panel, "EVERY", 0.05)
    make_run("d").begin()
    panel = RunsPanel(folder)
    assert panel._ticker._thread is not None
    panel.close()
    wait_for(lambda: panel._ticker._thread is None)


def wait_for(happens):
    end = time.monotonic() + 20
    while not happens():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_another_figure_ranks_the_runs_anew(folder):
    panel = RunsPanel(folder)
    panel._ranking.value = "wall_seconds"
    assert list(panel.look.runs) == ["a", "b", "c"]  # equal ones as they stand


def test_more_than_can_be_told_apart_is_refused(folder, make_run):
    for number in range(6):
        make_run(f"more-{number}", bleu=1.0)
    panel = RunsPanel(folder)
    panel._choice.value = tuple(panel.look.runs)[:8]
    assert "6 runs at most are told apart; 8 were chosen" in panel._reason.value
    assert len(panel.look.chosen) == 6
    panel._look_again()  # by itself, as it does
    assert panel._reason.value
    panel._choice.value = ("a",)
    assert panel._reason.value == ""
    for run in folder.iterdir():
        (run / "run.json").unlink()
    panel._look_again()
    assert "expected a run directory" in panel._reason.value
    assert panel.look.chosen == ("a",)


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
    assert ["image/png" in forms for forms in shown] == [False, False, True, True, True, False]
    assert isinstance(RunsPanel(folder, live=False).still()[0], Table)
    assert not any("widget" in form for forms in shown for form in forms)

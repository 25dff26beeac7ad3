import json
import sys

import pytest

from workbench.records import Evaluation
from workbench.session import Session
from workbench.widgets import headless as module
from workbench.widgets.headless import Headless, Job
from workbench.widgets.report_panel import JobView, ReportPanel, notebooks, passed_on
from workbench.widgets.ticker import Ticker

SCRIPT = """
import json, sys
print(json.dumps({"cells": 2, "cells_done": 2}))
print(json.dumps({"run": "r", "status": "ok", "page": "", "ran": True, "words": sys.argv[1:]}))
"""


def notebook(path, tag="parameters"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"cells": [{"metadata": {"tags": [tag]}}]}))


@pytest.fixture
def session(config, tmp_path, monkeypatch):
    folder = tmp_path / "work"
    for name in ("a.ipynb", "notebooks/experiment.ipynb", "../above.ipynb"):
        notebook(folder / name)
    notebook(folder / "plain.ipynb", "other")
    (folder / "broken.ipynb").write_bytes(b"\xff\xfe")
    monkeypatch.chdir(folder)
    monkeypatch.setattr(module, "COMMAND", (sys.executable, "-c", SCRIPT))
    return Session(config.replace(live=True, run_directory=folder / "mine", name="mine"))


@pytest.fixture
def panel(session):
    panel = ReportPanel(session)
    settled(panel)
    yield panel
    panel.close()


def settled(panel):
    assert Ticker.of(panel.session).settle()


def ended(panel):
    for thread in module.threading.enumerate():
        if thread.name == "workbench report":
            thread.join(20)
    settled(panel)
    return panel.headless.jobs[-1]


def put(panel, **fields):
    job = Job(1, "notebooks/book.ipynb", {"units": 8}, **fields)
    panel.headless.set_trait("jobs", (job,))
    settled(panel)
    return panel._jobs[1]


def test_notebooks_with_parameters_are_found_nearby(panel):
    assert notebooks() == ("../above.ipynb", "a.ipynb", "notebooks/experiment.ipynb")
    assert panel.choices.notebook == "notebooks/experiment.ipynb"


def test_what_is_not_the_default_is_passed_on_but_for_the_runs_own(session, config):
    settings = passed_on(session.draft)
    assert settings["units"] == 8
    assert settings.keys() == config.differences().keys() - {"live"}


def test_the_settings_passed_on_are_shown_as_they_change(panel, session):
    assert ">units<" in panel._settings.value
    session.configure(units=128)
    settled(panel)
    assert ">units<" not in panel._settings.value


def test_run_headless_passes_notebook_name_and_settings(panel, session, monkeypatch):
    given = {}
    monkeypatch.setattr(
        Headless, "start", lambda _, *words: given.update(zip("nsa", words, strict=True))
    )
    panel.choices.report_name = " first try "
    panel.choices.again = "run it again"
    panel._run.click()
    assert given["n"] == "notebooks/experiment.ipynb"
    assert given["s"] == passed_on(session.draft) | {"name": "first try"}
    assert given["a"] == "run it again"


def test_nothing_is_run_with_a_value_that_makes_no_sense(panel):
    panel.choices.faults = {"units": ("abc", "units: expected an integer from 1 to 4096")}
    panel._run.click()
    settled(panel)
    assert panel.choices.notice == ("error", "units: expected an integer from 1 to 4096")
    assert panel.headless.jobs == ()


def test_a_run_gets_a_row_the_latest_first(panel):
    for _ in range(2):
        panel._run.click()
        assert ended(panel).status == "ok"
    assert len(panel._rows.children) == 2
    assert "2. experiment" in panel._rows.children[0]._head.value
    assert not panel._run.disabled
    assert panel._stop.disabled


def test_a_run_under_way_shows_its_bars(panel):
    view = put(panel, status="running", cells=9, cells_done=2)
    assert "aria-label='cells' value='2' max='9'" in view._progress.value
    assert "training steps" not in view._progress.value
    view = put(
        panel, status="running", cells=9, cells_done=2, step=1200, total_steps=5000, loss=0.5
    )
    assert "1,200 of 5,000 training steps, loss 0.500" in view._progress.value
    assert panel._run.disabled
    assert not panel._stop.disabled


def test_a_run_that_ended_well_has_its_report_and_its_figures(panel, tmp_path):
    page = tmp_path / "report.html"
    view = put(panel, status="ok", run="runs/x", page=str(page),
               evaluations=(Evaluation("test", {"bleu": 30.0}),))  # fmt: skip
    assert view._page.path == str(page)
    assert view._page.label == "Open the report of runs/x"
    assert "BLEU" in view._figures.value
    assert "progress" not in view._progress.value


def test_a_run_that_failed_says_why(panel):
    view = put(panel, status="failed", message="x: expected <b>, got y")
    assert "expected &lt;b&gt;, got y" in view._fault.value
    assert view._fault.role == "alert"
    assert view._page.path == ""


def test_no_notebook_is_a_message(panel):
    panel.choices.notebook = " "
    panel._run.click()
    settled(panel)
    assert "no notebook is named" in panel._status.text


def test_a_second_run_meanwhile_is_a_message(panel):
    put(panel, status="running")
    panel.attempt(panel._start)
    settled(panel)
    assert "is being run" in panel._status.text


def test_two_copies_show_the_same(panel, session):
    other = ReportPanel(session)
    panel.choices.report_name = "mine"
    view = put(panel, status="running", cells=3, cells_done=1)
    assert other._jobs[1]._progress.value == view._progress.value
    other.close()


def test_headless_it_shows_the_settings(config):
    panel = ReportPanel(Session(config.replace(live=False)))
    (table,) = panel.still()
    assert ("units", "8") in table.rows
    assert ReportPanel(Session(live=False)).still()[0].caption == "All settings are the defaults"


def test_a_view_of_a_run_is_painted_once():
    view, job = JobView(), Job(1, "a.ipynb", {})
    view.paint(job)
    view._progress.value = "mine"
    view.paint(job)
    assert view._progress.value == "mine"

"""Headless runs started from a real JupyterLab."""

import shutil
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
PANEL = """from workbench import RunConfig, Session
from workbench.widgets import ReportPanel
session = Session(RunConfig(units=32, train_limit=200))
ReportPanel(session)"""
RUN = 90  # seconds that a run of a tiny notebook may take on a busy machine


@pytest.fixture
def book(notebook, lab):
    for name in ("works", "sleeps"):
        shutil.copy(NOTEBOOKS / f"{name}.ipynb", lab.root)
    book = notebook(PANEL)
    book.run()
    book.page.get_by_role("button", name="Run headless").wait_for()
    return book


def start(book, notebook, name=""):
    book.page.get_by_role("combobox", name="Notebook").fill(notebook)
    book.page.get_by_label("Name").fill(name)
    book.page.get_by_role("button", name="Run headless").click()


def pictures(book, name):
    for width, height in ((1280, 1000), (900, 1200)):
        book.page.set_viewport_size({"width": width, "height": height})
        book.page.wait_for_timeout(500)
        book.shot(f"{name}-{width}")


def test_a_run_ends_with_a_link_to_its_report(book, watch):
    page = book.page
    start(book, "works.ipynb", "mine")
    page.get_by_role("progressbar", name="cells").wait_for(timeout=1000 * RUN)
    assert page.get_by_role("button", name="Run headless").is_disabled()
    link = page.get_by_role("link", name="Open the report of runs/mine-")
    link.wait_for(timeout=1000 * RUN)
    with page.context.expect_page() as opened:
        link.click()
    report = opened.value
    report.wait_for_load_state()
    assert report.title().startswith("mine-")
    assert '["hello", 32' in report.text_content("body")
    report.close()
    assert (watch.console, watch.uncaught) == ([], [])

    start(book, "none.ipynb")
    page.get_by_text("2. none").wait_for()
    page.get_by_text("none.ipynb: expected a notebook").wait_for(timeout=1000 * RUN)
    book.reload()  # of the page: the rows are the kernel's
    book.page.get_by_role("link", name="Open the report of runs/mine-").wait_for()
    book.page.get_by_text("2. none").wait_for()
    pictures(book, "report")
    book.theme("dark")
    pictures(book, "report-dark")


def test_a_run_can_be_stopped(book, lab, watch):
    page = book.page
    start(book, "sleeps.ipynb")
    page.get_by_role("progressbar", name="cells").wait_for(timeout=1000 * RUN)
    for _ in range(10 * RUN):
        if (lab.root / "hello").exists():  # the kernel of the run sleeps
            break
        page.wait_for_timeout(100)
    page.get_by_role("button", name="Stop").click()
    page.get_by_text("· stopped").wait_for(timeout=1000 * RUN)
    assert page.get_by_text("was stopped in cell").is_visible()
    assert page.get_by_role("button", name="Run headless").is_enabled()
    assert (watch.console, watch.uncaught) == ([], [])

"""The live comparison of many runs in a real JupyterLab."""

import pytest

pytestmark = pytest.mark.browser

PANEL = """from workbench.widgets import RunsPanel
RunsPanel({folder!r})"""


def test_runs_are_compared_chosen_and_read_anew(notebook, make_run, tmp_path, watch):
    for place, name in enumerate(("a", "b", "c")):
        make_run(name, units=2 ** (place + 4), bleu=10.0 * place, samples=[["s", "r", name]])
    book = notebook(PANEL.format(folder=str(tmp_path / "runs")))
    book.run()
    page = book.page
    curves = "[aria-label^='Training loss (nats a token) of {} runs']"
    page.locator(f".wb-vega{curves.format(3)} svg").wait_for(timeout=60_000)
    page.locator(".wb-vega[aria-label^='Parallel coordinates of 3 runs'] svg").wait_for()
    page.get_by_text("which parameter mattered shows from 4 finished runs").wait_for()
    page.get_by_label("Chosen").select_option(["a"])
    page.locator(".wb-vega[aria-label$='At the end: a 2.']").wait_for()
    make_run("d", units=512, bleu=99.0)
    page.get_by_role("button", name="Look again").click()
    page.locator(f".wb-vega{curves.format(4)}").wait_for(timeout=60_000)
    page.get_by_role("cell", name="99.0").wait_for()
    page.locator(".wb-vega[aria-label$='variance explained: units 100%.'] svg").wait_for()
    page.set_viewport_size({"width": 1280, "height": 2200})
    page.wait_for_timeout(500)
    book.shot("runs")
    assert (watch.console, watch.uncaught) == ([], [])

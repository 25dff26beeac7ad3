"""The live comparison of many runs in a real JupyterLab."""

import shutil

import pytest

from workbench.runs import RunDirectory

pytestmark = pytest.mark.browser

PANEL = """from workbench.widgets import RunsPanel
RunsPanel({folder!r})"""


def test_runs_are_compared_chosen_and_read_anew(notebook, lab, make_run, tmp_path, watch):
    for place, name in enumerate(("a", "b", "c")):
        make_run(name, units=2 ** (place + 4), bleu=10.0 * place, samples=[["s", "r", name]],
                 page=True)  # fmt: skip
    error = {"number": 4, "type": "ValueError", "message": "no such corpus", "traceback": "tail"}
    make_run("e", status="failed", error=error, units=128, losses=[])
    folder = lab.root / "compared"  # from where the server hands out reports
    (tmp_path / "runs").rename(folder)
    book = notebook(PANEL.format(folder=str(folder)))
    book.run()
    page = book.page
    curves = "[aria-label^='Training loss (nats a token) of {} runs']"
    page.locator(f".wb-vega{curves.format(3)} svg").wait_for(timeout=60_000)
    page.locator(".wb-vega[aria-label^='Parallel coordinates of 4 runs'] svg").wait_for()
    page.get_by_text("which parameter mattered shows from 4 finished runs").wait_for()
    page.get_by_label("Chosen").select_option(["a"])
    page.locator(".wb-vega[aria-label$='At the end: a 2.']").wait_for()

    table = page.get_by_role("region", name="4 runs, 3 of them ended well")
    heading = table.get_by_role("button", name="units")
    heading.click()
    page.locator(".wb-runs th[aria-sort=descending] button", has_text="units").wait_for()
    assert table.locator("tbody th").all_inner_texts() == ["e", "c", "b", "a"]
    heading.click()
    page.locator(".wb-runs th[aria-sort=ascending] button", has_text="units").wait_for()
    assert table.locator("tbody th").all_inner_texts() == ["a", "b", "c", "e"]
    page.get_by_role("textbox", name="Filter").fill("units>=32 status=ok")
    page.get_by_text("2 of 4 runs, 2 of them ended well").wait_for()
    page.locator(f".wb-vega{curves.format(2)}").wait_for()
    page.get_by_role("textbox", name="Filter").fill("")
    with page.context.expect_page() as opened:
        table.get_by_role("link", name="c", exact=True).click()
    opened.value.get_by_role("heading", name="report").wait_for()
    opened.value.close()
    failed = page.get_by_role("region", name="Not finished")
    assert failed.get_by_role("cell", name="cell [4]: ValueError: no such corpus").is_visible()

    make_run("d", units=512, bleu=99.0)
    begun = RunDirectory((tmp_path / "runs" / "d").rename(folder / "d"))
    begun.begin()
    page.get_by_role("button", name="Look again").click()
    page.get_by_text("1 under way; looked at every 3 s").wait_for()
    begun.update(status="ok")  # and nobody presses
    page.locator(".wb-vega[aria-label$='variance explained: units 100%.'] svg").wait_for(
        timeout=60_000
    )
    page.get_by_role("region", name="Best runs").get_by_role("cell", name="99.0").wait_for()
    page.set_viewport_size({"width": 1280, "height": 2600})
    page.wait_for_timeout(500)
    book.shot("runs")
    page.set_viewport_size({"width": 800, "height": 2600})
    book.theme("dark")
    page.wait_for_timeout(500)
    book.shot("runs-800-dark")
    assert (watch.console, watch.uncaught) == ([], [])
    shutil.rmtree(folder)

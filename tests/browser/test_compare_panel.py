"""Two runs side by side in a real JupyterLab."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

RUNS = """from workbench import RunConfig, Session
from workbench.widgets import ComparePanel
config = RunConfig(units=16, embedding=16, train_limit=300, max_steps=3, max_decode_length=8,
                   validation_sentences=10, live=False)
for name in ("first", "second"):
    Session(config, run_directory=f"runs/{name}", units=16 if name == "first" else 24).train()
"""
PANEL = """session = Session.open("runs/first", live=True)
ComparePanel(session)"""


@pytest.fixture
def book(notebook):
    book = notebook(RUNS, PANEL)
    book.run()
    book.page.get_by_role("button", name="Look again").wait_for()
    return book


def pictures(book, name):
    for width, height in ((1280, 1900), (900, 2400)):
        book.page.set_viewport_size({"width": width, "height": height})
        book.page.wait_for_timeout(500)
        book.shot(f"{name}-{width}")


def test_another_run_is_laid_beside_this_session(book, watch):
    page = book.page
    runs = page.get_by_label("Runs", exact=True)
    runs.locator("option", has_text="second").wait_for(state="attached")
    runs.select_option("second")
    curves = page.locator(".wb-vega[aria-label*='second ']")
    curves.locator("svg").wait_for()
    page.get_by_role("cell", name="units").wait_for()
    page.get_by_label("Curve").select_option("Validation in training: BLEU")
    page.locator(".wb-vega[aria-label^='Validation in training: BLEU of 2 runs']").wait_for()

    page.get_by_role("textbox", name="Sentence").first.fill("marie sleeps .")
    page.get_by_role("button", name="Translate").click()
    maps = page.locator(".wb-heat canvas[aria-label]")
    maps.nth(1).wait_for(timeout=60_000)
    assert page.get_by_label("Right").input_value()
    pictures(book, "compare")
    book.theme("dark")
    pictures(book, "compare-dark")
    assert (watch.console, watch.uncaught) == ([], [])


def test_what_is_no_run_is_a_message_and_is_not_added(book, watch):
    page = book.page
    page.get_by_label("Directory").fill("runs/none")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_text("runs/none: expected").wait_for()
    assert page.get_by_label("Directory").input_value() == "runs/none"  # to be corrected
    expect(page.get_by_role("option", name="none")).to_have_count(0)
    page.get_by_role("textbox", name="Sentence").first.fill("marie sleeps .")
    page.get_by_role("button", name="Translate").click()
    page.locator(".wb-heat canvas[aria-label]").first.wait_for(timeout=60_000)
    assert (watch.console, watch.uncaught) == ([], [])

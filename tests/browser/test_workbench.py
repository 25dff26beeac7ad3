"""The whole workbench in a real JupyterLab, as somebody meets it who has never seen it."""

from itertools import count
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "workbench.ipynb"
SMALL = """
units, embedding, epochs = 16, 16, 4
train_limit, validation_sentences, max_decode_length = 1500, 20, 10
evaluate_every = 0
seed = {seed}
"""
SEEDS = count()  # another for each test, or the second would find the run of the first done


@pytest.fixture
def book(notebook):
    """The project's own notebook with a smaller model, all cells run."""
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    parameters, *rest = (cell.source for cell in cells if cell.cell_type == "code")
    book = notebook(parameters + SMALL.format(seed=next(SEEDS)), *rest)
    book.run()
    tab(book, "Data").wait_for()
    return book


def tab(book, name):
    return book.page.get_by_role("tab", name=name, exact=True)


def train(book):
    tab(book, "Train").click()
    book.page.get_by_role("button", name="Start", exact=True).click()


def attention(book):
    return book.page.locator(".wb-heat canvas[aria-label]")


def test_a_stranger_trains_a_model_and_watches_the_alignment_appear(book, watch):
    train(book)
    book.page.get_by_role("status").get_by_text("Training").wait_for(timeout=60_000)
    attention(book).first.wait_for(timeout=120_000)
    assert book.python("session.state") in ("training", "trained")
    book.page.get_by_role("status").get_by_text("The model is trained.").wait_for(timeout=120_000)
    assert book.python("len([p for p in session.history if p.probes])") == 4
    book.keeps_pictures(2)
    # what the notebook keeps is not seen beside the living panel, which shows the same
    expect(book.page.locator(".wb-kept").first).to_be_attached()
    area = book.page.locator(".jp-OutputArea-child", has=book.page.locator(".wb-panel"))
    expect(area.locator("~ .jp-OutputArea-child").locator("visible=true")).to_have_count(0)
    assert (watch.console, watch.uncaught) == ([], [])


def test_every_tab_opens_by_mouse_and_by_keyboard(book, watch):
    for name in ("Model", "Train", "Attention", "Decode", "Compare", "Report", "Data"):
        tab(book, name).click()
        panel = book.page.locator(".wb-panel .wb-panel:visible")
        panel.wait_for()
        assert panel.count() == 1
        for width in (1280, 900):
            book.page.set_viewport_size({"width": width, "height": 1100})
            book.page.wait_for_timeout(300)
            book.shot(f"workbench-{name.lower()}-{width}")
            assert panel.evaluate("it => it.scrollWidth <= it.clientWidth + 1"), (name, width)
    tab(book, "Data").focus()
    book.page.keyboard.press("ArrowRight")
    book.page.keyboard.press("Enter")
    book.until("document.querySelector('[role=tab][aria-selected=true] ~ *') !== null")
    book.page.wait_for_timeout(300)
    assert book.python("session.state") == "empty"
    assert (watch.console, watch.uncaught) == ([], [])


def test_a_notebook_that_was_hidden_while_it_trained_shows_all_of_it(book, watch):
    train(book)
    attention(book).first.wait_for(timeout=120_000)
    shell = "jupyterapp.shell"
    book.page.evaluate(f"globalThis.mine = {shell}.currentWidget.id")
    book.command("launcher:create")
    book.until(f"{shell}.currentWidget.id !== mine")
    book.page.wait_for_timeout(3000)
    book.page.evaluate(f"{shell}.activateById(mine)")
    book.page.get_by_role("status").get_by_text("The model is trained.").wait_for(timeout=120_000)
    steps = book.python("session.progress.step")
    book.page.locator(f".wb-vega[aria-label*='over {steps:,} steps']").first.wait_for()
    assert (watch.console, watch.uncaught) == ([], [])


def test_after_a_restart_of_the_kernel_it_runs_again(book, watch):
    train(book)
    book.page.get_by_role("status").get_by_text("Training").wait_for(timeout=60_000)
    book.restart()
    watch.console.clear()  # widgets of a kernel that is gone
    book.run()
    tab(book, "Train").click()
    book.page.get_by_role("button", name="Start", exact=True).wait_for()
    assert book.python("session.state") == "empty"
    assert watch.uncaught == []

"""The project's own notebook of the workbench, open in JupyterLab."""

from itertools import count
from pathlib import Path

import nbformat

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "workbench.ipynb"
SMALL = """
units, embedding, epochs = 16, 16, 4
train_limit, validation_sentences, max_decode_length = 1500, 20, 10
evaluate_every = 0
"""
SEEDS = count()  # another for each test, or the second would find the run of the first done


def open_workbench(notebook, changes=SMALL):
    """Open it with other settings, those of a small model by default, and run all its cells."""
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    parameters, *rest = (cell.source for cell in cells if cell.cell_type == "code")
    book = notebook(f"{parameters}\n{changes}\nseed = {next(SEEDS)}", *rest)
    book.run()
    tab(book, "Data").wait_for()
    return book


def tab(book, name):
    return book.page.get_by_role("tab", name=name, exact=True)


def press(book, name):
    button = book.page.get_by_role("button", name=name, exact=True)
    button.scroll_into_view_if_needed()
    button.click()


def train(book):
    tab(book, "Train").click()
    press(book, "Start")


def attention(book):
    return book.page.locator(".wb-heat canvas[aria-label]")


def says(book, text, seconds=120):
    """Wait until the line at the foot says it."""
    book.page.get_by_role("status").get_by_text(text).wait_for(timeout=1000 * seconds)


def goes_on(book, seconds=60):
    """Wait until training is some steps further than now."""
    before = book.python("session.progress.step")
    for _ in range(10 * seconds):
        if book.python("session.progress.step") >= before + 5:
            break
        book.page.wait_for_timeout(100)
    assert book.python("session.progress.step") >= before + 5
    assert book.python("session.state") == "training"

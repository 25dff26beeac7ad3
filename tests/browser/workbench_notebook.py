"""The project's own notebook of the workbench, with a smaller model, open in JupyterLab."""

from itertools import count
from pathlib import Path

import nbformat

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "workbench.ipynb"
SMALL = """
units, embedding, epochs = 16, 16, 4
train_limit, validation_sentences, max_decode_length = 1500, 20, 10
evaluate_every = 0
seed = {seed}
"""
SEEDS = count()  # another for each test, or the second would find the run of the first done


def open_workbench(notebook, more=""):
    """Open it with these parameters beside the small ones, and run all its cells."""
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    parameters, *rest = (cell.source for cell in cells if cell.cell_type == "code")
    book = notebook(parameters + SMALL.format(seed=next(SEEDS)) + more, *rest)
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

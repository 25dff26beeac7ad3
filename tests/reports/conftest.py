"""Tiny notebooks, one for each way a run can go."""

from pathlib import Path

import pytest

from workbench.reports.parameters import read_notebook

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"


@pytest.fixture(scope="session")
def path_of():
    """Return where a tiny notebook lies."""
    return lambda name: NOTEBOOKS / f"{name}.ipynb"


@pytest.fixture(scope="session")
def load(path_of):
    """Read a tiny notebook."""
    return lambda name: read_notebook(path_of(name))

import subprocess
import sys

import pytest

from workbench.imports import IRI_GRAMMAR

LOOK = f"import sys; print({IRI_GRAMMAR!r} in sys.modules, 'jsonschema' in sys.modules)"


def printed(code):
    return subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout.split()


def test_charts_come_without_the_grammar_of_addresses():
    assert printed(f"import workbench.charts; {LOOK}") == ["False", "True"]


def test_the_grammar_can_still_be_imported():
    pytest.importorskip(IRI_GRAMMAR)
    assert printed(f"import workbench, {IRI_GRAMMAR}; {LOOK}") == ["True", "True"]


def test_a_jsonschema_that_is_there_already_stays():
    code = "import jsonschema; import workbench; print(workbench.import_jsonschema() is jsonschema)"
    assert printed(code) == ["True"]

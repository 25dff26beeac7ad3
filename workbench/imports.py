"""What is imported in another way than Python would, since its own way takes seconds."""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

IRI_GRAMMAR = "rfc3987_syntax"  # loaded by jsonschema where it is installed, as JupyterLab has it


def import_jsonschema() -> ModuleType:
    """Import jsonschema, on which Altair and nbformat stand, without the check of IRIs.

    The package for that check compiles its grammar whenever it is imported, which takes longer
    than all of Altair. Nothing here checks the form of a web address; whoever does can still
    import the package itself.
    """
    modules: dict[str, Any] = sys.modules
    if "jsonschema" not in modules and IRI_GRAMMAR not in modules:
        modules[IRI_GRAMMAR] = None  # an import of it fails, which jsonschema expects
        try:
            return import_module("jsonschema")
        finally:
            del modules[IRI_GRAMMAR]
    return import_module("jsonschema")

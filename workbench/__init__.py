"""Seq2Seq Workbench: build, train, look inside and take apart an encoder-decoder model."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from workbench.config import RunConfig
from workbench.errors import WorkbenchError
from workbench.imports import import_jsonschema

if TYPE_CHECKING:
    from workbench.session import Session
    from workbench.widgets.workbench import Workbench

__version__ = "0.2.0"
__all__ = ["RunConfig", "Session", "Workbench", "WorkbenchError", "__version__"]

import_jsonschema()

_LAZY = {  # what would load TensorFlow, traitlets or widgets
    "Session": "workbench.session",
    "Workbench": "workbench.widgets.workbench",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'workbench' has no attribute {name!r}")

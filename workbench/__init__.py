"""Seq2Seq Workbench: build, train, look inside and take apart an encoder-decoder model."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from workbench.config import RunConfig
from workbench.errors import WorkbenchError

if TYPE_CHECKING:
    from workbench.session import Session

__version__ = "0.2.0"
__all__ = ["RunConfig", "Session", "WorkbenchError", "__version__"]

_LAZY = {"Session": "workbench.session"}  # what would load TensorFlow or traitlets


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'workbench' has no attribute {name!r}")

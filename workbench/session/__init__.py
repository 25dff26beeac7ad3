"""The one observed object that notebooks, panels and the command line work with."""

from typing import TYPE_CHECKING, Any

from workbench.session.refusals import COMMANDS

if TYPE_CHECKING:
    from workbench.session.session import Session

__all__ = ["COMMANDS", "Session"]


def __getattr__(name: str) -> Any:
    if name == "Session":  # loads TensorFlow, which much beside it does without
        from workbench.session.session import Session

        return Session
    raise AttributeError(f"module 'workbench.session' has no attribute {name!r}")

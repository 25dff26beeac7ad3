"""The one observed object that notebooks, panels and the command line work with."""

from workbench.session.session import COMMANDS, Session

__all__ = ["COMMANDS", "Session"]

"""A button that saves a file where the person is, not where the kernel is."""

import logging
from collections.abc import Callable
from typing import Any

import anywidget
import traitlets

from workbench.errors import WorkbenchError, on_one_line
from workbench.widgets.paths import STATIC

Make = Callable[[], tuple[str, bytes]]

_log = logging.getLogger(__name__)


class Download(anywidget.AnyWidget):
    """A button; what it saves is made when it is pressed.

    Traits:
        label: what stands on it; tooltip: what it says when pointed at.
        disabled: whether it can be pressed.
    """

    _esm = STATIC / "download.js"
    label = traitlets.Unicode().tag(sync=True)
    tooltip = traitlets.Unicode("").tag(sync=True)
    disabled = traitlets.Bool(False).tag(sync=True)

    def __init__(self, label: str, make: Make, tooltip: str = "") -> None:
        """Show `label`; `make` returns the file's name and content, or raises a WorkbenchError."""
        self._make = make
        super().__init__(label=label, tooltip=tooltip)
        self.on_msg(self._answer)

    def _answer(self, _: Any, content: Any, __: Any) -> None:
        """Send the file to the view that asked for it."""
        asker = content.get("asker")
        try:
            name, data = self._make()
        except Exception as error:
            if not isinstance(error, WorkbenchError):
                _log.exception("a file could not be made")
            self.send({"asker": asker, "error": on_one_line(error)})
        else:
            self.send({"asker": asker, "name": name}, [data])

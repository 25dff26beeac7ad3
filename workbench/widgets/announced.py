"""Words that screen readers read out when they change, wherever in a panel they stand."""

import anywidget
import traitlets

from workbench.widgets.paths import STATIC


class Announced(anywidget.AnyWidget):
    """A region for an answer, or for what went wrong; it stays on the page while it is empty.

    Traits:
        value: HTML of our own making: every text of a person's in it must be escaped.
        role: `status` is read out in its turn, `alert` at once.
        look: a class of the style sheet, such as `wb-error`.
    """

    _esm = STATIC / "announced.js"
    value = traitlets.Unicode().tag(sync=True)
    role = traitlets.Enum(("status", "alert"), "status").tag(sync=True)
    look = traitlets.Unicode().tag(sync=True)


def answer(look: str = "") -> Announced:
    """Return a region for what is answered, read out in its turn."""
    return Announced(look=look)


def fault(value: str = "") -> Announced:
    """Return a region for what went wrong, read out at once."""
    return Announced(value=value, role="alert", look="wb-error")

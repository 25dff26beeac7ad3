"""Text to copy: folded away until it is asked for, with a button that puts it on the clipboard."""

import anywidget
import traitlets

from workbench.widgets.paths import STATIC


class Copy(anywidget.AnyWidget):
    """A heading that unfolds a text, and a button that copies it.

    Traits:
        title: what the text is; text: what is copied.
    """

    _esm = STATIC / "copying.js"
    title = traitlets.Unicode().tag(sync=True)
    text = traitlets.Unicode().tag(sync=True)

    def __init__(self, title: str, text: str = "") -> None:
        """Show `title`; `text` may be set at any time."""
        super().__init__(title=title, text=text)

"""A link to a file beside the kernel, opened in a new tab of the browser."""

from pathlib import Path

import anywidget
import traitlets

from workbench.widgets.paths import joined


class Link(anywidget.AnyWidget):
    """A link to a file that Jupyter's server can hand out; elsewhere only its path.

    Traits:
        label: what to click on.
        path: the file, absolute; nothing for no link.
        home: the home directory, which the server abbreviates to `~`.
    """

    _esm = joined("address.js", "link.js")
    label = traitlets.Unicode("").tag(sync=True)
    path = traitlets.Unicode("").tag(sync=True)
    home = traitlets.Unicode("").tag(sync=True)

    def __init__(self, label: str = "", path: str | Path = "") -> None:
        """Link to `path`, or nothing yet."""
        super().__init__(label=label, home=Path.home().as_posix())
        self.point(path)

    def point(self, path: str | Path) -> None:
        """Link to another file."""
        self.path = Path(path).resolve().as_posix() if path else ""

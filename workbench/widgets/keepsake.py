"""What stays in a saved notebook: still figures, as outputs of their own below a live panel.

A viewer without a kernel prefers the panel's widget, and shows nothing; figures beside it in the
same output would be no help. So they follow it, in the cell that shows the panel. Where the
panel itself is alive they would say the same twice: a mark before each lets the style sheet
of the panels hide it there.

JupyterLab heeds outputs on the page that ran the cell. A page that was loaded again, or opened
later, drops them: there a widget puts them into the notebook.
"""

import base64
import threading
from collections.abc import Callable, Sequence
from typing import Any
from uuid import uuid4

import anywidget
import traitlets
from IPython.core.getipython import get_ipython

from workbench.charts.frame import Figure
from workbench.charts.tables import Table
from workbench.widgets.figure import Bundle, bundle
from workbench.widgets.paths import STATIC

Things = Sequence[Figure | Table]
HINT = (
    "What the panel showed last. Where it is not alive above: load the page again while its kernel "
    "runs, or else run the cell."
)
NOTHING: Bundle = {"text/plain": ""}
PAUSE = 1.0  # seconds without news before anything is drawn: drawing slows what a person is at


class Later(anywidget.AnyWidget):
    """Tells pages that were loaded after the cell was run what to keep below the panel.

    Traits:
        panel: the id of the panel's model, by which the marks of its figures are known.
    """

    _esm = STATIC / "keepsake.js"
    panel = traitlets.Unicode().tag(sync=True)

    def __init__(self, panel: str) -> None:
        """Wait for pages."""
        self._pages, self._figures = 0, list[Bundle]()
        super().__init__(panel=panel)
        self.on_msg(self._mounted)

    def show(self, figures: list[Bundle]) -> None:
        """Have `figures` kept; the first page, which ran the cell, has them already."""
        self._figures = figures
        if self._pages > 1 and figures:
            marks = [mark(self.panel, number) for number in range(len(figures))]
            self.send({"marks": marks, "figures": figures})

    def _mounted(self, *_: Any) -> None:
        self._pages += 1
        self.show(self._figures)


class Keepsake:
    """Still figures below the cell that is being executed now; later ones take their place."""

    _lock = threading.Lock()  # of all: nothing comes between a mark and its figure

    def __init__(self, panel: str = "") -> None:
        """Remember the cell, which shows the model `panel` of a widget."""
        publisher: Any = getattr(get_ipython(), "display_pub", None)
        self._publisher = publisher if hasattr(publisher, "pub_socket") else None
        self._cell = getattr(publisher, "parent_header", None)
        self._later = Later(panel) if self._publisher else None
        self._ids: list[str] = []
        self._next: Callable[[], Things] | None = None
        self._soon: threading.Timer | None = None
        self._panel = panel

    def show(self, make: Callable[[], Things]) -> None:
        """Show what `make` returns, soon, unless something else comes before that."""
        if not self._publisher:
            return
        if self._soon:
            self._soon.cancel()
        self._next = make  # of several that come while one is drawn, the last is enough
        self._soon = threading.Timer(PAUSE, self._show)
        self._soon.name, self._soon.daemon = "workbench keepsake", True
        self._soon.start()

    def close(self) -> None:
        """Tell no page any more."""
        if self._later:
            self._later.close()

    def _show(self) -> None:
        with self._lock:
            make, self._next = self._next, None
            if make is None:
                return
            figures = [_plain(bundle(thing)) for thing in make()]
            figures += [NOTHING] * (len(self._ids) - len(figures))
            for number, forms in enumerate(figures):
                self._put(number, forms)
            if self._later:
                self._later.show(figures)

    def _put(self, number: int, forms: Bundle) -> None:
        new = number == len(self._ids)
        if new:
            self._ids.append(uuid4().hex)
            self._send("display_data", mark(self._panel, number), {})
        kind = "display_data" if new else "update_display_data"
        self._send(kind, forms, {"display_id": self._ids[number]})

    def _send(self, kind: str, forms: Bundle, transient: dict[str, str]) -> None:
        content = {"data": forms, "metadata": {}, "transient": transient}
        assert self._publisher
        # IPython's own `display` would write below the cell that was executed last
        message = self._publisher.session.msg(kind, content, parent=self._cell)
        self._publisher.session.send(
            self._publisher.pub_socket, message, ident=self._publisher.topic
        )


def mark(panel: str, number: int) -> Bundle:
    """Return what stands before a figure of a panel: by it both are found again, and hidden."""
    words = "" if number else HINT
    html = f'<span class="wb-kept" data-panel="{panel}">{words}</span>'
    return {"text/html": html, "text/plain": words}


def _plain(forms: Bundle) -> Bundle:
    return {
        kind: base64.b64encode(form).decode() if isinstance(form, bytes) else form
        for kind, form in forms.items()
    }

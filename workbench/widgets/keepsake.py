"""What stays in a saved notebook: still figures, as outputs of their own below a live panel.

A viewer without a kernel prefers the panel's widget, and shows nothing; figures beside it in the
same output would be no help. So they follow it, in the cell that shows the panel. Where the
panel itself is alive they would say the same twice: a mark before each lets the style sheet
of the panels hide it there.
"""

import base64
import threading
from collections.abc import Callable, Sequence
from typing import Any
from uuid import uuid4

from IPython.core.getipython import get_ipython

from workbench.charts.frame import Figure
from workbench.charts.tables import Table
from workbench.widgets.figure import Bundle, bundle

Things = Sequence[Figure | Table]
MARK: Bundle = {"text/html": '<span class="wb-kept"></span>', "text/plain": ""}


class Keepsake:
    """Still figures below the cell that is being executed now; later ones take their place."""

    def __init__(self) -> None:
        """Remember the cell."""
        publisher: Any = getattr(get_ipython(), "display_pub", None)
        self._publisher = publisher if hasattr(publisher, "pub_socket") else None
        self._cell = getattr(publisher, "parent_header", None)
        self._ids: list[str] = []
        self._lock = threading.Lock()

    def show(self, make: Callable[[], Things]) -> None:
        """Show what `make` returns, soon: drawing takes a while, and this does not wait for it."""
        if self._publisher:
            threading.Thread(
                target=self._show, args=[make], name="workbench keepsake", daemon=True
            ).start()

    def _show(self, make: Callable[[], Things]) -> None:
        with self._lock:
            things = make()
            for number, thing in enumerate(things):
                self._put(number, _plain(bundle(thing)))
            for number in range(len(things), len(self._ids)):
                self._put(number, {"text/plain": ""})

    def _put(self, number: int, forms: Bundle) -> None:
        new = number == len(self._ids)
        if new:
            self._ids.append(uuid4().hex)
            self._send("display_data", MARK, {})
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


def _plain(forms: Bundle) -> Bundle:
    return {
        kind: base64.b64encode(form).decode() if isinstance(form, bytes) else form
        for kind, form in forms.items()
    }

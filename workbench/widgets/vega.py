"""Charts that stay on the page and change: one persistent Vega view, fed with rows.

A chart is drawn once. What changes later are its rows, a few at a time, in numbered messages; a
page that missed one (it was reloaded, or slept) says which number it is at and gets the whole.
Everything may be called from any thread.
"""

import json
import threading
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import anywidget
import numpy as np
import traitlets
from ipywidgets import widget_serialization
from numpy.typing import NDArray

from workbench.charts import theme
from workbench.charts.export import vega_script
from workbench.charts.frame import Figure
from workbench.widgets.paths import STATIC
from workbench.widgets.rows import Cells, Rows, Sets, plain, split

_RUNTIME = """
globalThis.workbenchVega ??= Promise.withResolvers();
globalThis.workbenchVega.resolve({{ embed: vegaEmbed, light: {light}, dark: {dark} }});
export default {{}};
"""


class VegaRuntime(anywidget.AnyWidget):
    """Vega, Vega-Lite and vega-embed with the light and the dark dress: on a page once."""

    def __init__(self) -> None:
        """Make the script."""
        dress = {name: json.dumps(theme.config(name == "dark")) for name in ("light", "dark")}
        self._esm = vega_script(_RUNTIME.format(**dress))
        super().__init__()


@cache
def runtime() -> VegaRuntime:
    """Return the one runtime of this process."""
    return VegaRuntime()


class VegaView(anywidget.AnyWidget):
    """A chart on the page, as many times as it is displayed.

    Traits:
        selected: the values of the parameters that are listened to, by name; empty again for
            another chart.
    """

    _esm = STATIC / "vega.js"
    _css = STATIC / "vega.css"
    _runtime = traitlets.Instance(VegaRuntime).tag(sync=True, **widget_serialization)
    # Never assigned again: a page that asks for the state gets what is drawn at that moment.
    _drawing = traitlets.Any().tag(sync=True, to_json=lambda _, view: view._whole())
    selected = traitlets.Dict().tag(sync=True)

    def __init__(self, chart: Figure | None = None) -> None:
        """Show `chart`, or nothing yet."""
        self._lock = threading.RLock()
        self._number = 0
        self._specification: dict[str, Any] | None = None
        self._description = ""
        self._sets: Sets = {}
        self._listening: tuple[str, ...] = ()
        if chart is not None:
            self.show(chart)  # before there is a page to tell: it opens with the chart in it
        super().__init__(_runtime=runtime())
        self.on_msg(self._answer)

    def show(self, chart: Figure) -> None:
        """Draw `chart`; where only its rows differ from what is drawn, only they are sent.

        For that, name the chart's parts and parameters yourself: Altair numbers those without
        a name anew each time.
        """
        specification, description, sets = _taken_apart(chart)
        with self._lock:
            if specification != self._specification:
                self.selected = {}
                self._specification, self._description = specification, description
                self._sets = dict(sets)
                self._tell(**self._everything())
                return
            changed = {name: rows for name, rows in sets.items() if rows != self._sets.get(name)}
            if changed or description != self._description:
                self._description = description
                self._sets |= changed
                self._tell(description=description, sets=changed)

    def put(self, name: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Replace the rows of the dataset `name`."""
        self._replace(name, plain(rows))

    def append(self, name: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Add rows to the dataset `name`."""
        more = plain(rows)
        with self._lock:
            present = self._sets.setdefault(name, [])
            if isinstance(present, Cells):
                raise TypeError(f"expected rows in {name!r}, got cells; replace them with put")
            present.extend(more)
            self._tell(more={name: more})

    def put_cells(
        self,
        name: str,
        matrix: NDArray[np.floating],
        source: Sequence[str],
        target: Sequence[str],
    ) -> None:
        """Replace the dataset `name` by a matrix [T, S] of 0 to 1, as a byte a cell.

        The page makes a row of each: `source` and `target` from the labels, and `weight`.
        """
        self._replace(name, Cells.of(matrix, source, target))

    def listen(self, *parameters: str) -> None:
        """Let the values of these parameters of the chart come back in `selected`."""
        with self._lock:
            self._listening = parameters
            self._tell(listening=parameters)

    def _replace(self, name: str, rows: Rows | Cells) -> None:
        with self._lock:
            self._sets[name] = rows
            self._tell(sets={name: rows})

    def _everything(self) -> dict[str, Any]:
        return {
            "specification": self._specification,
            "description": self._description,
            "listening": self._listening,
            "sets": self._sets,
        }

    def _whole(self) -> dict[str, Any]:
        with self._lock:
            message, buffers = _packed({"number": self._number, **self._everything()})
            return {"message": message, "buffers": buffers}

    def _tell(self, **change: Any) -> None:
        """Send a change under the next number; the lock is held, so numbers arrive in order."""
        self._number += 1
        self.send(*_packed({"number": self._number, **change}))

    def _answer(self, _: Any, content: Any, __: Any) -> None:
        """Send everything to a page that is behind."""
        with self._lock:
            if content.get("number") != self._number:
                self.send(*_packed({"number": self._number, **self._everything()}))


def _taken_apart(chart: Figure) -> tuple[dict[str, Any], str, dict[str, Rows]]:
    """Return what is drawn, its description and its rows; the page adds the dress."""
    specification = chart.to_dict(validate=False)  # it is our own, and twice as quick
    for name in ("$schema", "config", "usermeta"):
        specification.pop(name, None)
    return specification, specification.pop("description", ""), split(specification)


def _packed(message: dict[str, Any]) -> tuple[dict[str, Any], list[bytes]]:
    """Move the bytes of cells out of a message, into the buffers beside it."""
    buffers: list[bytes] = []
    sets: dict[str, Any] = {}
    for name, rows in message.get("sets", {}).items():
        if isinstance(rows, Cells):
            sets[name] = {"source": rows.source, "target": rows.target, "buffer": len(buffers)}
            buffers.append(rows.weights)
        else:
            sets[name] = list(rows)
    return ({**message, "sets": sets} if "sets" in message else message), buffers

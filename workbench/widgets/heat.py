"""A map of attention on the page, painted anew within milliseconds, however many cells it has.

A Vega view draws and keeps a mark for each cell: 128 × 128 of them take it longer than a person
wants to wait for another head. What is painted here is drawn by `charts.attention` for a file.
"""

from typing import Any, ClassVar

import anywidget
import numpy as np
import traitlets
from numpy.typing import NDArray

from workbench.charts import theme
from workbench.charts.attention import in_words
from workbench.charts.sight import Pick, Sight, top_mass
from workbench.widgets.parts import write
from workbench.widgets.paths import STATIC

TOKENS = 512  # of a side at most


class HeatMap(anywidget.AnyWidget):
    """Tokens that read down the side, tokens that are read across the top, a byte a cell.

    Traits:
        rows, columns: the tokens; weights: a byte for each cell, row by row.
        kept: a byte for each cell, 0 where it is to be faded; none: all are kept.
        links: gold links as column, row and `sure` or `possible`.
        description: the map in words.
        pointed: row and column of the cell that is pointed at, or nothing.
    """

    _esm = STATIC / "heat.js"
    _css = STATIC / "heat.css"
    palettes: ClassVar[Any] = traitlets.Dict(read_only=True).tag(sync=True)
    rows = traitlets.List(traitlets.Unicode()).tag(sync=True)
    columns = traitlets.List(traitlets.Unicode()).tag(sync=True)
    weights = traitlets.Bytes().tag(sync=True)
    kept = traitlets.Bytes().tag(sync=True)
    links: traitlets.List[Any] = traitlets.List().tag(sync=True)
    description = traitlets.Unicode().tag(sync=True)
    pointed = traitlets.List(traitlets.Int()).tag(sync=True)

    @traitlets.default("palettes")
    def _both_dresses(self) -> dict[str, dict[str, Any]]:
        return {"light": _colours(theme.LIGHT), "dark": _colours(theme.DARK)}

    def show(
        self,
        sight: Sight,
        layer: Pick = None,
        head: Pick = None,
        mass: bool = False,
        gold: bool = True,
    ) -> None:
        """Paint a layer and a head of `sight`, the first tokens of each side.

        With `mass` only the cells that hold most of a row stand out; with `gold` the gold links
        are drawn over them.
        """
        weights = sight.chosen(layer, head)
        first = (slice(TOKENS), slice(TOKENS))
        write(
            self,
            rows=list(sight.rows[:TOKENS]),
            columns=list(sight.columns[:TOKENS]),
            weights=_as_bytes(255 * np.clip(np.nan_to_num(weights[first]), 0, 1)),
            kept=_as_bytes(top_mass(weights)[first]) if mass else b"",
            links=[list(link) for link in sight.links] if gold else [],
            description=in_words(sight, layer, head),
        )


def _as_bytes(cells: NDArray[Any]) -> bytes:
    return bytes(np.rint(cells).astype(np.uint8).tobytes())


def _colours(palette: theme.Palette) -> dict[str, Any]:
    return {
        "heatmap": palette.heatmap,
        "ink": palette.ink,
        "muted": palette.muted,
        "line": palette.grid,
        "paper": palette.paper,
        "link": palette.link,
        "casing": palette.casing,
    }

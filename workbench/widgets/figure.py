"""What a cell shows: one bundle that reads in JupyterLab, in an HTML page and on GitHub.

A viewer takes the richest form it knows: Vega-Lite answers to the mouse, PNG is drawn
everywhere, plain text is for terminals and screen readers. No widget is among them, since a
viewer that prefers a widget shows nothing once the kernel is gone.
"""

from typing import Any

from IPython.display import display

from workbench.charts.export import to_vega_lite
from workbench.charts.frame import Figure as Chart
from workbench.charts.stills import PNG, VEGA_LITE, still
from workbench.charts.tables import Table

Bundle = dict[str, Any]


def bundle(thing: Chart | Table, picture: bool = True) -> Bundle:
    """Return the forms of a chart or a table by MIME type; without `picture`, no PNG."""
    if isinstance(thing, Table):
        return {"text/html": thing.to_html(), "text/plain": thing.to_text()}
    specification = to_vega_lite(thing, validate=False)
    forms: Bundle = {
        VEGA_LITE: specification,
        "text/plain": str(specification.get("description", "")),
    }
    return forms | {PNG: still(specification)} if picture else forms


def show(*things: Chart | Table) -> None:
    """Show charts and tables below the cell, one after the other."""
    for thing in things:
        display(bundle(thing), raw=True)  # type: ignore[no-untyped-call]

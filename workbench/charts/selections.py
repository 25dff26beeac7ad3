"""One of many, chosen in a chart itself: with an input of the page, or with a click.

Vega-Lite does it alone, so that it works on a page without a kernel, and the input with the
keyboard, too.
"""

from collections.abc import Iterator
from typing import Any

import altair as alt

from workbench.charts.frame import AnyFigure


def choosing(
    chart: AnyFigure, name: str, count: int, label: str, views: str, on: str, **more: Any
) -> AnyFigure:
    """Let a reader choose one of the rows whose field `name` counts from 1 to `count`.

    Parts of the chart that show only what is chosen are filtered by `{"param": name}`; at first
    that is the last.

    Args:
        chart: composed already; it holds the rows.
        name: of the field, and of the parameter.
        count: how many there are to choose from.
        label: of the input.
        views: how the names of the views begin in which a click chooses.
        on: which click, e.g. `rect:click`: what is not a mark with that field would choose nothing.
        more: of the selection, e.g. `nearest`.
    """
    bound = {"bind": alt.binding_range(min=1, max=count, step=1, name=f"{label} ")}
    parameter = alt.TopLevelSelectionParameter(
        name=name,
        select=alt.PointSelectionConfig(
            type="point", fields=[name], on=on, clear=False, toggle=False, **more
        ),
        value=[{name: count}],
        views=[view for view in _named(chart) if view.startswith(views)],
        **(bound if count > 1 else {}),
    )
    chosen: AnyFigure = chart.properties(params=[parameter])
    return chosen


def _named(chart: Any) -> Iterator[str]:
    """Yield the names of the views: Altair adds numbers to those that are given."""
    if isinstance(chart, alt.Chart):
        yield from [str(chart.name)] if isinstance(chart.name, str) else []
        return
    for parts in ("layer", "hconcat", "vconcat", "concat"):
        for part in getattr(chart, parts, ()):
            yield from _named(part)

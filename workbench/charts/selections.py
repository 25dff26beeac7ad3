"""One of many, chosen in a chart itself: with an input of the page, or with a click.

Vega-Lite does it alone, so that it works on a page without a kernel, and the input with the
keyboard, too.
"""

from collections.abc import Iterator
from typing import Any

import altair as alt

from workbench.charts.frame import AnyFigure


def choosing(
    chart: AnyFigure,
    name: str,
    count: int,
    label: str,
    views: str,
    first: int,
    nearest: bool = False,
) -> AnyFigure:
    """Let a reader choose one of the rows whose field `name` counts from 1 to `count`.

    Parts of the chart that show only what is chosen are filtered by `{"param": name}`.

    Args:
        chart: composed already; it holds the rows.
        name: of the field, and of the parameter.
        count: how many there are to choose from.
        label: of the input.
        views: how the names of the views begin of which a mark chooses when it is clicked; where
            there is none, all that have a name.
        first: what is chosen before a reader does.
        nearest: whether a click beside the marks chooses the one that is nearest.
    """
    named = list(_named(chart))
    clicked = [view for view in named if view.startswith(views)] or named
    marks = "voronoi" if nearest else "marks"  # named: a click on what has no such field is none
    bound = {"bind": alt.binding_range(min=1, max=count, step=1, name=f"{label} ")}
    parameter = alt.TopLevelSelectionParameter(
        name=name,
        select=alt.PointSelectionConfig(
            type="point", fields=[name], clear=False, toggle=False, nearest=nearest,
            on=", ".join(f"@{view}_{marks}:click" for view in clicked),
        ),
        value=[{name: first}],
        views=clicked,
        **(bound if count > 1 else {}),
    )  # fmt: skip
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

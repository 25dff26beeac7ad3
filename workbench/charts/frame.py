"""The frame around every chart: its data inline, title, description and light dress."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import altair as alt

from workbench.charts import theme

Figure = (
    alt.Chart | alt.LayerChart | alt.ConcatChart | alt.HConcatChart | alt.VConcatChart
)  # what the functions of this room return
AnyFigure = TypeVar("AnyFigure", alt.Chart, alt.LayerChart, alt.ConcatChart,
                    alt.HConcatChart, alt.VConcatChart)  # fmt: skip


def inline(rows: Iterable[Mapping[str, Any]]) -> alt.InlineData:
    """Return `rows` as data that travel inside the chart.

    Vega reads what stands in a row as plain text, so tokens go here and nowhere else: a token in
    an expression or in the name of a field would be run or taken apart.
    """
    data = alt.InlineData(values=[])
    # Given at once, every cell would be checked against the schema; and a list would be copied
    # cell by cell whenever Altair composes charts.
    data.values = tuple(rows)
    return data


def framed(
    chart: AnyFigure, title: str, description: str, subtitle: str | list[str] = ""
) -> AnyFigure:
    """Return `chart` with its title, its description for who cannot see it, and the light dress."""
    heading = alt.Title(title, subtitle=subtitle) if subtitle else alt.Title(title)
    dressed: AnyFigure = chart.properties(title=heading, description=description).configure(
        **theme.config()
    )
    return dressed


def notice(title: str, message: str) -> alt.Chart:
    """Return a chart that says in words why there is nothing to draw."""
    chart: alt.Chart = (
        alt.Chart(inline([{"message": message}]))
        .mark_text(style="label_muted", fontSize=13)
        .encode(text="message:N")
        .properties(width=400, height=60)
    )
    return framed(chart, title, f"{title}: {message}.")


def row_height(rows: int, most: int = 20, room: int = 640) -> alt.Step:
    """Return the height of a row, at most `most` px, such that all fit into `room` px."""
    return alt.Step(max(min(most, room // max(rows, 1)), 4))


def finite(value: float) -> float | None:
    """Return `value` as JSON can hold it: None, a gap in the line, for NaN and infinities."""
    number = float(value)
    return number if abs(number) < float("inf") else None


def shortened(text: str, length: int) -> str:
    """Return `text` with what exceeds `length` characters replaced by an ellipsis."""
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"

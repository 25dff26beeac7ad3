"""What the script of the comparison page reads: rows, curves and sentences, thinned."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.charts.export import to_vega_lite
from workbench.charts.frame import Figure, shortened
from workbench.charts.overlay import CHOICES, Points, figure_title
from workbench.overview.columns import Column
from workbench.overview.order import Objective
from workbench.overview.summary import Summary
from workbench.overview.views import (
    curves_chart,
    figures_with_curves,
    sentences_of,
    versions_of,
)
from workbench.reports.page import script_json


@dataclass(frozen=True)
class Detail:
    """How much of each run is told: points of a curve, sentences, letters of a sentence."""

    points: int = 60
    sentences: int = 12
    letters: int = 400


def page_data(
    runs: Mapping[str, Summary],
    columns: Sequence[Column],
    objective: Objective,
    chosen: Sequence[str],
    detail: Detail,
) -> dict[str, Any]:
    """Return the runs, their columns, curves and sentences, as the page's script takes them."""
    figures = figures_with_curves(runs, objective)
    return {
        "names": list(runs),
        "statuses": [run.status for run in runs.values()],
        "columns": [{"name": it.name, "values": list(it.values)} for it in columns],
        "figures": {name: {"title": figure_title(name), **_curves(runs, name, chosen)}
                    for name in figures},
        "curves": [{name: _thinned(points, detail.points) for name, points in run.curves.items()}
                   for run in runs.values()],
        "chosen": [list(runs).index(name) for name in chosen],
        "most": CHOICES,
        **_sentences(list(runs.values()), detail),
    }  # fmt: skip


def chart_json(chart: Figure) -> dict[str, str]:
    """Return the chart as a page holds it: its specification, which no text can break."""
    specification = to_vega_lite(chart, validate=False)
    return {
        "description": str(specification.get("description", "")),
        "specification": script_json(specification),
    }


def _curves(runs: Mapping[str, Summary], figure: str, chosen: Sequence[str]) -> dict[str, Any]:
    """Return the chart of a figure, its rows left out: the script puts in those that are shown."""
    chart = curves_chart(runs, figure, chosen, "container", legend=False, ends_only=True)
    specification = to_vega_lite(chart, validate=False)
    specification["data"] = {"name": "curves", "values": []}
    return {"description": specification.pop("description"), "specification": specification}


def _thinned(points: Points, most: int) -> list[list[float]]:
    """Return steps and values of at most so many points, the first and the last among them."""
    count = min(most, len(points))
    places = [round(i * (len(points) - 1) / max(count - 1, 1)) for i in range(count)]
    kept = [points[place] for place in places]
    return [[_short(step, 6) for step, _ in kept], [_short(value, 4) for _, value in kept]]


def _short(value: float, digits: int) -> float:
    """Return a number in few digits; a whole one without a point."""
    number = float(f"{value:.{digits}g}")
    return int(number) if number.is_integer() else number


def _sentences(runs: Sequence[Summary], detail: Detail) -> dict[str, Any]:
    """Return the sentences that any run was watched on, each once, and every run's versions."""
    most_common = sentences_of(runs, detail.sentences)
    place = {key: number for number, key in enumerate(most_common)}
    return {
        "sentences": [[shortened(text, detail.letters) for text in key] for key in most_common],
        "translations": [
            {
                "step": run.sampled,
                "texts": {place[key]: shortened(text, detail.letters)
                          for key, text in versions_of(run).items() if key in place},
            }
            for run in runs
        ],
    }  # fmt: skip

"""What the script of the comparison page reads: rows, curves and sentences, as little as will do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.charts.export import to_vega_lite
from workbench.charts.frame import Figure, shortened
from workbench.charts.names import ordered
from workbench.charts.overlay import CHOICES, TRAINING, Points, figure_title, many
from workbench.charts.parallel import parallel_coordinates
from workbench.overview.columns import Column
from workbench.overview.order import Objective, figure_heading
from workbench.overview.summary import Sample, Summary
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
    figures = _figures(runs, objective.name.rpartition(".")[2])
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


def parameters_chart(
    runs: Mapping[str, Summary],
    columns: Sequence[Column],
    objective: Objective,
    chosen: Sequence[str] = (),
) -> Figure:
    """Return the parallel coordinates of the runs over what differs between them."""
    return parallel_coordinates(
        list(runs),
        {it.heading: it.values for it in columns if it.group == "parameters"},
        figure_heading(objective.name),
        [objective.value(run) for run in runs.values()],
        lower=objective.direction == "minimize",
        chosen=chosen,
        width="container",
        legend=False,
    )


def chart_json(chart: Figure) -> dict[str, str]:
    """Return the chart as a page holds it: its specification, which no text can break."""
    specification = to_vega_lite(chart, validate=False)
    return {
        "description": str(specification.get("description", "")),
        "specification": script_json(specification),
    }


def _figures(runs: Mapping[str, Summary], first: str) -> list[str]:
    """Return what there are curves of: `first` if it is among them, training loss, the others."""
    every = {figure for run in runs.values() for figure in run.curves}
    listed = [name for name in (first, TRAINING) if name in every]
    return [*listed, *ordered(every - set(listed))]


def _curves(runs: Mapping[str, Summary], figure: str, chosen: Sequence[str]) -> dict[str, Any]:
    """Return the chart of a figure, its rows left out: the script puts in those that are shown."""
    ends = {name: run.curves[figure][-1:] for name, run in runs.items() if figure in run.curves}
    chart = many(ends, figure, chosen, "container", legend=False)
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
    counts: dict[tuple[str, str], int] = {}
    for run in runs:
        for sample in run.samples:
            counts[_key(sample)] = counts.get(_key(sample), 0) + 1
    most_common = sorted(counts, key=lambda key: -counts[key])[: detail.sentences]
    place = {key: number for number, key in enumerate(most_common)}
    return {
        "sentences": [[shortened(text, detail.letters) for text in key] for key in most_common],
        "translations": [
            {
                "step": run.sampled,
                "texts": {place[_key(it)]: shortened(it.text, detail.letters)
                          for it in run.samples if _key(it) in place},
            }
            for run in runs
        ],
    }  # fmt: skip


def _key(sample: Sample) -> tuple[str, str]:
    return sample.source, sample.reference

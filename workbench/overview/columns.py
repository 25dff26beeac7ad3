"""The table of runs: what they differ in, and what they measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.charts.tables import Table
from workbench.overview.order import (
    Objective,
    differing,
    figure_heading,
    figure_written,
    figures_of,
)
from workbench.overview.summary import Summary

MAIN = ("loss", "exact_match", "bleu", "chrf", "wall_seconds")  # where there is little room


@dataclass(frozen=True)
class Column:
    """One thing that is known of every run, or of some.

    Attributes:
        name: such as `units` or `test.bleu`; heading: as people call it.
        group: `parameters`, `validation`, `test`, `training` or `cost`.
        values: of every run, None where it is not known; texts: the same as it is written.
        best: which of them is the best, for the objective.
    """

    name: str
    heading: str
    group: str
    values: tuple[Any, ...]
    texts: tuple[str, ...]
    best: int | None = None


def columns_of(runs: Sequence[Summary], objective: Objective) -> list[Column]:
    """Return the objective, the parameters that differ, and all other figures."""
    parameters = [
        Column(name, name, "parameters", each, tuple(map(_written, each)))
        for name, each in differing(runs).items()
    ]
    figures = [_figure(name, runs, objective) for name in figures_of(runs)]
    first = [column for column in figures if column.name == objective.name]
    return [*first, *parameters, *(it for it in figures if it.name != objective.name)]


def runs_table(runs: Mapping[str, Summary], objective: Objective) -> Table:
    """Return the runs, the best first, with what differs and the figures that matter most."""
    label = {id(run): name for name, run in runs.items()}
    listed = objective.best_first(list(runs.values()))
    split = objective.name.partition(".")[0]
    columns = [
        column for column in columns_of(listed, objective)
        if column.group == "parameters" or column.name == objective.name
        or (column.group in (split, "cost") and column.name.rpartition(".")[2] in MAIN)
    ]  # fmt: skip
    rows = tuple(
        (label[id(run)], run.status, *(column.texts[place] for column in columns))
        for place, run in enumerate(listed)
    )
    ended = sum(run.status == "ok" for run in listed)
    caption = f"{len(listed)} runs, {ended} of them ended well"
    ranked = any(objective.value(run) is not None for run in listed)
    by = f"; the best {figure_heading(objective.name)} first" if ranked else ""
    return Table(("run", "status", *(it.heading for it in columns)), rows, caption + by)


def _figure(name: str, runs: Sequence[Summary], objective: Objective) -> Column:
    values = tuple(run.figures.get(name) for run in runs)
    texts = tuple("" if value is None else figure_written(name, value) for value in values)
    best = objective.ranked(runs)[:1] if name == objective.name else []
    place = next((i for i, run in enumerate(runs) if best and run is best[0]), None)
    group = name.partition(".")[0] if "." in name else "cost"
    return Column(name, figure_heading(name), group, values, texts, place)


def _written(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value) if value != "" else "(empty)"

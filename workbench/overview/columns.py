"""The table of runs: what they differ in, and what they measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.charts.frame import shortened
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
BEST = 5  # runs listed as such
SETTINGS = 8  # told of each of them
LETTERS = 60  # of a text in a cell


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

    @property
    def is_number(self) -> bool:
        """Whether all values that are known are numbers."""
        known = [value for value in self.values if value is not None]
        return all(isinstance(it, int | float) and not isinstance(it, bool) for it in known)


def columns_of(runs: Sequence[Summary], objective: Objective) -> list[Column]:
    """Return the objective, the parameters that differ, and all other figures."""
    parameters = [
        Column(name, name, "parameters", each, tuple(map(_written, each)))
        for name, each in differing(runs).items()
    ]
    figures = [_figure(name, runs, objective) for name in figures_of(runs)]
    first = [column for column in figures if column.name == objective.name]
    return [*first, *parameters, *(it for it in figures if it.name != objective.name)]


def main(columns: Sequence[Column], objective: Objective) -> list[Column]:
    """Return those of the columns that matter most, where there is little room."""
    split = objective.name.partition(".")[0]
    return [
        column for column in columns
        if column.group == "parameters" or column.name == objective.name
        or (column.group in (split, "cost") and column.name.rpartition(".")[2] in MAIN)
    ]  # fmt: skip


def runs_table(runs: Mapping[str, Summary], objective: Objective) -> Table:
    """Return the runs, the best first, with what differs and the figures that matter most."""
    label = {id(run): name for name, run in runs.items()}
    listed = objective.best_first(list(runs.values()))
    columns = main(columns_of(listed, objective), objective)
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


@dataclass(frozen=True)
class Best:
    """One of the best runs: the objective as it is written, and the parameters that differ."""

    name: str
    run: Summary
    figure: str
    settings: tuple[tuple[str, str], ...]

    @property
    def words(self) -> str:
        """The settings on one line."""
        return " ".join(f"{name}={shortened(text, LETTERS)}" for name, text in self.settings)


def best_runs(
    runs: Mapping[str, Summary], columns: Sequence[Column], objective: Objective
) -> list[Best]:
    """Return the best runs, at most BEST, with the first of the parameters that differ."""
    places = {id(run): (place, name) for place, (name, run) in enumerate(runs.items())}
    parameters = [column for column in columns if column.group == "parameters"][:SETTINGS]
    listed = []
    for run in objective.ranked(list(runs.values()))[:BEST]:
        place, name = places[id(run)]
        settings = tuple((it.heading, it.texts[place]) for it in parameters if it.texts[place])
        figure = figure_written(objective.name, run.figures[objective.name])
        listed.append(Best(name, run, figure, settings))
    return listed


def best_table(best: Sequence[Best], objective: Objective) -> Table:
    """Return the best runs, with the parameters in which they differ from others."""
    heading = figure_heading(objective.name)
    return Table(
        ("run", heading, "settings"),
        tuple((one.name, one.figure, one.words) for one in best),
        f"The best runs by {heading}",
    )


def unfinished_table(runs: Mapping[str, Summary]) -> Table:
    """Return the runs that did not end well, and why."""
    rows = tuple((name, run.status, run.why) for name, run in unfinished(runs).items())
    return Table(("run", "status", "error"), rows, "Not finished")


def unfinished(runs: Mapping[str, Summary]) -> dict[str, Summary]:
    """Return the runs that did not end well or are under way, and the damaged ones."""
    return {name: run for name, run in runs.items() if run.status != "ok" or run.faults}

"""How many runs are shown: the charts and the table of sentences, for a page and a notebook."""

from collections.abc import Mapping, Sequence

from workbench.charts.frame import Figure
from workbench.charts.names import ordered
from workbench.charts.overlay import TRAINING, Width, many
from workbench.charts.parallel import WIDTH, parallel_coordinates
from workbench.charts.tables import Table
from workbench.overview.columns import Column
from workbench.overview.order import Objective, figure_heading
from workbench.overview.summary import Sample, Summary

Runs = Mapping[str, Summary]


def figures_with_curves(runs: Runs, objective: Objective) -> list[str]:
    """Return what there are curves of: the objective if it is among them, training loss, others."""
    every = {figure for run in runs.values() for figure in run.curves}
    first = objective.name.rpartition(".")[2]
    listed = [name for name in dict.fromkeys((first, TRAINING)) if name in every]
    return [*listed, *ordered(every - set(listed))]


def curves_chart(
    runs: Runs,
    figure: str,
    chosen: Sequence[str],
    width: Width = WIDTH,
    legend: bool = True,
    ends_only: bool = False,
) -> Figure:
    """Return one figure of all runs over their steps; of each but the last point, `ends_only`."""
    start = -1 if ends_only else 0
    lines = {name: it.curves[figure][start:] for name, it in runs.items() if figure in it.curves}
    return many(lines, figure, chosen, width, legend)


def parameters_chart(
    runs: Runs,
    columns: Sequence[Column],
    objective: Objective,
    chosen: Sequence[str] = (),
    width: Width = WIDTH,
    legend: bool = True,
) -> Figure:
    """Return the parallel coordinates of the runs over what differs between them."""
    return parallel_coordinates(
        list(runs),
        {it.heading: it.values for it in columns if it.group == "parameters"},
        figure_heading(objective.name),
        [objective.value(run) for run in runs.values()],
        lower=objective.direction == "minimize",
        chosen=chosen,
        width=width,
        legend=legend,
    )


def sentences_of(runs: Sequence[Summary], most: int) -> list[tuple[str, str]]:
    """Return source and reference of the sentences that most of the runs watched."""
    counts: dict[tuple[str, str], int] = {}
    for sample in (sample for run in runs for sample in run.samples):
        counts[_key(sample)] = counts.get(_key(sample), 0) + 1
    return sorted(counts, key=lambda key: -counts[key])[:most]


def versions_of(run: Summary) -> dict[tuple[str, str], str]:
    """Return a run's translations by source and reference."""
    return {_key(sample): sample.text for sample in run.samples}


def translations_table(runs: Runs, chosen: Sequence[str], most: int = 12) -> Table:
    """Return the watched sentences, a row each, as each of the chosen runs translated them."""
    told = {name: versions_of(runs[name]) for name in chosen if runs[name].samples}
    rows = tuple(
        (*key, *(versions.get(key) for versions in told.values()))
        for key in sentences_of([runs[name] for name in told], most)
    )
    return Table(("source", "reference", *told), rows, "Watched sentences, with the weights kept")


def _key(sample: Sample) -> tuple[str, str]:
    return sample.source, sample.reference

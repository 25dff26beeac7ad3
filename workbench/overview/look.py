"""How a person looks at many runs: ranked, sorted, filtered, some of them chosen."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from workbench.charts.frame import Figure
from workbench.charts.overlay import CHOICES, TRAINING
from workbench.charts.parallel import WIDTH, importance_bars
from workbench.charts.tables import Table
from workbench.errors import WorkbenchError
from workbench.overview.columns import (
    Column,
    best_runs,
    best_table,
    columns_of,
    main,
    runs_table,
    unfinished,
    unfinished_table,
)
from workbench.overview.finding import found, in_order
from workbench.overview.importance import importances
from workbench.overview.order import Objective, figure_heading, find_runs, given_best, labelled
from workbench.overview.summary import Summary, summarized
from workbench.overview.views import (
    curves_chart,
    figures_with_curves,
    parameters_chart,
    translations_table,
)

FIRST = 3  # runs told apart at first


class Look:
    """The runs in some directories, and how they are looked at.

    Attributes:
        runs: what to call each, and what it tells, the best first; another dictionary only when
            something has changed.
        objective: by what they are ranked; sort: by which column they stand instead, and whether
            its values rise; figure: of which there are curves.
        chosen: the names of those told apart; query: which words or comparisons filter them.
        every_figure: whether all that was measured has a column.
    """

    def __init__(self, paths: Sequence[str | Path], objective: str = "") -> None:
        """Read the runs in `paths`, each a run directory or a folder of such.

        Raises:
            RunError: a directory is neither. SettingsError: no run has measured the objective.
        """
        self.paths = tuple(paths)
        self.runs: Mapping[str, Summary] = {}
        self.objective = Objective(objective)
        self.sort: tuple[str, bool] | None = None
        self.figure, self.query, self.every_figure = TRAINING, "", False
        self.chosen: tuple[str, ...] = ()
        self.read()

    def read(self) -> None:
        """Read the directories anew; what was chosen stays so, if it is still there.

        Raises:
            RunError, SettingsError: as at first.
        """
        every = [summarized(run) for run in find_runs(self.paths)]
        objective = Objective.of(every, self.objective.name)
        runs = labelled(objective.best_first(every))
        if objective != self.objective or list(runs.items()) != list(self.runs.items()):
            self.objective, self.runs = objective, runs
        kept = tuple(name for name in self.chosen if name in runs)
        self.chosen = kept or tuple(given_best(runs, objective, FIRST))
        figures = figures_with_curves(runs, objective)
        self.figure = self.figure if self.figure in figures else (figures or [TRAINING])[0]

    def rank(self, name: str) -> None:
        """Rank by another figure, and let the runs stand so."""
        self.objective, self.sort = Objective(name), None
        self.read()

    def sort_by(self, name: str) -> None:
        """Sort by a column, figures from the largest, the same one again the other way round."""
        before, rising = self.sort or (self.objective.name, self.objective.direction == "minimize")
        column = next((it for it in self.columns if it.name == name), None)
        numbers = column is not None and column.is_number
        self.sort = (name, not rising if name == before else not numbers)

    def choose(self, names: Sequence[str]) -> None:
        """Tell runs apart.

        Raises:
            WorkbenchError: more than can be told apart; the first of them are chosen.
        """
        self.chosen = tuple(names)[:CHOICES]
        if len(names) > CHOICES:
            raise WorkbenchError(f"{CHOICES} runs at most are told apart; {len(names)} were chosen")

    @property
    def under_way(self) -> int:
        """How many of the runs are under way."""
        return sum(run.status == "running" for run in self.runs.values())

    @property
    def columns(self) -> list[Column]:
        """What is known of the runs: all of it, or what matters most."""
        every = self._all_columns
        return every if self.every_figure else main(every, self.objective)

    @property
    def _all_columns(self) -> list[Column]:
        return columns_of(list(self.runs.values()), self.objective)

    @property
    def names(self) -> list[str]:
        """The names of the runs that are shown, in the order in which they stand."""
        every = self._all_columns
        ordered = in_order(self.runs, every, *self.sort) if self.sort else list(self.runs)
        passing = set(found(self.runs, every, self.query))
        return [name for name in ordered if name in passing]

    def curves(self, names: Sequence[str], width: Any = WIDTH) -> Figure:
        """Return the curves of the runs `names`."""
        chosen = [name for name in self.chosen if name in names]
        return curves_chart({name: self.runs[name] for name in names}, self.figure, chosen, width)

    def parameters(self, width: Any = WIDTH) -> Figure:
        """Return the parallel coordinates of all runs."""
        return parameters_chart(self.runs, self._all_columns, self.objective, self.chosen, width)

    def translations(self) -> Table:
        """Return the watched sentences, as the runs chosen translated them."""
        return translations_table(self.runs, self.chosen)

    def mattered(self, width: Any = WIDTH) -> tuple[Figure | None, str]:
        """Return the chart of which parameter mattered, or None and why there is none."""
        try:
            shares = importances(list(self.runs.values()), self.objective)
        except WorkbenchError as error:
            return None, str(error)
        return importance_bars(shares, figure_heading(self.objective.name), width), ""

    def still(self) -> list[Figure | Table]:
        """Return all there is to see, for a page without a kernel."""
        mattered, _ = self.mattered()
        best = best_runs(self.runs, self._all_columns, self.objective)
        tables = (
            best_table(best, self.objective) if best else None,
            runs_table(self.runs, self.objective),
            unfinished_table(self.runs) if unfinished(self.runs) else None,
        )
        translations = self.translations()
        return [
            *(table for table in tables if table),
            self.curves(list(self.runs)),
            self.parameters(),
            *([mattered] if mattered else []),
            *([translations] if translations.rows else []),
        ]

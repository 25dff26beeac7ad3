"""Many runs in a notebook, as the comparison page has them, without a session of their own."""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import ipywidgets

from workbench.charts.frame import Figure
from workbench.charts.overlay import CHOICES, TRAINING, figure_title
from workbench.charts.parallel import importance_bars
from workbench.charts.tables import Table
from workbench.errors import WorkbenchError
from workbench.overview.columns import columns_of, runs_table
from workbench.overview.importance import importances
from workbench.overview.order import (
    Objective,
    figure_heading,
    figures_of,
    find_runs,
    given_best,
    labelled,
)
from workbench.overview.summary import Summary, summarized
from workbench.overview.views import (
    curves_chart,
    figures_with_curves,
    parameters_chart,
    translations_table,
)
from workbench.widgets.figure import bundle, show
from workbench.widgets.looks import looks
from workbench.widgets.parts import NARROW, card, markup, row, words
from workbench.widgets.vega import VegaView

FIRST = 3  # runs told apart at first


class RunsPanel(ipywidgets.VBox):
    """The runs in some directories: their table, curves, parameters and translations.

    With `live=False` it has no widgets: it displays what `still` returns.
    """

    def __init__(self, *paths: str | Path, objective: str = "", live: bool = True) -> None:
        """Show the runs in `paths`, each a run directory or a folder of such.

        Raises:
            RunError: a directory is neither. SettingsError: no run has measured the objective.
        """
        self.paths, self.live = paths, live
        self.runs: dict[str, Summary] = {}
        self.objective = Objective(objective)
        self.figure = TRAINING
        self.chosen: tuple[str, ...] = ()
        self._read()
        super().__init__()
        if live:
            self._build()
            self._paint()

    def still(self) -> list[Figure | Table]:
        """Return all that the panel shows, for a page without a kernel."""
        mattered, _ = self._mattered()
        columns = columns_of(list(self.runs.values()), self.objective)
        shown = [
            runs_table(self.runs, self.objective),
            curves_chart(self.runs, self.figure, self.chosen),
            parameters_chart(self.runs, columns, self.objective, self.chosen),
            *([mattered] if mattered else []),
        ]
        translations = translations_table(self.runs, self.chosen)
        return [*shown, translations] if translations.rows else shown

    def _read(self) -> None:
        """Read the directories anew; what was chosen stays so, if it is still there."""
        every = [summarized(run) for run in find_runs(self.paths)]
        self.objective = Objective.of(every, self.objective.name)
        self.runs = labelled(self.objective.best_first(every))
        kept = tuple(name for name in self.chosen if name in self.runs)
        self.chosen = kept or tuple(given_best(self.runs, self.objective, FIRST))
        figures = figures_with_curves(self.runs, self.objective)
        self.figure = self.figure if self.figure in figures else (figures or [TRAINING])[0]

    def _mattered(self, width: Any = 600) -> tuple[Figure | None, str]:
        """Return the chart of what mattered, or None and why there is none."""
        try:
            found = importances(list(self.runs.values()), self.objective)
        except WorkbenchError as error:
            return None, str(error)
        return importance_bars(found, figure_heading(self.objective.name), width), ""

    def _build(self) -> None:
        looks()
        self.add_class("wb-panel")
        self._ranking = ipywidgets.Dropdown(description="Ranked by", style=NARROW)
        self._figure = ipywidgets.Dropdown(description="Curve", style=NARROW)
        self._choice = ipywidgets.SelectMultiple(description="Chosen", rows=6, style=NARROW)
        self._choice.add_class("wb-grow")
        again = ipywidgets.Button(description="Look again", tooltip="read the runs anew")
        again.add_class("wb-button")
        again.on_click(lambda _: self._attempt(self._read))
        for control, act in (
            (self._ranking, self._rank), (self._figure, self._draw), (self._choice, self._choose),
        ):  # fmt: skip
            control.observe(lambda change, act=act: self._heed(act, change.new), "value")
        self._table, self._side = markup(), markup()
        self._reason, self._hint = markup(style="wb-error"), markup(style="wb-note")
        self._views = {name: VegaView() for name in ("curves", "parameters", "mattered")}
        self._painting = False
        self.children = (
            card(words("Runs", "wb-title"), row(self._ranking, again), self._reason, self._table),
            card(words("Curves", "wb-title"), row(self._figure, self._choice),
                 self._views["curves"]),
            card(words("Parameters", "wb-title"), self._views["parameters"], self._hint,
                 self._views["mattered"]),
            card(words("Translations", "wb-title"), self._side),
        )  # fmt: skip

    def _heed(self, act: Any, value: Any) -> None:
        if not self._painting:
            self._attempt(lambda: act(value))

    def _attempt(self, act: Any) -> None:
        self._reason.value = ""
        try:
            act()
        except WorkbenchError as error:
            self._reason.value = escape(str(error))
        self._paint()

    def _rank(self, name: str) -> None:
        self.objective = Objective(name)
        self._read()

    def _draw(self, figure: str) -> None:
        self.figure = figure

    def _choose(self, names: Sequence[str]) -> None:
        self.chosen = tuple(names)[:CHOICES]
        if len(names) > CHOICES:
            raise WorkbenchError(f"{CHOICES} runs at most are told apart; {len(names)} were chosen")

    def _paint(self) -> None:
        self._painting = True
        try:
            self._paint_controls()
        finally:
            self._painting = False
        columns = columns_of(list(self.runs.values()), self.objective)
        mattered, reason = self._mattered("container")
        self._hint.value = escape(reason)
        self._table.value = runs_table(self.runs, self.objective).to_html()
        self._side.value = translations_table(self.runs, self.chosen).to_html()
        charts = {
            "curves": curves_chart(self.runs, self.figure, self.chosen, "container"),
            "parameters": parameters_chart(self.runs, columns, self.objective, self.chosen,
                                           "container"),
        }  # fmt: skip
        for name, chart in (charts | ({"mattered": mattered} if mattered else {})).items():
            self._views[name].show(chart)

    def _paint_controls(self) -> None:
        every = list(self.runs.values())
        self._ranking.options = {figure_heading(name): name for name in figures_of(every)} or [""]
        self._ranking.value = self.objective.name
        figures = figures_with_curves(self.runs, self.objective) or [TRAINING]
        self._figure.options = {figure_title(name): name for name in figures}
        self._figure.value = self.figure
        self._choice.options = tuple(self.runs)
        self._choice.value = self.chosen

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """Return the widget; headless, show the still forms, the last being the cell's output."""
        if self.live:
            return super()._repr_mimebundle_(**options)
        things = self.still()
        show(*things[:-1])
        return bundle(things[-1])

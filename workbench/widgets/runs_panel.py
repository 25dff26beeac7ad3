"""Many runs in a notebook, as the comparison page has them, without a session of their own."""

import threading
import time
from collections.abc import Callable
from functools import partial
from html import escape
from pathlib import Path
from typing import Any

import ipywidgets

from workbench.charts.frame import Figure
from workbench.charts.overlay import TRAINING, figure_title
from workbench.charts.tables import Table
from workbench.errors import WorkbenchError
from workbench.overview.columns import best_runs, unfinished
from workbench.overview.look import Look
from workbench.overview.order import figure_heading, figures_of
from workbench.overview.views import figures_with_curves
from workbench.widgets.announced import fault
from workbench.widgets.figure import bundle, show
from workbench.widgets.looks import looks
from workbench.widgets.parts import NARROW, Painted, card, markup, row, words, write
from workbench.widgets.parts import show as let_see
from workbench.widgets.runs_table import RunsTable, best_shown, runs_shown, unfinished_shown
from workbench.widgets.ticker import Ticker
from workbench.widgets.vega import VegaView

EVERY = 3.0  # seconds between two looks while runs are under way
GRACE = 60.0  # seconds that the next run of a sweep may take to begin
HELP = (
    "Words must occur in a row; units>=128, lr<0.01 or encoder=gru compare a column. "
    "Press a heading to sort, a name to open the report."
)
Act = Callable[[], Any]


class RunsPanel(ipywidgets.VBox):
    """The runs in some directories: their table, curves, parameters and translations.

    While runs are under way it looks again by itself, and for GRACE seconds after. With
    `live=False` it has no widgets: it displays what `still` returns.
    """

    def __init__(self, *paths: str | Path, objective: str = "", live: bool = True) -> None:
        """Show the runs in `paths`, each a run directory or a folder of such.

        Raises:
            RunError: a directory is neither. SettingsError: no run has measured the objective.
        """
        self._lock, self._painted, self._ticker = threading.RLock(), Painted(), Ticker(self)
        self._writer: int | None = None  # the thread that paints
        self._until = 0.0  # when to look no more, on the monotonic clock
        self.look, self.live = Look(paths, objective), live
        super().__init__()
        if live:
            self._build()
            self._paint()
            self._paint_charts()
            self._watch()

    def still(self) -> list[Figure | Table]:
        """Return all that the panel shows, for a page without a kernel."""
        return self.look.still()

    def close(self) -> None:
        """Look no more, and close the widgets."""
        with self._lock:
            self._until = -1.0
        for act in (self._look_again, self._paint_charts):
            self._ticker.off(act)
        super().close()

    # What a person does ---------------------------------------------------------------------

    def _heed(self, widget: ipywidgets.Widget, act: Callable[[Any], Any]) -> None:
        """Call `act` with what a person chose in a control; not with what the panel wrote there."""

        def chosen(change: Any) -> None:
            if self._writer != threading.get_ident():
                self._attempt(lambda: act(change.new))

        widget.observe(chosen, "value")

    def _attempt(self, act: Act, asked: bool = True) -> None:
        """Do something; what is wrong with it stands until a person does another thing."""
        with self._lock:
            reason = ""
            try:
                act()
            except WorkbenchError as error:
                reason = escape(str(error))
            if reason or asked:
                write(self._reason, value=reason)
            self._paint()
            self._watch()
        self._ticker.mark(self._paint_charts)  # of many runs they take a while: typing goes on

    def _watch(self) -> None:
        """Look again soon while runs are under way; a sweep takes a moment between two."""
        now = time.monotonic()
        if self.look.under_way and self._until >= 0:
            self._until = now + GRACE
        if now < self._until:
            self._ticker.mark(self._look_again, EVERY)

    def _look_again(self) -> None:
        self._attempt(self.look.read, asked=False)

    # What there is to see -------------------------------------------------------------------

    def _build(self) -> None:
        looks()
        self.add_class("wb-panel")
        self._make_controls()
        self._table, self._best = RunsTable(self._sort), RunsTable()
        self._unfinished, self._side = RunsTable(), markup()
        self._reason, self._hint = fault(), markup(style="wb-note")
        self._going_on = markup(style="wb-note")
        self._views = {name: VegaView() for name in ("curves", "parameters", "mattered")}
        self._cards = {
            "best": card(words("Best runs", "wb-title"), self._best),
            "unfinished": card(words("Not finished", "wb-title"), self._unfinished),
        }
        again = ipywidgets.Button(description="Look again", tooltip="read the runs anew")
        again.add_class("wb-button")
        again.on_click(lambda _: self._attempt(self.look.read))
        self.children = (
            self._cards["best"],
            card(words("Runs", "wb-title"), row(self._query, self._ranking, self._every, again),
                 words(HELP, "wb-note"), self._going_on, self._reason, self._table),
            card(words("Curves", "wb-title"), row(self._figure, self._choice),
                 self._views["curves"]),
            card(words("Parameters", "wb-title"), self._views["parameters"], self._hint,
                 self._views["mattered"]),
            card(words("Translations", "wb-title"), self._side),
            self._cards["unfinished"],
        )  # fmt: skip

    def _make_controls(self) -> None:
        look = self.look
        self._query = ipywidgets.Text(description="Filter", style=NARROW,
                                      placeholder="words, or units>=128")  # fmt: skip
        self._ranking = ipywidgets.Dropdown(description="Ranked by", style=NARROW)
        self._every = ipywidgets.Checkbox(description="all figures", indent=False)
        self._every.layout.width = "auto"
        self._figure = ipywidgets.Dropdown(description="Curve", style=NARROW)
        self._choice = ipywidgets.SelectMultiple(description="Chosen", rows=6, style=NARROW)
        for widget in (self._query, self._choice):
            widget.add_class("wb-grow")
            widget.layout.min_width = "260px"
        for widget, trait in (
            (self._query, "query"), (self._every, "every_figure"), (self._figure, "figure"),
        ):  # fmt: skip
            self._heed(widget, partial(setattr, look, trait))
        self._heed(self._ranking, look.rank)
        self._heed(self._choice, look.choose)

    def _sort(self, name: str) -> None:
        self._attempt(lambda: self.look.sort_by(name))

    def _paint(self) -> None:
        """Show what has changed, but for the charts."""
        self._writer = threading.get_ident()
        try:
            self._paint_controls()
        finally:
            self._writer = None
        look, columns, names = self.look, self.look.columns, self.look.names
        rising = look.objective.direction == "minimize"
        self._table.show(runs_shown(look.runs, columns, names,
                                    look.sort or (look.objective.name, rising)))  # fmt: skip
        self._paint_lists()
        count = look.under_way
        write(self._going_on, value=f"{count} under way; looked at every {EVERY:g} s."
              if count else "")  # fmt: skip

    def _paint_controls(self) -> None:
        look, every = self.look, list(self.look.runs.values())
        if self._painted.is_new("options", look.runs):
            rankings = {figure_heading(name): name for name in figures_of(every)}
            figures = figures_with_curves(look.runs, look.objective) or [TRAINING]
            self._ranking.options = rankings or [""]
            self._figure.options = {figure_title(name): name for name in figures}
            self._choice.options = tuple(look.runs)
        write(self._ranking, value=look.objective.name)
        write(self._figure, value=look.figure)
        write(self._choice, value=look.chosen)

    def _paint_lists(self) -> None:
        """Show the best runs, and those that did not end well."""
        look = self.look
        if not self._painted.is_new("lists", look.runs, look.objective.name):
            return
        best = best_runs(look.runs, look.columns, look.objective)
        self._best.show(best_shown(best, figure_heading(look.objective.name)))
        self._unfinished.show(unfinished_shown(unfinished(look.runs)))
        let_see(self._cards["best"], bool(best))
        let_see(self._cards["unfinished"], bool(unfinished(look.runs)))

    def _paint_charts(self) -> None:
        with self._lock:
            look, is_new, ranked = self.look, self._painted.is_new, self.look.objective.name
            shown = set(look.names)
            names = tuple(name for name in look.runs if name in shown)  # however they stand
            if is_new("curves", look.runs, look.figure, look.chosen, names):
                self._views["curves"].show(look.curves(names, "container"))
            if is_new("parameters", look.runs, look.chosen, ranked):
                self._views["parameters"].show(look.parameters("container"))
            if is_new("translations", look.runs, look.chosen):
                self._side.value = look.translations().to_html()
            if is_new("mattered", look.runs, ranked):
                chart, reason = look.mattered("container")
                self._hint.value = escape(reason)
                if chart:
                    self._views["mattered"].show(chart)

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """Return the widget; headless, show the still forms, the last being the cell's output."""
        if self.live:
            return super()._repr_mimebundle_(**options)
        things = self.still()
        show(*things[:-1])
        return bundle(things[-1])

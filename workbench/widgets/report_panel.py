"""Run a notebook headless with what was clicked together, and open its report."""

from collections.abc import Mapping
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import Any, ClassVar

import ipywidgets

from workbench.charts.frame import Figure
from workbench.charts.tables import Table, figures_table
from workbench.config import RunConfig
from workbench.errors import WorkbenchError
from workbench.session import Session
from workbench.widgets.announced import answer, fault
from workbench.widgets.data_form import check_filled_in
from workbench.widgets.headless import AGAIN, Headless, Job
from workbench.widgets.link import Link
from workbench.widgets.panel import Panel
from workbench.widgets.parts import NARROW, Painted, card, column, markup, row, words, write
from workbench.widgets.ticker import Ticker

NOT_PASSED = ("name", "run_directory", "live")  # the run's own
PLACES = ("*.ipynb", "notebooks/*.ipynb", "../*.ipynb")  # where notebooks are looked for
_BAR = "style='width: 240px; margin-right: 12px; accent-color: var(--wb-accent)'"
FIRST = "experiment"  # the notebook that is taken where none is chosen


class ReportPanel(Panel):
    """The session's settings as a headless run: its progress, its report, its figures."""

    title: ClassVar[str] = "Report"
    kept: ClassVar[tuple[str, ...]] = ()

    def __init__(self, session: Session) -> None:
        """Show what has been run headless beside `session`."""
        self.headless, self._painted = Headless.of(session), Painted()
        self._jobs: dict[int, JobView] = {}
        super().__init__(session)
        if session.config.live:
            Ticker.of(session).on("jobs", self._refresh, self.headless)

    def body(self) -> list[ipywidgets.Widget]:
        """Make the widgets."""
        found = notebooks()
        self.choices.notebook = self.choices.notebook or _first(found)
        notebook = ipywidgets.Combobox(
            description="Notebook", options=found, placeholder="a notebook with parameters",
            continuous_update=False,
        )  # fmt: skip
        notebook.add_class("wb-grow")
        name = ipywidgets.Text(
            description="Name", placeholder="the notebook and the corpus", continuous_update=False
        )
        name.add_class("wb-grow")
        name.layout.min_width = "300px"
        again = ipywidgets.Dropdown(description="If it exists", options=tuple(AGAIN), style=NARROW)
        for widget, choice in ((notebook, "notebook"), (name, "report_name"), (again, "again")):
            self.bind(widget, "value", self.choices, choice)
        self._run = self.button("Run headless", self._start, primary=True)
        self._stop = self.button("Stop", self.headless.stop, "interrupt the run; it is kept")
        self._settings, self._rows = markup(), column()
        controls = card(row(notebook), row(name, again), row(self._run, self._stop))
        settings = card(words("Settings passed on", "wb-title"), self._settings)
        return [controls, settings, self._rows]

    def paint(self) -> None:
        """Show the settings that will be passed on, and the runs."""
        settings = passed_on(self.session.draft)
        if self._painted.is_new("settings", tuple(settings.items())):
            table = _settings_shown(settings)
            none = f"<div class='wb-note'>{table.caption}</div>"
            self._settings.value = replace(table, caption="").to_html() if settings else none
        busy = self.headless.running is not None
        write(self._run, disabled=busy, tooltip="a notebook is being run" if busy else "")
        write(self._stop, disabled=not busy)
        for job in self.headless.jobs:
            if job.number not in self._jobs:
                self._jobs[job.number] = JobView()
            self._jobs[job.number].paint(job)
        latest_first = tuple(self._jobs[number] for number in sorted(self._jobs, reverse=True))
        if self._painted.is_new("rows", len(latest_first)):
            self._rows.children = latest_first

    def still(self) -> list[Figure | Table]:
        """Return the settings that would be passed on."""
        return [_settings_shown(passed_on(self.session.draft))]

    def _start(self) -> None:
        notebook = self.choices.notebook.strip()
        if not notebook:
            raise WorkbenchError("no notebook is named: type the path of one with parameters")
        check_filled_in(self.session, self.choices)
        name = self.choices.report_name.strip()
        settings = passed_on(self.session.draft) | ({"name": name} if name else {})
        self.headless.start(notebook, settings, self.choices.again)


class JobView(ipywidgets.Box):
    """One run: how far it is, then its report and its figures."""

    def __init__(self) -> None:
        """Make the widgets."""
        self._head, self._progress, self._fault = answer(), markup(), fault()
        self._figures, self._page = markup(), Link()
        self._painted = Painted()
        super().__init__([self._head, self._progress, self._fault])
        for name in ("wb-column", "wb-card"):
            self.add_class(name)

    def paint(self, job: Job) -> None:
        """Show `job`."""
        if not self._painted.is_new("job", job):
            return
        name = escape(str(job.settings.get("name") or Path(job.notebook).stem))
        write(self._head, value=f"<strong>{job.number}. {name}</strong> · {job.status}")
        write(self._progress, value=_progress_of(job))
        write(self._fault, value=escape(job.message))
        write(self._page, label=f"Open the report of {job.run}" if job.page else "")
        self._page.point(job.page)
        self._figures.value = figures_table(job.evaluations).to_html()
        parts = {
            self._head: True, self._progress: not job.ended, self._fault: True,
            self._page: job.page, self._figures: job.evaluations,
        }  # fmt: skip
        write(self, children=tuple(part for part, is_there in parts.items() if is_there))


def passed_on(draft: RunConfig) -> dict[str, Any]:
    """Return the settings that are not the default, but for those that are the run's own."""
    return {name: value for name, value in draft.differences().items() if name not in NOT_PASSED}


def notebooks() -> tuple[str, ...]:
    """Return the notebooks nearby that have a cell of parameters."""
    found = sorted(path for place in PLACES for path in Path().glob(place))
    return tuple(path.as_posix() for path in found if _has_parameters(path))


def _has_parameters(path: Path) -> bool:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return '"parameters"' in text  # the tag; whether it is one is found out when it is run


def _first(found: tuple[str, ...]) -> str:
    return next((path for path in found if Path(path).stem == FIRST), found[0] if found else "")


def _settings_shown(settings: Mapping[str, Any]) -> Table:
    rows = tuple((name, str(value)) for name, value in settings.items())
    caption = "Settings passed on" if rows else "All settings are the defaults"
    return Table(("setting", "value"), rows, caption)


def _progress_of(job: Job) -> str:
    """Return bars of how far a run is, as HTML."""
    cells = _bar(job.cells_done, job.cells, "cells")
    loss = "" if job.loss is None else f", loss {job.loss:.3f}"
    steps = _bar(job.step, job.total_steps, "training steps", loss)
    return cells + steps


def _bar(done: int, total: int, what: str, more: str = "") -> str:
    """Return a bar with its words, as HTML; nothing before it is known how much there is."""
    if not total:
        return ""
    bar = f"<progress {_BAR} aria-label='{what}' value='{done}' max='{total}'></progress>"
    return f"<div>{bar} {done:,} of {total:,} {what}{more}</div>"

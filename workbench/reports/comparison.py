"""One page for many runs: what differs, what came of it, and what each makes of a sentence.

The page follows the rules of the report: scripts are ours or do not run, and nothing is asked of
anyone. Its table stands without JavaScript; sorting, filters and charts need it.
"""

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader

from workbench.charts.overlay import CHOICES
from workbench.charts.parallel import importance_bars
from workbench.errors import WorkbenchError
from workbench.files import write_text
from workbench.overview.columns import Column, best_runs, columns_of, unfinished
from workbench.overview.importance import importances as importances_of
from workbench.overview.order import (
    Objective,
    figure_heading,
    given_best,
    labelled,
)
from workbench.overview.summary import Summary, summarized
from workbench.overview.views import parameters_chart
from workbench.reports.comparison_data import Detail, chart_json, page_data
from workbench.reports.page import TEMPLATES, bundle, part, policy, script_json, script_tags, style
from workbench.runs import RunDirectory

LIMIT = 5_000_000  # bytes of a page that can be sent by mail
DETAILS = (Detail(), Detail(30, 6, 300), Detail(15, 3, 200), Detail(8, 1, 100))
CHOSEN = 3  # runs laid side by side at first
FACETS = 8  # a parameter with so many values at most has a list to filter by
Direction = Literal["maximize", "minimize"]


def warn_on_stderr(text: str) -> None:
    """Say on standard error what a person should know."""
    print(f"workbench: {text}", file=sys.stderr, flush=True)


def write_index(
    folder: Path,
    runs: Sequence[RunDirectory],
    *,
    title: str,
    objective: str = "",
    direction: Direction = "maximize",
    importances: Mapping[str, float] | None = None,
    notes: Mapping[str, str] | None = None,
    waiting: int = 0,
    warn: Callable[[str], None] = warn_on_stderr,
) -> Path:
    """Write `folder`/index.html, whole or not at all, and return its path.

    A run that is damaged or under way is listed with what is known of it.

    Args:
        folder: where the page lies; its links to reports are relative to it.
        runs: to compare; those that can be ranked are listed first, the best above.
        title: the page's heading.
        objective: the figure by which runs are ranked, such as `validation.bleu`; empty: what
            most would look at first, in its usual direction.
        direction: whether a large or a small figure is good.
        importances: how much each parameter mattered, 0 to 1; None: found from the runs.
        notes: a mark for some runs, by the name of their directory.
        waiting: how many more runs are to come.
        warn: told where the page is larger than it should be, with the least of detail.

    Raises:
        OSError: the folder cannot be written.
    """
    every = [summarized(run) for run in runs]
    ranking = Objective(objective, direction) if objective else Objective.of(every)
    page = _Page(folder, labelled(ranking.best_first(every)), ranking, importances, notes or {})
    text, path = _fitting(page, title, waiting), folder / "index.html"
    write_text(path, text)
    if (size := len(text.encode())) > LIMIT:
        warn(f"{path}: has {size / 1e6:.1f} MB, more than the {LIMIT / 1e6:.1f} MB that can be "
             f"sent by mail, for {len(runs)} runs; compare fewer: workbench compare RUN... "
             "--html FOLDER")  # fmt: skip
    return path


@dataclass(frozen=True)
class _Page:
    """What stands on a page: the runs by what they are called, and how they are looked at."""

    folder: Path
    runs: Mapping[str, Summary]
    objective: Objective
    importances: Mapping[str, float] | None
    notes: Mapping[str, str]


def _fitting(page: _Page, title: str, waiting: int) -> str:
    """Return the page with as much detail as keeps it within its limit."""
    every = list(page.runs.values())
    columns = columns_of(every, page.objective)
    chosen = given_best(page.runs, page.objective, CHOSEN)
    mattered, words = _mattered(page)
    fields = {
        "title": title,
        "style": style("comparison/page.css"),
        "facts": _facts(page, waiting),
        "columns": columns,
        "groups": _groups(columns),
        "rows": _rows(page, columns),
        "ranking": page.objective.name,
        "rising": page.objective.direction == "minimize",
        "facets": _facets(columns),
        "statuses": list(dict.fromkeys(run.status for run in every)),
        "best": _best(page, columns),
        "unfinished": _unfinished(page),
        "parallel": chart_json(
            parameters_chart(page.runs, columns, page.objective, chosen, "container", legend=False)
        ),
        "mattered": mattered,
        "mattered_words": words,
        "most": CHOICES,
        "policy": policy(_scripts()),
        "scripts": script_tags(_scripts()),
    }
    template = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True).get_template(
        "comparison/index.html.j2"
    )
    text = ""
    for detail in DETAILS:
        data = page_data(page.runs, columns, page.objective, chosen, detail)
        text = template.render(fields, data=script_json(data), figures=data["figures"])
        if len(text.encode()) <= LIMIT:
            break
    return text


def _scripts() -> list[str]:
    return [bundle(), part("comparison/page.js"), part("report/page.js")]


def _facts(page: _Page, waiting: int) -> dict[str, str]:
    """Return what the head of the page says."""
    counts: dict[str, int] = {}
    for run in page.runs.values():
        counts[run.status] = counts.get(run.status, 0) + 1
    facts = {"Runs": f"{len(page.runs) + waiting:,}"}
    facts |= {
        _STATUS_TITLES[name]: f"{counts[name]:,}" for name in _STATUS_TITLES if name in counts
    }
    if waiting:
        facts["Waiting"] = f"{waiting:,}"
    if page.objective.name:
        sign = "largest" if page.objective.direction == "maximize" else "smallest"
        facts["Ranked by"] = f"{figure_heading(page.objective.name)}, the {sign} first"
    return facts | {"Written": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())}


_STATUS_TITLES = {
    "ok": "Finished", "running": "Running", "failed": "Failed", "stopped": "Stopped",
    "killed": "Killed", "unreadable": "Unreadable",
}  # fmt: skip


def _rows(page: _Page, columns: Sequence[Column]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "status": run.status,
            "link": _link(page.folder, run),
            "note": page.notes.get(run.name, ""),
            "faults": run.faults,
            "cells": [(column, column.texts[place], place == column.best) for column in columns],
        }
        for place, (name, run) in enumerate(page.runs.items())
    ]


def _link(folder: Path, run: Summary) -> str:
    """Return the way from the page to a run's report, or to its directory, as an address."""
    target = (run.page or run.path).resolve()
    try:
        way = os.path.relpath(target, folder.resolve())
    except ValueError:  # another drive of Windows
        return target.as_uri()
    return quote(Path(way).as_posix())


def _groups(columns: Sequence[Column]) -> list[tuple[str, bool]]:
    """Return the groups of columns, and whether each is shown at first: not too many at once."""
    counts: dict[str, int] = {}
    for column in columns:
        counts[column.group] = counts.get(column.group, 0) + 1
    many = sum(counts.values()) > 16
    first = columns[0].group if columns else ""
    return [(name, not many or name in (first, "parameters")) for name in counts]


def _facets(columns: Sequence[Column]) -> list[tuple[Column, list[str]]]:
    """Return the parameters that are filtered by a list of their values, and that list."""
    facets = []
    for column in columns:
        pairs = {text: value for value, text in zip(column.values, column.texts, strict=True)
                 if value is not None}  # fmt: skip
        if column.group == "parameters" and 2 <= len(pairs) <= FACETS:
            number = all(isinstance(value, int | float) for value in pairs.values())
            facets.append((column, sorted(pairs, key=pairs.__getitem__ if number else None)))
    return facets[:6]


def _best(page: _Page, columns: Sequence[Column]) -> list[dict[str, Any]]:
    return [
        {
            "name": best.name,
            "link": _link(page.folder, best.run),
            "figure": best.figure,
            "settings": best.settings,
        }
        for best in best_runs(page.runs, columns, page.objective)
    ]


def _unfinished(page: _Page) -> list[dict[str, Any]]:
    """Return the runs that did not end well or are under way, and what is known of why."""
    return [
        {
            "name": name,
            "status": run.status,
            "link": _link(page.folder, run),
            "where": "report" if run.page else "directory",
            "note": page.notes.get(run.name, ""),
            "error": run.error,
            "traceback": run.traceback,
            "faults": run.faults,
        }
        for name, run in unfinished(page.runs).items()
    ]


def _mattered(page: _Page) -> tuple[dict[str, str] | None, str]:
    """Return the chart of what mattered, or None and why there is none."""
    every = list(page.runs.values())
    try:
        found = (
            importances_of(every, page.objective)
            if page.importances is None
            else dict(page.importances)
        )
        if not found:
            raise WorkbenchError("which parameter mattered is not known yet")
    except WorkbenchError as error:
        words = str(error)
        return None, f"{words[:1].upper()}{words[1:]}."
    return chart_json(importance_bars(found, figure_heading(page.objective.name), "container")), ""

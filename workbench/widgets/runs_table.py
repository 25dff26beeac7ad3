"""Tables of runs on a page: their names lead to the reports, their headings sort."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from workbench.charts.frame import shortened
from workbench.overview.columns import LETTERS, Best, Column
from workbench.overview.finding import RUN, STATUS
from workbench.overview.summary import Summary
from workbench.widgets.paths import STATIC, joined

Sort = tuple[str, bool]  # the column, and whether its values rise


class RunsTable(anywidget.AnyWidget):
    """A table whose first column are runs. A press on a heading comes back as a call of `sort`.

    Traits:
        shown: what is drawn, in one piece: `caption`, or a `label` that
            only screen readers read, `columns` (with `name`, `heading`, `number`
            and, where it sorts, `sorted`), and `rows` (with `name`, `path`, `cells`, `details`).
        home: the home directory, which the server abbreviates to `~`.
    """

    _esm = joined("address.js", "runs_table.js")
    _css = STATIC / "runs_table.css"
    shown = traitlets.Dict().tag(sync=True)
    home = traitlets.Unicode("").tag(sync=True)

    def __init__(self, sort: Callable[[str], Any] | None = None) -> None:
        """Show nothing yet; `sort` is called with the name of a column."""
        super().__init__(home=Path.home().as_posix())
        if sort:
            self.on_msg(lambda _, content, __: sort(str(content.get("sort"))))

    def show(self, table: Mapping[str, Any]) -> None:
        """Draw what one of the functions below returns, unless that is drawn already."""
        if table != self.shown:
            self.shown = dict(table)


def runs_shown(
    runs: Mapping[str, Summary], columns: Sequence[Column], names: Sequence[str], sort: Sort
) -> dict[str, Any]:
    """Return the table of the runs `names`, in that order, with `columns` of all `runs`."""
    places = {name: place for place, name in enumerate(runs)}
    rows = [
        _row(name, runs[name], [
            {"text": runs[name].status, "kind": runs[name].status},
            *(_cell(column, places[name]) for column in columns),
        ])
        for name in names
    ]  # fmt: skip
    well = sum(runs[name].status == "ok" for name in names)
    count = f"{len(runs)} runs" if len(names) == len(runs) else f"{len(names)} of {len(runs)} runs"
    heads = [
        _head(RUN, RUN, sort), _head(STATUS, STATUS, sort),
        *(_head(it.name, it.heading, sort, it.is_number) for it in columns),
    ]  # fmt: skip
    return {"caption": f"{count}, {well} of them ended well", "columns": heads, "rows": rows}


def best_shown(best: Sequence[Best], heading: str) -> dict[str, Any]:
    """Return the table of the best runs by the figure `heading`, and in what they differ."""
    rows = [
        _row(one.name, one.run, [
            {"text": one.figure, "top": place == 0},
            {"text": one.words},
        ])
        for place, one in enumerate(best)
    ]  # fmt: skip
    heads = [_head(RUN, RUN), _head("figure", heading, number=True), _head("settings", "settings")]
    return {"label": "Best runs", "columns": heads, "rows": rows}


def unfinished_shown(runs: Mapping[str, Summary]) -> dict[str, Any]:
    """Return the table of the runs that did not end well, and why."""
    rows = [
        {
            **_row(name, run, [{"text": run.status, "kind": run.status}, {"text": run.why}]),
            "details": run.traceback,
        }
        for name, run in runs.items()
    ]
    heads = [_head(name, name) for name in (RUN, STATUS, "error")]
    return {"label": "Not finished", "columns": heads, "rows": rows}


def _row(name: str, run: Summary, cells: list[dict[str, Any]]) -> dict[str, Any]:
    path = run.page.resolve().as_posix() if run.page else f"{run.path.resolve().as_posix()}/"
    return {"name": name, "path": path, "cells": cells}


def _cell(column: Column, place: int) -> dict[str, Any]:
    text = shortened(column.texts[place], LETTERS)
    return {"text": text, "top": True} if place == column.best else {"text": text}


def _head(name: str, heading: str, sort: Sort | None = None, number: bool = False) -> Any:
    sorted_ = ("ascending" if sort[1] else "descending") if sort and sort[0] == name else "none"
    head = {"name": name, "heading": heading, "number": number}
    return head | {"sorted": sorted_} if sort else head

"""What a notebook says of its cells, above all an executed one."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from nbconvert.filters import strip_ansi
from nbformat import NotebookNode

TAIL = 20  # lines of a traceback
INJECTED = "injected-parameters"  # papermill's tag of the cell that holds what was given
LOG = 60  # lines of a log: a crash lists all that called what crashed


@dataclass(frozen=True)
class Failure:
    """Why a run ended early.

    Attributes:
        type: name of the exception; message: what it says.
        cell: position in the notebook from 0, None where the kernel failed outside a cell.
        number: the cell's number as the notebook shows it, `[number]`.
        traceback: its last lines, plain text.
        remedy: what a person can do about it, where there is something.
    """

    type: str
    message: str
    cell: int | None = None
    number: int | None = None
    traceback: str = ""
    remedy: str = ""


def without_injected(notebook: NotebookNode) -> NotebookNode:
    """Return the notebook as it was before papermill gave it parameters; its cells are shared."""
    cells = [c for c in notebook.cells if INJECTED not in c.metadata.get("tags", [])]
    return NotebookNode({**notebook, "cells": cells})  # type: ignore[no-untyped-call]


def code_of(notebook: NotebookNode) -> list[str]:
    """Return the source of every code cell."""
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def code_digest(notebook: NotebookNode) -> str:
    """Return the SHA-256 of the code, whatever parameters it was given and however it ran."""
    return hashlib.sha256(json.dumps(code_of(without_injected(notebook))).encode()).hexdigest()


def cell_records(notebook: NotebookNode) -> list[dict[str, Any]]:
    """Return position from 0, status and seconds of every code cell.

    The status is `completed`, `failed` or, for a cell that never ran, `pending`.
    """
    return [
        {"index": index, "status": cell_status(cell), "seconds": cell_seconds(cell)}
        for index, cell in enumerate(notebook.cells)
        if cell.cell_type == "code"
    ]


def cell_status(cell: NotebookNode) -> str:
    """Return `completed`, `failed` or `pending`."""
    return str(cell.metadata.get("papermill", {}).get("status") or "pending")


def cell_seconds(cell: NotebookNode) -> float | None:
    """Return how long the cell ran, None when it never did."""
    return cell.metadata.get("papermill", {}).get("duration")  # type: ignore[no-any-return]


def in_minutes(seconds: float) -> str:
    """Return how long something took, as people write it."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def failure_in(notebook: NotebookNode) -> Failure | None:
    """Return what the failed cell says, None when no cell failed."""
    for index, cell in enumerate(notebook.cells):
        if cell_status(cell) == "failed":
            errors = [o for o in cell.get("outputs", []) if o.output_type == "error"]
            if not errors:
                return Failure("Error", "the cell failed and said nothing", index)
            error = errors[-1]
            lines = strip_ansi("\n".join(error.traceback)).splitlines()
            return Failure(
                type=error.ename,
                message=error.evalue,
                cell=index,
                number=cell.execution_count,
                traceback="\n".join(lines[-TAIL:]),
            )
    return None


def log_tail(notebook: NotebookNode) -> list[str]:
    """Return the last lines that the failed cell printed and that libraries did past all cells."""
    failure = failure_in(notebook)
    cell = None if failure is None or failure.cell is None else notebook.cells[failure.cell]
    streams = [o.text for o in cell.outputs if o.output_type == "stream"] if cell else []
    own = notebook.metadata.get("papermill", {}).get("log", [])
    return [*strip_ansi("".join(streams)).splitlines(), *own][-LOG:]

"""While a notebook runs, show how far it is: bars for a person, lines of JSON for a program."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

from nbformat import NotebookNode
from tqdm import tqdm

from workbench.reports.cells import cell_records

SECONDS = 0.5  # between two looks
LINE = 4096  # bytes from the end of the file that hold its last line, and more


@contextmanager
def training_bar(metrics: Path, stream: TextIO) -> Iterator[None]:
    """Follow `metrics.jsonl` on `stream` until the block ends; silent when it is no terminal.

    A bar of steps, below papermill's bar of cells.
    """
    if not stream.isatty():
        yield
        return
    with tqdm(desc="Training", unit=" steps", file=stream, position=1, leave=False) as bar:

        def look() -> None:
            if line := last_line(metrics):
                bar.total = line["total_steps"]
                bar.set_postfix(loss=f"{line['loss']:.3f}", refresh=False)
                bar.update(line["step"] - bar.n)

        with _looking(look):
            yield


@contextmanager
def progress_lines(document: NotebookNode, metrics: Path, stream: TextIO) -> Iterator[None]:
    """Write how far the run of `document` is to `stream`, each time that it has come further.

    A line is a JSON object: `cells` with code and `cells_done` of them; once it trains, `step`,
    `total_steps` and `loss` of the latest step.
    """
    told = ""

    def look() -> None:
        nonlocal told
        ended = [cell["status"] in ("completed", "failed") for cell in cell_records(document)]
        latest = last_line(metrics)
        training = {name: latest[name] for name in ("step", "total_steps", "loss") if latest}
        line = json.dumps({"cells": len(ended), "cells_done": sum(ended), **training})
        if line != told:
            told = line
            with suppress(OSError):  # nobody reads it any more: the run goes on
                print(line, file=stream, flush=True)

    look()
    with _looking(look):
        yield
    look()


@contextmanager
def _looking(look: Callable[[], None]) -> Iterator[None]:
    """Call `look` again and again, in a thread of its own, until the block ends."""
    ended = threading.Event()

    def follow() -> None:
        while not ended.wait(SECONDS):
            look()

    follower = threading.Thread(target=follow, daemon=True)
    follower.start()
    try:
        yield
    finally:
        ended.set()
        follower.join()


def last_line(path: Path) -> dict[str, Any]:
    """Return the last whole line of a JSON Lines file; nothing where there is none yet."""
    try:
        with path.open("rb") as stream:
            stream.seek(max(0, path.stat().st_size - LINE))
            lines = stream.read().split(b"\n")[:-1]  # behind the last line end is a line to come
        return dict(json.loads(lines[-1])) if lines else {}
    except (OSError, ValueError):
        return {}

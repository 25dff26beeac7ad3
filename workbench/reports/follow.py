"""While a notebook trains, show how far it is: a bar of steps below papermill's bar of cells."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from tqdm import tqdm

SECONDS = 0.5  # between two looks
LINE = 4096  # bytes from the end of the file that hold its last line, and more


@contextmanager
def training_bar(metrics: Path, stream: TextIO) -> Iterator[None]:
    """Follow `metrics.jsonl` on `stream` until the block ends; silent when it is no terminal."""
    if not stream.isatty():
        yield
        return
    ended = threading.Event()
    follower = threading.Thread(target=_follow, args=(metrics, stream, ended), daemon=True)
    follower.start()
    try:
        yield
    finally:
        ended.set()
        follower.join()


def _follow(metrics: Path, stream: TextIO, ended: threading.Event) -> None:
    with tqdm(desc="Training", unit=" steps", file=stream, position=1, leave=False) as bar:
        while not ended.wait(SECONDS):
            line = last_line(metrics)
            if line:
                bar.total = line["total_steps"]
                bar.set_postfix(loss=f"{line['loss']:.3f}", refresh=False)
                bar.update(line["step"] - bar.n)


def last_line(path: Path) -> dict[str, Any]:
    """Return the last whole line of a JSON Lines file; nothing where there is none yet."""
    try:
        with path.open("rb") as stream:
            stream.seek(max(0, path.stat().st_size - LINE))
            lines = stream.read().split(b"\n")[:-1]  # behind the last line end is a line to come
        return dict(json.loads(lines[-1])) if lines else {}
    except (OSError, ValueError):
        return {}

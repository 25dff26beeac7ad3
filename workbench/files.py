"""Write files so that a reader, or a crash, never sees half of one."""

import json
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a path beside `path` to write to; rename it into place when the block ends well.

    Works for a file and for a directory, and keeps the suffix, which some writers look at. When
    the block fails, what it wrote is removed and what stood at `path` before is untouched.

    Raises:
        OSError: the disk is full, or `path` cannot be written; its `filename` is `path`.
    """
    beside = _beside(path, "writing")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove(beside)  # left by a killed process of the same number
        yield beside
        _flush(beside)
        _rename(beside, path)
    except OSError as error:
        if str(error.filename or beside).startswith(str(beside)):
            error.filename = str(path)
        raise
    finally:
        _remove(beside)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text to `path` whole or not at all."""
    with replacing(path) as beside:
        beside.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON to `path` whole or not at all; NaN is refused."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def _beside(path: Path, purpose: str) -> Path:
    return path.with_name(f".{purpose}-{os.getpid()}-{threading.get_ident()}-{path.name}")


def _flush(path: Path) -> None:
    """Ask the system to put the file, or each file in the directory, on the disk."""
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if file.is_file():
            with file.open("r+b") as stream:  # Windows flushes only what is open for writing
                os.fsync(stream.fileno())


def _rename(beside: Path, path: Path) -> None:
    if not (beside.is_dir() and path.is_dir()):
        beside.replace(path)
        return
    old = path.replace(_beside(path, "old"))  # a directory cannot be renamed over a full one
    try:
        beside.replace(path)
    except OSError:
        old.replace(path)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink(missing_ok=True)

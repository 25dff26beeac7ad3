"""A zipped run from anybody: unpacked without following a name, a link or a promise in it."""

import shutil
import stat
import tempfile
import weakref
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from workbench.errors import RunError

MOST_FILES = 10_000
RATIO = 200  # bytes out of one that a run's texts stay far below, and a bomb does not
SMALL = 100_000_000  # bytes below which nobody minds the ratio

_DAMAGED = (OSError, EOFError, ValueError, NotImplementedError, RuntimeError, zipfile.BadZipFile,
            zlib.error)  # fmt: skip


def unpacked(run: str | Path, owner: object) -> Path:
    """Return `run` itself, or, of a `.zip`, where it lies unpacked for as long as `owner` lives.

    Raises:
        RunError: as `unpack`.
    """
    path = Path(run)
    if not path.is_file():
        return path
    place = Path(tempfile.mkdtemp(prefix="workbench-run-"))
    weakref.finalize(owner, shutil.rmtree, place, ignore_errors=True)
    return unpack(path, place)


def unpack(archive: Path, into: Path) -> Path:
    """Unpack a `.zip` of a run below the directory `into` and return where its run is.

    Nothing in it is executed, nothing is written elsewhere, and nothing but files is made.

    Raises:
        RunError: it is no `.zip`, is damaged, holds no run, or holds what no run holds: a name
            that leads out of it, a link, far more than its size promises.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            entries = [entry for entry in opened.infolist() if not entry.is_dir()]
            _refuse_what_no_run_holds(archive, entries, into)
            for entry in entries:
                path = into / entry.filename
                path.parent.mkdir(parents=True, exist_ok=True)
                with opened.open(entry) as packed, path.open("xb") as stream:
                    shutil.copyfileobj(packed, stream)  # never more than the entry's own size
    except RunError:
        raise
    except _DAMAGED as error:
        reason = " ".join(str(error).split())
        raise RunError(
            f"{archive}: expected a run directory with a model, or its .zip, which cannot be "
            f"unpacked: {reason}"
        ) from None
    found = sorted(into.rglob("run.json"), key=lambda path: len(path.parts))
    if not found:
        raise RunError(f"{archive}: expected a zipped run directory, found no run.json in it")
    return found[0].parent


def _refuse_what_no_run_holds(
    archive: Path, entries: Sequence[zipfile.ZipInfo], into: Path
) -> None:
    names = {entry.filename for entry in entries}
    if len(entries) > MOST_FILES:
        raise RunError(f"{archive}: expected at most {MOST_FILES} files, found {len(entries)}")
    if len(names) < len(entries):
        raise RunError(f"{archive}: holds two files of one name")
    for entry in entries:
        if _leads_out(entry.filename):
            raise RunError(f"{archive}: holds {entry.filename!r}, which leads out of it")
        if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG):
            raise RunError(f"{archive}: holds {entry.filename!r}, which is a link or no file")
    size = sum(entry.file_size for entry in entries)
    if size > max(SMALL, RATIO * archive.stat().st_size):
        raise RunError(f"{archive}: would grow to {size} bytes, which no run does")
    if size > shutil.disk_usage(into).free:
        raise RunError(f"{archive}: needs {size} bytes, more than are free in {into}")


def _leads_out(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return name.startswith("/") or ".." in parts or any(sign in name for sign in "\\:\0")

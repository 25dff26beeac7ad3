"""A run to be sent: one `.zip`, a folder or an address, with no path of this machine in it."""

import html
import json
import re
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from workbench.errors import RunError
from workbench.files import replacing
from workbench.reports.stores import Store, check_writable, is_address, reaching
from workbench.runs import RunDirectory

TEXTS = {".json", ".jsonl", ".ipynb", ".html", ".txt", ".md", ".yaml", ".yml", ".log", ".svg"}
FILES = ("corpus", "train_file", "validation_file", "test_file", "adapt_from")


def export(run: str | Path, destination: str, checkpoints: bool = False) -> str:
    """Write the run to `destination` and return that.

    Args:
        run: its directory, which is not changed.
        destination: a new `.zip`, a new folder, or an address.
        checkpoints: whether what training would go on from is sent as well.

    Raises:
        RunError: there is no run, it is running, or the destination exists or cannot be written.
        SettingsError: an address that is none, or of what is not installed.
    """
    directory = RunDirectory(run)
    if directory.read().get("status") == "running":
        raise RunError(f"{run}: is running; wait for it")
    names = anonymous_names(directory)
    files = contents(directory, names, checkpoints)
    if is_address(destination):
        store = check_writable(destination)
        with reaching(destination):
            if store.names():
                raise RunError(f"{destination}: exists; choose another place")
            upload(store, files)
        return destination
    path = Path(destination)
    if path.exists():
        raise RunError(f"{destination}: exists; choose another place")
    with replacing(path) as beside:
        if path.suffix == ".zip":
            _zip(beside, directory.path.resolve().name, files)
        else:
            _copy(beside, files)
    return destination


def anonymous_names(run: RunDirectory) -> dict[str, str]:
    """Return every path of this machine that a run may hold, and what to call it elsewhere."""
    record = run.read()
    config: dict[str, Any] = record.get("config", {})
    named = [str(config.get(name, "")) for name in FILES] + list(record.get("files", ()))
    data = [part for text in named for part in text.split(",")]
    places = {
        **{path: Path(path).name for path in data if Path(path).is_absolute()},
        tempfile.gettempdir(): "TEMPORARY",
        sys.prefix: "PYTHON",
        sys.base_prefix: "PYTHON",
        str(Path.home()): "~",
        str(record.get("working_directory", "")): ".",
        str(Path.cwd()): ".",
        str(run.path.resolve()): run.path.resolve().name,
        str(run.path.absolute()): run.path.resolve().name,
        str(config.get("run_directory", "")): run.path.resolve().name,
        below(config.get("run_directory"), record.get("working_directory")): (
            run.path.resolve().name
        ),
    }
    return {path: name for path, name in places.items() if len(Path(path).parts) > 1}


def below(path: object, folder: object) -> str:
    """Return `path` as seen from `folder`, empty where it does not lie below it."""
    one, other = Path(str(path)), Path(str(folder))
    return str(one.relative_to(other)) if path and folder and one.is_relative_to(other) else ""


def contents(
    run: RunDirectory, names: Mapping[str, str], checkpoints: bool
) -> Iterator[tuple[str, bytes]]:
    """Yield name and bytes of every file, the paths in texts replaced; links are left out."""
    for path in sorted(run.path.rglob("*")):
        name = path.relative_to(run.path).as_posix()
        hidden = any(part.startswith(".") for part in Path(name).parts)  # being written
        dropped = name.startswith("checkpoints/") and not checkpoints
        if hidden or dropped or path.is_symlink() or not path.is_file():
            continue
        content = path.read_bytes()
        if path.suffix in TEXTS:
            content = _renamed(content.decode("utf-8", "surrogateescape"), names)
        yield name, content


def _renamed(text: str, names: Mapping[str, str]) -> bytes:
    """Replace paths, as they are, in JSON and in HTML; the longest first."""
    spelled: dict[str, str] = {}
    for path, name in names.items():
        spelled |= {path: name, json.dumps(path)[1:-1]: name, html.escape(path): html.escape(name)}
    paths = sorted(spelled, key=len, reverse=True)
    found = re.compile(rf"(?<![\w.~-])(?:{'|'.join(map(re.escape, paths))})(?![\w-])")
    text = found.sub(lambda match: spelled[match[0]], text) if paths else text
    return text.encode("utf-8", "surrogateescape")


def upload(store: Store, files: Iterator[tuple[str, bytes]]) -> None:
    """Write files to a store, `run.json` last: who sees it sees a whole run."""
    record, kept = b"", set()
    for name, content in files:
        kept.add(name)
        if name == "run.json":
            record = content
        else:
            store.put(name, content)
    store.put("run.json", record)
    for name in set(store.names()) - kept:
        store.remove(name)


def _zip(path: Path, name: str, files: Iterator[tuple[str, bytes]]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for inner, content in files:
            archive.writestr(f"{name}/{inner}", content)


def _copy(folder: Path, files: Iterator[tuple[str, bytes]]) -> None:
    for inner, content in files:
        path = folder / inner
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def fetch(store: Store, into: Path, everything: bool) -> None:
    """Write what a store holds of a run below `into`: everything, or only its record."""
    for name in store.names() if everything else ["run.json"]:
        path = into / name
        if not path.resolve().is_relative_to(into.resolve()):
            raise RunError(f"{name!r} leads out of the run's directory")
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as stream:
            stream.write(store.get(name))

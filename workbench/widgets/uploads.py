"""A button that brings a file from where the person is to the folder where the kernel runs."""

import re
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from workbench.data.size import in_bytes
from workbench.errors import DataError, WorkbenchError
from workbench.files import replacing
from workbench.widgets.paths import STATIC

FOLDER = "uploads"
LIMIT = 50_000_000  # bytes; what comes through the browser is in its memory and in the kernel's
LONGEST = 60  # characters of a name before and after its first dot
DEVICES = r"(?i)con|prn|aux|nul|com\d|lpt\d"  # what Windows takes for no file

Message = dict[str, Any]


class Upload(anywidget.AnyWidget):
    """A button; the page sends the file chosen in parts, each after the one before has come.

    What is too large is refused on the page, before anything is sent.

    Traits:
        label: what stands on it; limit: bytes of a file at most; advice: what to do with more.
    """

    _esm = STATIC / "uploads.js"
    label = traitlets.Unicode().tag(sync=True)
    limit = traitlets.Int(LIMIT).tag(sync=True)
    advice = traitlets.Unicode().tag(sync=True)

    def __init__(
        self, label: str, done: Callable[[Path], Any], folder: str | Path = FOLDER
    ) -> None:
        """Show `label`; `done` is told where the file was saved, within `folder`."""
        self._done, self._folder = done, Path(folder)
        self._asker, self._name, self._content = "", "", bytearray()
        advice = "put it beside the notebook and write its path into the field"
        super().__init__(label=label, advice=advice)
        self.on_msg(self._answer)

    def _answer(self, _: Any, content: Message, buffers: list[memoryview]) -> None:
        """Answer the view that sent a message; there may be several views."""
        try:
            reply = self._taken(content, buffers)
        except (WorkbenchError, OSError) as error:
            self._begin("", "")
            reply = {"error": str(error)}
        self.send({"asker": content.get("asker"), **reply})

    def _taken(self, content: Message, buffers: list[memoryview]) -> Message:
        asker = str(content.get("asker"))
        if "begin" in content:
            self._begin(asker, safe_name(str(content["begin"])))
            return {"next": 0}
        if not self._asker or asker != self._asker:
            raise DataError("another upload came between; choose the file again")
        for part in buffers:
            self._content += part
        if len(self._content) > self.limit:
            found = in_bytes(len(self._content))
            raise DataError(
                f"{self._name}: expected at most {in_bytes(self.limit)}, got {found} or more; "
                f"{self.advice}"
            )
        if buffers:
            return {"next": len(self._content)}
        path = store(self._folder, self._name, bytes(self._content))
        self._begin("", "")
        self._done(path)
        return {"saved": str(path)}

    def _begin(self, asker: str, name: str) -> None:
        self._asker, self._name, self._content = asker, name, bytearray()


def safe_name(name: str) -> str:
    """Return a file's name without anything that would lead elsewhere or mean something else.

    Folders and the dots and dashes at either end are left out; what is no letter, digit, dot or
    dash becomes `_`, the comma too, which stands between parallel files.
    """
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    plain = re.sub(r"[^\w.-]+", "_", last).strip(".-")
    stem, dot, suffix = plain.partition(".")
    if not stem.strip("_") or re.fullmatch(DEVICES, stem):
        stem = f"file_{stem}".rstrip("_")
    return stem[:LONGEST] + dot + suffix[-LONGEST:]


def store(folder: Path, name: str, content: bytes) -> Path:
    """Write `content` to a new file of that name, a number added where another has the name.

    Raises:
        DataError: there is nothing in it.
    """
    if not content:
        raise DataError(f"{name}: expected sentence pairs, found an empty file; choose another")
    stem, dot, suffix = name.partition(".")
    path, number = folder / name, 1
    while path.exists():
        if path.is_file() and path.read_bytes() == content:
            return path
        number += 1
        path = folder / f"{stem}-{number}{dot}{suffix}"
    with replacing(path) as beside:
        beside.write_bytes(content)
    return path

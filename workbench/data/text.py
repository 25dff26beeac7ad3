"""Text files as lines: plain or gzip, UTF-8 with or without BOM, ending in LF or CR LF."""

import codecs
import gzip
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from io import BufferedReader
from pathlib import Path
from typing import NamedTuple, cast

from workbench.errors import DataError, nearest
from workbench.records import BadLine

REMEDY = (
    "correct it, or leave bad lines out with skip_bad_lines (--skip-bad-lines); "
    "`workbench data check` lists them all"
)


class BadLines:
    """What cannot be read: an error at once or, where it may be skipped, a list."""

    def __init__(self, skip: bool) -> None:
        """Collect bad lines if `skip`, else raise the first."""
        self.skip = skip
        self.lines: list[BadLine] = []

    def add(self, file: str, line: int, reason: str) -> None:
        """Note that `line` (from 1) of `file` is bad; raise DataError unless it may be skipped."""
        bad = BadLine(file, line, reason)
        if not self.skip:
            raise DataError(f"{bad}; {REMEDY}")
        self.lines.append(bad)


class TextFile(NamedTuple):
    """A file's path as the user gave it, its readable lines with their numbers from 1."""

    path: str
    lines: list[tuple[int, str]]
    bad: BadLines

    @classmethod
    def read(cls, path: str, bad: BadLines) -> "TextFile":
        """Read `path` but for lines that are not UTF-8 and blank lines at its end."""
        lines = []
        for number, raw in enumerate(raw_lines(path), 1):
            try:
                lines.append((number, decode(raw)))
            except ValueError as error:
                bad.add(path, number, str(error))
        while lines and not lines[-1][1].strip():
            lines.pop()
        return cls(path, lines, bad)

    def reject(self, line: int, reason: str) -> None:
        """Note that a line is bad; raise DataError unless it may be skipped."""
        self.bad.add(self.path, line, reason)


class Row(NamedTuple):
    """The two sides of a pair as they stand in a line."""

    line: int
    source: str
    target: str


def start(text: str) -> str:
    """Return the first characters of `text`, quoted, for an error message."""
    return repr(text if len(text) <= 40 else text[:39] + "…")


def tidy(text: str) -> str:
    """Return `text` with every run of white space made one blank, and none at the ends.

    A no-break space counts as white space, as it does for `str.split`, so that words are the
    same things for readers, tokenizers and alignments.
    """
    return " ".join(text.split())


def exists(path: str) -> bool:
    """Tell whether `path` exists, also for a name that no file can have."""
    try:
        return Path(path).exists()
    except (OSError, ValueError):
        return False


def raw_lines(path: str) -> Iterator[bytes]:
    """Yield the lines of a file without BOM and line ends; `-` is standard input.

    Raises:
        DataError: a missing file, a directory, no permission, a damaged gzip file.
    """
    number = 0
    try:
        with _opened(path) as stream:
            for number, line in enumerate(stream, 1):
                text = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
                yield text.removesuffix(b"\n").removesuffix(b"\r")
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(
            f"{path}:{number + 1}: expected a whole gzip file, found a damaged one ({error}); "
            "copy or download it again"
        ) from None
    except FileNotFoundError:
        hint = _similar(Path(path)) or "; check the path"
        raise DataError(f"{path}: expected a file, found nothing{hint}") from None
    except IsADirectoryError:
        raise DataError(f"{path}: expected a file, found a directory; name a file in it") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{path}: expected a readable file: {reason}; check the path") from None


def decode(line: bytes) -> str:
    """Decode a line of UTF-8.

    Raises:
        ValueError: what is wrong with it, and at which byte.
    """
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        byte = line[error.start]
        raise ValueError(f"expected UTF-8, found byte 0x{byte:02x} at {error.start + 1}") from None
    if "\0" in text:
        raise ValueError("expected UTF-8 text, found a NUL character (UTF-16, or no text at all?)")
    return text


def read_lines(path: str | Path) -> list[str]:
    """Read a text of one sentence a line, blank lines included; `-` is standard input.

    Raises:
        DataError: a file that cannot be read, or `file:line` of text that is not UTF-8.
    """
    lines = []
    for number, line in enumerate(raw_lines(str(path)), 1):
        try:
            lines.append(decode(line))
        except ValueError as error:
            raise DataError(f"{path}:{number}: {error}; save the file as UTF-8") from None
    return lines


@contextmanager
def _opened(path: str) -> Iterator[BufferedReader | gzip.GzipFile]:
    standard_input = nullcontext(cast(BufferedReader, sys.stdin.buffer))
    with standard_input if path == "-" else Path(path).open("rb") as stream:
        zipped = stream.peek(2)[:2] == b"\x1f\x8b"
        yield gzip.GzipFile(fileobj=stream) if zipped else stream


def _similar(path: Path) -> str:
    folder = path.parent
    return nearest(path.name, [file.name for file in folder.iterdir()]) if folder.is_dir() else ""

"""Whether a file fits: its pairs are all held in memory, so that they can be shuffled.

Measured on 38 and 127 MB of pairs of 130 bytes: reading, learning the vocabularies and numbering
the tokens take up to 9 bytes of memory a byte, and a second for 1.5 MB on a busy pair of cores.
"""

from collections.abc import Iterable
from pathlib import Path

import psutil

from workbench.data.readers import parallel_paths
from workbench.errors import DataError

MEMORY = 9  # bytes a byte of text
RATE = 1_500_000  # bytes of text a second, at least
PACKED = 4  # bytes of text a byte of a gzip file, about
SHARE = 0.8  # of the free memory that pairs may take: a model needs some too
LARGE = 50_000_000  # bytes of text beyond which it is worth a word that reading takes a while


def text_size(paths: Iterable[str]) -> int:
    """Return the bytes of text in files, about where they are packed; missing files count 0."""
    return sum(_size(part) for path in paths for part in parallel_paths(path) or [path])


def refuse_too_large(paths: Iterable[str], free: int | None = None) -> None:
    """Refuse files whose pairs do not fit into the `free` bytes of memory, by default those now.

    Raises:
        DataError: how large they are, what they would take, and what to do.
    """
    sizes = {path: text_size([path]) for path in paths}
    size = sum(sizes.values())
    free = psutil.virtual_memory().available if free is None else free
    if MEMORY * size > SHARE * free:
        largest = max(sizes, key=sizes.__getitem__)
        raise DataError(
            f"{largest}: expected pairs that fit into memory, found {in_bytes(size)} of text, "
            f"which would take about {in_bytes(MEMORY * size)} where {in_bytes(free)} are free; "
            f"take a part of it, e.g. head -n 1000000 {largest} > part.tsv"
        )


def warning(paths: Iterable[str]) -> str:
    """Say how long it takes to read large files; empty for others."""
    size = text_size(paths)
    if size < LARGE:
        return ""
    return f"{in_bytes(size)} of text: reading it may take {size / RATE / 60:.0f} minutes."


def in_bytes(count: float) -> str:
    """Write a number of bytes as a person reads it: `12 kB`, `3.4 GB`."""
    for unit in ("bytes", "kB", "MB"):
        if count < 999.5:
            digits = 0 if unit == "bytes" or count >= 9.95 else 1
            return f"{count:.{digits}f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def _size(path: str) -> int:
    file = Path(path)
    try:
        size = file.stat().st_size if file.is_file() else 0
    except (OSError, ValueError):  # the readers say what is wrong with it
        return 0
    return size * PACKED if path.endswith(".gz") else size

"""Word alignments in Pharaoh format: a sentence a line, a link `source-target`.

`0-0 1-2` are sure links; `3p4` or `3?4` is a possible one (Och & Ney 2003). A blank line is a
sentence without links.
"""

import re
from functools import lru_cache
from pathlib import Path

from workbench.data.text import read_lines
from workbench.errors import DataError
from workbench.records import Alignment, Link

_LINK = re.compile(r"(\d{1,9})([-p?])(\d{1,9})")


def read_alignments(path: str | Path, first: int = 0, swap: bool = False) -> list[Alignment]:
    """Read the alignment of every line of a Pharaoh file, plain or gzip.

    Args:
        path: the file.
        first: the number of a sentence's first word, 0 or 1.
        swap: whether links are written target first.

    Raises:
        DataError: `file:line` and the link that cannot be read, or a number below `first`.
    """
    return [
        parse_alignment(line, first, swap, f"{path}:{number}")
        for number, line in enumerate(read_lines(path), 1)
    ]


def format_alignment(alignment: Alignment) -> str:
    """Write an alignment as a line that `read_alignments` reads back: counted from 0."""
    return " ".join(
        f"{link.source}{'-' if link in alignment.sure else 'p'}{link.target}"
        for link in sorted(alignment.possible)
    )


def swap_alignment(alignment: Alignment) -> Alignment:
    """Exchange source and target in every link."""
    return Alignment(
        frozenset(Link(link.target, link.source) for link in alignment.sure),
        frozenset(Link(link.target, link.source) for link in alignment.possible),
    )


def parse_alignment(
    line: str, first: int = 0, swap: bool = False, where: str = "alignment"
) -> Alignment:
    """Read one line of a Pharaoh file; see `read_alignments`. `where` begins its errors."""
    sure: set[Link] = set()
    possible: set[Link] = set()
    for text in line.split():
        link, is_sure = _link(text, first)
        if link is None:
            raise DataError(
                f"{where}: expected links such as 0-0 (sure) or 0p0 (possible), found {text!r}; "
                "give a file in Pharaoh format"
            )
        if min(link) < 0:
            raise DataError(
                f"{where}: expected words counted from {first}, found {text!r}; set first=0"
            )
        (sure if is_sure else possible).add(link)
    alignment = Alignment(frozenset(sure), frozenset(possible))
    return swap_alignment(alignment) if swap else alignment


@lru_cache(maxsize=10_000)  # a corpus has few that differ: time, and a million objects less
def _link(text: str, first: int) -> tuple[Link | None, bool]:
    match = _LINK.fullmatch(text)
    if not match:
        return None, False
    return Link(int(match[1]) - first, int(match[3]) - first), match[2] == "-"

"""What a corpus holds, as tables: its splits in figures, some of its pairs, its bad lines."""

from collections.abc import Mapping, Sequence

import numpy as np

from workbench.charts.frame import shortened
from workbench.charts.tables import Cell, Table
from workbench.data.corpus import Pair
from workbench.data.encoding import EncodedPairs
from workbench.data.frequencies import unknown_share
from workbench.records import BadLine, Integers

PAGE = 8  # pairs at a time
LONGEST = 240  # characters of a sentence
LISTED = 100  # bad lines


def figures_of_splits(name: str, encoded: Mapping[str, EncodedPairs]) -> Table:
    """Return pairs, lengths and the share of unknown tokens of each split."""
    rows = tuple(
        (
            split,
            f"{len(pairs):,}",
            *_side(pairs.sources),
            *_side(pairs.targets),
        )
        for split, pairs in encoded.items()
    )
    of_a_side = ("longest", "unknown")
    columns = ("split", "pairs", "source tokens", *of_a_side, "target tokens", *of_a_side)
    return Table(columns, rows, f"Corpus {name}: mean and greatest lengths, share of unknown")


def sample_table(pairs: Sequence[Pair], first: int, split: str) -> Table:
    """Return a page of pairs, from number `first`, counted from 0."""
    page = pairs[first : first + PAGE]
    from_files = any(pair.origin for pair in page)
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            number,
            shortened(pair.source, LONGEST),
            shortened(pair.target, LONGEST),
            *([pair.origin] if from_files else []),
        )
        for number, pair in enumerate(page, first + 1)
    )
    columns = ("pair", "source", "target", *(["line"] if from_files else []))
    caption = f"Pairs {first + 1:,} to {first + len(page):,} of {len(pairs):,} in {split}"
    return Table(columns, rows, caption)


def bad_line_table(lines: Sequence[BadLine]) -> Table:
    """Return the first bad lines, with where they stand and what is wrong with them."""
    rows = tuple((f"{bad.file}:{bad.line}", bad.reason) for bad in lines[:LISTED])
    more = f", the first {LISTED} of them" if len(lines) > LISTED else ""
    return Table(("line", "reason"), rows, f"{len(lines):,} lines were left out{more}")


def _side(sentences: Sequence[Integers]) -> tuple[str, str, str]:
    """Return the mean and the greatest number of tokens, end symbols not counted; unknown ones."""
    lengths = np.array([len(each) for each in sentences]) - 1
    return f"{lengths.mean():.1f}", f"{lengths.max():,}", f"{unknown_share(sentences):.1%}"

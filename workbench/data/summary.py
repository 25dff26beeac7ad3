"""What a set of sentence pairs holds, in figures: `workbench data check` and `data show`."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workbench.data.corpus import Pair
from workbench.data.readers import read_pairs
from workbench.records import BadLine


@dataclass(frozen=True)
class Lengths:
    """How long sentences are, in words or characters."""

    shortest: int
    median: float
    mean: float
    percentile_95: float
    longest: int

    @classmethod
    def of(cls, lengths: Iterable[int]) -> "Lengths":
        """Sum up at least one length."""
        some = np.array(list(lengths))
        return cls(
            int(some.min()),
            float(np.median(some)),
            float(some.mean()),
            float(np.percentile(some, 95)),
            int(some.max()),
        )


@dataclass(frozen=True)
class Side:
    """One side of the pairs: lengths, distinct words and distinct characters."""

    words: Lengths
    characters: Lengths
    word_types: int
    character_types: int

    @classmethod
    def of(cls, texts: Sequence[str]) -> "Side":
        """Sum up at least one text."""
        return cls(
            Lengths.of(len(text.split()) for text in texts),
            Lengths.of(len(text) for text in texts),
            len({word for text in texts for word in text.split()}),
            len({letter for text in texts for letter in text}),
        )


@dataclass(frozen=True)
class Summary:
    """Figures over sentence pairs.

    Attributes:
        duplicates: pairs that stand there already.
        ambiguous_sources: source texts with more than one target.
        aligned: pairs with a gold alignment.
        bad_lines: what could not be read.
    """

    pairs: int
    source: Side
    target: Side
    duplicates: int
    ambiguous_sources: int
    aligned: int
    bad_lines: tuple[BadLine, ...] = ()


def summarise(pairs: Sequence[Pair], bad_lines: tuple[BadLine, ...] = ()) -> Summary:
    """Sum up at least one pair."""
    distinct = {(pair.source, pair.target) for pair in pairs}
    targets = Counter(source for source, _ in distinct)
    return Summary(
        pairs=len(pairs),
        source=Side.of([pair.source for pair in pairs]),
        target=Side.of([pair.target for pair in pairs]),
        duplicates=len(pairs) - len(distinct),
        ambiguous_sources=sum(count > 1 for count in targets.values()),
        aligned=sum(pair.alignment is not None for pair in pairs),
        bad_lines=bad_lines,
    )


def check(
    path: str | Path,
    *,
    source_column: str = "",
    target_column: str = "",
    swap: bool = False,
) -> Summary:
    """Read a file of pairs to its end, whatever is wrong with its lines, and sum it up.

    Raises:
        DataError: the file cannot be read at all, or no line of it can.
    """
    pairs, bad = read_pairs(
        path,
        source_column=source_column,
        target_column=target_column,
        swap=swap,
        skip_bad_lines=True,
    )
    return summarise(pairs, bad)

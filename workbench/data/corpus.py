"""Sentence pairs in three splits, and the fingerprint that tells one corpus from another."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from workbench.errors import DataError
from workbench.records import Alignment, BadLine


class Pair(NamedTuple):
    """A source text, its target text, the gold word alignment and the line it came from.

    `alignment` counts white-space separated words from 0. `origin` is `file:line`, or empty.
    """

    source: str
    target: str
    alignment: Alignment | None = None
    origin: str = ""


@dataclass(frozen=True)
class Corpus:
    """Train, validation and test pairs; what could not be read stands in `bad_lines`."""

    name: str
    train: tuple[Pair, ...]
    validation: tuple[Pair, ...]
    test: tuple[Pair, ...]
    bad_lines: tuple[BadLine, ...] = ()

    def __post_init__(self) -> None:
        """Refuse an empty split: nothing can be trained on it or measured with it."""
        for split, pairs in self.splits.items():
            if not pairs:
                sizes = ", ".join(f"{name} {len(some)}" for name, some in self.splits.items())
                raise DataError(
                    f"{self.name}: expected pairs in every split, got none in {split} ({sizes}); "
                    "give more pairs, or change validation_share, test_share or the files"
                )

    @property
    def splits(self) -> dict[str, tuple[Pair, ...]]:
        """The three splits by name."""
        return {"train": self.train, "validation": self.validation, "test": self.test}

    @property
    def fingerprint(self) -> str:
        """SHA-256 over every text of every split, in order: 16 hexadecimal digits."""
        digest = hashlib.sha256()
        for split, pairs in self.splits.items():
            digest.update(f"{split} {len(pairs)}\0".encode())
            for pair in pairs:
                digest.update(f"{pair.source}\0{pair.target}\0".encode())
        return digest.hexdigest()[:16]


def split_pairs(
    pairs: Sequence[Pair], shares: Iterable[float], seed: int
) -> list[tuple[Pair, ...]]:
    """Split `pairs` at random, the same way for the same seed.

    `shares` are the parts to take off, e.g. (validation, test); the rest comes first in the
    result. A share of a corpus that has at least one pair for every part is never empty.
    Identical sources stay together, so that no test sentence was trained on.
    """
    groups: dict[str, list[Pair]] = {}
    for pair in pairs:
        groups.setdefault(pair.source, []).append(pair)
    order = list(groups.values())
    order = [order[i] for i in np.random.default_rng(seed).permutation(len(order))]
    parts = []
    for share in shares:
        wanted = max(1, round(share * len(pairs)))
        part: list[Pair] = []
        while order and len(part) < wanted:
            part.extend(order.pop())
        parts.append(tuple(part))
    return [tuple(pair for group in order for pair in group), *parts]

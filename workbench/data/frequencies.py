"""How often the pieces of a vocabulary stand in encoded sentences."""

from collections.abc import Sequence

import numpy as np

from workbench.data.tokenizer import END, UNKNOWN, Tokenizer
from workbench.records import Integers

Frequencies = list[tuple[str, int]]  # a piece as a person reads it, and its count


def frequencies(tokenizer: Tokenizer, sentences: Sequence[Integers]) -> Frequencies:
    """Count the pieces of encoded sentences, the most frequent first.

    Unknown pieces count together, as do those that a model with `copy_source` may copy. The end
    symbol and pieces that never occur are left out.
    """
    if not len(sentences):
        return []
    ids = np.concatenate([np.asarray(each) for each in sentences])
    counts = np.bincount(np.where(ids < tokenizer.size, ids, UNKNOWN), minlength=tokenizer.size)
    counts[END] = 0
    order = np.argsort(-counts, kind="stable")
    seen = order[: np.count_nonzero(counts)]
    return list(zip(tokenizer.tokens(seen.tolist()), counts[seen].tolist(), strict=True))


def unknown_share(sentences: Sequence[Integers]) -> float:
    """Return which share of the tokens is unknown, the end symbols not counted."""
    ids = np.concatenate([np.asarray(each) for each in sentences])
    return float(np.mean(ids[ids != END] == UNKNOWN))

"""Padded batches: bucketed by length, shuffled by seed and epoch, startable anywhere.

Shape letters: B pairs in a batch, S source tokens, T target tokens.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.data.encoding import EncodedPairs
from workbench.data.tokenizer import PAD
from workbench.records import Integers

POOL = 50  # batches sorted together: enough to save padding, few enough to stay random

Indices = NDArray[np.intp]


class Batch(NamedTuple):
    """Some pairs, padded behind to their longest.

    Attributes:
        source: piece numbers, the end symbol included [B, S].
        target: piece numbers, the end symbol included, no begin symbol [B, T].
        indices: the place of each pair among the encoded pairs [B].
    """

    source: Integers
    target: Integers
    indices: Indices


def batch_count(encoded: EncodedPairs, batch_size: int) -> int:
    """Return the number of batches of an epoch; the last may be smaller."""
    return -(-len(encoded) // batch_size)


def batches(
    encoded: EncodedPairs, batch_size: int, seed: int, epoch: int, start: int = 0
) -> Iterator[Batch]:
    """Yield every pair once, in an order that depends on `seed` and `epoch` alone.

    Pairs are shuffled, dealt into pools of 50 batches, sorted by length within a pool, and the
    batches shuffled again. With `start`, the first batches are left out without being built, and
    the rest is what a run from the beginning would get.
    """
    generator = np.random.default_rng((seed, epoch))
    order = generator.permutation(len(encoded))
    pool = POOL * batch_size
    order = np.concatenate(
        [_by_length(encoded, order[i : i + pool]) for i in range(0, len(order), pool)]
    )
    for number in generator.permutation(batch_count(encoded, batch_size))[start:]:
        yield _batch(encoded, order[number * batch_size : (number + 1) * batch_size])


def ordered_batches(encoded: EncodedPairs, batch_size: int) -> Iterator[Batch]:
    """Yield every pair once, short ones first; `indices` puts results back into order."""
    order = _by_length(encoded, np.arange(len(encoded)))
    for first in range(0, len(order), batch_size):
        yield _batch(encoded, order[first : first + batch_size])


def _by_length(encoded: EncodedPairs, indices: Indices) -> Indices:
    sources = [len(encoded.sources[i]) for i in indices]
    targets = [len(encoded.targets[i]) for i in indices]
    return indices[np.lexsort((sources, targets))]  # by target, then by source


def _batch(encoded: EncodedPairs, indices: Indices) -> Batch:
    return Batch(
        padded([encoded.sources[i] for i in indices]),
        padded([encoded.targets[i] for i in indices]),
        indices,
    )


def padded(rows: Sequence[Sequence[int] | Integers]) -> Integers:
    """Return rows of piece numbers as one array [B, longest], padded behind."""
    padded = np.full((len(rows), max(map(len, rows))), PAD, np.int32)
    for row, ids in zip(padded, rows, strict=True):
        row[: len(ids)] = ids
    return padded

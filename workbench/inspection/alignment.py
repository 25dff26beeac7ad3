"""How well attention agrees with a word alignment made by people, or by a grammar."""

from collections.abc import Sequence

import numpy as np

from workbench.metrics import alignment_error_rate, diagonal
from workbench.records import Floats, Link, Translation


def attention_links(
    attention: Floats, source_words: Sequence[int], target_words: Sequence[int]
) -> frozenset[Link]:
    """Link every target word to the source word that it attends to most.

    Attention is averaged over layers and heads. A source word's share is the sum over its
    tokens, a target word's the sum over its own; tokens of no word (-1, the end symbol) take
    no part.

    Shapes: attention [L, H, T, S]; source_words [S] and target_words [T] hold word numbers.
    """
    if not attention.size:
        return frozenset()
    mean = attention.mean((0, 1))  # [T, S]
    rows, columns = max(target_words, default=-1) + 1, max(source_words, default=-1) + 1
    shares = np.zeros((rows, columns))
    for target, row in zip(target_words, mean, strict=True):
        for source, share in zip(source_words, row, strict=True):
            if target >= 0 and source >= 0:
                shares[target, source] += share
    return frozenset(Link(int(row.argmax()), target) for target, row in enumerate(shares))


def alignment_figures(scored: Sequence[Translation]) -> dict[str, float]:
    """Compare attention with the gold alignments of `scored` (Och & Ney 2003; 0 is perfect).

    `scored` are references under teacher forcing, since that is what gold alignments are of.
    Returns: `alignment_error_rate`, and `diagonal_error_rate` of a straight line from the
    first words to the last, which no model is needed for; nothing where there is no gold
    alignment or no attention.
    """
    known = [(each, each.gold) for each in scored if each.gold and each.best.attention.size]
    if not known:
        return {}
    sure = [gold.sure for _, gold in known]
    possible = [gold.possible for _, gold in known]
    attended = [
        attention_links(each.best.attention, each.source_words, each.best.words)
        for each, _ in known
    ]
    straight = [
        diagonal(len(each.source.split()), len(each.best.text.split())) for each, _ in known
    ]
    return {
        "alignment_error_rate": alignment_error_rate(sure, possible, attended),
        "diagonal_error_rate": alignment_error_rate(sure, possible, straight),
    }

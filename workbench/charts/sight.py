"""Who looks at what: the attention of a model to its source, or of one side to itself.

Shape letters: L layers, H heads, R tokens that read (rows), C tokens that are read (columns).
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from workbench.charts.frame import shortened
from workbench.charts.heatmap import TokenLink
from workbench.charts.tables import Table
from workbench.records import Floats, Translation

SHARE = 0.75  # of a row's attention that its kept cells hold together

Pick = int | Literal["maximum"] | None  # of layers or heads: one from 0, the largest, or the mean
Weights = NDArray[np.floating]

_STRONGEST = 3  # columns that the table names for a row


@dataclass(frozen=True)
class Sight:
    """Tokens that read, tokens that are read, and how much.

    Attributes:
        name: what the attention is, e.g. `Attention`.
        text: the sentences that it belongs to.
        weights: [L, H, R, C]; L is 0 where there is no attention.
        links: gold links of columns (source) and rows (target).
    """

    name: str
    text: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    weights: Floats
    links: tuple[TokenLink, ...] = ()

    def chosen(self, layer: Pick = None, head: Pick = None) -> Weights:
        """Return the weights [R, C] of a layer and a head, their mean or their maximum.

        Raises:
            ValueError: there is no such layer or head.
        """
        return choose(self.weights, layer, head)


def across(translation: Translation, hypothesis: int = 0) -> Sight:
    """Return what the tokens of a hypothesis read of the source, with its gold links.

    Gold links the reference: there are none where the hypothesis says something else.
    """
    chosen = translation.hypotheses[hypothesis]
    text = f"{shortened(translation.source, 45)} → {shortened(chosen.text, 45)}"
    return Sight(
        "Attention", text, chosen.tokens, translation.source_tokens, chosen.attention,
        gold_links(translation, hypothesis),
    )  # fmt: skip


def within_encoder(text: str, tokens: Sequence[str], weights: Floats) -> Sight:
    """Return what the tokens of the source read of each other."""
    return Sight("Self-attention of the encoder", text, tuple(tokens), tuple(tokens), weights)


def within_decoder(text: str, tokens: Sequence[str], weights: Floats) -> Sight:
    """Return what each token of the target read, to be written, of those before it."""
    read = ("<begin>", *tokens[:-1])
    return Sight("Self-attention of the decoder", text, tuple(tokens), read, weights)


def choose(weights: Floats, layer: Pick = None, head: Pick = None) -> Weights:
    """Return the weights of one layer and head out of [L, H, R, C], or of their mean or maximum.

    Raises:
        ValueError: there is no such layer or head.
    """
    found: Weights = weights
    for name, pick in (("layer", layer), ("head", head)):
        if pick is None:
            found = found.mean(axis=0)
        elif pick == "maximum":
            found = found.max(axis=0)
        elif 0 <= pick < len(found):
            found = found[pick]
        else:
            raise ValueError(f"expected a {name} from 0 to {len(found) - 1}, got {pick}")
    return found


def top_mass(weights: Weights, share: float = SHARE) -> NDArray[np.bool_]:
    """Tell of each cell [R, C] whether it is among the fewest that hold `share` of its row.

    Of equal cells the first ones are taken. A row of zeros has none.
    """
    order = np.argsort(-weights, axis=-1, kind="stable")
    held = np.cumsum(np.take_along_axis(weights, order, -1), -1, dtype=np.float64)
    before = np.concatenate([np.zeros_like(held[:, :1]), held[:, :-1]], -1)
    wanted = share * held[:, -1:] * (1 - 1e-6)  # what rounding may lack
    kept = np.zeros(weights.shape, bool)
    np.put_along_axis(kept, order, before < wanted, -1)
    return kept


def gold_links(translation: Translation, hypothesis: int = 0) -> tuple[TokenLink, ...]:
    """Return the gold links of the words as links of their tokens.

    Gold links the reference: there are none where the hypothesis says something else.
    """
    gold, chosen = translation.gold, translation.hypotheses[hypothesis]
    if gold is None or (translation.reference or "").split() != chosen.text.split():
        return ()
    return tuple(
        TokenLink(i, j, "sure" if pair in gold.sure else "possible")
        for j, target_word in enumerate(chosen.words)
        for i, source_word in enumerate(translation.source_words)
        if (pair := (source_word, target_word)) in gold.possible
    )


def as_table(sight: Sight, weights: Weights) -> Table:
    """Return for each row the columns it reads most, strongest first: the map for a listener."""
    rows = tuple(
        (token, *(f"{sight.columns[i]} {row[i]:.2f}" for i in np.argsort(-row)[:_STRONGEST]))
        for token, row in zip(sight.rows, weights, strict=True)
    )
    width = min(_STRONGEST, len(sight.columns))
    names = ("reads most", "then", "then")[:width]
    return Table(("token", *names), rows, f"{sight.name}: what each token reads")


def as_csv(sight: Sight, weights: Weights) -> str:
    """Return a line for every cell: both tokens with their positions from 0, and the weight."""
    stream = io.StringIO()
    lines = csv.writer(stream, lineterminator="\n")
    lines.writerow(("row", "token", "column", "reads", "weight"))
    for (j, i), weight in np.ndenumerate(weights):
        lines.writerow((j, sight.rows[j], i, sight.columns[i], f"{weight:.6g}"))
    return stream.getvalue()

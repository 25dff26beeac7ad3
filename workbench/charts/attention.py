"""What the decoder looked at: attention as a heat map over source and target tokens."""

from collections.abc import Sequence

import altair as alt
import numpy as np
from numpy.typing import NDArray

from workbench.charts.frame import framed, notice, shortened
from workbench.charts.heatmap import ALONE, IN_GRID, TOKENS, heat_map
from workbench.charts.sight import Pick, Sight, Weights, across, choose, gold_links, top_mass
from workbench.records import Hypothesis, Translation

NO_ATTENTION = "the model has no attention"


def attention_map(
    translation: Translation, hypothesis: int = 0, layer: Pick = None, head: Pick = None
) -> alt.LayerChart | alt.Chart:
    """Draw the attention of one hypothesis: source tokens across, target tokens down.

    Gold links are drawn over it, sure ones as solid and possible ones as dashed boxes, where the
    record knows the words of the tokens and the hypothesis equals the reference.

    Args:
        translation: a translation and, where known, its gold alignment.
        hypothesis: which of its hypotheses, 0 being the best.
        layer: counted from 0; None takes the mean over layers, "maximum" the largest of them.
        head: counted from 0; None takes the mean over heads, "maximum" the largest of them.

    Raises:
        ValueError: there is no such hypothesis, layer or head.
    """
    count = len(translation.hypotheses)
    if not 0 <= hypothesis < count:
        raise ValueError(f"expected one of {count} hypotheses, counted from 0, got {hypothesis}")
    return sight_map(across(translation, hypothesis), layer, head)


def sight_map(
    sight: Sight, layer: Pick = None, head: Pick = None, mass: bool = False, tokens: int = TOKENS
) -> alt.LayerChart | alt.Chart:
    """Draw any attention: who is read across, who reads down, the first `tokens` of each.

    With `mass` only the cells that hold most of a row stand out (`sight.top_mass`).

    Raises:
        ValueError: there is no such layer or head.
    """
    if not sight.weights.size:
        return notice(sight.name, NO_ATTENTION)
    weights = sight.chosen(layer, head)
    kept = top_mass(weights) if mass else None
    size = ALONE._replace(tokens=tokens)
    chart = heat_map(sight.columns, sight.rows, weights, sight.links, size, kept=kept)
    longest = max(len(sight.rows), len(sight.columns))
    cropped = [f"the first {tokens} tokens of {longest}"] if longest > tokens else []
    description = in_words(sight, layer, head)
    return framed(chart, _title(sight, layer, head), description, [sight.text, *cropped])


def in_words(sight: Sight, layer: Pick = None, head: Pick = None) -> str:
    """Say what the map shows, and where each token looks most."""
    strongest = _strongest(sight, sight.chosen(layer, head))
    return f"{_title(sight, layer, head)} of {sight.text}. {strongest}"


def attention_grid(translations: Sequence[Translation]) -> alt.ConcatChart | alt.Chart:
    """Draw the attention of the best hypotheses of several sentences, layers and heads averaged.

    Two stand side by side where all are short.
    """
    shown = [one for one in translations if one.hypotheses and one.best.attention.size]
    if not shown:
        return notice("Attention", NO_ATTENTION if translations else "no sentence was translated")
    short = all(max(one.best.attention.shape[-2:]) <= 18 for one in shown)
    size = IN_GRID if short else ALONE
    maps = [
        heat_map(one.source_tokens, one.best.tokens, attention_weights(one.best),
                 gold_links(one), size, f"attention_{number}")
        .properties(title=_small_title(one.source, 1.2 * size.plot))
        for number, one in enumerate(shown)
    ]  # fmt: skip
    grid = alt.concat(*maps, columns=2 if short else 1, spacing=24)
    pairs = "; ".join(f"{shortened(one.source, 45)} → {shortened(one.text, 45)}" for one in shown)
    description = f"Attention of {len(maps)} translations: {pairs}."
    return framed(grid, "Attention", description, "source tokens across, target tokens down")


def attention_weights(
    hypothesis: Hypothesis, layer: Pick = None, head: Pick = None
) -> NDArray[np.floating]:
    """Return the attention [T, S] of a layer and a head; None takes the mean over them.

    Raises:
        ValueError: there is no such layer or head.
    """
    return choose(hypothesis.attention, layer, head)


def _small_title(text: str, limit: float) -> alt.Title:
    return alt.Title(text, fontSize=12, fontWeight="normal", frame="group", offset=8, limit=limit)


def _title(sight: Sight, layer: Pick, head: Pick) -> str:
    return f"{sight.name}: {_which(sight, layer, head)}".removesuffix(": ")


def _which(sight: Sight, layer: Pick, head: Pick) -> str:
    """Name what is shown of several layers and heads: `layer 1, mean of 4 heads`."""
    parts = []
    for name, count, pick in zip(
        ("layer", "head"), sight.weights.shape[:2], (layer, head), strict=True
    ):
        if count > 1 and isinstance(pick, int):
            parts.append(f"{name} {pick}")
        elif count > 1:
            parts.append(f"{pick or 'mean'} of {count} {name}s")
    return ", ".join(parts)


def _strongest(sight: Sight, weights: Weights) -> str:
    """Say for each token where it looks most, for who cannot see the map."""
    pairs = [
        f"{token} at {sight.columns[row.argmax()]} ({row.max():.2f})"
        for token, row in zip(sight.rows, weights, strict=True)
    ]
    what = "target token" if sight.name == "Attention" else "token"
    return f"Each {what} looks most: {'; '.join(pairs[:30])}."

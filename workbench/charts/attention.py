"""What the decoder looked at: attention as a heat map over source and target tokens."""

from collections.abc import Sequence

import altair as alt
import numpy as np
from numpy.typing import NDArray

from workbench.charts.frame import framed, notice, shortened
from workbench.charts.heatmap import ALONE, IN_GRID, TOKENS, TokenLink, heat_map
from workbench.records import Hypothesis, Translation

_NO_ATTENTION = "the model has no attention"


def attention_map(
    translation: Translation,
    hypothesis: int = 0,
    layer: int | None = None,
    head: int | None = None,
) -> alt.LayerChart | alt.Chart:
    """Draw the attention of one hypothesis: source tokens across, target tokens down.

    Gold links are drawn over it, sure ones as solid and possible ones as dashed boxes, where the
    record knows the words of the tokens and the hypothesis equals the reference.

    Args:
        translation: a translation and, where known, its gold alignment.
        hypothesis: which of its hypotheses, 0 being the best.
        layer: counted from 0; None takes the mean over layers.
        head: counted from 0; None takes the mean over heads.

    Raises:
        ValueError: there is no such hypothesis, layer or head.
    """
    chosen = _choose(translation, hypothesis)
    if not chosen.attention.size:
        return notice("Attention", _NO_ATTENTION)
    weights = attention_weights(chosen, layer, head)
    links = _links(translation, chosen)
    chart = heat_map(translation.source_tokens, chosen.tokens, weights, links)
    title = f"Attention: {_which(chosen, layer, head)}".removesuffix(": ")
    text = f"{shortened(translation.source, 45)} → {shortened(chosen.text, 45)}"
    description = f"{title} of {text}. {_strongest(translation, chosen, weights)}"
    return framed(chart, title, description, [text, *_cropped(translation, chosen)])


def attention_grid(translations: Sequence[Translation]) -> alt.ConcatChart | alt.Chart:
    """Draw the attention of the best hypotheses of several sentences, layers and heads averaged.

    Two stand side by side where all are short.
    """
    shown = [one for one in translations if one.hypotheses and one.best.attention.size]
    if not shown:
        return notice("Attention", _NO_ATTENTION if translations else "no sentence was translated")
    short = all(max(one.best.attention.shape[-2:]) <= 18 for one in shown)
    size = IN_GRID if short else ALONE
    maps = [
        heat_map(one.source_tokens, one.best.tokens, attention_weights(one.best),
                 _links(one, one.best), size, f"attention_{number}")
        .properties(title=_small_title(one.source, 1.2 * size.plot))
        for number, one in enumerate(shown)
    ]  # fmt: skip
    grid = alt.concat(*maps, columns=2 if short else 1, spacing=24)
    pairs = "; ".join(f"{shortened(one.source, 45)} → {shortened(one.text, 45)}" for one in shown)
    description = f"Attention of {len(maps)} translations: {pairs}."
    return framed(grid, "Attention", description, "source tokens across, target tokens down")


def attention_weights(
    hypothesis: Hypothesis, layer: int | None = None, head: int | None = None
) -> NDArray[np.floating]:
    """Return the attention [T, S] of a layer and a head; None takes the mean over them.

    Raises:
        ValueError: there is no such layer or head.
    """
    weights: NDArray[np.floating] = hypothesis.attention  # [L, H, T, S]
    for name, index in (("layer", layer), ("head", head)):
        if index is None:
            weights = weights.mean(axis=0)
        elif 0 <= index < len(weights):
            weights = weights[index]
        else:
            raise ValueError(f"expected a {name} from 0 to {len(weights) - 1}, got {index}")
    return weights


def _choose(translation: Translation, number: int) -> Hypothesis:
    if 0 <= number < len(translation.hypotheses):
        return translation.hypotheses[number]
    count = len(translation.hypotheses)
    raise ValueError(f"expected one of {count} hypotheses, counted from 0, got {number}")


def _links(translation: Translation, hypothesis: Hypothesis) -> list[TokenLink]:
    """Return the gold links of the words as links of their tokens.

    Gold links the reference: there are none where the hypothesis says something else.
    """
    gold = translation.gold
    if gold is None or (translation.reference or "").split() != hypothesis.text.split():
        return []
    return [
        TokenLink(i, j, "sure" if pair in gold.sure else "possible")
        for j, target_word in enumerate(hypothesis.words)
        for i, source_word in enumerate(translation.source_words)
        if (pair := (source_word, target_word)) in gold.possible
    ]


def _small_title(text: str, limit: float) -> alt.Title:
    return alt.Title(text, fontSize=12, fontWeight="normal", frame="group", offset=8, limit=limit)


def _which(hypothesis: Hypothesis, layer: int | None, head: int | None) -> str:
    """Name what is shown of several layers and heads: `layer 1, mean of 4 heads`."""
    layers, heads = hypothesis.attention.shape[:2]
    parts = []
    for name, count, index in (("layer", layers, layer), ("head", heads, head)):
        if count > 1:
            parts.append(f"mean of {count} {name}s" if index is None else f"{name} {index}")
    return ", ".join(parts)


def _cropped(translation: Translation, hypothesis: Hypothesis) -> list[str]:
    longest = max(len(translation.source_tokens), len(hypothesis.tokens))
    return [f"the first {TOKENS} tokens of {longest}"] if longest > TOKENS else []


def _strongest(
    translation: Translation, hypothesis: Hypothesis, weights: NDArray[np.floating]
) -> str:
    """Say for each target token where it looks most, for who cannot see the map."""
    pairs = [
        f"{token} at {translation.source_tokens[row.argmax()]} ({row.max():.2f})"
        for token, row in zip(hypothesis.tokens, weights, strict=True)
    ]
    return f"Each target token looks most: {'; '.join(pairs[:30])}."

"""How often tokens occur: few very often, most hardly ever (Zipf 1949)."""

from collections.abc import Iterator, Sequence
from typing import Any

import altair as alt
import numpy as np

from workbench.charts.frame import framed, inline, notice, shortened

POINTS = 100  # of a line at most, evenly spaced on a logarithmic axis
_TITLE = "Vocabulary"

Frequencies = Sequence[tuple[str, int]]  # a token and its count, the most frequent first


def rank_frequency(source: Frequencies, target: Frequencies, unit: str = "tokens") -> alt.Chart:
    """Draw the count of each token over its rank, both axes logarithmic.

    Args:
        source: tokens of the source side with their counts, the most frequent first.
        target: those of the target side.
        unit: what the tokens are.
    """
    sides = {side: counts for side, counts in (("source", source), ("target", target)) if counts}
    if not sides:
        return notice(_TITLE, "there are no sentences")
    rows: list[dict[str, Any]] = [
        {"side": side, "rank": rank, "count": count, "token": shortened(token, 40)}
        for side, counts in sides.items()
        for rank, token, count in _thinned(counts)
    ]
    words = [_in_words(side, counts, unit) for side, counts in sides.items()]
    ranks = _ticks([row["rank"] for row in rows])
    counted = _ticks([row["count"] for row in rows])
    across = alt.Axis(values=ranks, format=",.0f", grid=False)
    down = alt.Axis(values=counted, format=",.0f", minExtent=36)
    chart: alt.Chart = (
        alt.Chart(inline(rows), width=600, height=220)
        .mark_line(strokeWidth=1.75, point={"size": 14, "filled": True})
        .encode(
            x=alt.X("rank:Q", title="rank", scale=_LOG, axis=across),
            y=alt.Y("count:Q", title="occurrences", scale=_LOG, axis=down),
            color=alt.Color("side:N", scale=alt.Scale(domain=list(sides)), legend=_LEGEND),
            tooltip=[
                alt.Tooltip("token:N"),
                alt.Tooltip("count:Q", title="occurrences", format=",.0f"),
                alt.Tooltip("rank:Q", format=",.0f"),
                alt.Tooltip("side:N"),
            ],
        )
    )
    return framed(chart, _TITLE, f"Vocabulary. {'; '.join(words)}.", words)


_LOG = alt.Scale(type="log", nice=False)
_LEGEND = alt.Legend(title=None, orient="top", symbolType="stroke", symbolStrokeWidth=2)


def _ticks(values: Sequence[int]) -> list[int]:
    """Return powers of ten to label; where they would be few, twice and five times them too."""
    steps = (1,) if max(values) >= 1000 * min(values) else (1, 2, 5)
    digits = range(len(str(max(values))))
    return [step * 10**power for power in digits for step in steps]


def _thinned(counts: Frequencies) -> Iterator[tuple[int, str, int]]:
    """Yield rank from 1, token and count of at most POINTS tokens, the first and last included."""
    spaced = np.geomspace(1, len(counts), min(POINTS, len(counts)))
    for rank in np.unique(spaced.round().astype(int)).tolist():
        yield rank, *counts[rank - 1]


def _in_words(side: str, counts: Frequencies, unit: str) -> str:
    total = sum(count for _, count in counts)
    once = sum(count == 1 for _, count in counts)
    often = ", ".join(
        f"“{shortened(token, 12)}” ({count / total:.1%})" for token, count in counts[:3]
    )
    return f"{side}: {len(counts):,} {unit}, {once:,} of them once; the most frequent {often}"

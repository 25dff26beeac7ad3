"""How long sentences are, and how their scores fall as they grow longer."""

import itertools
from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np

from workbench.charts.frame import finite, framed, inline, notice
from workbench.charts.names import format_of, title_of, titled, written

DOTS = 1000  # sentences drawn one by one at most
_WIDTH = 600

Rows = list[dict[str, Any]]


def score_by_length(
    lengths: Sequence[int], scores: Sequence[float], name: str = "chrf", unit: str = "source tokens"
) -> alt.VConcatChart | alt.Chart:
    """Draw each sentence's score over its length, the mean of each span of lengths, and counts.

    Args:
        lengths: of the sentences, in `unit`.
        scores: of the same sentences.
        name: what figure the scores are, e.g. `chrf` or `exact_match`.
        unit: what the lengths count.

    Raises:
        ValueError: not as many scores as lengths.
    """
    if len(lengths) != len(scores):
        raise ValueError(
            f"expected a score for each length, got {len(scores)} scores, {len(lengths)} lengths"
        )
    title = f"Score by length: {title_of(name)}"
    if not len(lengths):
        return notice(title, "no sentence was scored")
    edges = _edges(lengths, 20)
    rows = _spans(lengths, edges, scores)
    above = _dots_and_means(lengths, scores, [row for row in rows if row["count"]], edges, name)
    listed = "; ".join(
        f"{row['span']}: {written(name, row['mean'])} of {row['count']}"
        for row in rows
        if row["count"]
    )
    return framed(
        alt.vconcat(above, _bars(rows, edges, "sentences", unit, 60), spacing=12),
        title,
        f"Mean {title_of(name)} by {unit}, of how many sentences: {listed}.",
        f"dots: sentences{_sampled(lengths)}; bars: their mean; below: how many there are",
    )


def length_histogram(
    source_lengths: Sequence[int], target_lengths: Sequence[int], unit: str = "tokens"
) -> alt.VConcatChart | alt.Chart:
    """Draw how many sentences have which length, source above target, on one axis."""
    if not len(source_lengths) or not len(target_lengths):
        return notice("Sentence lengths", "there are no sentences")
    edges = _edges([*source_lengths, *target_lengths], 60)
    source, target = _spans(source_lengths, edges), _spans(target_lengths, edges)
    words = [
        f"{side}: {min(lengths)} to {max(lengths)} {unit}, median {np.median(lengths):g}"
        for side, lengths in (("source", source_lengths), ("target", target_lengths))
    ]
    panels = alt.vconcat(
        _bars(source, edges, "source sentences", None, 90),
        _bars(target, edges, "target sentences", unit, 90),
        spacing=16,
    )
    return framed(panels, "Sentence lengths", f"Sentence lengths. {'; '.join(words)}.", words)


def _sampled(lengths: Sequence[int]) -> str:
    every = -(-len(lengths) // DOTS)
    return f" (one in {every})" if every > 1 else ""


def _edges(lengths: Sequence[int], most: int) -> list[float]:
    """Return where at most `most` equal spans begin and end, midway between whole lengths."""
    low, high = int(min(lengths)), int(max(lengths))
    width = -(-(high - low + 1) // most)
    count = -(-(high - low + 1) // width)
    return [low - 0.5 + width * i for i in range(count + 1)]


def _spans(
    lengths: Sequence[int], edges: list[float], scores: Sequence[float] | None = None
) -> Rows:
    """Return a row a span: where it is, how many lengths are in it, their mean score."""
    counts, _ = np.histogram(lengths, edges)
    sums, _ = np.histogram(lengths, edges, weights=scores)
    return [
        {
            "from": low,
            "to": high,
            "span": f"{low + 0.5:g}" if high - low == 1 else f"{low + 0.5:g} to {high - 0.5:g}",
            "count": int(count),
            "mean": float(total / count) if count else None,
        }
        for low, high, count, total in zip(edges[:-1], edges[1:], counts, sums, strict=True)
    ]


def _dots_and_means(
    lengths: Sequence[int], scores: Sequence[float], rows: Rows, edges: list[float], name: str
) -> alt.LayerChart:
    every = -(-len(lengths) // DOTS)  # a regular sample: the same dots at every drawing
    dots = [
        {"length": int(length), "score": finite(score)}
        for length, score in zip(lengths[::every], scores[::every], strict=True)
    ]
    form = format_of(name)
    axis = alt.Axis(labels=False, ticks=False, title=None, grid=False)
    each = (
        alt.Chart(inline(dots), width=_WIDTH, height=200)
        .mark_point(style="faint", filled=True, size=24)
        .encode(
            x=alt.X("length:Q", axis=axis, scale=_domain(edges)),
            y=alt.Y("score:Q", title=title_of(name), axis=_counted(form.replace(".1", "~"))),
            tooltip=[alt.Tooltip("length:Q"), alt.Tooltip("score:Q", format=form)],
        )
    )
    mean = (
        alt.Chart(inline(rows))
        .mark_rule(style="accent", strokeWidth=3)
        .encode(
            x="from:Q",
            x2="to:Q",
            y="mean:Q",
            tooltip=[
                alt.Tooltip("span:N", title="length"),
                alt.Tooltip("mean:Q", format=form),
                alt.Tooltip("count:Q", title="sentences", format=",.0f"),
            ],
        )
    )
    return alt.LayerChart(layer=[each, mean])


def _bars(rows: Rows, edges: list[float], name: str, unit: str | None, height: int) -> alt.Chart:
    """Draw the counts; `unit` labels the axis, None leaves that to the panel below."""
    axis = alt.Axis(values=_ticks(edges), labels=bool(unit), ticks=bool(unit), grid=False)
    most = max(row["count"] for row in rows)
    scale = alt.Scale(domain=[0, max(4, most)], nice=True)  # 4: ticks at whole numbers
    chart: alt.Chart = (
        alt.Chart(inline(rows), width=_WIDTH, height=height)
        .mark_rect(style="main", xOffset=0.5, x2Offset=-0.5)
        .encode(
            x=alt.X("from:Q", title=unit and titled(unit), axis=axis, scale=_domain(edges)),
            x2="to:Q",
            y=alt.Y("count:Q", title=name, axis=_counted(",.0f", 3), scale=scale),
            y2=alt.Y2Datum(0),
            tooltip=[
                alt.Tooltip("span:N", title="length"),
                alt.Tooltip("count:Q", title="sentences", format=",.0f"),
            ],
        )
    )
    return chart


def _counted(form: str, ticks: int = 5) -> alt.Axis:
    return alt.Axis(format=form, tickCount=ticks, minExtent=36)


def _ticks(edges: list[float]) -> list[int]:
    """Return at most 13 whole lengths, evenly spaced, to label."""
    low, high = int(edges[0] + 0.5), int(edges[-1] - 0.5)
    step = next(step for step in itertools.count(1) if (high - low) // step <= 12)
    return list(range(-(-low // step) * step, high + 1, step))


def _domain(edges: list[float]) -> alt.Scale:
    return alt.Scale(domain=[edges[0], edges[-1]], nice=False, zero=False)

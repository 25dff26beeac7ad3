"""The inverse question: the attention that would have produced a word, beside the model's own."""

from math import exp
from typing import Any

import altair as alt

from workbench.charts.frame import finite, framed, inline, row_height, shortened
from workbench.charts.sight import Pick, choose
from workbench.records import WantedAttention

_WHOSE = ("own", "found")
_SERIES = ("wanted token", "likeliest other")


def wanted_attention(
    wanted: WantedAttention, layer: Pick = None, head: Pick = None
) -> alt.VConcatChart:
    """Draw own and found attention over the source, and the way from one to the other.

    Args:
        wanted: the answer to the inverse question.
        layer: counted from 0; None takes the mean over layers, "maximum" the largest of them.
        head: as `layer`.

    Raises:
        ValueError: there is no such layer or head.
    """
    prefix = shortened(" ".join(wanted.prefix), 60) or "the beginning"
    title = f"What attention would have produced {wanted.wanted}?"
    words = _in_words(wanted)
    panels = _attention(wanted, layer, head), _way(wanted)
    chart: alt.VConcatChart = alt.vconcat(*panels, spacing=20).resolve_scale(color="independent")
    subtitle = [f"after: {prefix}", *words]
    return framed(chart, title, f"{title} After {prefix}: {'; '.join(words)}.", subtitle)


def _in_words(wanted: WantedAttention) -> list[str]:
    own, reached = exp(wanted.own_log_probability), exp(wanted.log_probability)
    distance = float(wanted.distance[wanted.sought].mean())
    divergence = float(wanted.divergence[wanted.sought].mean())
    outcome = "it would have won" if wanted.wins else "it would not have won"
    if wanted.log_probabilities[0] > wanted.rivals[0]:
        outcome = "it wins anyway"
    return [
        f"probability {own:.2%} under the model's own attention, {reached:.2%} under the one found",
        f"that one lies {divergence:.2f} nats and {distance:.0%} of the attention away; {outcome}",
    ]


def _attention(wanted: WantedAttention, layer: Pick, head: Pick) -> alt.Chart:
    rows: list[dict[str, Any]] = []
    for whose, weights in zip(_WHOSE, (wanted.own, wanted.found), strict=True):
        row = choose(weights[:, :, None], layer, head)[0]
        rows += [
            {"place": f"{number}:{token}", "token": token, "whose": whose, "weight": finite(weight)}
            for number, (token, weight) in enumerate(zip(wanted.source_tokens, row, strict=True))
        ]
    names = list(dict.fromkeys(row["place"] for row in rows))
    down = alt.Axis(title=None, labelExpr="replace(datum.label, /^[0-9]+:/, '')", labelLimit=160,
                    ticks=False, domain=False, labelPadding=6)  # fmt: skip
    chart: alt.Chart = (
        alt.Chart(inline(rows), width=420, height=row_height(len(rows), 12))
        .mark_bar()
        .encode(
            x=alt.X("weight:Q", title="attention weight", scale=alt.Scale(domain=[0, 1])),
            y=alt.Y("place:N", axis=down, scale=alt.Scale(domain=names)),
            yOffset=alt.YOffset("whose:N", scale=alt.Scale(domain=list(_WHOSE))),
            color=_colour("whose", _WHOSE),
            tooltip=[
                alt.Tooltip("token:N"),
                alt.Tooltip("whose:N"),
                alt.Tooltip("weight:Q", format=".3f"),
            ],
        )
    )
    return chart


def _way(wanted: WantedAttention) -> alt.Chart:
    """Draw the log-probabilities and the divergence over the iterations."""
    rows: list[dict[str, Any]] = [
        {"iteration": number, "series": series, "nats": finite(nats),
         "divergence": finite(wanted.divergences[number])}
        for series, values in zip(_SERIES, (wanted.log_probabilities, wanted.rivals), strict=True)
        for number, nats in enumerate(values)
    ]  # fmt: skip
    chart: alt.Chart = (
        alt.Chart(inline(rows), width=420, height=130)
        .mark_line(strokeWidth=1.75)
        .encode(
            x=alt.X(
                "iteration:Q", scale=alt.Scale(nice=False), axis=alt.Axis(grid=False, tickCount=6)
            ),
            y=alt.Y("nats:Q", title="log-probability (nats)", scale=alt.Scale(zero=False)),
            color=_colour("series", _SERIES, "stroke"),
            tooltip=[
                alt.Tooltip("iteration:Q"),
                alt.Tooltip("series:N"),
                alt.Tooltip("nats:Q", format=".3f"),
                alt.Tooltip("divergence:Q", title="nats from own attention", format=".3f"),
            ],
        )
    )
    return chart


def _colour(field: str, domain: tuple[str, ...], symbol: str = "square") -> alt.Color:
    width = 2 if symbol == "stroke" else 0
    legend = alt.Legend(title=None, orient="top", symbolType=symbol, symbolStrokeWidth=width)
    return alt.Color(f"{field}:N", scale=alt.Scale(domain=list(domain)), legend=legend)

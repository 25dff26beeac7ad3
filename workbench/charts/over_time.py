"""One sentence at many moments of training, on a slider that needs no kernel.

The slider is a selection of Vega-Lite's, bound to an input of the page; a click on a step of the
probabilities moves it too.
"""

from collections.abc import Iterator, Sequence
from math import exp
from typing import Any

import altair as alt

from workbench.charts.frame import finite, framed, inline, notice, shortened
from workbench.charts.heatmap import SHADES
from workbench.charts.names import ordered, title_of, written
from workbench.charts.selections import choosing
from workbench.charts.sight import choose
from workbench.charts.tables import Table
from workbench.moments import Moment, OverTime
from workbench.records import Translation

TITLE = "Over time"
TOKENS = 40  # of a side at most
LEAST = 0.005  # attention below it is not drawn: most of it would be
_FIGURES = 2  # that are told of a moment
_CHOSEN: Any = {"param": "moment"}
_LABEL = "replace(datum.label, /^[0-9]+:/, '')"

Rows = list[dict[str, Any]]


def over_time_chart(over: OverTime) -> alt.VConcatChart | alt.Chart:
    """Draw what each run writes and reads at a moment, and how likely it held each token.

    A slider chooses among the steps of all runs together; a run that has no moment at a step
    shows its last one before.
    """
    if not any(moment.translation or moment.scored for moment in over.moments):
        faults = [moment.fault for moment in over.moments if moment.fault]
        return notice(TITLE, shortened((faults or ["no checkpoint was looked at"])[0], 80))
    parts = [_part(over, number) for number in range(len(over.runs))]
    pairs = [alt.hconcat(*parts[first : first + 2]) for first in range(0, len(parts), 2)]
    chart = alt.vconcat(*pairs) if len(parts) > 1 else parts[0]
    count = len(over.steps)
    chart = choosing(chart, "moment", count, "Moment", "tokens", first=count)
    followed = [f"followed: {shortened(over.followed, 90)}"] if over.followed else []
    return framed(chart, TITLE, in_words(over), [shortened(over.text, 90), *followed])


def token_history(over: OverTime, run: str = "") -> alt.LayerChart | alt.Chart:
    """Draw how likely one run, by default the first, held each token over its training."""
    known = _of(over, run or over.runs[0])
    rows = list(_probabilities(over, known))
    if not rows:
        return notice("Probabilities", "no token is followed")
    chart = alt.LayerChart(layer=[_history(rows, known, "history", 320)])
    words = f"Probability of each token over {len(known)} checkpoints. {_likeliest(known[-1])}"
    return framed(chart, "Probability of each token", words)


def over_time_table(over: OverTime) -> Table:
    """Return what was written at each moment, or why nothing was, and what was thought of it."""
    names = _told_figures(over.moments)
    several = len(over.runs) > 1
    asked = sorted({(one.item, one.kind, one.token)
                    for moment in over.moments for one in moment.opinions})  # fmt: skip
    rows = []
    for moment in over.moments:
        thought = {one[:3]: exp(one.log_probability) for one in moment.opinions}
        rows.append(
            (
                *([moment.run] * several),
                f"{moment.step:,}",
                *(written(name, moment.figures[name]) if name in moment.figures else ""
                  for name in names),
                _said(moment),
                f"{moment.scored.best.log_probability:.3f}" if moment.scored else "",
                *(f"{thought[one]:.1%}" if one in thought else "" for one in asked),
            )
        )  # fmt: skip
    columns = (
        *(["run"] * several), "step", *map(title_of, names), "translation", "log p of the followed",
        *(f"{kind} {token}" for _, kind, token in asked),
    )  # fmt: skip
    followed = f"; followed: {shortened(over.followed, 90)}" if over.followed else ""
    return Table(columns, tuple(rows), f"{shortened(over.text, 90)} over time{followed}")


def in_words(over: OverTime) -> str:
    """Say what was written at the first and at the last moment of each run."""
    told = []
    for run in over.runs:
        first, *_, last = [*_of(over, run)[:1], *_of(over, run)]
        ends = (first, last) if first.step < last.step else (last,)
        said = "; ".join(f"step {end.step:,}: {shortened(_said(end), 60)}" for end in ends)
        told.append(f"{run}, {said}.")
    return f"{shortened(over.text, 60)} over {len(over.steps)} checkpoints. {' '.join(told)}"


def told(moment: Moment, names: Sequence[str]) -> str:
    """Return a moment's step and some of its figures on one line."""
    figures = [f"{title_of(name).partition(' (')[0]} {written(name, moment.figures[name])}"
               for name in names if name in moment.figures]  # fmt: skip
    return " · ".join([f"step {moment.step:,}", *figures])


# The parts of the chart -------------------------------------------------------------------------


def _part(over: OverTime, number: int) -> alt.VConcatChart:
    """Draw one run: a heading, the attention, the probabilities."""
    run, several = over.runs[number], len(over.runs) > 1
    known, room = _of(over, run), (220 if several else 480)
    letter = chr(ord("a") + number)  # Altair replaces a number at the end of a name
    shown = [(place, moment) for place, step in enumerate(over.steps, 1)
             for moment in over.at(step) if moment.run == run]  # fmt: skip
    heading = _heading(over, shown, run if several else "", room, f"heading_{letter}")
    parts: list[Any] = [heading]
    if cells := _attention_rows(shown):
        shape = _shape(over)
        parts.append(_attention(cells, shown, shape, room, f"attention_{letter}"))
    if rows := list(_probabilities(over, known)):
        history = _history(rows, known, f"tokens_{letter}", room)
        parts.append(alt.layer(history, *_marker(shown)))
    return alt.vconcat(*parts, spacing=18)


def _heading(
    over: OverTime,
    shown: Sequence[tuple[int, Moment]],
    run: str,
    room: int,
    name: str,
) -> alt.LayerChart:
    names = _told_figures(over.moments)
    rows = [
        {"moment": place, "said": shortened(_said(moment), room // 6),
         "told": f"{run} · {told(moment, names)}" if run else told(moment, names)}
        for place, moment in shown
    ]  # fmt: skip
    text = alt.Chart(inline(rows)).transform_filter(_CHOSEN)
    first = (
        text.properties(name=name)
        .mark_text(style="label_strong", limit=room, align="left", x=0, y=8)
        .encode(text="told:N")
    )
    second = text.mark_text(style="label", limit=room, align="left", x=0, y=28).encode(
        text="said:N"
    )
    layered: alt.LayerChart = alt.LayerChart(layer=[first, second]).properties(
        width=room, height=36
    )
    return layered


def _attention_rows(shown: Sequence[tuple[int, Moment]]) -> Rows:
    return [
        {"moment": place, "source": f"{i}:{token}", "target": j, "token": best.tokens[j],
         "weight": round(float(weights[j, i]), 3)}
        for place, moment in shown
        if moment.translation and (best := moment.translation.best).attention.size
        for weights in [choose(best.attention)]
        for j in range(min(len(best.tokens), TOKENS))
        for i, token in enumerate(moment.translation.source_tokens[:TOKENS])
        if weights[j, i] >= LEAST
    ]  # fmt: skip


def _attention(
    cells: Rows,
    shown: Sequence[tuple[int, Moment]],
    shape: tuple[int, int],
    room: int,
    name: str,
) -> alt.LayerChart:
    """Draw what is read; the tokens that read are another at each moment, so they are marks."""
    seen = [(place, moment.translation) for place, moment in shown if moment.translation]
    sources = _sources(seen[-1][1])
    labels = [
        {"moment": place, "target": j, "token": token}
        for place, translation in seen
        for j, token in enumerate(translation.best.tokens[:TOKENS])
    ]
    longest, widest = shape
    side = min(22, room // widest, 360 // longest)
    across = _bare(labelExpr=_LABEL, labelAngle=-45 if side >= 14 else -90, orient="top",
                   labelLimit=80, labelFontSize=min(11, max(6, side - 1)))  # fmt: skip
    x = alt.X("source:N", scale=alt.Scale(domain=sources), axis=across)
    y = alt.Y("target:O", scale=alt.Scale(domain=list(range(longest))),
              axis=_bare(labels=False, minExtent=_SIDE))  # fmt: skip
    heat = (
        alt.Chart(inline(cells), name=name)
        .mark_rect(aria=False)
        .encode(x=x, y=y, color=_shade(), tooltip=[
            alt.Tooltip("token:N"), alt.Tooltip("weight:Q", title="attention", format=".3f"),
        ])
    )  # fmt: skip
    tokens = (
        alt.Chart(inline(labels))
        .mark_text(style="label", align="right", x=-6, limit=_SIDE, fontSize=min(11, side))
        .encode(y=y, text="token:N")
    )
    layered: alt.LayerChart = alt.LayerChart(
        layer=[heat.transform_filter(_CHOSEN), tokens.transform_filter(_CHOSEN)]
    ).properties(width=side * len(sources), height=side * longest)
    return layered


_SIDE = 90  # px left of a plot, for tokens


def _history(rows: Rows, known: Sequence[Moment], name: str, room: int) -> alt.Chart:
    """Draw a row for each token, a column for each step."""
    tokens = list(dict.fromkeys(row["label"] for row in rows))
    cell = min(34, room // max(len(known), 1))
    high = min(20, max(8, 320 // len(tokens)))
    x = alt.X(
        "step:O", title="step", scale=alt.Scale(domain=[moment.step for moment in known]),
        axis=_bare(title="step", format=",", labelAngle=-90, labelOverlap=True),
    )  # fmt: skip
    down = _bare(labelExpr=_LABEL, labelLimit=_SIDE, minExtent=_SIDE, labelPadding=6,
                 labelFontSize=min(11, high))  # fmt: skip
    chart: alt.Chart = (
        alt.Chart(inline(rows), name=name)
        .mark_rect(aria=False, cursor="pointer")
        .encode(
            x=x,
            y=alt.Y("label:N", scale=alt.Scale(domain=tokens), axis=down),
            color=_shade(),
            tooltip=[
                alt.Tooltip("token:N"),
                alt.Tooltip("step:Q", format=","),
                alt.Tooltip("weight:Q", title="probability", format=".1%"),
                alt.Tooltip("log_probability:Q", title="log p", format=".3f"),
            ],
        )
        .properties(width=cell * len(known), height=high * len(tokens))
    )
    return chart


def _marker(shown: Sequence[tuple[int, Moment]]) -> list[alt.Chart]:
    """Draw a frame around the chosen step, over a wider one in its casing."""
    rows = [{"moment": place, "step": moment.step} for place, moment in shown]
    frame = alt.Chart(inline(rows)).encode(x="step:O").transform_filter(_CHOSEN)
    return [frame.mark_bar(style=style, filled=False, aria=False) for style in ("casing", "link")]


def _probabilities(over: OverTime, known: Sequence[Moment]) -> Iterator[dict[str, Any]]:
    """Yield the probability of each token that is followed, forced or banned, at each moment."""
    for moment in known:
        place = 1 + over.steps.index(moment.step)
        for label, token, log_probability in _thought(moment):
            yield {
                "moment": place, "step": moment.step, "label": label, "token": token,
                "weight": round(exp(log_probability), 4),
                "log_probability": finite(round(log_probability, 3)),
            }  # fmt: skip


def _thought(moment: Moment) -> Iterator[tuple[str, str, float]]:
    """Yield a label, numbered so that none comes twice, the token and its log-probability."""
    scored = moment.scored.best if moment.scored else None
    tokens = scored.tokens[:TOKENS] if scored else ()
    for number, token in enumerate(tokens):
        assert scored  # or there would be no tokens
        yield f"{number}:{token}", token, float(scored.log_probabilities[number])
    for one in moment.opinions:
        yield f"{1000 + one.item}:{one.kind} {one.token}", one.token, one.log_probability


def _shade() -> alt.Color:
    legend = alt.Legend(
        title="attention, or probability", orient="bottom", gradientLength=140,
        gradientThickness=10, tickCount=3,
    )  # fmt: skip
    return alt.Color("weight:Q", scale=SHADES, legend=legend)


def _bare(**settings: Any) -> alt.Axis:
    return alt.Axis(**{"title": None, "ticks": False, "domain": False, **settings})


def _shape(over: OverTime) -> tuple[int, int]:
    """Return how many tokens are written and read at most, for maps side by side to be alike."""
    every = [moment.translation for moment in over.moments if moment.translation]
    sides = [(len(one.best.tokens), len(one.source_tokens)) for one in every]
    longest, widest = map(max, zip(*sides, strict=True))
    return min(longest, TOKENS), min(widest, TOKENS)


def _sources(translation: Translation) -> list[str]:
    return [f"{i}:{token}" for i, token in enumerate(translation.source_tokens[:TOKENS])]


def _of(over: OverTime, run: str) -> list[Moment]:
    return [moment for moment in over.moments if moment.run == run]


def _said(moment: Moment) -> str:
    if moment.fault:
        return moment.fault
    return (moment.translation.text if moment.translation else "") or "(empty)"


def _told_figures(moments: Sequence[Moment]) -> list[str]:
    names = {name for moment in moments for name in moment.figures}
    best: list[str] = [name for name in ("bleu", "loss") if name in names]
    return (best or ordered(names))[:_FIGURES]


def _likeliest(moment: Moment) -> str:
    thought = ", ".join(f"{token} {exp(log_probability):.0%}"
                        for _, token, log_probability in _thought(moment))  # fmt: skip
    return f"At step {moment.step:,}: {thought}."

"""What in the source counts for a target token: several methods side by side, and one up close."""

from collections.abc import Sequence
from typing import Any

import altair as alt

from workbench.charts.frame import finite, framed, inline, notice, row_height, shortened
from workbench.charts.heatmap import Size, heat_map
from workbench.charts.sight import gold_links
from workbench.charts.tables import Table
from workbench.records import Attribution, Floats

TITLE = "Attribution"
NAMES = {
    "attention": "attention",
    "roll_out": "attention roll-out",
    "gradient_input": "gradient × input",
    "integrated_gradients": "integrated gradients",
    "occlusion": "occlusion",
}
_SIZE = Size(240, 20, 80)  # two side by side


def attribution_grid(attributions: Sequence[Attribution]) -> alt.ConcatChart | alt.Chart:
    """Draw the shares that each method gives, one map each, with the gold links boxed in.

    Give one of the method `attention` too, to have the model's own beside them.
    """
    if not attributions:
        return notice(TITLE, "no method was applied")
    maps = [
        heat_map(
            one.translation.source_tokens, one.translation.best.tokens, one.shares,
            gold_links(one.translation), _SIZE, f"attribution_{number}", what="share",
        ).properties(title=alt.Title(_named(one), fontSize=12, frame="group", offset=8))
        for number, one in enumerate(attributions)
    ]  # fmt: skip
    grid = alt.concat(*maps, columns=2, spacing=24)
    pair = attributions[0].translation
    text = f"{shortened(pair.source, 45)} → {shortened(pair.text, 45)}"
    words = f"Attribution of {text}. {' '.join(_in_words(one) for one in attributions)}"
    subtitle = [text, "source tokens across, target tokens down; what a row gives each token"]
    return framed(grid, TITLE, words, subtitle)


def attribution_bars(attribution: Attribution, place: int = 0) -> alt.Chart:
    """Draw what each source token adds to the log-probability of one target token, from 0.

    Raises:
        ValueError: there is no such target token.
    """
    tokens = attribution.translation.best.tokens
    if not 0 <= place < len(tokens):
        raise ValueError(f"expected one of {len(tokens)} tokens, counted from 0, got {place}")
    source, row = attribution.translation.source_tokens, attribution.scores[place]
    rows: list[dict[str, Any]] = [
        {"place": f"{number}:{token}", "token": token, "score": finite(score)}
        for number, (token, score) in enumerate(zip(source, row, strict=True))
    ]
    down = alt.Axis(title=None, labelExpr="replace(datum.label, /^[0-9]+:/, '')", labelLimit=160,
                    ticks=False, domain=False, labelPadding=6)  # fmt: skip
    chart: alt.Chart = (
        alt.Chart(inline(rows), width=420, height=row_height(len(rows)))
        .mark_bar(style="main", height=alt.RelativeBandSize(0.65))
        .encode(
            x=alt.X("score:Q", title=_unit(attribution), axis=alt.Axis(grid=True, tickCount=5)),
            y=alt.Y("place:N", axis=down, scale=alt.Scale(domain=[each["place"] for each in rows])),
            tooltip=[alt.Tooltip("token:N"), alt.Tooltip("score:Q", format="+.4f")],
        )
    )
    title = f"{NAMES[attribution.method].capitalize()} for {tokens[place]}"
    listed = ", ".join(f"{token} {score:+.3f}" for token, score in zip(source, row, strict=True))
    return framed(chart, title, f"{title}: {listed}.", _sum(attribution, place))


def attribution_table(attributions: Sequence[Attribution]) -> Table:
    """Return each method with its alignment error rate, and what completeness took."""
    rows = tuple(
        (NAMES[one.method], _rate(one), _gap(one.gaps), _most(one)) for one in attributions
    )
    columns = ("method", "alignment error rate", "largest gap", "points at most")
    return Table(columns, rows, "Methods of attribution; gap: what completeness lacks")


def _named(one: Attribution) -> str:
    rate = _rate(one)
    return f"{NAMES[one.method]}, AER {rate}" if rate else NAMES[one.method]


def _rate(one: Attribution) -> str | None:
    return None if one.alignment_error_rate is None else f"{one.alignment_error_rate:.1%}"


def _gap(gaps: Floats | None) -> str | None:
    return None if gaps is None else f"{gaps.max():.2%}"


def _most(one: Attribution) -> int | None:
    return None if one.points is None else int(one.points.max())


def _unit(one: Attribution) -> str:
    return "share" if one.method in ("attention", "roll_out") else "log-probability (nats)"


def _sum(one: Attribution, place: int) -> str:
    """Say what the bars of one token add up to, and to what they should."""
    total = f"sum {one.scores[place].sum():+.3f}"
    if one.baselines is None or one.gaps is None:
        return total
    gained = one.outputs[place] - one.baselines[place]
    return f"{total}; the output gains {gained:+.3f} from the baseline on"


def _in_words(one: Attribution) -> str:
    pair = one.translation
    strongest = (
        f"{token} from {pair.source_tokens[row.argmax()]}"
        for token, row in zip(pair.best.tokens[:15], one.shares, strict=False)
    )
    return f"{_named(one)}: {', '.join(strongest)}."

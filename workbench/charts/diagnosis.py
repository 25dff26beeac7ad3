"""Search error or model error, counted and up close."""

from collections.abc import Iterator, Sequence
from typing import Any

import altair as alt

from workbench.charts.frame import finite, framed, inline, row_height
from workbench.charts.tables import Table
from workbench.records import Diagnoses, Diagnosis, Fault, FaultBin

NAMES: dict[Fault, str] = {
    "none": "as the reference",
    "search": "search error",
    "model": "model error",
    "vocabulary": "not in the vocabulary",
    "settings": "ruled out by the settings",
}
_TITLE = "Search error or model error"


def faults_chart(diagnoses: Diagnoses) -> alt.VConcatChart:
    """Draw the shares of the faults by source length and by the reference's rarest token."""
    panels = [
        _shares(diagnoses.by_length, "by the number of source tokens"),
        _shares(diagnoses.by_frequency, "by how often training saw the reference's rarest token"),
    ]
    whole = ", ".join(f"{NAMES[fault]} {share:.1%}" for fault, share in diagnoses.shares.items())
    words = f"{_TITLE}, of {len(diagnoses.each):,} sentences: {whole}."
    by = "; ".join(_in_words(each) for each in diagnoses.by_length if sum(each.counts.values()))
    description = f"{words} By source tokens: {by}."
    return framed(alt.vconcat(*panels, spacing=20), _TITLE, description, whole)


def faults_table(diagnoses: Diagnoses) -> Table:
    """Return how many sentences have which fault, altogether and by length and frequency."""
    total = FaultBin("all", _added(each.counts for each in diagnoses.by_length))
    named: list[tuple[str, FaultBin]] = [
        ("all sentences", total),
        *((f"{each.name} source tokens", each) for each in diagnoses.by_length),
        *((f"rarest token seen {each.name} times", each) for each in diagnoses.by_frequency),
    ]
    rows = tuple(
        (name, *map(str, (sum(each.counts.values()), *(each.counts[fault] for fault in NAMES))))
        for name, each in named
    )
    return Table(("sentences with", "count", *NAMES.values()), rows, _TITLE)


def worth_table(diagnoses: Diagnoses) -> Table:
    """Return the sentences most worth looking at, and why."""
    rows = tuple(
        (place + 1, why, one.scored.source, one.scored.reference, one.found.text)
        for place, why in diagnoses.worth
        for one in [diagnoses.each[place]]
    )
    columns = ("sentence", "why", "source", "reference", "translation")
    return Table(columns, rows, f"The {len(rows)} sentences most worth looking at")


def diagnosis_table(diagnosis: Diagnosis) -> Table:
    """Return what was found beside the reference: scores, log-probabilities, the fall."""
    found, reference = diagnosis.found.best, diagnosis.scored.best
    rows: list[tuple[str | int | None, ...]] = [
        ("text", found.text, reference.text),
        ("score of the search", f"{diagnosis.found_score:.3f}", f"{diagnosis.reference_score:.3f}"),
        ("log p", f"{found.log_probability:.3f}", f"{reference.log_probability:.3f}"),
        ("tokens", len(found.tokens), len(reference.tokens)),
        ("left the beam", None, fall_in_words(diagnosis)),
        ("rarest token", None, f"{diagnosis.rarest}, {diagnosis.count:,} times in training"),
    ]
    if diagnosis.ruled_out:
        rows.insert(4, ("ruled out", None, diagnosis.ruled_out))
    return Table(("", "found", "reference"), tuple(rows), f"Diagnosis: {NAMES[diagnosis.fault]}")


def surprise_table(diagnosis: Diagnosis, limit: int = 10) -> Table:
    """Return the tokens of the reference that surprised the model most."""
    rows = tuple(
        (one.place + 1, one.token, f"{one.nats:.3f}") for one in diagnosis.surprises[:limit]
    )
    return Table(("step", "token", "surprise"), rows, "Surprise: negative log-probability in nats")


def surprise_bars(diagnosis: Diagnosis) -> alt.LayerChart:
    """Draw the surprise of each token of the reference; where it left the beam stands out."""
    fallen = diagnosis.fall.step if diagnosis.fall else -1
    rows: list[dict[str, Any]] = [
        {"place": f"{one.place}:{one.token}", "token": one.token, "nats": finite(one.nats),
         "fallen": one.place == fallen}
        for one in sorted(diagnosis.surprises)
    ]  # fmt: skip
    axis = alt.Axis(title=None, labelExpr="replace(datum.label, /^[0-9]+:/, '')", labelLimit=160,
                    ticks=False, domain=False, labelPadding=6)  # fmt: skip
    y = alt.Y("place:N", axis=axis, scale=alt.Scale(domain=[row["place"] for row in rows]))
    layers = [
        alt.Chart(inline(mine))
        .mark_bar(style=style, height=alt.RelativeBandSize(0.65))
        .encode(
            x=alt.X("nats:Q", title="surprise (nats)", axis=alt.Axis(grid=True, tickCount=5)),
            y=y,
            tooltip=[alt.Tooltip("token:N"), alt.Tooltip("nats:Q", format=".3f")],
        )
        for style, mine in _by_style(rows)
    ]
    title = "Surprise of the reference"
    listed = ", ".join(f"{one.token} {one.nats:.2f}" for one in diagnosis.surprises[:10])
    fall = fall_in_words(diagnosis)
    description = f"{title}, most first: {listed}. {fall}."
    chart = alt.LayerChart(layer=layers, width=420, height=row_height(len(rows)))
    return framed(chart, title, description, f"orange: {fall}" if diagnosis.fall else fall)


def fall_in_words(diagnosis: Diagnosis) -> str:
    """Say where the reference left the beam."""
    fall = diagnosis.fall
    if fall is None:
        recorded = diagnosis.found.beam and not diagnosis.found.beam.drawn
        return "the reference stayed on the beam" if recorded else "the beam was not recorded"
    where = f"at step {fall.step + 1}, {fall.token}"
    if fall.fate == "stopped":
        return f"the search had ended {where}"
    below = "" if fall.short is None else "below" if fall.short >= 0 else "above"
    short = f", {abs(fall.short or 0):.2f} nats {below} the last one kept" if below else ""
    return f"the reference left the beam {where}: {_WHY[fall.fate]}{short}"


_WHY = {
    "banned": "no search chooses that token",
    "pruned": "it was pruned",
    "barred": "the settings do not allow it",
}


def _by_style(rows: Sequence[dict[str, Any]]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    for style, fallen in (("main", False), ("accent", True)):
        mine = [row for row in rows if row["fallen"] is fallen]
        if mine:
            yield style, mine


def _shares(bins: Sequence[FaultBin], title: str) -> alt.Chart:
    rows: list[dict[str, Any]] = [
        {"bin": each.name, "fault": NAMES[fault], "count": count, "order": order,
         "share": round(count / sum(each.counts.values()), 4)}
        for each in bins if sum(each.counts.values())
        for order, (fault, count) in enumerate(each.counts.items())
    ]  # fmt: skip
    names = list(dict.fromkeys(row["bin"] for row in rows))
    down = alt.Axis(title=None, ticks=False, domain=False, minExtent=80)
    heading = alt.Title(title, fontSize=12, fontWeight="normal", frame="group", offset=8)
    chart: alt.Chart = (
        alt.Chart(inline(rows), width=460, height=alt.Step(20), title=heading)
        .mark_bar(height=14)
        .encode(
            x=alt.X("share:Q", stack="zero", title="share of the sentences", axis=_PERCENT),
            y=alt.Y("bin:N", axis=down, scale=alt.Scale(domain=names)),
            color=alt.Color("fault:N", scale=_COLOURS, legend=_LEGEND),
            order="order:Q",
            tooltip=[
                alt.Tooltip("bin:N", title="sentences with"),
                alt.Tooltip("fault:N"),
                alt.Tooltip("count:Q", title="sentences", format=",.0f"),
                alt.Tooltip("share:Q", format=".1%"),
            ],
        )
    )
    return chart


_PERCENT = alt.Axis(format="~%", tickCount=5, grid=True)
_COLOURS = alt.Scale(domain=list(NAMES.values()))
_LEGEND = alt.Legend(title=None, orient="top", symbolStrokeWidth=0)


def _added(counts: Iterator[dict[Fault, int]]) -> dict[Fault, int]:
    every = list(counts)
    return {fault: sum(each[fault] for each in every) for fault in NAMES}


def _in_words(each: FaultBin) -> str:
    total = sum(each.counts.values())
    search, model = each.counts["search"] / total, each.counts["model"] / total
    return f"{each.name}: {search:.0%} search and {model:.0%} model errors of {total}"

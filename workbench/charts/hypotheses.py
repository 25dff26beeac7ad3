"""What a search found, and what stood to choose at each of its steps."""

from collections.abc import Iterator, Sequence
from math import exp
from typing import Any, NamedTuple

import altair as alt

from workbench.charts.frame import framed, inline, notice, shortened
from workbench.charts.nodes import Node, path_to, tree
from workbench.charts.tables import Table
from workbench.records import Translation

REST = "all other tokens"
MOST = 10  # tokens with a name, the chosen one among them
_TITLE = "Candidates"
_KINDS = {  # and their styles
    "weighed": "main", "chosen": "accent", "barred": "muted", "rest": "muted"
}  # fmt: skip
SHARES = alt.Axis(format="~%", tickCount=5, grid=True)


class Choice(NamedTuple):
    """A token that could have come at a step, and what the model gave it."""

    token: str
    probability: float
    kind: str  # chosen, weighed, barred or, for all that is not on record, rest


def hypotheses_table(translation: Translation) -> Table:
    """Return the hypotheses, best first: what the search ranked by, what the model thinks of each.

    Perplexity is that of a token.
    """
    rows = tuple(
        (
            number,
            one.text if one.finished else f"{one.text} …",
            f"{one.score:.3f}",
            f"{one.log_probability:.3f}",
            f"{exp(-one.log_probability / max(len(one.tokens), 1)):.3g}",
        )
        for number, one in enumerate(translation.hypotheses, 1)
    )
    columns = ("rank", "hypothesis", "score", "log p", "perplexity")
    cut = any(not one.finished for one in translation.hypotheses)
    caption = f"Hypotheses, best first{'; … where the length limit ended one' if cut else ''}"
    return Table(columns, rows, caption)


def choices_at(translation: Translation, hypothesis: int = 0, step: int = 0) -> list[Choice]:
    """Return what could have come at a step, from 0, of a hypothesis: the likeliest first.

    At most MOST have a name, of those that the search put on record. Empty where it did not.
    """
    nodes = tree(translation)
    path = path_to(nodes, translation, hypothesis)
    if not path:
        return []
    chosen = path[min(step, len(path) - 1)]
    place = chosen.candidate.step, chosen.candidate.parent
    weighed = [node for node in nodes if (node.candidate.step, node.candidate.parent) == place]
    weighed.sort(key=lambda node: -node.candidate.log_probability)
    likeliest = weighed[:MOST] if chosen in weighed[:MOST] else [*weighed[: MOST - 1], chosen]
    found = [_choice(node, node is chosen) for node in likeliest]
    rest = 1 - sum(choice.probability for choice in found)
    return [*found, *([Choice(REST, rest, "rest")] if rest >= 5e-4 else [])]


def candidates(
    translation: Translation, hypothesis: int = 0, step: int = 0
) -> alt.LayerChart | alt.Chart:
    """Draw what could have come at a step, from 0, of a hypothesis, by the model's probability."""
    choices = choices_at(translation, hypothesis, step)
    if not choices:
        return notice(_TITLE, "the search was not recorded")
    tokens = translation.hypotheses[hypothesis].tokens
    place = min(step, len(tokens) - 1)
    title = f"{_TITLE} at step {place + 1} of {len(tokens)}"
    prefix = shortened(" ".join(tokens[:place]), 80) or "the beginning"
    listed = ", ".join(
        f"{one.token} {_share(one.probability)}{' (barred)' * (one.kind == 'barred')}"
        for one in choices
    )
    words = f"{title}, after {prefix}: {listed}. Chosen: {tokens[place]}."
    return framed(_bars(choices), title, words, f"after: {prefix}")


def _choice(node: Node, chosen: bool) -> Choice:
    kind = "chosen" if chosen else "barred" if node.candidate.fate == "barred" else "weighed"
    return Choice(node.candidate.token, min(exp(node.token_log_probability), 1.0), kind)


def _bars(choices: Sequence[Choice]) -> alt.LayerChart:
    """Draw a bar for each choice; tokens are numbered, as one may come twice."""
    rows: list[dict[str, Any]] = [
        {"place": f"{number}:{one.token}", "token": one.token, "kind": one.kind,
         "probability": round(one.probability, 4), "share": _share(one.probability)}
        for number, one in enumerate(choices)
    ]  # fmt: skip
    tokens = alt.Axis(title=None, labelExpr="replace(datum.label, /^[0-9]+:/, '')",
                      labelLimit=160, ticks=False, domain=False, labelPadding=6)  # fmt: skip
    place = alt.Y("place:N", axis=tokens, scale=alt.Scale(domain=[row["place"] for row in rows]))
    share = alt.X("probability:Q", title="probability", axis=SHARES, scale=alt.Scale(domain=[0, 1]))
    layers = [layer.encode(y=place) for layer in _layers(rows, share)]
    return alt.LayerChart(layer=layers, width=420, height=alt.Step(22))


def _layers(rows: list[dict[str, Any]], share: alt.X) -> Iterator[alt.Chart]:
    tooltips = [alt.Tooltip("token:N"), alt.Tooltip("probability:Q", format=".2%")]
    for kind, style in _KINDS.items():
        mine = [row for row in rows if row["kind"] == kind]
        if mine:
            bars = alt.Chart(inline(mine)).mark_bar(style=style, height=14)
            yield bars.encode(x=share, tooltip=tooltips)
    shares = alt.Chart(inline(rows)).mark_text(style="label", align="left", dx=6)
    yield shares.encode(x=share, text="share:N")


def _share(probability: float) -> str:
    return f"{probability:.1%}" if probability >= 5e-4 else "<0.1%"

"""The tree of decoding states that a person has grown by hand, a search's candidates beside it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import altair as alt

from workbench.charts.frame import framed, inline, notice, shortened

SHOWN, STILL = 400, 80  # states drawn at most: where one can scroll, and in a still chart
_TITLE = "Decoding states"
_WIDTH, _STEP, _ROW, _HEIGHT, _ROOMY = 640, 76, 26, 860, 16  # px
_STYLES = {"pruned": "muted", "grown": "main", "yours": "accent"}  # the later over the earlier
_LABELS = {"pruned": "label_muted", "grown": "label", "yours": "label_accent"}
_KEY = "orange: where you stand; square: an end; grey: what the search pruned"


@dataclass(frozen=True)
class State:
    """A prefix in the tree.

    Attributes:
        key: what it is called by; parent: the key of the prefix before it, none for a root.
        token: its last token; probability: the model's own, 0 to 1, of that token.
        fate: `grown` by hand, or of the search: `kept`, `finished`, `pruned` or `barred`.
        here: whether somebody stands there; yours: whether it is on the way to there.
        best: whether it is on the way to the end that scores best.
        ended: whether nothing can follow; end: what there is to say behind it, such as a score.
        done: what was done there, in words: forced, banned, attention edited.
    """

    key: str
    parent: str | None
    token: str
    probability: float = 1.0
    fate: str = "grown"
    here: bool = False
    yours: bool = False
    best: bool = False
    ended: bool = False
    end: str = ""
    done: str = ""

    @property
    def words(self) -> str:
        """The state on one line."""
        parts = [
            f"{self.token} {share(self.probability)}" if self.parent else self.token,
            self.fate if self.fate != "grown" else "",
            self.done,
            self.end,
            "you are here" if self.here else "",
        ]
        return ", ".join(filter(None, parts))


class Place(NamedTuple):
    """Where a state is drawn: its step from 0, and its row from the top."""

    step: int
    row: int


def nats(value: float) -> str:
    """Return log-probabilities and scores as a reader wants them."""
    return f"{value:.2f}".replace("-", "−")


def share(probability: float) -> str:
    """Return a probability as a reader wants it."""
    return f"{probability:.1%}" if probability >= 5e-4 else "<0.1%"


def places(states: Sequence[State]) -> dict[str, Place]:
    """Return where each state is drawn: first children go on in the row of their parents.

    Parents must stand before their children.
    """
    children: dict[str | None, list[str]] = {}
    for state in states:
        children.setdefault(state.parent, []).append(state.key)
    found: dict[str, Place] = {}
    row = -1
    waiting = [(key, 0, True) for key in reversed(children.get(None, []))]
    while waiting:
        key, step, opens = waiting.pop()
        row += opens
        found[key] = Place(step, row)
        below = children.get(key, [])
        waiting += [(each, step + 1, True) for each in reversed(below[1:])]
        waiting += [(each, step + 1, False) for each in below[:1]]
    return found


def thinned(states: Sequence[State], most: int = SHOWN) -> list[State]:
    """Return the states that are drawn of many: your way, named and scored ends, then the latest.

    What is kept keeps the way to it.
    """
    if len(states) <= most:
        return list(states)
    by_key = {state.key: state for state in states}
    keep: set[str] = set()
    yours = [state for state in states if state.yours or state.best]
    named = [state for state in states if state.end and state.fate == "grown"]
    for state in (*yours, *reversed(named), *reversed(states)):
        way: list[str] = []
        key: str | None = state.key
        while key is not None and key not in keep and len(keep) + len(way) < most:
            way.append(key)
            key = by_key[key].parent
        if key is None or key in keep:
            keep.update(way)
    return [state for state in states if state.key in keep]


def state_tree(states: Sequence[State]) -> alt.LayerChart | alt.Chart:
    """Draw the tree: steps across, each branch in a row of its own."""
    if not states:
        return notice(_TITLE, "no translation is taken apart yet")
    shown = thinned(states, STILL)
    where = places(shown)
    steps = 1 + max(place.step for place in where.values())
    rows = 1 + max(place.row for place in where.values())
    step, height = min(_STEP, _WIDTH // (steps + 1)), min(_ROW, _HEIGHT // rows)
    x, y = _axes(steps, rows)
    labels = _tokens(shown, where, step) if height >= _ROOMY else ()
    layers = [*_edges(shown, where), *_points(shown, where), *labels]
    chart = alt.LayerChart(layer=[layer.encode(x=x, y=y) for layer in layers]).properties(
        width=step * (steps + 1), height=rows * height
    )
    left_out = len(states) - len(shown)
    subtitle = [_KEY, *([f"{left_out:,} of {len(states):,} states are not drawn"] * bool(left_out))]
    return framed(chart, _TITLE, in_words(states), subtitle)


def in_words(states: Sequence[State]) -> str:
    """Say how large the tree is, and which ends it has."""
    grown = sum(state.fate == "grown" for state in states)
    ends = [f"{_text(state, states)} ({state.end})" for state in states if state.end]
    told = "; ".join(ends[:10])
    return f"{_TITLE}: {grown:,} grown by hand, {len(states) - grown:,} of a search. {told}".strip()


def _text(state: State, states: Sequence[State]) -> str:
    by_key = {each.key: each for each in states}
    tokens = []
    while state.parent is not None:
        tokens.append(state.token)
        state = by_key[state.parent]
    return shortened(" ".join(reversed(tokens)), 60) or "the beginning"


def _kind(state: State) -> str:
    if state.yours:
        return "yours"
    return "pruned" if state.fate in ("pruned", "barred") else "grown"


def _axes(steps: int, rows: int) -> tuple[alt.X, alt.Y]:
    axis = alt.Axis(values=list(range(steps)), grid=False, format="d", labelOverlap=True)
    across = alt.Scale(domain=[-0.5, steps], nice=False)
    down = alt.Scale(domain=[rows - 0.5, -0.75], nice=False)
    return (
        alt.X("step:Q", title="step", axis=axis, scale=across),
        alt.Y("row:Q", axis=None, scale=down),
    )


def _edges(states: Sequence[State], where: dict[str, Place]) -> Iterator[alt.Chart]:
    for kind, style in _STYLES.items():
        rows = [
            {**where[state.parent]._asdict(), "to_step": end.step, "to_row": end.row}
            for state in states
            if state.parent is not None and _kind(state) == kind
            for end in [where[state.key]]
        ]
        if rows:
            lines = alt.Chart(inline(rows)).mark_rule(style=style)
            yield lines.encode(x2="to_step:Q", y2="to_row:Q")


def _points(states: Sequence[State], where: dict[str, Place]) -> Iterator[alt.Chart]:
    for kind, style in _STYLES.items():
        rows: list[dict[str, Any]] = [
            {**where[state.key]._asdict(), "state": state.words,
             "ended": state.ended}
            for state in states if _kind(state) == kind
        ]  # fmt: skip
        if rows:
            points = alt.Chart(inline(rows)).mark_point(
                style=style, filled=True, opacity=1, size=60
            )
            yield points.encode(shape=_SHAPES, tooltip="state:N")


_SHAPES = alt.Shape(
    "ended:N", legend=None, scale=alt.Scale(domain=[False, True], range=["circle", "square"])
)


def _tokens(states: Sequence[State], where: dict[str, Place], step: int) -> Iterator[alt.Chart]:
    for kind, style in _LABELS.items():
        mine = [state for state in states if _kind(state) == kind]
        tokens = [{**where[state.key]._asdict(), "token": state.token} for state in mine]
        ends = [
            {**where[state.key]._asdict(), "end": state.end} for state in mine if state.end
        ]  # fmt: skip
        for each in ("halo", style) if tokens else ():
            text = alt.Chart(inline(tokens)).encode(text="token:N")
            yield text.mark_text(style=each, dy=-11, limit=step - 6, fontSize=10)
        if ends:
            text = alt.Chart(inline(ends)).encode(text="end:N")
            yield text.mark_text(style=style, align="left", dx=8, fontSize=10)

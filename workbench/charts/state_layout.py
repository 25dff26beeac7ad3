"""A tree of decoding states: what it holds, and where each state is drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from workbench.charts.frame import shortened

SHOWN, STILL = 400, 80  # states drawn at most: where one can scroll, and in a still chart
TITLE = "Decoding states"


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
    """Return log-probabilities and scores as a reader wants them, never a negative zero."""
    return f"{value:z.2f}".replace("-", "−")


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


def in_words(states: Sequence[State]) -> str:
    """Say how large the tree is, and which ends it has."""
    grown = sum(state.fate == "grown" for state in states)
    ends = [f"{_text(state, states)} ({state.end})" for state in states if state.end]
    told = "; ".join(ends[:10])
    return f"{TITLE}: {grown:,} grown by hand, {len(states) - grown:,} of a search. {told}".strip()


def _text(state: State, states: Sequence[State]) -> str:
    by_key = {each.key: each for each in states}
    tokens = []
    while state.parent is not None:
        tokens.append(state.token)
        state = by_key[state.parent]
    return shortened(" ".join(reversed(tokens)), 60) or "the beginning"

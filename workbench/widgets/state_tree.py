"""The tree of decoding states on the page: click a state, or walk there with the arrow keys."""

from collections.abc import Sequence
from typing import Any

import anywidget
import traitlets

from workbench.charts.state_layout import State, in_words, places, thinned
from workbench.widgets.paths import STATIC


class StateTree(anywidget.AnyWidget):
    """States as dots. A press comes back as a message `{"do": "go", "key": ...}`.

    Traits:
        shown: what is drawn, in one piece: `states`, `left_out` (how many are not drawn), and
            `description`.
    """

    _esm = STATIC / "state_tree.js"
    _css = STATIC / "by_hand.css"
    shown = traitlets.Dict().tag(sync=True)

    def show(self, states: Sequence[State]) -> None:
        """Draw a tree; parents stand before their children."""
        drawn = thinned(states)
        where = places(drawn)
        shown = {
            "states": [_drawn(state, *where[state.key]) for state in drawn],
            "left_out": len(states) - len(drawn),
            "description": in_words(states),
        }
        if shown != self.shown:
            self.shown = shown


def _drawn(state: State, step: int, row: int) -> dict[str, Any]:
    return {
        "key": state.key, "parent": state.parent, "step": step, "row": row, "token": state.token,
        "fate": state.fate, "here": state.here, "yours": state.yours, "best": state.best,
        "ended": state.ended, "end": state.end, "done": bool(state.done), "words": state.words,
    }  # fmt: skip

"""What may come next, as a list to choose from: the mouse, or the arrow keys and Enter."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from workbench.charts.state_layout import share
from workbench.widgets.paths import STATIC

if TYPE_CHECKING:
    from workbench.search.stepper import Choice


class Candidates(anywidget.AnyWidget):
    """Radio buttons with a bar each. A press comes back as a message `{"do": ..., "token": ...}`.

    What is done: `choose` (an arrow key, a click), `force` (Enter, a double click), `ban` (Delete).

    Traits:
        shown: what is drawn, in one piece: `legend`, `version`, `chosen` and the `rows`, each with
            `token`, `share` (0 to 1), `words` and `banned`.
    """

    _esm = STATIC / "candidates.js"
    _css = STATIC / "by_hand.css"
    shown = traitlets.Dict().tag(sync=True)

    def show(self, legend: str, candidates: "Sequence[Choice]", chosen: str, version: int) -> None:
        """List `candidates`, likeliest first; `version` tells one list from the next."""
        rows: list[dict[str, Any]] = [
            {
                "token": one.token,
                "share": round(one.probability, 4),
                "words": share(one.probability),
                "banned": one.banned,
            }
            for one in candidates
        ]
        shown = {"legend": legend, "version": version, "chosen": chosen, "rows": rows}
        if shown != self.shown:
            self.shown = shown

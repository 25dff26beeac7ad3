"""The attention of one step: a slider for each source token, and a button to mark it."""

from collections.abc import Sequence

import anywidget
import numpy as np
import traitlets
from numpy.typing import NDArray

from workbench.widgets.paths import STATIC

Weights = NDArray[np.floating]


class Strip(anywidget.AnyWidget):
    """Weights side by side. What is moved or marked comes back as a message.

    `{"do": "set", "position": ..., "weight": ...}` for a slider, `{"do": "mark", "position": ...}`
    for the button below it.

    Traits:
        shown: what is drawn, in one piece: `tokens`, `weights` and `own` (the model's own, where
            they were edited; else empty), each 0 to 1, `marked` positions and
            `description`.
    """

    _esm = STATIC / "strip.js"
    _css = STATIC / "by_hand.css"
    shown = traitlets.Dict().tag(sync=True)

    def show(
        self,
        tokens: Sequence[str],
        weights: Weights,
        own: Weights | None,
        marked: Sequence[int],
        description: str,
    ) -> None:
        """Show weights [S] beside their tokens."""
        shown = {
            "tokens": list(tokens),
            "weights": _short(weights),
            "own": [] if own is None else _short(own),
            "marked": list(marked),
            "description": description,
        }
        if shown != self.shown:
            self.shown = shown


def _short(weights: Weights) -> list[float]:
    return [round(float(weight), 4) for weight in weights]

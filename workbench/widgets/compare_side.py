"""One of two models that are compared: which it is, and what it makes of a sentence."""

from html import escape

import ipywidgets

from workbench.charts.attention import NO_ATTENTION
from workbench.charts.sight import across
from workbench.records import Translation
from workbench.widgets.announced import answer
from workbench.widgets.heat import HeatMap
from workbench.widgets.parts import Painted, column, show, write
from workbench.widgets.shelf import Model


class Side:
    """The choice of a model, its translation, and the attention of that."""

    def __init__(self, name: str) -> None:
        """Make the widgets."""
        self.which = ipywidgets.Dropdown(description=name, layout={"width": "auto"})
        self.words = answer()
        self.attention = HeatMap()
        self.map = column(self.attention)
        self.box = column(self.which, self.words, self.map)
        self._painted = Painted()

    def paint(
        self, models: dict[str, Model], model: Model, result: Translation | str | None
    ) -> None:
        """Show the models there are, the one chosen and its translation, or why it has none."""
        if self._painted.is_new("models", tuple(models.items())):
            self.which.options = models
        write(self.which, value=model)
        if self._painted.is_new("result", result):
            self.words.value = _in_words(result)
            sight = across(result) if isinstance(result, Translation) else None
            seen = sight is not None and sight.weights.size > 0
            show(self.map, seen)
            if sight is not None and seen:
                self.attention.show(sight)


def _in_words(result: Translation | str | None) -> str:
    """Return a translation and its score, or why there is none, as HTML."""
    if isinstance(result, str):
        return f"<div class='wb-error'>{escape(result)}</div>"
    if result is None or not result.hypotheses:
        return ""
    best = result.best
    opinion = f"log-probability {best.log_probability:.3f}, score {best.score:.3f}"
    text = escape(best.text) or "(empty)"
    if not best.attention.size:
        opinion += f"; {NO_ATTENTION}"
    return f"<div><strong>{text}</strong></div><div class='wb-note'>{opinion}</div>"

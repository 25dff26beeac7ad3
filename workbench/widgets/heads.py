"""Which layer and which head of attention is looked at, in panels that have little room."""

from functools import partial

import ipywidgets

from workbench.charts.sight import Pick
from workbench.widgets.choices import MAXIMUM, MEAN, Choices
from workbench.widgets.panel import Panel
from workbench.widgets.parts import NARROW, show, write
from workbench.widgets.sights import picked

WIDE = {"width": "auto", "min_width": "110px"}


class Heads:
    """Two lists, each seen where there is more than one to choose from.

    Attributes:
        of_many: the lists, by `layer` and `head`.
    """

    def __init__(self, panel: Panel) -> None:
        """Make the lists; what is chosen is among the panels' choices."""
        self._choices = panel.choices
        self.of_many = {name: self._list(panel, name) for name in ("layer", "head")}
        self._counts = {"layer": 1, "head": 1}

    @property
    def widgets(self) -> tuple[ipywidgets.Dropdown, ...]:
        """Return the lists."""
        return tuple(self.of_many.values())

    @property
    def picks(self) -> tuple[Pick, Pick]:
        """What is chosen, as charts take it."""
        return picks(self._choices, self._counts["layer"], self._counts["head"])

    def paint(self, layers: int, heads: int) -> None:
        """Offer so many; where one beyond them is chosen, elsewhere, the mean is meant here."""
        self._counts = {"layer": layers, "head": heads}
        for name, control in self.of_many.items():
            numbers = ((str(number), number) for number in range(self._counts[name]))
            options = [("mean", MEAN), ("maximum", MAXIMUM), *numbers]
            if list(control.options) != options:
                control.options = options
            write(control, value=_within(getattr(self._choices, name), self._counts[name]))
            show(control, self._counts[name] > 1)

    def _list(self, panel: Panel, name: str) -> ipywidgets.Dropdown:
        control = ipywidgets.Dropdown(description=name, style=NARROW, layout=WIDE)
        panel.heed(control, "value", partial(setattr, panel.choices, name))
        return control


def picks(choices: Choices, layers: int, heads: int) -> tuple[Pick, Pick]:
    """Return the layer and the head that are chosen, as charts take them; of so many."""
    return picked(_within(choices.layer, layers)), picked(_within(choices.head, heads))


def _within(choice: int, count: int) -> int:
    """Return a choice, or the mean where it was made among more."""
    return choice if choice < count else MEAN

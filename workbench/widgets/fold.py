"""A part of a panel that is folded away until it is asked for."""

import ipywidgets

from workbench.widgets.choices import Choices
from workbench.widgets.parts import column, show, write


class Fold(ipywidgets.Box):
    """A button, which the keyboard reaches too, and below it what it folds out.

    Whether it is open is among the choices, so that all copies of a panel are alike.
    """

    def __init__(self, choices: Choices, title: str, content: ipywidgets.Widget) -> None:
        """Fold `content` away below a button that says `title`."""
        self._choices, self._title, self._content = choices, title, column(content)
        self._button = ipywidgets.Button(tooltip="show or hide")
        self._button.add_class("wb-fold")
        self._button.on_click(self._turn)
        super().__init__([self._button, self._content])
        self.add_class("wb-column")
        self.paint()

    @property
    def is_open(self) -> bool:
        """Whether its content is to be seen."""
        return self._title in self._choices.unfolded

    def paint(self) -> None:
        """Show the content, or only the button."""
        write(self._button, description=f"{'▾' if self.is_open else '▸'} {self._title}")
        show(self._content, self.is_open)

    def _turn(self, _: ipywidgets.Button) -> None:
        others = tuple(title for title in self._choices.unfolded if title != self._title)
        self._choices.unfolded = others if self.is_open else (*others, self._title)

"""What the model holds in mind at each token: a map of its states, their neighbours, one unit."""

from functools import partial

import ipywidgets

from workbench.charts.frame import Figure
from workbench.charts.states import neighbours_table, state_map, unit_bars
from workbench.charts.tables import Table
from workbench.inspection.states import nearest_states
from workbench.records import States
from workbench.widgets.inquiry import Inquiry, asked_pair
from workbench.widgets.panel import Panel
from workbench.widgets.parts import NARROW, Painted, card, column, markup, row, show, words, write
from workbench.widgets.vega import VegaView

NEAREST = 8
OF = {"training data": "trained", "this sentence": "sentence"}


class StatesPart:
    """Hidden states of encoder and decoder."""

    def __init__(self, panel: Panel, inquiry: Inquiry) -> None:
        """Make the widgets."""
        self._panel, self._inquiry, self._painted = panel, inquiry, Painted()
        self.ask = panel.button(
            "Read the hidden states", self._ask, "of the sentence and of training sentences"
        )
        self.map, self.bars, self.near = VegaView(), VegaView(), markup()
        self.mapped = self._list("map of the", OF, "mapped")
        self.projecting = self._list("by", {"PCA": "pca", "UMAP": "umap"}, "projecting")
        self.state = ipywidgets.Dropdown(description="Token", layout={"width": "auto"})
        panel.heed(self.state, "value", partial(setattr, inquiry, "state"))
        self.unit = ipywidgets.BoundedIntText(
            description="Unit", min=0, max=0, style=NARROW, layout={"width": "150px"}
        )
        panel.heed(self.unit, "value", partial(setattr, inquiry, "unit"))
        self._drawing = words("Drawing the map …", "wb-note")
        self._found = column(
            row(self.mapped, self.projecting), self._drawing, self.map,
            row(self.state, self.unit), self.near, self.bars,
        )  # fmt: skip
        self.box = card(
            words("What the model holds in mind", "wb-title"), row(self.ask), self._found
        )

    def paint(self) -> None:
        """Show what was read."""
        inquiry = self._inquiry
        sentence, trained = inquiry.sentence, inquiry.trained
        show(self._found, sentence is not None and trained is not None)
        show(self._drawing, inquiry.drawing)
        write(self.mapped, value=inquiry.mapped)
        write(self.projecting, value=inquiry.projecting)
        if inquiry.projection is not None and self._painted.is_new("map", inquiry.projection):
            self.map.show(state_map(inquiry.projection))
        if sentence is not None and trained is not None:
            self._paint_sentence(sentence, trained)

    def _paint_sentence(self, sentence: States, trained: States) -> None:
        inquiry, last = self._inquiry, len(sentence.places) - 1
        if self._painted.is_new("sentence", sentence):
            self.state.options = [
                (f"{place.side} {place.position + 1}: {place.token}", number)
                for number, place in enumerate(sentence.places)
            ]
        units = sentence.vectors.shape[1]
        state, unit = min(inquiry.state, last), min(inquiry.unit, units - 1)
        write(self.state, value=state)
        write(self.unit, max=units - 1, value=unit)
        if self._painted.is_new("near", sentence, trained, state):
            self.near.value = _near(sentence, trained, state).to_html()
        if self._painted.is_new("bars", sentence, unit):
            self.bars.show(unit_bars(sentence, unit))

    def _list(self, label: str, options: dict[str, str], name: str) -> ipywidgets.Dropdown:
        control = ipywidgets.Dropdown(
            description=label, options=list(options.items()), style=NARROW,
            layout={"width": "auto"},
        )  # fmt: skip

        def choose(value: str) -> None:
            setattr(self._inquiry, name, value)
            self._inquiry.draw(self._panel.choices)

        self._panel.heed(control, "value", choose)
        return control

    def _ask(self) -> None:
        session = self._panel.session
        self._inquiry.read(session, asked_pair(session, self._panel.choices))


def still_states(inquiry: Inquiry) -> list[Figure | Table]:
    """Return what is known, for a page without a kernel."""
    if inquiry.sentence is None or inquiry.trained is None:
        return []
    drawn = [state_map(inquiry.projection)] if inquiry.projection is not None else []
    near = _near(inquiry.sentence, inquiry.trained, inquiry.state)
    return [*drawn, near, unit_bars(inquiry.sentence, inquiry.unit)]


def _near(sentence: States, trained: States, state: int) -> Table:
    """Return the states of training sentences nearest to one of the sentence, of the same side."""
    side = sentence.places[state].side
    return neighbours_table(nearest_states(trained, sentence.vectors[state], NEAREST, side=side))

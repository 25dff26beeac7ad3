"""What in the source counted for each word of the target, by several methods."""

from functools import partial

import ipywidgets

from workbench.charts.attribution import (
    NAMES,
    attribution_bars,
    attribution_grid,
    attribution_table,
)
from workbench.charts.frame import Figure
from workbench.charts.tables import Table
from workbench.inspection.attribution import methods_for
from workbench.records import Attribution
from workbench.widgets.inquiry import Inquiry, asked_pair
from workbench.widgets.panel import Panel
from workbench.widgets.parts import Painted, card, column, markup, row, show, words, write
from workbench.widgets.vega import VegaView


class WordsPart:
    """Attribution: a map for each method beside attention and gold, and one word up close."""

    def __init__(self, panel: Panel, inquiry: Inquiry) -> None:
        """Make the widgets."""
        self._panel, self._inquiry, self._painted = panel, inquiry, Painted()
        target = ipywidgets.Dropdown(
            description="Words of the", options=("translation", "reference"),
            layout={"width": "auto"},
        )  # fmt: skip
        panel.bind(target, "value", panel.choices, "target")
        self.ask = panel.button(
            "What counted for each word", self._ask, "attention, gradients, occlusion"
        )
        self.maps, self.bars, self._table = VegaView(), VegaView(), markup()
        self.lists = {name: ipywidgets.Dropdown(description=name) for name in ("token", "method")}
        for name, control in self.lists.items():
            panel.heed(control, "value", partial(setattr, inquiry, name))
        self._found = column(self.maps, self._table, row(*self.lists.values()), self.bars)
        self._waiting = words("", "wb-note")
        self.box = card(
            words("What counted for each word", "wb-title"), row(target, self.ask),
            self._waiting, self._found,
        )  # fmt: skip

    def paint(self) -> None:
        """Show the methods that have answered so far."""
        found: tuple[Attribution, ...] = self._inquiry.attributions
        show(self._found, bool(found))
        left = methods_for(self._panel.session.config)[len(found) :] if found else ()
        write(self._waiting, value=f"Asking {NAMES[left[0]]} …" if left else "")
        show(self._waiting, bool(left))
        if not found:
            return
        if self._painted.is_new("maps", *found):
            self.maps.show(attribution_grid(found))
            self._table.value = attribution_table(found).to_html()
            tokens = found[0].translation.best.tokens
            self.lists["token"].options = [(t, n) for n, t in enumerate(tokens)]
            self.lists["method"].options = [(NAMES[a.method], n) for n, a in enumerate(found)]
        token, method = self._inquiry.token, min(self._inquiry.method, len(found) - 1)
        write(self.lists["token"], value=token)
        write(self.lists["method"], value=method)
        if self._painted.is_new("bars", found[method], token):
            self.bars.show(attribution_bars(found[method], token))

    def _ask(self) -> None:
        session = self._panel.session
        self._inquiry.attribute(session, asked_pair(session, self._panel.choices))


def still_words(inquiry: Inquiry) -> list[Figure | Table]:
    """Return what is known, for a page without a kernel."""
    found = inquiry.attributions
    return [attribution_grid(found), attribution_table(found)] if found else []

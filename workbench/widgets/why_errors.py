"""Whose fault it is: of one sentence, and of a whole test set with the sentences worth a look."""

import ipywidgets

from workbench.charts.diagnosis import (
    diagnosis_table,
    faults_chart,
    faults_table,
    surprise_bars,
    worth_table,
)
from workbench.charts.frame import Figure, shortened
from workbench.charts.tables import Table
from workbench.errors import WorkbenchError
from workbench.records import Diagnoses, Diagnosis
from workbench.widgets.fold import Fold
from workbench.widgets.hand_cost import verdict
from workbench.widgets.inquiry import Inquiry
from workbench.widgets.panel import Panel
from workbench.widgets.parts import NARROW, Painted, card, column, markup, row, show, words, write
from workbench.widgets.sights import known_pair
from workbench.widgets.vega import VegaView

LABEL = 80  # characters of a sentence in the list


class ErrorsPart:
    """Search error or model error, and how much each token of the reference surprised the model."""

    def __init__(self, panel: Panel, inquiry: Inquiry) -> None:
        """Make the widgets."""
        self._panel, self._inquiry, self._painted = panel, inquiry, Painted()
        self.one = panel.button(
            "Diagnose the sentence", self._ask_one, "why does it not become its reference?"
        )
        self.all = panel.button("Diagnose the test set", self._ask_all, "the share of each fault")
        limit = ipywidgets.BoundedIntText(
            description="sentences (0: all)", min=0, max=1_000_000, style=NARROW,
            layout={"width": "210px"},
        )  # fmt: skip
        panel.bind(limit, "value", inquiry, "limit")
        self.verdict, self.surprise, self.shares = words(), VegaView(), VegaView()
        self._table, self._worth, self._counts = markup(), markup(), markup()
        self.pick = ipywidgets.Dropdown(description="Look at", layout={"width": "auto"})
        panel.heed(self.pick, "value", self._look_at)
        self._fold = Fold(panel.choices, "The shares in numbers", self._counts)
        self._of_one = column(self.verdict, self._table, self.surprise)
        self._of_all = column(self.shares, self._fold, self.pick, self._worth)
        self.box = card(
            words("Search error or model error", "wb-title"),
            row(self.one, self.all, limit), self._of_one, self._of_all,
        )  # fmt: skip

    def paint(self) -> None:
        """Show what is known."""
        one, every = self._inquiry.diagnosis, self._inquiry.diagnoses
        show(self._of_one, one is not None)
        show(self._of_all, every is not None)
        self._fold.paint()
        if one is not None and self._painted.is_new("one", one):
            self.verdict.value = verdict(one)
            self._table.value = diagnosis_table(one).to_html()
            self.surprise.show(surprise_bars(one))
        if every is not None and self._painted.is_new("all", every):
            self.shares.show(faults_chart(every))
            self._counts.value = faults_table(every).to_html()
            self._worth.value = worth_table(every).to_html()
            self.pick.options = [("one of the sentences worth a look", -1), *_listed(every)]
        if every is not None:
            write(self.pick, value=_place(every, one))

    def _ask_one(self) -> None:
        text = self._panel.choices.text.strip()
        pair = known_pair(self._panel.session.encoded, text)
        if pair is None:
            raise WorkbenchError(
                "no reference is known: pick a sentence of the data, or type one under "
                "'step by step, by hand'"
            )
        self._inquiry.diagnose(self._panel.session, pair)

    def _ask_all(self) -> None:
        self._inquiry.diagnose_all(self._panel.session)

    def _look_at(self, place: int) -> None:
        every = self._inquiry.diagnoses
        if every is not None and place >= 0:
            self._inquiry.diagnosis = every.each[place]
            self._panel.choices.text = every.each[place].scored.source


def still_errors(inquiry: Inquiry) -> list[Figure | Table]:
    """Return what is known, for a page without a kernel."""
    known: list[Figure | Table] = []
    if one := inquiry.diagnosis:
        known += [diagnosis_table(one), surprise_bars(one)]
    if every := inquiry.diagnoses:
        known += [faults_chart(every), worth_table(every)]
    return known


def _listed(every: Diagnoses) -> list[tuple[str, int]]:
    return [
        (f"{place + 1}: {shortened(every.each[place].scored.source, LABEL)}", place)
        for place, _ in every.worth
    ]


def _place(every: Diagnoses, one: Diagnosis | None) -> int:
    """Return where the sentence that is looked at stands in the test set, if it is listed."""
    return next((place for place, _ in every.worth if every.each[place] is one), -1)

"""Why the model said that: whose fault, what counted, what it held in mind."""

from workbench.charts.frame import Figure
from workbench.charts.tables import Table
from workbench.widgets.inquiry import Inquiry
from workbench.widgets.panel import Panel
from workbench.widgets.parts import column, words
from workbench.widgets.why_errors import ErrorsPart, still_errors
from workbench.widgets.why_states import StatesPart, still_states
from workbench.widgets.why_words import WordsPart, still_words

HINT = "Of the sentence above, with the model as it is now."


class Why:
    """The three questions to a model, one below the other."""

    def __init__(self, panel: Panel) -> None:
        """Make the widgets."""
        inquiry = Inquiry.of(panel.session)
        self.errors, self.words = ErrorsPart(panel, inquiry), WordsPart(panel, inquiry)
        self.states = StatesPart(panel, inquiry)
        self._parts = (self.errors, self.words, self.states)
        self.box = column(words(HINT, "wb-note"), *(part.box for part in self._parts))
        self.box.layout.grid_gap = "16px"

    def paint(self) -> None:
        """Show all that is known."""
        for part in self._parts:
            part.paint()


def still_why(inquiry: Inquiry) -> list[Figure | Table]:
    """Return all that is known, for a page without a kernel."""
    return [*still_errors(inquiry), *still_words(inquiry), *still_states(inquiry)]

"""All that the search weighed, node by node, and the way from any node to decoding by hand."""

from workbench.charts.explorer import beam_explorer, explored
from workbench.charts.frame import Figure
from workbench.errors import WorkbenchError
from workbench.records import Candidate, Translation
from workbench.widgets.choices import Choices
from workbench.widgets.heads import Heads, picks
from workbench.widgets.panel import Panel
from workbench.widgets.parts import Painted, card, row
from workbench.widgets.stepping import Stepping
from workbench.widgets.vega import VegaView

NODE = "node"  # the parameter of the chart that says which one was clicked


class BeamPart:
    """The tree of a translation's search: a click shows what stood to choose and what was read.

    From the node that is clicked, a pruned one too, a person goes on by hand.
    """

    def __init__(self, panel: Panel, stepping: Stepping) -> None:
        """Make the widgets."""
        self._panel, self._stepping, self._painted = panel, stepping, Painted()
        self._heads, self.chart = Heads(panel), VegaView()
        self.chart.listen(NODE)
        self.go_on = panel.button(
            "Go on from this node", self._follow, "by hand, from the node that is chosen below"
        )
        self.box = card(row(self.go_on, *self._heads.widgets), self.chart)

    def paint(self, translation: Translation) -> None:
        """Draw the search of a translation."""
        self._heads.paint(*translation.best.attention.shape[:2])
        if self._painted.is_new("tree", translation, *self._heads.picks):
            self.chart.show(explored_search(self._panel.choices, translation))

    def _follow(self) -> None:
        translation = self._panel.session.translation
        candidate = self._chosen(translation) if translation else None
        if translation is None or candidate is None:
            raise WorkbenchError("no search is on record: translate a sentence first")
        self._stepping.follow(translation, candidate)

    def _chosen(self, translation: Translation) -> Candidate | None:
        chosen = (self.chart.selected.get(NODE) or {}).get(NODE) or [0]
        return explored(translation, int(chosen[0]))


def explored_search(choices: Choices, translation: Translation) -> Figure:
    """Draw the search of a translation, with the attention of the layer and head chosen."""
    attention = translation.best.attention
    looked_at = picks(choices, *attention.shape[:2]) if attention.size else (None, None)
    return beam_explorer(translation, *looked_at)

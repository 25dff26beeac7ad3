"""The answer to the inverse question: what attention would have produced a token."""

from workbench.charts.wanted import wanted_attention
from workbench.errors import WorkbenchError
from workbench.interventions import SetRow
from workbench.records import WantedAttention
from workbench.widgets.now import Now
from workbench.widgets.panel import Panel
from workbench.widgets.parts import Painted, card, row, show
from workbench.widgets.stepping import Stepping
from workbench.widgets.vega import VegaView


class WantedPart:
    """The attention found beside the model's own; it can be read in its place."""

    def __init__(self, panel: Panel, stepping: Stepping) -> None:
        """Make the widgets."""
        self._stepping, self._painted = stepping, Painted()
        self._chart = VegaView()
        use = panel.button("Read so", self._use, "go on with the attention that was found")
        self.box = card(self._chart, row(use))

    def paint(self, now: Now) -> None:
        """Draw the answer where it was asked for."""
        answer = self._answer(now)
        show(self.box, answer is not None)
        if answer is not None and self._painted.is_new("answer", answer):
            self._chart.show(wanted_attention(answer))

    def _answer(self, now: Now) -> WantedAttention | None:
        place, answer = self._stepping.wanted
        return answer if place == now.current.id else None

    def _use(self) -> None:
        answer = self._answer(self._stepping.there())
        if answer is None:
            raise WorkbenchError("nothing was asked here; choose a token and ask first")
        rows = [
            SetRow(layer=layer, head=head, weights=tuple(map(float, answer.found[layer, head])))
            for layer, head in zip(*answer.sought.nonzero(), strict=True)
        ]
        self._stepping.do(lambda stepper: stepper.edit_attention(*rows))

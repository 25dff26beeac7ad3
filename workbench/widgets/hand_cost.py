"""What a step cost, and whether search or model is to blame that the reference was not found."""

from html import escape
from typing import TYPE_CHECKING

import ipywidgets

from workbench.charts.diagnosis import NAMES, diagnosis_table, fall_in_words, surprise_bars
from workbench.charts.state_layout import nats
from workbench.data.frequencies import frequencies
from workbench.errors import WorkbenchError
from workbench.inspection.diagnosis import diagnose
from workbench.inspection.ruled_out import Bounds
from workbench.records import Diagnosis
from workbench.search.rules import prefix_numbers
from workbench.widgets.fold import Fold
from workbench.widgets.now import Now
from workbench.widgets.panel import Panel
from workbench.widgets.parts import NARROW, Painted, card, column, markup, row, show, words
from workbench.widgets.stepping import Stepping
from workbench.widgets.vega import VegaView

if TYPE_CHECKING:
    from workbench.search.stepper import Stepper
    from workbench.session import Session


COUNTED = (
    "The search and the reference both begin with the source as it is edited here and with what "
    "is edited or banned before the first token; what is done further on counts for neither."
)


def cost(now: Now) -> str:
    """Say what the last token cost: its log-probability less that of the likeliest there."""
    here = now.current.decoded
    if here.before is None:
        return "Nothing is written yet."
    steps = zip(here.path[:-1], here.log_probabilities, strict=True)
    lost = [float(one - before.following[before.best()]) for before, one in steps]
    return (
        f"{here.prefix[-1]} cost Δ log p {nats(lost[-1])}; all steps together {nats(sum(lost))}, "
        "against the likeliest token of each."
    )


def diagnosed(session: "Session", stepper: "Stepper", reference: str) -> Diagnosis:
    """Say why the search does not find the reference.

    Search and reference both begin at the root of where one stands, in its state: the source as
    it is edited there, and what was edited or banned before the first token.
    """
    root, draft = stepper.root(), session.draft
    source = root.decoded.source
    found, scored = stepper.beam(root.id), stepper.score(reference, root.id)
    train = session.encoded.get("train")
    counts = dict(frequencies(source.codec.target, train.targets)) if train else {}
    prefix = source.named(prefix_numbers(draft, source.codec, source.text))
    bounds = Bounds.of(draft, prefix, source.named(sorted(root.banned)))
    return diagnose(found, scored, draft.length_penalty, draft.coverage_penalty, counts, bounds)


def verdict(diagnosis: Diagnosis) -> str:
    """Say in a sentence whose error it is."""
    found, reference = diagnosis.found_score, diagnosis.reference_score
    if diagnosis.fault == "none":
        return "The search finds the reference."
    name = NAMES[diagnosis.fault].capitalize()
    if diagnosis.ruled_out:
        name = f"{name}, as {diagnosis.ruled_out}"
    return (
        f"{name}: the reference scores {nats(reference)}, what the search finds "
        f"{nats(found)}; {fall_in_words(diagnosis)}."
    )


class CostPart:
    """What was paid for this way, in nats, and the diagnosis with a reference."""

    def __init__(self, panel: Panel, stepping: Stepping) -> None:
        """Make the widgets."""
        self._panel, self._stepping, self._painted = panel, stepping, Painted()
        self._cost, self._verdict, self._table = words(), words(), markup()
        self._surprise = VegaView()
        reference = ipywidgets.Text(
            description="Reference", placeholder="what the sentence should have become",
            continuous_update=False, style=NARROW,
        )  # fmt: skip
        reference.add_class("wb-grow")
        panel.bind(reference, "value", stepping, "reference")
        numbers = column(self._table, self._surprise)
        self._fold = Fold(panel.choices, "The diagnosis in numbers", numbers)
        self._found = column(self._verdict, words(COUNTED), self._fold)
        ask = panel.button("Diagnose", self._ask, "search error or model error?")
        self.box = card(
            words("What this cost", "wb-title"), self._cost, row(reference, ask), self._found
        )

    def paint(self, now: Now) -> None:
        """Tell of the current node, and of the reference once it was asked for."""
        diagnosis = self._stepping.diagnosis
        if self._painted.is_new("cost", now):
            self._cost.value = escape(cost(now))
        show(self._found, diagnosis is not None)
        self._fold.paint()
        if diagnosis and self._painted.is_new("diagnosis", diagnosis):
            self._verdict.value = escape(verdict(diagnosis))
            self._table.value = diagnosis_table(diagnosis).to_html()
            self._surprise.show(surprise_bars(diagnosis))

    def _ask(self) -> None:
        reference = self._stepping.reference.strip()
        if not reference:
            raise WorkbenchError("there is no reference: type what the sentence should become")

        def act(stepper: "Stepper") -> None:
            self._stepping.diagnosis = diagnosed(self._panel.session, stepper, reference)

        self._stepping.do(act, "diagnosing")

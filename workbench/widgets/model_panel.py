"""Put a model together and see it before it is built: its boxes, its weights, what it will take."""

import threading
from collections.abc import Sequence
from contextlib import suppress
from html import escape
from typing import TYPE_CHECKING, ClassVar

import ipywidgets

from workbench.charts.diagram import model_diagram
from workbench.charts.frame import Figure
from workbench.charts.tables import Table, settings_table
from workbench.config import Precision
from workbench.data.encoding import EncodedPairs
from workbench.errors import RunError, SettingsError
from workbench.records import Block
from workbench.widgets.choices import Choices
from workbench.widgets.code import parameters_of, python_of
from workbench.widgets.copying import Copy
from workbench.widgets.cost_table import cost_table
from workbench.widgets.data_form import check_filled_in
from workbench.widgets.data_panel import loaded
from workbench.widgets.forms import Form
from workbench.widgets.panel import Panel
from workbench.widgets.parts import Painted, card, column, markup, row, show, words, write
from workbench.widgets.vega import VegaView

if TYPE_CHECKING:
    from workbench.session import Session

GROUPS = ("Model", "Recurrent layers", "Convolutional and Transformer layers", "Training",
          "Adapters")  # fmt: skip


class ModelPanel(Panel):
    """The settings of the model and its training, with a diagram that follows every change."""

    title: ClassVar[str] = "Model"
    kept: ClassVar[tuple[str, ...]] = ("built", *Panel.kept)

    def body(self) -> list[ipywidgets.Widget]:
        """Make the widgets."""
        self._painted = Painted()
        self._asked: set[str] = set()
        halves = ipywidgets.Box([self._settings(), self._outcome()])
        halves.add_class("wb-halves")
        return [halves, self._code()]

    def _settings(self) -> ipywidgets.Widget:
        chooser = ipywidgets.RadioButtons(
            options=GROUPS, orientation="horizontal", description="Settings of"
        )
        chooser.add_class("wb-groups")
        self.bind(chooser, "value", self.choices, "group")
        self._forms = {group: Form(self.session, groups=(group,)) for group in GROUPS}
        self._parts = {group: column(form) for group, form in self._forms.items()}
        return card(chooser, *self._parts.values())

    def _outcome(self) -> ipywidgets.Widget:
        self._diagram, self._costs = VegaView(), markup()
        self._build_button = self.button("Build", self._build, primary=True)
        self._stale = words(style="wb-note")
        return card(self._diagram, self._costs, row(self._build_button, self._stale))

    def _code(self) -> ipywidgets.Widget:
        self._python = Copy("The same in Python")
        self._parameters = Copy("The same as parameters of a notebook")
        return column(self._python, self._parameters)

    def paint(self) -> None:
        """Show the group that is open, and the model that the draft asks for."""
        for group, part in self._parts.items():  # a page heeds the classes of boxes alone
            show(part, group == self.choices.group)
        self._measure()
        blocks = self.session.sketch()
        if self._painted.is_new("diagram", blocks):
            self._diagram.show(model_diagram(blocks))
        self._paint_costs(blocks)
        if self._painted.is_new("code", self.session.draft):
            write(self._python, text=python_of(self.session.draft))
            write(self._parameters, text=parameters_of(self.session.draft))
        write(self._stale, value=escape(self._told()))
        write(self._build_button, tooltip=self.session.refusal("build") or "make the weights")

    def still(self) -> list[Figure | Table]:
        """Return the diagram, the settings that are not the default, and the estimates."""
        draft, blocks = self.session.draft, self.session.sketch()
        speed = self.choices.speeds.get(draft.precision)
        return [
            model_diagram(blocks),
            cost_table(draft, blocks, pairs_of(self.session), speed),
            settings_table(draft.differences(), caption="Settings that are not the default"),
        ]

    def _build(self) -> None:
        check_filled_in(self.session, self.choices)
        if self.session.busy:
            raise RunError(f"{self.session.busy} is under way; wait for it")
        self.session.request("build")

    def _told(self) -> str:
        """Say how the model that is there stands to the settings."""
        if self.session.stale:
            return f"Rebuild needed: {', '.join(self.session.stale)}"
        if self.session.state in ("empty", "data"):
            return "Nothing is built yet."
        return "The model that is there has these settings."

    def _paint_costs(self, blocks: Sequence[Block]) -> None:
        draft, pairs = self.session.draft, pairs_of(self.session)
        speed = self.choices.speeds.get(draft.precision)
        if self._painted.is_new("costs", draft, blocks, pairs, speed):
            self._costs.value = cost_table(draft, blocks, pairs, speed).to_html()

    def _measure(self) -> None:
        """Measure this machine, once and while it has nothing else to do."""
        precision, quiet = self.session.draft.precision, not self.session.busy
        if quiet and self.session.state != "training" and precision not in self._asked:
            self._asked.add(precision)
            threading.Thread(target=measure, args=(self.choices, precision), daemon=True).start()


def measure(choices: Choices, precision: Precision) -> None:
    """Measure what the machine does in a second, and let all panels know."""
    from workbench.training import speed  # which loads TensorFlow

    with suppress(SettingsError):  # no device computes in it: `build` will say so
        measured = speed.measure(precision)
        choices.speeds = {**choices.speeds, precision: measured}


def pairs_of(session: "Session") -> EncodedPairs | None:
    """Return the training pairs, where those that the draft asks for are loaded."""
    return session.encoded.get("train") if loaded(session) else None

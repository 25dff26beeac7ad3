"""What was done, as data: to copy, to load, to replay, to do with every translation."""

import json

import ipywidgets

from workbench.errors import WorkbenchError
from workbench.interventions import read_interventions, to_json
from workbench.widgets.copying import Copy
from workbench.widgets.fold import Fold
from workbench.widgets.now import Now
from workbench.widgets.panel import Panel
from workbench.widgets.parts import NARROW, Painted, card, column, row, words
from workbench.widgets.stepping import Stepping


class ScriptPart:
    """The interventions on the way to where one stands, and others to be replayed."""

    def __init__(self, panel: Panel, stepping: Stepping) -> None:
        """Make the widgets."""
        self._panel, self._stepping, self._painted = panel, stepping, Painted()
        self._copy, self._count = Copy("As JSON"), words("", "wb-note")
        script = ipywidgets.Textarea(
            description="to replay", placeholder='[{"kind": "force", "prefix": [], "token": "…"}]',
            continuous_update=False, style=NARROW,
            layout={"width": "auto"},
        )  # fmt: skip
        script.add_class("wb-script")
        panel.bind(script, "value", stepping, "script")
        use = panel.button(
            "Do so in every translation", self._use, "as the setting `interventions`"
        )
        replay = panel.button("Replay", self._replay, "as a branch of the tree")
        self._fold = Fold(panel.choices, "Replay others", column(script, row(replay)))
        self.box = card(
            row(words("Interventions", "wb-title"), self._count),
            self._copy, row(use), self._fold,
        )  # fmt: skip

    def paint(self, now: Now) -> None:
        """Write the list of the current node."""
        self._fold.paint()
        if self._painted.is_new("list", now.interventions):
            items = json.loads(now.interventions)
            told = "1 on this way" if len(items) == 1 else f"{len(items) or 'none'} on this way"
            self._count.value = told
            self._copy.text = to_json(read_interventions(now.interventions), indent=2)

    def _use(self) -> None:
        self._panel.session.configure(interventions=self._stepping.there().interventions)
        self._panel.choices.notice = (
            "good",
            "Every translation now goes this way; see the setting interventions.",
        )

    def _replay(self) -> None:
        script = self._stepping.script.strip()
        if not script:
            raise WorkbenchError("there is nothing to replay: paste interventions as JSON")
        self._stepping.do(lambda stepper: stepper.replay(script), "replaying")

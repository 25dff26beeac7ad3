"""The tree of decoding states, and what is done to its branches."""

from functools import partial
from typing import TYPE_CHECKING, Any

import ipywidgets

from workbench.errors import WorkbenchError
from workbench.widgets.grown import candidate_of, states
from workbench.widgets.now import Found, Now
from workbench.widgets.panel import Panel
from workbench.widgets.parts import NARROW, Painted, card, row, words, write
from workbench.widgets.state_tree import StateTree
from workbench.widgets.stepping import Stepping

if TYPE_CHECKING:
    from workbench.search.stepper import Stepper


class TreePart:
    """All that was tried, with what a beam kept and pruned."""

    def __init__(self, panel: Panel, stepping: Stepping) -> None:
        """Make the widgets."""
        self._panel, self._stepping, self._painted = panel, stepping, Painted()
        self.tree = StateTree()
        self.tree.on_msg(lambda _, message, __: panel.attempt(partial(self._pressed, message)))
        name = ipywidgets.Text(
            description="Branch", placeholder="a name for where you are", continuous_update=False,
            style=NARROW,
        )  # fmt: skip
        name.add_class("wb-grow")
        panel.bind(name, "value", stepping, "name")
        self._delete = panel.button("Delete", self._remove, "this state with all below it")
        pruned = ipywidgets.Checkbox(
            description="pruned hypotheses", indent=False, layout={"width": "auto"}
        )
        panel.bind(pruned, "value", stepping, "pruned")
        self._beam = panel.button("Beam from here", self._search, "as wide as the search is set")
        self.box = card(
            row(words("Tree", "wb-title"), self._beam, pruned),
            ipywidgets.Box([self.tree], layout={"display": "block"}),
            row(name, panel.button("Name", self._rename, "name this state"), self._delete),
        )

    def paint(self, now: Now) -> None:
        """Draw the tree."""
        stepping = self._stepping
        settings = self._panel.session.draft
        if self._painted.is_new("tree", now, stepping.found, stepping.pruned, settings):
            self.tree.show(states(now, stepping.found, stepping.pruned, settings))
        write(self._beam, disabled=now.current.decoded.finished)
        write(self._delete, disabled=len(now.nodes) == 1)

    def _pressed(self, message: dict[str, Any]) -> None:
        key, found = str(message.get("key", "")), self._stepping.found
        record = found.translation.beam if found else None
        candidate = candidate_of(key, found)
        if found and record and candidate:
            self._stepping.do(lambda stepper: stepper.follow(record, candidate, found.place))
        elif key.isdecimal() and int(key) in self._stepping.there().nodes:
            self._stepping.do(lambda stepper: stepper.go(int(key)))
        else:
            raise WorkbenchError("that state is not there any more; choose another")

    def _search(self) -> None:
        def act(stepper: "Stepper") -> None:
            self._stepping.found = Found(stepper.current.id, stepper.beam())

        self._stepping.do(act, "searching")

    def _rename(self) -> None:
        name = self._stepping.name.strip()
        self._stepping.do(lambda stepper: stepper.branch(name))

    def _remove(self) -> None:
        self._stepping.do(lambda stepper: stepper.delete())

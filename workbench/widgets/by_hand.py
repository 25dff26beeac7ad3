"""Decoding by hand: the tree of states, what may come next, attention to be changed."""

from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING

import ipywidgets

from workbench.charts.attention import attention_map
from workbench.charts.diagnosis import diagnosis_table
from workbench.charts.frame import Figure
from workbench.charts.state_layout import nats, share
from workbench.charts.state_tree import state_tree
from workbench.charts.tables import Table
from workbench.charts.wanted import wanted_attention
from workbench.errors import InterventionError
from workbench.interventions import read_interventions
from workbench.search.prefix_beam import translation
from workbench.widgets.grown import states
from workbench.widgets.hand_attention import AttentionPart
from workbench.widgets.hand_choices import ChoicesPart
from workbench.widgets.hand_cost import CostPart
from workbench.widgets.hand_script import ScriptPart
from workbench.widgets.hand_tree import TreePart
from workbench.widgets.hand_wanted import WantedPart
from workbench.widgets.now import Now
from workbench.widgets.panel import Panel
from workbench.widgets.parts import card, column, columns, markup, row, show, words, write
from workbench.widgets.stepping import Stepping

if TYPE_CHECKING:
    from workbench.config import SearchSettings
    from workbench.search.stepper import Stepper


class ByHand:
    """All parts, below the sentence that is taken apart."""

    def __init__(self, panel: Panel, stepping: Stepping) -> None:
        """Make the widgets."""
        self._panel, self._stepping = panel, stepping
        self._written = markup("", "wb-written")
        self._nothing = words("Nothing is taken apart yet.", "wb-note")
        self._tools = {
            name: self._tool(text, tip, act)
            for name, text, tip, act in (
                ("back", "‹ Step back", "to the state before this one", _back),
                ("advance", "Advance ›", "write the likeliest token", lambda s: s.advance()),
                ("finish", "To the end", "write the likeliest tokens", lambda s: s.finish()),
                ("undo", "« Undo", "take the last change back", lambda s: s.undo()),
                ("redo", "Redo »", "make it again", lambda s: s.redo()),
            )
        }
        self.choices, self.tree = ChoicesPart(panel, stepping), TreePart(panel, stepping)
        self.attention, self.cost = AttentionPart(panel, stepping), CostPart(panel, stepping)
        self.wanted, self.script = WantedPart(panel, stepping), ScriptPart(panel, stepping)
        both = ipywidgets.Box([self.choices.box, self.tree.box])
        both.add_class("wb-hand")
        self._all = column(
            card(self._written, row(*self._tools.values())),
            both, self.wanted.box, self.attention.box,
            columns(self.cost.box, self.script.box),
        )  # fmt: skip
        self._all.layout.grid_gap = "16px"
        self.box = column(self._nothing, self._all)

    def paint(self) -> None:
        """Show where the stepper is."""
        now = self._stepping.now
        show(self._nothing, now is None)
        show(self._all, now is not None)
        if now is None:
            return
        self._written.value = _written(now)
        here = now.current
        ended = here.decoded.finished
        write(self._tools["back"], disabled=here.parent is None)
        write(self._tools["advance"], disabled=ended)
        write(self._tools["finish"], disabled=ended)
        write(self._tools["undo"], disabled=not now.can_undo)
        write(self._tools["redo"], disabled=not now.can_redo)
        parts = (self.choices, self.tree, self.attention, self.wanted, self.cost, self.script)
        for part in parts:
            part.paint(now)

    def _tool(self, text: str, tip: str, act: "Callable[[Stepper], object]") -> ipywidgets.Button:
        return self._panel.button(text, lambda: self._stepping.do(act), tip)


def still_by_hand(stepping: Stepping, settings: "SearchSettings") -> list[Figure | Table]:
    """Return the tree, the candidates, attention, what was asked and done, for a page alone."""
    now = stepping.now
    if now is None:
        return []
    tree = state_tree(states(now, stepping.found, stepping.pruned, settings))
    things: list[Figure | Table] = [tree, _candidates_table(now)]
    if now.hypothesis.attention.size:
        source = now.path[0].decoded.source
        things.append(attention_map(translation(source, [now.hypothesis])))
    place, wanted = stepping.wanted
    if wanted is not None and place == now.current.id:
        things.append(wanted_attention(wanted))
    if stepping.diagnosis is not None:
        things.append(diagnosis_table(stepping.diagnosis))
    return [*things, _interventions_table(now)]


def _back(stepper: "Stepper") -> None:
    if stepper.current.parent is None:
        raise InterventionError("this is the beginning; there is no step before it")
    stepper.go(stepper.current.parent)


def _written(now: Now) -> str:
    """Return the source and what is written so far, as HTML."""
    here = now.current.decoded
    tokens = " ".join(here.prefix[:-1])
    last = f" <b>{escape(here.prefix[-1])}</b>" if here.prefix else ""
    caret = "" if here.finished else " <i>▮</i>"
    score = f"<i>log p {nats(float(here.total))}</i>" if here.prefix else ""
    return f"<i>{escape(here.source.text)} →</i> {escape(tokens)}{last}{caret} &nbsp; {score}"


def _candidates_table(now: Now) -> Table:
    rows = tuple(
        (one.rank, one.token, share(one.probability), "banned" * one.banned)
        for one in now.candidates
    )
    prefix = " ".join(now.current.decoded.prefix) or "the beginning"
    return Table(("rank", "token", "probability", ""), rows, f"What may follow {prefix}")


def _interventions_table(now: Now) -> Table:
    rows = tuple(
        (number, item.kind, item.model_dump_json(exclude_defaults=True, exclude={"kind"}))
        for number, item in enumerate(read_interventions(now.interventions), 1)
    )
    return Table(("", "kind", "what"), rows, "Interventions on the way")

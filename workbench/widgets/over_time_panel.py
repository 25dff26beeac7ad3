"""One sentence at every checkpoint of a run, on a slider; beside it the runs that are compared."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from html import escape
from math import exp
from typing import ClassVar
from weakref import WeakKeyDictionary

import ipywidgets
import traitlets

from workbench.charts.attention import NO_ATTENTION
from workbench.charts.frame import Figure, notice
from workbench.charts.over_time import over_time_chart, over_time_table, token_history, told
from workbench.charts.sight import across
from workbench.charts.tables import Table
from workbench.config import SearchSettings
from workbench.errors import WorkbenchError
from workbench.moments import Moment, OverTime
from workbench.session import Session
from workbench.widgets.announced import answer
from workbench.widgets.answers import then
from workbench.widgets.choices import LATEST, Choices
from workbench.widgets.fold import Fold
from workbench.widgets.heat import HeatMap
from workbench.widgets.panel import Panel
from workbench.widgets.parts import (
    NARROW,
    Painted,
    card,
    column,
    columns,
    markup,
    row,
    show,
    words,
    write,
)
from workbench.widgets.shelf import Shelf
from workbench.widgets.slider import Slider
from workbench.widgets.ticker import Ticker
from workbench.widgets.vega import VegaView

NOTHING = "Every checkpoint that is kept translates the sentence, under the same interventions."
SHOWN = ("bleu", "loss")  # figures of a moment


class Lookout(traitlets.HasTraits):
    """What was found over time, the same for all copies of the panel.

    Traits:
        found: the latest; moment: which of its steps is looked at, from 0; LATEST for the last.
        waiting: how many runs are being looked over.
    """

    found = traitlets.Instance(OverTime, allow_none=True)
    moment = traitlets.Int(LATEST)
    waiting = traitlets.Int(0)

    _all: ClassVar["WeakKeyDictionary[Session, Lookout]"] = WeakKeyDictionary()

    def __init__(self) -> None:
        """Have found nothing yet."""
        super().__init__()
        self._lock = threading.Lock()

    @classmethod
    def of(cls, session: Session) -> "Lookout":
        """Return what was found for `session`."""
        return cls._all.setdefault(session, cls())

    def look(self, session: Session, text: str) -> None:
        """Look over the training of `session`, then over those of the runs that are compared."""
        choices = Choices.of(session)

        def looked(found: OverTime) -> None:
            self.moment, self.found = LATEST, found
            draft = session.draft
            search = {name: getattr(draft, name) for name in SearchSettings.model_fields}
            for path in choices.runs:
                asked = Shelf.of(session).over_time(path, found, search)
                self._await(asked, choices, partial(self._beside, found), told=False)

        self._await(session.request("over_time", text), choices, looked)

    def _await(
        self,
        asked: "Future[OverTime]",
        choices: Choices,
        act: Callable[[OverTime], None],
        told: bool = True,
    ) -> None:
        self._count(1)
        then(asked, choices, act, partial(self._count, -1), told)

    def _beside(self, first: OverTime, further: OverTime) -> None:
        if self.found is not None and self.found.moments[0] is first.moments[0]:
            self.found = self.found.beside(further)

    def _count(self, change: int) -> None:
        with self._lock:  # the session's thread and the shelf's
            self.waiting += change


class OverTimePanel(Panel):
    """How a translation came to be: a slider over the checkpoints of this run."""

    title: ClassVar[str] = "Over time"

    def __init__(self, session: Session) -> None:
        """Look over the training of `session`."""
        self.lookout, self._painted = Lookout.of(session), Painted()
        self._views: list[MomentView] = []
        super().__init__(session)
        if session.config.live:
            Ticker.of(session).on(self.lookout.trait_names(), self._refresh, self.lookout)

    def body(self) -> list[ipywidgets.Widget]:
        """Make the widgets."""
        text = ipywidgets.Text(
            description="Sentence", placeholder="what every checkpoint shall translate",
            continuous_update=False, style=NARROW,
        )  # fmt: skip
        text.add_class("wb-grow")
        self.bind(text, "value", self.choices, "text")
        self._look = self.button("Look back", self._ask, primary=True)
        self._moment = Slider(description="Moment")
        self.heed(self._moment, "value", partial(setattr, self.lookout, "moment"))
        self._runs, self._table = columns(), markup()
        self._fold = Fold(self.choices, "All moments in words", self._table)
        self._shown = column(self._moment, self._runs, self._fold)
        self._nothing = words(NOTHING, "wb-note")
        heading = words("One sentence over training", "wb-title")
        self.part = card(heading, row(text, self._look), self._nothing, self._shown)
        return [self.part]

    def paint(self) -> None:
        """Show what each run made of the sentence at the step that is chosen."""
        reason = self.session.refusal("over_time")
        if self.lookout.waiting:
            reason = reason or "it is being looked for"
        help = "at every checkpoint that is kept of this run, and of those that are compared"
        write(self._look, disabled=bool(reason), tooltip=reason or help)
        found = self.lookout.found
        show(self._shown, found is not None)
        show(self._nothing, found is None)
        self._fold.paint()
        if found is not None:
            self._paint_found(found)

    def kept_of(self) -> object:
        """Return what was found."""
        return self.lookout.found

    def still(self) -> list[Figure | Table]:
        """Return the chart with its own slider, and the table; headless, look first."""
        lookout, text = self.lookout, self.choices.text
        if lookout.found is None and text and not self.session.config.live:
            lookout.found = self.session.over_time(text)
        if lookout.found is None:
            return [notice(self.title, "no sentence was looked at")]
        return [over_time_chart(lookout.found), over_time_table(lookout.found)]

    def _ask(self) -> None:
        text = self.choices.text.strip()
        if not text:
            raise WorkbenchError("there is nothing to translate: type a sentence")
        self.lookout.look(self.session, text)

    def _paint_found(self, found: OverTime) -> None:
        last, chosen = len(found.steps) - 1, self.lookout.moment
        place = last if chosen == LATEST else min(chosen, last)
        if self._painted.is_new("runs", found):
            self._views = [*self._views, *(MomentView() for _ in found.runs)][: len(found.runs)]
            for run, view in zip(found.runs, self._views, strict=True):
                view.history.show(token_history(found, run))
            write(self._runs, children=tuple(view.box for view in self._views))
        if self._painted.is_new("moment", found, place):
            step = found.steps[place]
            when = f"step {step:,}, {place + 1} of {last + 1}"
            write(self._moment, max=max(last, 1), value=place, disabled=not last, text=when)
            for moment, view in zip(found.at(step), self._views, strict=True):
                view.show(moment)
        if self._fold.is_open and self._painted.is_new("table", found):
            self._table.value = over_time_table(found).to_html()


class MomentView:
    """What one run made of the sentence at a moment, and how likely it held each token."""

    def __init__(self) -> None:
        """Make the widgets."""
        self.when, self.said, self.history = words("", "wb-note"), answer(), VegaView()
        self._map = HeatMap()
        self._seen = column(self._map)
        self.box = column(self.when, self.said, self._seen, self.history)

    def show(self, moment: Moment) -> None:
        """Show a moment."""
        write(self.when, value=f"{escape(moment.run)}, {told(moment, SHOWN)}")
        write(self.said, value=_in_words(moment))
        sight = across(moment.translation) if moment.translation else None
        there = sight is not None and sight.weights.size > 0
        show(self._seen, there)
        if sight is not None and there:
            self._map.show(sight)


def _in_words(moment: Moment) -> str:
    """Return what was written at a moment, or why nothing was, as HTML."""
    if moment.translation is None:
        return f"<div class='wb-error'>{escape(moment.fault)}</div>"
    notes = [f"{one.kind} {one.token}: {exp(one.log_probability):.1%} by itself"
             for one in moment.opinions]  # fmt: skip
    if not moment.translation.best.attention.size:
        notes.append(NO_ATTENTION)
    said = escape(moment.translation.text) or "(empty)"
    return (
        f"<div><strong>{said}</strong></div><div class='wb-note'>{escape(' · '.join(notes))}</div>"
    )

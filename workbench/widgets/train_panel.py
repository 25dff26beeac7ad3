"""Train, watch it, and steer it: pause, one step, another learning rate, stop."""

from collections.abc import Sequence
from typing import ClassVar

import ipywidgets

from workbench.charts.attention import NO_ATTENTION, attention_grid
from workbench.charts.curve_rows import Sample
from workbench.charts.curves import curves
from workbench.charts.frame import Figure, notice, shortened
from workbench.charts.sight import across
from workbench.charts.tables import Table
from workbench.records import Progress, Translation
from workbench.widgets.choices import LATEST
from workbench.widgets.data_form import check_filled_in
from workbench.widgets.fold import Fold
from workbench.widgets.forms import Form
from workbench.widgets.heat import HeatMap
from workbench.widgets.live_curves import LiveCurves
from workbench.widgets.memory import Memory
from workbench.widgets.panel import Act, Panel
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
from workbench.widgets.progress import Bars, bars_of, clock
from workbench.widgets.slider import Slider

COMMANDS = {  # of the session, by the label of their buttons, with what they do
    "Start": ("train", "train from the last checkpoint, or from the start"),
    "Pause": ("pause", "wait after the step it is at"),
    "Resume": ("resume", "go on after a pause"),
    "One step": ("advance", "take one step, then pause"),
    "Stop": ("stop", "end after the step it is at and keep the best weights"),
}
BEGINNING = ("train", "advance")  # which make steps of what is filled in
ENDED = "training has come to its end: change a setting and build the model to train another"
PREPARING = ("reading", "building")  # how `busy` begins while training would only have to wait


class TrainPanel(Panel):
    """Training, live: its controls, its curves, and the sentences it is watched by."""

    title: ClassVar[str] = "Train"

    def body(self) -> list[ipywidgets.Widget]:
        """Make the widgets."""
        self._painted, self._curves = Painted(), LiveCurves()
        self._memory = Memory.of(self.session)
        self._bars, self._probes = Bars(), self._watched()
        self._pace = column(self._bars)
        self._loss, self._small = card(self._curves.loss), card(self._curves.small)
        self._table = markup()
        self._translations = card(self._table)
        both = columns(self._loss, self._probes)
        return [self._controls(), both, self._translations, self._small]

    def _controls(self) -> ipywidgets.Widget:
        self._buttons = {
            command: self.button(label, self._asking(command), help, primary=command == "train")
            for label, (command, help) in COMMANDS.items()
        }
        rate = Form(self.session, names=("learning_rate",))
        every = Form(self.session, groups=("Training",))
        self._fold = Fold(self.choices, "All settings of training", every)
        steering = column(row(*self._buttons.values()), self._pace)
        steering.add_class("wb-grow")
        steering.layout.min_width = "300px"  # below that the learning rate goes on the next line
        rate.layout.width = "200px"
        return card(row(steering, rate), self._fold)

    def _watched(self) -> ipywidgets.Widget:
        self._which = ipywidgets.Dropdown(description="Sentence", style=NARROW)
        self._which.layout.width = "auto"
        self.heed(self._which, "value", self._choose_probe)
        self._moment, self._map = Slider(description="Moment"), HeatMap()
        self.heed(self._moment, "value", self._choose_moment)
        self._no_map = words(f"There is nothing to see: {NO_ATTENTION}.", "wb-note")
        heading = words("Attention as it emerges", "wb-title")
        self._seen = column(self._map)
        return card(heading, self._which, self._moment, self._seen, self._no_map)

    def paint(self) -> None:
        """Show how far training is, what is new of the curves, and the watched sentences."""
        session, progress = self.session, self.session.progress
        for label, (command, help) in COMMANDS.items():
            self._paint_button(label, command, help)
        self._fold.paint()
        growing = session.state == "training"
        if progress and growing:
            self._memory.sample(progress.step)
        history = session.history
        for part in (self._loss, self._small, self._pace):
            show(part, bool(history))
        self._curves.paint(history, self._memory.samples, growing)
        if history:
            self._paint_pace(progress or history[-1])
        self._paint_watched(moments(history))

    def still(self) -> list[Figure | Table]:
        """Return the curves, and the watched sentences as they were at the chosen moment."""
        nothing = notice(self.title, "nothing is trained yet")
        return stills(self.session.history, self.choices.moment) or [nothing]

    # What the controls do ---------------------------------------------------------------------

    def _asking(self, command: str) -> Act:
        def ask() -> None:
            if command in BEGINNING:
                check_filled_in(self.session, self.choices)
            self.session.request(command)

        return ask

    def _choose_probe(self, number: int) -> None:
        self.choices.probe = number

    def _choose_moment(self, number: int) -> None:
        """Look at an evaluation; at the last one, go on to later ones as they come."""
        self.choices.moment = LATEST if number == self._moment.max else number

    # What is painted --------------------------------------------------------------------------

    def _paint_button(self, label: str, command: str, help: str) -> None:
        """Switch a button off with the reason where it makes no sense, e.g. while it must wait."""
        busy = self.session.busy
        reason = self.session.refusal(command)
        if command in BEGINNING:
            waits = f"{busy} is under way; wait for it" if busy.startswith(PREPARING) else ""
            ended = ENDED if self.session.complete else ""
            reason = reason or waits or ended
        if command == "resume" and self.session.back_to and not reason:
            label = f"Go on from {self.session.back_to}"
        write(
            self._buttons[command],
            description=label, disabled=bool(reason), tooltip=reason or help,
        )  # fmt: skip

    def _paint_pace(self, progress: Progress) -> None:
        pairs = len(self.session.encoded.get("train", ()))
        note = _facts(progress, self._memory.samples)
        self._bars.show(bars_of(progress, self.session.config, pairs), note)

    def _paint_watched(self, times: Sequence[Progress]) -> None:
        for part in (self._probes, self._translations):
            show(part, bool(times))
        if not times:
            return
        place = place_of(times, self.choices.moment)
        moment, last = times[place], len(times) - 1
        which = min(self.choices.probe, len(moment.probes) - 1)
        if self._painted.is_new("probes", moment, place, last, which):
            when = f"step {moment.step:,}, evaluation {place + 1} of {last + 1}"
            write(self._moment, max=max(last, 1), value=place, disabled=not last, text=when)
            self._table.value = probe_table(moment).to_html()
            self._paint_probe(moment.probes, which)

    def _paint_probe(self, probes: Sequence[Translation], which: int) -> None:
        options = [(shortened(probe.source, 60), n) for n, probe in enumerate(probes)]
        if list(self._which.options) != options:
            self._which.options = options
        write(self._which, value=which)
        sight = across(probes[which])
        show(self._seen, bool(sight.weights.size))
        show(self._no_map, not sight.weights.size)
        if sight.weights.size:
            self._map.show(sight)


def moments(history: Sequence[Progress]) -> list[Progress]:
    """Return the steps at which the watched sentences were translated."""
    return [progress for progress in history if progress.probes]


def place_of(times: Sequence[Progress], chosen: int) -> int:
    """Return which of the evaluations is looked at; one that is not there yet is the last."""
    last = len(times) - 1
    return last if chosen == LATEST else min(chosen, last)


def stills(history: Sequence[Progress], chosen: int = LATEST) -> list[Figure | Table]:
    """Return the curves of a history, and the watched sentences at the chosen evaluation."""
    times = moments(history)
    if not times:
        return [curves(history)] if history else []
    moment = times[place_of(times, chosen)]
    return [curves(history), probe_table(moment), attention_grid(moment.probes)]


def probe_table(moment: Progress) -> Table:
    """Return the watched sentences as they were translated at a step."""
    rows = tuple(
        (
            probe.source,
            probe.reference or "",
            probe.text,
            "✓" if probe.text == probe.reference else "",
        )
        for probe in moment.probes
    )
    caption = f"Watched sentences at step {moment.step:,}"
    return Table(("source", "reference", "translation", "the same"), rows, caption)


def _facts(progress: Progress, memory: Sequence[Sample]) -> str:
    facts = [
        f"loss {progress.loss:.4f}",
        f"{progress.tokens_per_second:,.0f} target tokens/s",
        f"learning rate {progress.learning_rate:.3g}",
        f"{clock(progress.seconds)} trained",
    ]
    if memory:
        facts.append(f"{memory[-1][1] / 1e6:,.0f} MB of memory")
    return " · ".join(facts)

"""The curves of a training that goes on: drawn once, then fed with what is new."""

import time
from collections.abc import Callable, Hashable, Sequence

import ipywidgets

from workbench.charts.curve_rows import NOTHING, Drawn, Rows, Sample, layouts, new_rows
from workbench.charts.curves import curve_in_words, live_curve
from workbench.records import Progress
from workbench.widgets.parts import write
from workbench.widgets.vega import VegaView

Sets = dict[str, Rows]

SECONDS = 1.0  # between two feedings, at least: drawing in the browser takes from training, too
SLOWEST = 10.0  # between two feedings, at most
GROWTH = 1 / 10  # of the time trained so far: a second adds little to an old curve
GRID = {"grid_template_columns": "repeat(auto-fill, minmax(190px, 1fr))", "grid_gap": "12px"}
# Made before anything trains: a page that is loading while a widget is made may hear of the widget
# and not of its layout. Of figures, more than any task has.
CHARTS = ("loss", *(f"figure_{place}" for place in range(8)), "rate", "speed", "memory")
OTHERS = {"loss": "best", "figure": "now"}  # the second dataset of a chart, by how it is called


class FedView(VegaView):
    """A chart that takes rows for several of its datasets in one message."""

    def feed(self, whole: Sets, more: Sets, words: str = "") -> None:
        """Replace the rows of some datasets and add to those of others; `words` describe it all."""
        added = {name: rows for name, rows in more.items() if rows}
        described = {"description": words} if words else {}
        if not (whole or added):
            return
        with self._lock:
            self._description = words or self._description
            self._sets.update(whole)
            for name, rows in added.items():
                there = self._sets.setdefault(name, [])
                assert isinstance(there, list)  # curves have no cells
                there.extend(rows)
            self._tell(sets=dict(whole), more=added, **described)


class LiveCurves:
    """A chart for the loss and a small one for each other figure, learning rate, speed, memory.

    Attributes:
        loss: the chart of the loss; small: a grid of all others.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Start with nothing drawn; `clock` counts seconds."""
        self._views = {name: FedView() for name in CHARTS}
        self.loss, self.small = self._views["loss"], ipywidgets.GridBox(layout=GRID)
        self._clock, self._fed = clock, -SECONDS
        self._of: tuple[Sequence[Progress], Sequence[Sample]] = ((), ())
        self._layouts: dict[str, Hashable] = {}
        self._shown, self._drawn = (NOTHING, False), NOTHING

    def paint(
        self, history: Sequence[Progress], memory: Sequence[Sample], growing: bool = False
    ) -> bool:
        """Draw what is new of a history; while it is `growing`, that may wait for more.

        Returns: whether anything was drawn.
        """
        there = Drawn(len(history), len(memory))  # they may grow while this paints
        now = (there, growing)
        same = history is self._of[0] and memory is self._of[1]
        clock = self._clock()
        waits = growing and clock - self._fed < pause(history)
        if not history or (same and (now == self._shown or waits)):
            return False
        known, samples = history[: there.steps], memory[: there.samples]
        looks = layouts(known, samples)
        kept = {name for name in looks if looks[name] == self._layouts.get(name)}
        drawn = self._drawn if same and growing else NOTHING
        self._feed(kept, known, samples, growing, drawn)
        for name in looks.keys() - kept:
            if name not in self._views:
                self._views[name] = FedView()
            self._views[name].show(live_curve(name, known, samples, growing))
        write(self.small, children=tuple(self._views[name] for name in looks if name != "loss"))
        self._of, self._layouts, self._shown = (history, memory), looks, now
        self._drawn = there if growing else NOTHING  # the last points may be of fewer steps
        self._fed = clock
        return True

    def _feed(
        self,
        names: set[str],
        history: Sequence[Progress],
        memory: Sequence[Sample],
        growing: bool,
        drawn: Drawn,
    ) -> None:
        """Bring the charts `names` up to date, of which so much is drawn."""
        whole, more = new_rows(history, memory, drawn, growing)
        told = not drawn.steps or any(each.evaluation for each in history[drawn.steps :])
        for name in names:
            its = {name, OTHERS.get(name.partition("_")[0], name)}
            words = curve_in_words(name, history, memory) if told else ""
            self._views[name].feed(_part(whole, its), _part(more, its), words)


def pause(history: Sequence[Progress]) -> float:
    """Return the seconds between two feedings of the curves of a history."""
    return min(max(SECONDS, GROWTH * history[-1].seconds), SLOWEST) if history else SECONDS


def _part(sets: Sets, names: set[str]) -> Sets:
    return {name: rows for name, rows in sets.items() if name in names}

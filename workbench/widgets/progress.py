"""How far something is: native progress bars with labels."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import anywidget
import traitlets

from workbench.config import RunConfig
from workbench.records import Progress
from workbench.widgets.parts import write
from workbench.widgets.paths import STATIC


@dataclass(frozen=True)
class Bar:
    """One bar: what it counts, how full it is from 0 to 1, and how far that is in words."""

    label: str
    share: float
    text: str


class Bars(anywidget.AnyWidget):
    """Progress bars below each other.

    Traits:
        bars: each as label, share and text; note: a line below them.
    """

    _esm = STATIC / "progress.js"
    _css = STATIC / "progress.css"
    bars: traitlets.List[Any] = traitlets.List().tag(sync=True)
    note = traitlets.Unicode("").tag(sync=True)

    def show(self, bars: Sequence[Bar], note: str = "") -> None:
        """Show `bars` and a line of text, all in one message."""
        write(self, bars=[asdict(bar) for bar in bars], note=note)


def bars_of(progress: Progress, config: RunConfig, pairs: int) -> list[Bar]:
    """Return bars for the steps of training and for the epoch it is in.

    The time left is what the steps to come take at the pace of those so far, at most. `pairs` are
    those trained on; without any, as in a run that is only looked at, the epoch has no bar.
    """
    pace = progress.seconds / progress.step
    done, total = progress.step, max(progress.total_steps, progress.step)
    left = pace * (total - done)
    if config.max_minutes:
        left = min(left, max(0.0, 60 * config.max_minutes - progress.seconds))
    steps = Bar("Step", done / total, f"{done:,} of {total:,}{_left(left)}")
    if not pairs:
        return [steps]
    length = steps_of_an_epoch(config, pairs)
    inside = min(done - progress.epoch * length, length)
    share = inside / length
    of_epochs = f"{progress.epoch + 1:,} of {config.epochs:,}"
    epoch = Bar("Epoch", share, f"{of_epochs}{_left(min(pace * (length - inside), left))}")
    return [steps, epoch]


def steps_of_an_epoch(config: RunConfig, pairs: int) -> int:
    """Return how many optimizer steps a pass over `pairs` sentence pairs takes."""
    batches = -(-pairs // config.batch_size)
    return -(-batches // config.accumulate)


def clock(seconds: float) -> str:
    """Return a time as `0:07`, `12:30` or `3:05:00`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _left(seconds: float) -> str:
    return f" · {clock(seconds)} left" if seconds >= 0.5 else ""

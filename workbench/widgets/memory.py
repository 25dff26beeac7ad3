"""The memory that the process takes while it trains, sampled by whoever paints."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar
from weakref import WeakKeyDictionary

import psutil

from workbench.charts.curve_rows import Sample

if TYPE_CHECKING:
    from workbench.session import Session

SECONDS = 1.0  # between two samples, at least


class Memory:
    """Samples of one session's training, the same for all panels.

    Attributes:
        samples: step and resident bytes; a new list where training has begun anew.
    """

    _all: ClassVar["WeakKeyDictionary[Session, Memory]"] = WeakKeyDictionary()

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Start with no samples; `clock` counts seconds."""
        self.samples: list[Sample] = []
        self._clock, self._last = clock, -SECONDS
        self._process = psutil.Process()

    @classmethod
    def of(cls, session: "Session") -> "Memory":
        """Return the samples of `session`."""
        return cls._all.setdefault(session, cls())

    def sample(self, step: int) -> None:
        """Take a sample, unless the last one is of this step or very recent."""
        if self.samples and step < self.samples[-1][0]:
            self.samples = []
        elif self.samples and step == self.samples[-1][0]:
            return
        if self._clock() - self._last >= SECONDS:
            self._last = self._clock()
            self.samples.append((step, self._process.memory_info().rss))

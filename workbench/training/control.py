"""What a person may do to training between two steps: pause, resume, one step, stop."""

import threading
import time
from collections.abc import Callable

from workbench.background import Worker


class Stopped(Exception):  # noqa: N818, it is no error
    """Training is to end, before the evaluation that was under way has ended."""


class Control:
    """The controls of a training that runs as a task of a `Worker`.

    Whatever else the worker is asked for is done between two steps as well. The time that goes
    into it, and into pauses, is not training time: see `clock`.
    """

    def __init__(self, worker: Worker, tell: Callable[[str], None]) -> None:
        """Steer a task of `worker`; `tell` hears `training` and `paused` as they come."""
        self._worker, self._tell = worker, tell
        self._steps_left: int | None = None  # until the next pause; None: no pause is due
        self._stop = threading.Event()
        self._idle = 0.0

    @property
    def stopped(self) -> bool:
        """Whether training was asked to end."""
        return self._stop.is_set()

    @property
    def paused(self) -> bool:
        """Whether no further step may be taken for now."""
        return self._steps_left is not None and self._steps_left <= 0

    def begin(self, steps: int | None = None) -> None:
        """Let a training begin; it pauses after `steps` of them, if that is given."""
        self._stop.clear()
        self._allow(steps)

    def pause(self) -> None:
        """Pause after the step that is under way. To be called in the worker."""
        self._allow(0)

    def resume(self, steps: int | None = None) -> None:
        """Go on, for `steps` steps or without end. To be called in the worker."""
        self._allow(steps)

    def stop(self) -> None:
        """End training after the step that is under way. May be called in any thread."""
        self._stop.set()
        self._worker.submit(lambda: None)  # wakes a pause

    def clock(self) -> float:
        """Return seconds that stand still while training does."""
        return time.perf_counter() - self._idle

    def stepped(self) -> None:
        """Take note of a step, and do what `between` does."""
        if self._steps_left is not None:
            self._allow(self._steps_left - 1)
        self.between()

    def between(self) -> None:
        """Do what was asked for meanwhile, and wait for the end of a pause."""
        began = time.perf_counter()
        self._worker.serve()
        while self.paused and not self.stopped:
            self._worker.serve(wait=True)
        self._idle += time.perf_counter() - began

    def between_batches(self) -> None:
        """Do what `between` does in the midst of an evaluation.

        Raises:
            Stopped: training is to end.
        """
        self.between()
        if self.stopped:
            raise Stopped

    def _allow(self, steps: int | None) -> None:
        self._steps_left = steps
        self._tell("paused" if self.paused else "training")

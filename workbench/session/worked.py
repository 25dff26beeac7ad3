"""Methods whose work is done by a thread, one after the other, with a word for what it is at."""

from collections.abc import Callable
from functools import partial, wraps
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from workbench.background import Worker

T = TypeVar("T")


class Turns:
    """A worker that says what it is at."""

    def __init__(self, worker: Worker, tell: Callable[[str], None]) -> None:
        """Have `worker` do the work; `tell` hears what that is, and nothing when it has ended."""
        self._worker, self._tell = worker, tell
        self._busy = ""

    def do(self, doing: str, work: Callable[[], T]) -> T:
        """Wait until `work` is done and return its result; it is called `doing` meanwhile.

        What is done for the sake of something else counts as that.
        """

        def busily() -> T:
            before = self._busy
            self._say(before or doing)
            try:
                return work()
            finally:
                self._say(before)

        return self._worker.do(busily)

    def _say(self, doing: str) -> None:
        self._busy = doing
        self._tell(doing)


class Working(Protocol):
    """What has its work done in turns."""

    _turns: Turns


P = ParamSpec("P")
R = TypeVar("R")
W = TypeVar("W", bound=Working)


def worked(
    doing: str,
) -> Callable[[Callable[Concatenate[W, P], R]], Callable[Concatenate[W, P], R]]:
    """Have a method done by the worker of its object; `doing` says what it is, meanwhile."""

    def decorate(method: Callable[Concatenate[W, P], R]) -> Callable[Concatenate[W, P], R]:
        @wraps(method)
        def wrapped(its: W, /, *args: P.args, **kwargs: P.kwargs) -> R:
            return its._turns.do(doing, partial(method, its, *args, **kwargs))

        return wrapped

    return decorate

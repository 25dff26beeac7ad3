"""What is asked of a session by name, without waiting for it: refused at once, or done in turn."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from workbench.background import Worker
from workbench.errors import RunError, on_one_line


class Requests:
    """The requests that a worker has been given. Any thread may make them."""

    def __init__(self, worker: Worker, tell: Callable[[str], None]) -> None:
        """Have `worker` do them; `tell` hears what goes wrong in one, on one line."""
        self._worker, self._tell = worker, tell
        self._admitting, self._awaited = threading.Lock(), set[str]()

    @property
    def awaited(self) -> frozenset[str]:
        """The commands that were requested and have not begun."""
        return frozenset(self._awaited)

    def admit(self, command: str, refusal: Callable[[str], str]) -> None:
        """Await a command from now on, if it is not refused.

        Raises:
            RunError: it is, with the reason that `refusal` gives.
        """
        with self._admitting:  # so that of two quick ones the second sees the first
            if reason := refusal(command):
                raise RunError(reason)
            self._awaited.add(command)

    def submit(
        self, command: str, begin: Callable[[], Any], go_on: Callable[[], Any] | None = None
    ) -> Future[Any]:
        """Have a command that was admitted done: `begin`, and what then takes long, if anything.

        It is awaited until it has begun, or is taken back before.
        """

        def work() -> Any:
            try:
                begun = self._begin(command, begin)
                return go_on() if go_on else begun
            except Exception as error:
                self._tell(on_one_line(error))
                raise

        def ended(future: Future[Any]) -> None:
            if future.cancelled():
                self._awaited.discard(command)

        future = self._worker.submit(work)
        future.add_done_callback(ended)
        return future

    def _begin(self, command: str, begin: Callable[[], Any]) -> Any:
        try:
            return begin()
        finally:
            self._awaited.discard(command)  # before a panel looks at what came of it

"""One painter for a session: whatever changes, widgets are written at most ten times a second."""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, ClassVar
from weakref import WeakKeyDictionary, ref

import traitlets

from workbench.errors import on_one_line
from workbench.widgets.choices import Choices

SECONDS = 0.1  # between two paintings, at least
PACED = {  # seconds that news may wait
    "progress": 1.1,  # comes with every step of training
    "busy": 0.25,  # is over, mostly, before anybody has read it; painting would only delay it
}
SHARE = 0.2  # of the time that the painter may compute: training keeps the rest
IDLE = 2.0  # seconds without anything to paint, after which the thread ends

Paint = Callable[[], None]
Watched = tuple["ref[traitlets.HasTraits]", Callable[[Any], None], list[str]]

_log = logging.getLogger(__name__)


class Ticker:
    """Calls what paints after something it looks at has changed, on one thread of its own.

    Changes may come from any thread, as often as they like: those between two paintings are
    painted together, and the last one always is.
    """

    _all: ClassVar["WeakKeyDictionary[traitlets.HasTraits, Ticker]"] = WeakKeyDictionary()

    def __init__(self, session: traitlets.HasTraits) -> None:
        """Start with nothing to paint."""
        self._session = ref(session)
        self._due: dict[Paint, float] = {}  # when, on the monotonic clock
        self._news = threading.Condition()
        self._painting = False
        self._thread: threading.Thread | None = None
        self._watched: dict[Paint, list[Watched]] = {}
        self._failing: set[Paint] = set()  # what could not be painted the last time

    @classmethod
    def of(cls, session: traitlets.HasTraits) -> "Ticker":
        """Return the one ticker of `session`."""
        return cls._all.setdefault(session, cls(session))

    def on(
        self,
        names: str | Iterable[str],
        paint: Paint,
        source: traitlets.HasTraits | None = None,
    ) -> None:
        """Call `paint` after a change of any of the traits `names` of the session, or of `source`.

        What changes often (`PACED`) is painted a little later, together with what comes meanwhile.
        It holds `paint` until `off`.
        """
        source = source or self._session()
        if source is None:
            return
        traits = [names] if isinstance(names, str) else list(names)

        def changed(change: Any) -> None:
            self.mark(paint, PACED.get(change.name, 0.0))

        source.observe(changed, traits)
        self._watched.setdefault(paint, []).append((ref(source), changed, traits))

    def off(self, paint: Paint) -> None:
        """Never call `paint` again."""
        for source, changed, traits in self._watched.pop(paint, []):
            if watched := source():
                watched.unobserve(changed, traits)
        self._failing.discard(paint)
        with self._news:
            self._due.pop(paint, None)

    def mark(self, paint: Paint, seconds: float = 0.0) -> None:
        """Have `paint` called soon, `seconds` from now at the latest."""
        due = time.monotonic() + seconds
        with self._news:
            if self._due.get(paint, due + 1) <= due:
                return  # it will be: a step of training need not wake the painter
            self._due[paint] = due
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="workbench painter", daemon=True
                )
                self._thread.start()
            self._news.notify_all()

    def settle(self, seconds: float = 10.0) -> bool:
        """Have all painted now and tell whether it was in time; not for paint functions."""
        with self._news:
            self._due = dict.fromkeys(self._due, 0.0)
            self._news.notify_all()
            return self._news.wait_for(
                lambda: not self._fallen_due() and not self._painting, seconds
            )

    def _run(self) -> None:
        while due := self._next():
            before = time.thread_time()
            for paint in due:
                self._attempt(paint)
            computed = time.thread_time() - before
            with self._news:
                self._painting = False
                self._news.notify_all()
            time.sleep(max(SECONDS, computed * (1 / SHARE - 1)))

    def _next(self) -> list[Paint]:
        """Wait for something to paint; return nothing, and forget the thread, after IDLE."""
        with self._news:
            while not (due := self._fallen_due()):
                wait = min(self._due.values(), default=0.0) - time.monotonic()
                if not self._news.wait(wait if self._due else IDLE) and not self._due:
                    self._thread = None
                    return []
            for paint in due:
                del self._due[paint]
            self._painting = True
            return due

    def _fallen_due(self) -> list[Paint]:
        now = time.monotonic()
        return [paint for paint, when in self._due.items() if when <= now]

    def _attempt(self, paint: Paint) -> None:
        """Paint; the first time that it cannot be done, let the panels' notice say so.

        Not every time: the notice is painted too, and would bring itself forth again.
        """
        try:
            paint()
        except Exception as error:  # one panel's mistake must not blind the others
            _log.exception("a panel could not be painted")
            session = self._session()
            if session is not None and paint not in self._failing:
                self._failing.add(paint)
                Choices.of(session).notice = ("error", on_one_line(error))
        else:
            self._failing.discard(paint)

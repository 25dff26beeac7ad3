"""What is asked of the session about a translation, once for all panels that look at it."""

import threading
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar
from weakref import WeakKeyDictionary

import traitlets

from workbench.errors import WorkbenchError, on_one_line
from workbench.records import Translation

if TYPE_CHECKING:
    from workbench.session import Session

Question = tuple[str, ...]  # a command of the session and what it is given


class Gaze(traitlets.HasTraits):
    """Answers about one translation; with another they are forgotten, being of other weights.

    Traits:
        answers: by question: what the session returned, or why it could not, on one line.
    """

    answers: "traitlets.Dict[Question, Any]" = traitlets.Dict(read_only=True)

    _all: ClassVar["WeakKeyDictionary[Session, Gaze]"] = WeakKeyDictionary()

    def __init__(self) -> None:
        """Start with nothing asked."""
        super().__init__()
        self._lock = threading.RLock()
        self._about: Translation | None = None
        self._asked: dict[Question, Future[Any] | None] = {}

    @classmethod
    def of(cls, session: "Session") -> "Gaze":
        """Return what was asked of `session`."""
        return cls._all.setdefault(session, cls())

    def answer(
        self, session: "Session", about: Translation, *question: str, wait: bool = False
    ) -> Any:
        """Return the answer; the first time, ask `session` for it.

        Unless told to `wait`, the answer is None until it is there.
        """
        with self._lock:
            if about is not self._about:
                self._about, self._asked = about, {}
                self.set_trait("answers", {})
            if question not in self._asked:
                self._asked[question] = self._ask(session, about, question)
            asked = self._asked[question]
        if wait and asked:
            self._done(about, question, asked)
        return self.answers.get(question)

    def _ask(
        self, session: "Session", about: Translation, question: Question
    ) -> "Future[Any] | None":
        try:
            asked = session.request(*question)
        except WorkbenchError as error:
            self._tell(about, question, str(error))
            return None
        asked.add_done_callback(partial(self._done, about, question))
        return asked

    def _done(self, about: Translation, question: Question, future: "Future[Any]") -> None:
        if future.cancelled():
            return
        error = future.exception()
        self._tell(about, question, on_one_line(error) if error else future.result())

    def _tell(self, about: Translation, question: Question, answer: Any) -> None:
        with self._lock:
            if about is self._about and question not in self.answers:
                self.set_trait("answers", {**self.answers, question: answer})

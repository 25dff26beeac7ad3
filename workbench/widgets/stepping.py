"""The translation that is being taken apart by hand, once for all panels of a session.

The tree belongs to the session's stepper. Here is what panels look at: a picture of it after its
latest change, and what was found out beside it. Whatever is done to it is done in the session's
thread.
"""

from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar
from weakref import WeakKeyDictionary, ref

import traitlets

from workbench.errors import WorkbenchError
from workbench.records import Candidate, Diagnosis, Translation, WantedAttention
from workbench.widgets.answers import then
from workbench.widgets.choices import Choices
from workbench.widgets.now import Found, Now, recalled
from workbench.widgets.sights import known_pair

if TYPE_CHECKING:
    from workbench.search.stepper import Stepper
    from workbench.session import Session

SEARCHED, BY_HAND = "what the search weighed", "step by step, by hand"
WHY, OVER_TIME = "why it said that", "over its training"
VIEWS = (SEARCHED, BY_HAND, WHY, OVER_TIME)


class Stepping(traitlets.HasTraits):
    """What a person is at, step by step.

    Traits:
        now: the tree and where one stands in it; None before anything is taken apart.
        view: which of `VIEWS` the Decode panel shows.
        chosen: a candidate, as the node it belongs to and its token.
        marked: positions of the source, as the root they belong to and the positions.
        found: the latest beam; pruned: whether its pruned hypotheses are drawn too.
        reference: what the sentence should have become; diagnosis: why it did not.
        wanted: the latest answer to the inverse question, with the node it was asked at.
        script: interventions as JSON, to be replayed.
        typed, name, replacement, factor, temperature, other_step: what is filled in beside the
            buttons that use it: a token or text to write, the name of a branch, a source token,
            a factor of attention, how flat it becomes, the step to paste from (from 1).
    """

    now = traitlets.Instance(Now, allow_none=True, read_only=True)
    view = traitlets.Enum(VIEWS, SEARCHED)
    chosen = traitlets.Tuple(traitlets.Int(), traitlets.Unicode(), default_value=(-1, ""))
    marked = traitlets.Tuple(traitlets.Int(), traitlets.Tuple(), default_value=(-1, ()))
    found = traitlets.Instance(Found, allow_none=True)
    pruned = traitlets.Bool(True)
    reference = traitlets.Unicode("")
    diagnosis = traitlets.Instance(Diagnosis, allow_none=True)
    wanted = traitlets.Tuple(
        traitlets.Int(), traitlets.Instance(WantedAttention, allow_none=True),
        default_value=(-1, None),
    )  # fmt: skip
    script = traitlets.Unicode("")
    typed = traitlets.Unicode("")
    name = traitlets.Unicode("")
    replacement = traitlets.Unicode("")
    factor = traitlets.Float(2.0)
    temperature = traitlets.Float(0.5)
    other_step = traitlets.Int(1)

    _all: ClassVar["WeakKeyDictionary[Session, Stepping]"] = WeakKeyDictionary()

    def __init__(self, session: "Session") -> None:
        """Look at the session's stepper, now and whenever there is another."""
        super().__init__()
        self._session = ref(session)
        self._weights: tuple[Any, ...] = ()
        session.observe(lambda change: self._take(change.new), "taken_apart")
        self._take(session.taken_apart)

    @classmethod
    def of(cls, session: "Session") -> "Stepping":
        """Return what is taken apart of `session`."""
        if session not in cls._all:
            cls._all[session] = cls(session)
        return cls._all[session]

    def begin(self, text: str) -> "Future[Stepper]":
        """Take the translation of a text apart, from its beginning.

        Raises:
            WorkbenchError: there is no text or no model, or training is under way.
        """
        if not text.strip():
            raise WorkbenchError("there is nothing to take apart: type a sentence, or pick one")
        session = self._at_rest()
        if session.state in ("empty", "data"):
            raise WorkbenchError("there is no model yet: build or train one first")
        return session.request("stepper", text.strip())

    def follow(self, translation: Translation, candidate: Candidate) -> None:
        """Take a translation apart and stand where a candidate of its search stood.

        Raises:
            WorkbenchError: as `begin`.
        """
        record = translation.beam
        assert record  # or there would be no candidate

        asked = self.begin(translation.source)
        then(asked, Choices.of(self._at_rest()),
             lambda _: self.do(lambda stepper: stepper.follow(record, candidate)))  # fmt: skip

    def do(self, act: "Callable[[Stepper], Any]", doing: str = "") -> None:
        """Have something done with the stepper, soon; what it refuses becomes a notice.

        Raises:
            WorkbenchError: nothing is taken apart, or the model has changed since.
        """
        session = self._at_rest()
        self._check_weights(session)
        session.request("take_apart", partial(self._try, act), doing)

    def ask_wanted(self, token: str, layer: int | None, head: int | None) -> None:
        """Ask what attention would have produced a token here, below all that was edited.

        Raises:
            WorkbenchError: as `do`.
        """
        session, here = self._at_rest(), self.there().current
        self._check_weights(session)
        asked = session.request(
            "wanted_attention", here.decoded.source.text, here.decoded.prefix, token, layer, head,
            here.id,
        )  # fmt: skip

        def answered(found: WantedAttention) -> None:
            self.wanted = here.id, found

        then(asked, Choices.of(session), answered)

    def there(self) -> Now:
        """Return where one stands.

        Raises:
            WorkbenchError: nothing is taken apart.
        """
        if self.now is None:
            raise WorkbenchError("no translation is taken apart yet: type a sentence and begin")
        return self.now

    def _try(self, act: "Callable[[Stepper], Any]", stepper: "Stepper") -> None:
        session = self._session()
        if session is None:
            return
        stepper.settings = session.draft
        try:
            act(stepper)
        except WorkbenchError as error:
            Choices.of(session).notice = ("error", str(error))

    def _take(self, stepper: "Stepper | None") -> None:
        """Look at another stepper; of the one before, what was done is kept to be replayed."""
        session = self._session()
        if self.now and self.now.interventions != "[]":
            self.script = self.now.interventions
        if session is None or stepper is None:
            self.set_trait("now", None)
            return
        self._weights, self.view = _weights(session), BY_HAND
        source = stepper.current.decoded.source.text
        pair = known_pair(session.encoded, source)
        if not (self.now and self.now.path[0].decoded.source.text == source):
            self.reference = pair.target if pair else ""
        self.diagnosis, self.wanted = None, (-1, None)
        self.found = recalled(session.translation, stepper)
        stepper.watch(partial(self._look, stepper))
        self._look(stepper)

    def _look(self, stepper: "Stepper") -> None:
        self.set_trait("now", Now.of(stepper, self.now.version + 1 if self.now else 0))

    def _at_rest(self) -> "Session":
        """Return the session, where nothing changes its model."""
        session = self._session()
        if session is None:
            raise WorkbenchError("the session is gone")
        if session.state == "training":
            raise WorkbenchError(
                "training is under way and changes the model; pause it or stop it first"
            )
        return session

    def _check_weights(self, session: "Session") -> None:
        if session.taken_apart and self._weights != _weights(session):
            raise WorkbenchError(
                "the model has changed since this tree was grown; take the sentence apart again "
                "(what was done stays, to be replayed)"
            )


def _weights(session: "Session") -> tuple[Any, ...]:
    """Return what is another once the model has other weights."""
    return id(getattr(session, "model", None)), len(session.history), session.state

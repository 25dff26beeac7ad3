"""What was found out about a model's reasons, once for all panels of a session.

Three questions: whose fault the errors are, what in the source counted for each word, and what the
model holds in mind at each token.
"""

import weakref
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import traitlets

from workbench.background import Worker
from workbench.data.corpus import Pair
from workbench.errors import WorkbenchError, on_one_line
from workbench.inspection.attribution import methods_for
from workbench.inspection.states import Projecting, project
from workbench.records import Attribution, Diagnoses, Diagnosis, Method, Projection, States
from workbench.widgets.answers import then
from workbench.widgets.choices import Choices
from workbench.widgets.sights import known_pair

if TYPE_CHECKING:
    from workbench.session import Session

T = TypeVar("T")

READ = 5_000  # states of the training data to search and to draw


class Inquiry(traitlets.HasTraits):
    """Answers, and how they are looked at; they go as soon as the model is another.

    Traits:
        diagnoses: of the test set; limit: of how many of its sentences, 0 for all.
        diagnosis: of one sentence.
        attributions: of one pair, a method each; token: the target token whose bars are drawn, and
            method: by which of the methods, both from 0.
        trained: states of training sentences; sentence: those of the pair that was asked about.
        mapped: what the map is of, `trained` or `sentence`; projecting: how it is made.
        projection: that map; drawing: whether another is being made.
        state: which state of the sentence is looked at, unit: which of its units, both from 0.
    """

    diagnoses = traitlets.Instance(Diagnoses, allow_none=True)
    limit = traitlets.Int(200)
    diagnosis = traitlets.Instance(Diagnosis, allow_none=True)
    attributions: "traitlets.Tuple" = traitlets.Tuple()
    token = traitlets.Int(0)
    method = traitlets.Int(0)
    trained = traitlets.Instance(States, allow_none=True)
    sentence = traitlets.Instance(States, allow_none=True)
    mapped = traitlets.Enum(("trained", "sentence"), "trained")
    projecting: "traitlets.Enum[Projecting]" = traitlets.Enum(("pca", "umap"), "pca")
    projection = traitlets.Instance(Projection, allow_none=True)
    drawing = traitlets.Bool(False)
    state = traitlets.Int(0)
    unit = traitlets.Int(0)

    _all: ClassVar["weakref.WeakKeyDictionary[Session, Inquiry]"] = weakref.WeakKeyDictionary()

    def __init__(self) -> None:
        """Know nothing yet."""
        super().__init__()
        self._asked: object = None  # what is attributed now
        self._drawer = Worker("workbench map of states")
        weakref.finalize(self, self._drawer.close).atexit = False

    @classmethod
    def of(cls, session: "Session") -> "Inquiry":
        """Return what was found out about the model of `session`."""
        if session not in cls._all:
            cls._all[session] = inquiry = cls()
            session.observe(inquiry._forget, "state")
        return cls._all[session]

    @property
    def answers(self) -> tuple[object, ...]:
        """All that is known now; each is another object as soon as it is another answer."""
        shown = (self.diagnoses, self.diagnosis, self.sentence, self.trained, self.projection)
        return (*shown, *self.attributions)

    def diagnose_all(self, session: "Session") -> None:
        """Ask whose fault the errors on the test set are."""
        asked = session.request("diagnose", "test", self.limit)
        then(asked, Choices.of(session), partial(setattr, self, "diagnoses"))

    def diagnose(self, session: "Session", pair: Pair) -> None:
        """Ask why one sentence does not become its reference."""

        def answered(found: Diagnoses) -> None:
            [self.diagnosis] = found.each

        then(session.request("diagnose", [pair]), Choices.of(session), answered)

    def attribute(self, session: "Session", pair: Pair) -> None:
        """Ask, method by method, what in the source counted for each target token."""
        self.attributions, self.token, self.method = (), 0, 0
        self._asked = asked = object()
        self._attribute(session, pair, methods_for(session.config), asked)

    def read(self, session: "Session", pair: Pair) -> None:
        """Read the states of a pair, and those of training sentences unless they are known."""
        choices = Choices.of(session)

        def compared(found: States) -> None:
            self.trained = found
            self.draw(choices)

        def answered(found: States) -> None:
            self.sentence, self.state = found, 0
            if self.trained is None or session.state == "training":  # which changes the weights
                then(session.request("states", "train", READ), choices, compared)
            elif self.mapped == "sentence":
                self.draw(choices)

        then(session.request("states", [pair]), choices, answered)

    def draw(self, choices: Choices) -> None:
        """Make the map that is chosen, in a thread of its own: UMAP takes its time."""
        states = self.trained if self.mapped == "trained" else self.sentence
        if states is None:
            return

        def work() -> None:
            try:
                self.projection = project(states, self.projecting)
            except Exception as error:  # UMAP is not ours
                choices.notice = ("error", on_one_line(error))
            finally:
                self.drawing = False

        self.drawing = True
        self._drawer.submit(work)

    def _attribute(
        self, session: "Session", pair: Pair, left: Sequence[Method], asked: object
    ) -> None:
        def answered(found: Attribution) -> None:
            if asked is not self._asked:  # of another pair since, or of other weights
                return
            self.attributions = (*self.attributions, found)
            if left[1:]:
                self._attribute(session, pair, left[1:], asked)

        then(session.request("attribute", pair, left[0]), Choices.of(session), answered)

    def _forget(self, _: Any) -> None:
        """Drop all answers: with another state the model has other weights, or soon will."""
        self._asked = None
        with self.hold_trait_notifications():
            self.diagnoses = self.diagnosis = self.projection = None
            self.trained = self.sentence = None
            self.attributions = ()


def asked_pair(session: "Session", choices: Choices) -> Pair:
    """Return the sentence of the choices with what it became, or with its reference.

    Raises:
        WorkbenchError: there is no sentence, or not what is asked for of it.
    """
    text = choices.text.strip()
    if not text:
        raise WorkbenchError("there is no sentence: type one, or pick one of the test set")
    known = known_pair(session.encoded, text)
    if choices.target == "reference":
        if known is None:
            raise WorkbenchError("no reference is known: pick a sentence of the data")
        return known
    found = session.translation
    if found is None or found.source != text or not found.hypotheses:
        raise WorkbenchError("this sentence is not translated yet: press Translate first")
    best = found.hypotheses[min(choices.hypothesis, len(found.hypotheses) - 1)].text
    gold = known.alignment if known and known.target == best else None
    return Pair(text, best, gold)

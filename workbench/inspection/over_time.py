"""The same sentence at many moments of training: other weights in the one model that is built."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

from workbench.errors import WorkbenchError
from workbench.model.seq2seq import Seq2Seq
from workbench.moments import Moment, Opinion, OverTime
from workbench.records import Translation

T = TypeVar("T")


@dataclass(frozen=True)
class Asked:
    """What is asked of a model at every moment, with the weights that it has then.

    Attributes:
        translate: the sentence, under the interventions, which may not fit.
        weigh: what the model thinks of the tokens that they force or ban.
        score: a target of the sentence, under teacher forcing.
    """

    translate: Callable[[], Translation]
    weigh: Callable[[], tuple[Opinion, ...]]
    score: Callable[[str], Translation]


class Session(Protocol):
    """What can look over its own training; see `workbench.session`."""

    def over_time(
        self, text: str, interventions: str | Sequence[Any] | None = None, reference: str = ""
    ) -> OverTime:
        """Return the sentence at every moment that is kept."""


@contextmanager
def borrowed(model: Seq2Seq) -> Iterator[None]:
    """Give a model back with the very weights that it had, whatever becomes of it meanwhile."""
    own = model.get_weights()
    try:
        yield
    finally:
        model.set_weights(own)


def look_over(empty: OverTime, restore: Callable[[int], None], asked: Asked) -> OverTime:
    """Fill in, at each moment, what the model makes of the sentence; what does not fit is noted.

    Args:
        empty: moments of which the steps and the figures are known. Where nothing is followed as
            yet, it is what is written at the last one, or at the last where something fits.
        restore: gives the model the weights of a step.
        asked: what the model is asked.
    """
    followed, filled = empty.followed, list[Moment]()
    for moment in reversed(empty.moments):
        filled.append(_filled(moment, restore, asked, followed))
        followed = followed or _written(filled[-1])
    return replace(empty, followed=followed, moments=tuple(reversed(filled)))


def compare_over(
    sessions: Sequence[Session],
    text: str,
    interventions: str | Sequence[Any] | None = None,
    reference: str = "",
) -> OverTime:
    """Return one sentence over the trainings of several sessions, such as those of two runs.

    All follow the same target: `reference`, or what the first one writes at its last moment.

    Raises:
        WorkbenchError: there is no session, or one that cannot look back.
    """
    if not sessions:
        raise WorkbenchError("expected sessions to compare, got none; open at least one run")
    found = sessions[0].over_time(text, interventions, reference)
    for session in sessions[1:]:
        found = found.beside(session.over_time(text, interventions, found.followed))
    return found


def _filled(moment: Moment, restore: Callable[[int], None], asked: Asked, followed: str) -> Moment:
    faults: list[str] = []

    def attempt(get: Callable[[], T]) -> T | None:
        try:
            return get()
        except WorkbenchError as error:
            faults.append(str(error))
            return None

    attempt(lambda: restore(moment.step))
    if not faults:
        moment = replace(moment, translation=attempt(asked.translate))
        moment = replace(moment, opinions=attempt(asked.weigh) or ())
        followed = followed or _written(moment)
        scored = attempt(lambda: asked.score(followed)) if followed else None
        moment = replace(moment, scored=scored)
    return replace(moment, fault=faults[0] if faults else "")


def _written(moment: Moment) -> str:
    return moment.translation.text if moment.translation else ""

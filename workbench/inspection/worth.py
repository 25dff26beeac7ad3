"""Which sentences of a test set tell most, and why."""

from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest

import numpy as np

from workbench.data.tokenizer import NAMES, UNKNOWN
from workbench.records import Diagnosis, WorthALook

WORTH = 10  # sentences worth looking at
ONE_TO_BLAME = 0.6  # of a reference's surprise that one token carries


def worth_a_look(diagnoses: Sequence[Diagnosis], count: int = WORTH) -> Iterator[WorthALook]:
    """Yield at most `count` sentences, each with the reason, the reasons taking turns.

    A sentence is told of once, for the first reason that it is chosen for.
    """
    lists = [list(_chosen(diagnoses, *reason)) for reason in _REASONS]
    told: set[int] = set()
    for turn in zip_longest(*lists):
        for one in turn:
            if one and one.place not in told and len(told) < count:
                told.add(one.place)
                yield one


def _lost(one: Diagnosis) -> float:
    return one.margin if one.fault == "search" else 0.0


def _lost_why(one: Diagnosis) -> str:
    where = f" at step {one.fall.step + 1}, {one.fall.token}" if one.fall else ""
    return f"search error: the reference scores {one.margin:.2f} higher and was lost{where}"


def _sure(one: Diagnosis) -> float:
    return -one.margin if one.fault == "model" else 0.0


def _sure_why(one: Diagnosis) -> str:
    return f"the model is sure of something else: the reference scores {-one.margin:.2f} lower"


def _blamed(one: Diagnosis) -> float:
    """Return the share of the first in all surprise, if most of it is that token's."""
    nats = -one.scored.best.log_probabilities
    share = float(nats.max(initial=0) / max(nats.sum(), 1e-4))
    return share if one.fault == "model" and share > ONE_TO_BLAME and len(nats) > 1 else 0.0


def _blamed_why(one: Diagnosis) -> str:
    first = one.surprises[0]
    return f"one token is to blame: {first.token} carries {_blamed(one):.0%} of the surprise"


def _close(one: Diagnosis) -> float:
    return 1 / (1 - one.margin) if one.fault == "model" else 0.0


def _close_why(one: Diagnosis) -> str:
    return f"a near miss: the reference scores only {-one.margin:.2f} lower"


def _unwritable(one: Diagnosis) -> float:
    return 1.0 if one.fault == "vocabulary" else 0.0


def _unwritable_why(one: Diagnosis) -> str:
    unknown = one.scored.best.tokens.count(NAMES[UNKNOWN])
    return f"the vocabulary lacks {unknown} of the reference's tokens"


def _barred(one: Diagnosis) -> float:
    return 1.0 if one.fault == "settings" else 0.0


def _barred_why(one: Diagnosis) -> str:
    return f"the settings rule the reference out: {one.ruled_out or 'it was barred'}"


_Reason = tuple[Callable[[Diagnosis], float], Callable[[Diagnosis], str]]
_REASONS: tuple[_Reason, ...] = (  # how strong it is, 0 for not at all; how it is told
    (_lost, _lost_why),
    (_sure, _sure_why),
    (_blamed, _blamed_why),
    (_close, _close_why),
    (_unwritable, _unwritable_why),
    (_barred, _barred_why),
)


def _chosen(
    diagnoses: Sequence[Diagnosis],
    strength: Callable[[Diagnosis], float],
    why: Callable[[Diagnosis], str],
) -> Iterator[WorthALook]:
    """Yield the sentences for which there is this reason, the strongest first."""
    strengths = [strength(one) for one in diagnoses]
    for place in np.argsort(-np.array(strengths), kind="stable").tolist():
        if strengths[place] > 0:
            yield WorthALook(place, why(diagnoses[place]))

"""Sentences: what the model makes of them, and what a search looked at.

Shape letters: T target tokens, S source tokens, L layers, H heads, K beam width.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Integers = NDArray[np.int32]


class Link(NamedTuple):
    """A source word and a target word that belong together, both counted from 0."""

    source: int
    target: int


@dataclass(frozen=True)
class Alignment:
    """Word links of one sentence pair (Och & Ney 2003): all are possible, some are sure."""

    sure: frozenset[Link]
    possible: frozenset[Link]

    def __post_init__(self) -> None:
        """Count every sure link as possible, as the definition has it."""
        object.__setattr__(self, "possible", self.possible | self.sure)


@dataclass(frozen=True)
class Hypothesis:
    """One target sentence and what the model thinks of it.

    Attributes:
        tokens: pieces [T], the end symbol included where it was reached.
        log_probabilities: natural log-probability of each token given those before it [T].
        attention: [L, H, T, S]; L is 0 for a model without attention.
        score: what the search ranked by: sum of log-probabilities over the length penalty, the
            coverage penalty added.
        finished: whether the end symbol was reached within the length limit.
        words: the word of `text` that each token belongs to, from 0; -1 for none [T].
    """

    text: str
    tokens: tuple[str, ...]
    log_probabilities: Floats
    attention: Floats
    score: float
    finished: bool = True
    words: tuple[int, ...] = ()

    @property
    def log_probability(self) -> float:
        """Sum of the tokens' log-probabilities, in nats."""
        return float(self.log_probabilities.sum())


@dataclass(frozen=True)
class Candidate:
    """A continuation that the beam weighed: kept, finished (an end symbol), pruned or barred.

    A barred one was not allowed to compete, by a prefix, a minimum length or a rule against
    repetition; its log-probability is the model's own, as with all.
    """

    step: int
    parent: int
    token: str
    log_probability: float
    score: float
    fate: str
    beam: int = -1


@dataclass(frozen=True)
class BeamRecord:
    """Everything the beam looked at, step by step, best first within a step.

    `candidate.parent` is the row of the beam that it continues; a kept candidate becomes row
    `candidate.beam` of the next step. `attention` is [T, K, L, H, S]: what row k attended to
    while it weighed the candidates of step t. The beam chose among the first 2 K candidates of a
    step; more may be on record. Where the rows were `drawn` they are samples, each on its own:
    the first K candidates, as far as they go on, are the tokens that were drawn.

    A beam of several `groups` (Vijayakumar et al. 2018) has K / groups rows in each, in order; a
    step lists its candidates group by group, and each group chose as a beam of its own.
    """

    width: int
    candidates: tuple[Candidate, ...]
    attention: Floats
    drawn: bool = False
    groups: int = 1

    @property
    def group_width(self) -> int:
        """The rows of a group."""
        return self.width // self.groups


@dataclass(frozen=True)
class Translation:
    """A source sentence with its hypotheses, best first, and what is known beside it.

    Attributes:
        source_tokens: pieces [S], in the order in which the encoder reads them.
        reference: the wanted target, where it is known; gold: the word alignment with it.
        beam: the whole search, where it was asked for.
        source_words: the word of `source` that each token belongs to, from 0; -1 for none [S].
    """

    source: str
    source_tokens: tuple[str, ...]
    hypotheses: tuple[Hypothesis, ...]
    reference: str | None = None
    gold: Alignment | None = None
    beam: BeamRecord | None = None
    source_words: tuple[int, ...] = ()

    @property
    def best(self) -> Hypothesis:
        """The hypothesis that won."""
        return self.hypotheses[0]

    @property
    def text(self) -> str:
        """The text of the hypothesis that won."""
        return self.hypotheses[0].text

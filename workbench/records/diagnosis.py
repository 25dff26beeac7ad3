"""What is wrong with the translations of a test set."""

from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

from workbench.records.sentences import Translation

Fault = Literal["none", "search", "model", "vocabulary", "settings"]


@dataclass(frozen=True)
class Fall:
    """Where a reference left the beam.

    Attributes:
        step: from 0; token: of the reference, which the search did not go on with.
        fate: `pruned` (others were better), `stopped` (the search had ended before), `banned` (a
            token that no search chooses) or `barred` (the settings did not allow it).
        short: log-probability of the reference so far below that of the last one kept, in nats;
            None where nothing was kept, or it did not compete.
    """

    step: int
    token: str
    fate: str
    short: float | None = None


class Surprise(NamedTuple):
    """A token of the reference, its place from 0 and its negative log-probability in nats."""

    place: int
    token: str
    nats: float


@dataclass(frozen=True)
class Diagnosis:
    """Why one sentence was not translated as its reference has it.

    Attributes:
        found: what the search found; scored: the reference under teacher forcing.
        fault: `none` (found is the reference), `search` (the reference scores higher), `model`
            (it does not), `vocabulary` (it holds a token that no search chooses), `settings`
            (they allow no search to write it).
        found_score, reference_score: what the search ranks by, of either.
        fall: where the reference left the beam; None where it did not, or nothing was recorded.
            Of several groups of a beam the one counts that it stayed in longest.
        rarest: the token of the reference that training saw least; count: how often it did.
        ruled_out: by which setting, where that is at fault.
    """

    found: Translation
    scored: Translation
    fault: Fault
    found_score: float
    reference_score: float
    fall: Fall | None = None
    rarest: str = ""
    count: int = 0
    ruled_out: str = ""

    @property
    def margin(self) -> float:
        """By how much the reference scores higher than what was found; negative if lower."""
        return self.reference_score - self.found_score

    @property
    def surprises(self) -> tuple[Surprise, ...]:
        """The tokens of the reference, the most surprising first."""
        best = self.scored.best
        each = zip(best.tokens, (-best.log_probabilities).tolist(), strict=True)
        every = [Surprise(place, *token) for place, token in enumerate(each)]
        return tuple(sorted(every, key=lambda one: -one.nats))


class FaultBin(NamedTuple):
    """How many sentences of a kind, e.g. of 5 to 9 tokens, have which fault."""

    name: str
    counts: dict[Fault, int]


class WorthALook(NamedTuple):
    """A sentence that tells something: its place among the diagnoses, and why it was chosen."""

    place: int
    why: str


@dataclass(frozen=True)
class Diagnoses:
    """What is wrong with a test set.

    Attributes:
        each: one a sentence, in their order.
        by_length: by the number of source tokens; by_frequency: by how often training saw the
            reference's rarest token; both from few to many.
        worth: the sentences most worth looking at.
    """

    each: tuple[Diagnosis, ...]
    by_length: tuple[FaultBin, ...]
    by_frequency: tuple[FaultBin, ...]
    worth: tuple[WorthALook, ...]

    @property
    def shares(self) -> dict[Fault, float]:
        """The share of the sentences with each fault, 0 to 1; those that have none too."""
        faults = [one.fault for one in self.each]
        return {fault: faults.count(fault) / max(len(faults), 1) for fault in get_args(Fault)}

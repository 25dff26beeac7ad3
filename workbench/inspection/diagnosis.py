"""Search error or model error: why a translation is not its reference, in numbers.

A search error is a reference that the search would have ranked above what it found; it just did
not look there. Otherwise the model is at fault: it holds something else for better (Stahlberg &
Byrne 2019). A reference that the settings do not allow to be written is the fault of neither.
Nothing here needs the model: what it thinks stands in the records.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import get_args

import numpy as np

from workbench.data.tokenizer import BEGIN, END, NAMES, PAD, UNKNOWN
from workbench.errors import WorkbenchError
from workbench.inspection.ruled_out import Bounds, RuledOut, ruled_out
from workbench.inspection.worth import WORTH, worth_a_look
from workbench.penalties import coverage_penalty, length_penalty
from workbench.records import (
    BeamRecord,
    Candidate,
    Diagnoses,
    Diagnosis,
    Fall,
    Fault,
    FaultBin,
    Hypothesis,
    Translation,
)

FAULTS: tuple[Fault, ...] = get_args(Fault)
BANNED = {NAMES[PAD], NAMES[UNKNOWN], NAMES[BEGIN]}  # no search chooses these
ANYTHING = Bounds()
SAME = 1e-4  # scores closer than that are equal: they come from two compilations of one model


def search_score(hypothesis: Hypothesis, alpha: float = 0.0, beta: float = 0.0) -> float:
    """Return what the search ranks by: log p over ((5 + T) / 6)^α, and β Σ log min(Σ a, 1) added.

    That is formula 14 of Wu et al. 2016; `alpha` weighs the length penalty, `beta` that of
    coverage. Attention is averaged over layers and heads.
    """
    attention = hypothesis.attention
    score = hypothesis.log_probability / length_penalty(len(hypothesis.tokens), alpha)
    if beta and attention.size:
        score += coverage_penalty(attention.mean((0, 1)).sum(0), beta)
    return score


def diagnose(
    found: Translation,
    scored: Translation,
    alpha: float = 0.0,
    beta: float = 0.0,
    counts: Mapping[str, int] | None = None,
    bounds: Bounds = ANYTHING,
) -> Diagnosis:
    """Say whether the search or the model is at fault, and where the reference fell off the beam.

    Args:
        found: what the search found; with its beam on record, the fall is known too.
        scored: source and reference under teacher forcing, as `Scoring` gives them.
        alpha: the search's length penalty; 0 where it sampled.
        beta: its coverage penalty; 0 where it sampled.
        counts: how often training saw each target token; see `data.frequencies`.
        bounds: what the settings let the search write.

    Raises:
        WorkbenchError: the two are not of the same source.
    """
    if found.source_tokens != scored.source_tokens:
        raise WorkbenchError(
            f"expected a translation and a reference of one source, got {found.source!r} and "
            f"{scored.source!r}; score the same sentences in the same order"
        )
    best, reference = found.best, scored.best
    scores = best.score, search_score(reference, alpha, beta)
    rarest, count = _rarest(reference, counts or {})
    out = ruled_out(reference.tokens, bounds)
    fall = _fall(found.beam, reference, out) if found.beam and not found.beam.drawn else None
    fault = _fault(best, reference, *scores)
    if fault in ("search", "model") and (out or (fall and fall.fate == "barred")):
        fault = "settings"
    return Diagnosis(
        found=found,
        scored=scored,
        fault=fault,
        found_score=scores[0],
        reference_score=scores[1],
        fall=fall,
        rarest=rarest,
        count=count,
        ruled_out=out.why if out and fault == "settings" else "",
    )


def diagnose_all(diagnoses: Sequence[Diagnosis], worth: int = WORTH) -> Diagnoses:
    """Count the faults of a test set and choose the sentences most worth looking at.

    Raises:
        WorkbenchError: there is none.
    """
    if not diagnoses:
        raise WorkbenchError("expected diagnoses of at least one sentence, got none; give pairs")
    lengths = [len(one.scored.source_tokens) for one in diagnoses]
    return Diagnoses(
        each=tuple(diagnoses),
        by_length=tuple(_bins(diagnoses, lengths, _spans(lengths))),
        by_frequency=tuple(_bins(diagnoses, [o.count for o in diagnoses], _powers(diagnoses))),
        worth=tuple(worth_a_look(diagnoses, worth)),
    )


def _fault(best: Hypothesis, reference: Hypothesis, found: float, wanted: float) -> Fault:
    if best.tokens == reference.tokens:
        return "none"
    if BANNED & set(reference.tokens):
        return "vocabulary"
    return "search" if wanted > found + SAME else "model"


def _fall(beam: BeamRecord, reference: Hypothesis, out: RuledOut | None) -> Fall | None:
    """Follow the reference down each group of the beam; the longest way counts."""
    falls = []
    for group in range(beam.groups):
        fall = _fall_in_group(beam, group, reference, out)
        if fall is None:
            return None
        falls.append(fall)
    return max(falls, key=lambda fall: fall.step)


def _fall_in_group(
    beam: BeamRecord, group: int, reference: Hypothesis, out: RuledOut | None
) -> Fall | None:
    """Follow the reference down the rows of a group until it is not among those that go on."""
    by_step: dict[int, list[Candidate]] = {}
    for candidate in beam.candidates:
        if candidate.parent // beam.group_width == group:
            by_step.setdefault(candidate.step, []).append(candidate)
    reached, row = np.cumsum(reference.log_probabilities), group * beam.group_width
    for step, token in enumerate(reference.tokens):
        weighed = by_step.get(step, [])
        if token in BANNED:
            return Fall(step, token, "banned", _short(beam, weighed, token, reached[step]))
        if not weighed:
            return Fall(step, token, "stopped")
        mine = [one for one in weighed if (one.parent, one.token) == (row, token)]
        if (out and out.step == step) or any(one.fate == "barred" for one in mine):
            return Fall(step, token, "barred")
        alive = [one for one in mine if one.fate in ("kept", "finished")]
        if not alive:
            return Fall(step, token, "pruned", _short(beam, weighed, token, reached[step]))
        row = alive[0].beam
    return None


def _short(
    beam: BeamRecord, weighed: Sequence[Candidate], token: str, reached: float
) -> float | None:
    """Return how far the reference's prefix is below the last candidate of its group kept.

    An end symbol must be among the best K of all; another token among the K best that go on.
    """
    if token == NAMES[END]:
        kept = [one for one in weighed if one.fate != "barred"][: beam.group_width]
    else:
        kept = [one for one in weighed if one.fate == "kept"]
    return kept[-1].log_probability - float(reached) if kept else None


def _rarest(reference: Hypothesis, counts: Mapping[str, int]) -> tuple[str, int]:
    """Return the token that training saw least, the end symbol apart, and how often it did."""
    tokens = [token for token in reference.tokens if token != NAMES[END]]
    seen = {token: 0 if token in BANNED else counts.get(token, 0) for token in tokens}
    return min(seen.items(), key=lambda one: one[1], default=("", 0))


# Counting ---------------------------------------------------------------------------------------

Span = tuple[int, int]  # the least and the greatest number in it


def _bins(
    diagnoses: Sequence[Diagnosis], sizes: Sequence[int], spans: Sequence[Span]
) -> Iterator[FaultBin]:
    for low, high in spans:
        faults = [
            one.fault for one, size in zip(diagnoses, sizes, strict=True) if low <= size <= high
        ]
        name = f"{low:,}" if low == high else f"{low:,} to {high:,}"
        yield FaultBin(name, {fault: faults.count(fault) for fault in FAULTS})


def _spans(lengths: Sequence[int]) -> list[Span]:
    """Return at most eight spans, equally wide, over all lengths."""
    low, high = min(lengths), max(lengths)
    width = -(-(high - low + 1) // 8)
    return [(first, min(first + width - 1, high)) for first in range(low, high + 1, width)]


def _powers(diagnoses: Sequence[Diagnosis]) -> list[Span]:
    """Return 0, 1 to 9, 10 to 99 and so on, as far as the counts go."""
    digits = len(str(max(one.count for one in diagnoses)))
    return [(0, 0), *((10**power, 10 ** (power + 1) - 1) for power in range(digits))]

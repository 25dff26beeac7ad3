"""Beam search in Python over prefixes: of one sentence, from any prefix, with interventions.

The rules are those of `beam_search` in `workbench.search.beam`, which see: what both find is
the same.
Shape letters: K beam width, T target tokens, V what may come next, L layers with attention,
H heads, S source tokens.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from workbench.config import SearchSettings
from workbench.data.tokenizer import END
from workbench.errors import InterventionError
from workbench.penalties import coverage_penalty, length_penalty
from workbench.records import BeamRecord, Candidate, Floats, Hypothesis, Translation
from workbench.search.decoding import Decoded, Decoding
from workbench.search.plan import IMPOSSIBLE, Plan
from workbench.search.sources import Source

RECORDED = 10  # candidates on record for each row of the beam, of which it needs 2


class Weighed(NamedTuple):
    """A candidate: the row that it continues, its token, and what the beam thinks of it."""

    parent: int
    token: int
    total: np.float32
    score: float
    fate: str = "pruned"
    beam: int = -1


def _coverage(row: Decoded, beta: float) -> float:
    """Return the coverage penalty of a row; what it reads now counts as well."""
    if not beta or not row.attention.size:
        return 0.0
    return coverage_penalty(sum(each.attention.mean((0, 1)) for each in row.path), beta)


def score(decoded: Decoded, settings: SearchSettings) -> float:
    """Return what a search ranks a hypothesis by: see `Hypothesis.score`."""
    penalty = length_penalty(max(len(decoded.ids), 1), settings.length_penalty)
    read = decoded.before or decoded
    return float(decoded.total / penalty) + _coverage(read, settings.coverage_penalty)


def translation(source: Source, ends: Sequence[Hypothesis], **more: Any) -> Translation:
    """Return hypotheses, best first, as a record beside their source."""
    return Translation(
        source.text, source.tokens, tuple(ends), source_words=source.words, **more
    )  # fmt: skip


def beam(decoding: Decoding, start: Decoded, plan: Plan, settings: SearchSettings) -> Translation:
    """Search for the best sentences that begin with `start`, under the interventions of `plan`.

    Width, penalties and the limit of tokens are those of `settings`. Log-probabilities are the
    model's own, whatever was forced or banned. The record begins with the tokens of `start`.

    Raises:
        InterventionError: an edit of attention does not fit, or no token is left to choose.
    """
    search = _Search(decoding, plan, settings)
    rows = search.begin(start)
    while rows:
        rows = search.advance(rows)
    return search.result(start)


class _Search:
    """What a search has found and looked at so far."""

    def __init__(self, decoding: Decoding, plan: Plan, settings: SearchSettings) -> None:
        self.decoding, self.plan, self.settings = decoding, plan, settings
        self.width, self.limit = settings.beam_width, settings.max_decode_length
        self.ended: list[tuple[float, Decoded]] = []
        self.open: list[tuple[float, Decoded]] = []
        self.candidates: list[Candidate] = []
        self.attention: list[Floats] = []

    def begin(self, start: Decoded) -> list[Decoded]:
        """Put the path to `start` on record; return the first rows, none if it goes no further."""
        path = start.path
        for time, (row, after) in enumerate(pairwise(path)):
            fate = ("finished", -1) if after.finished else ("kept", 0)
            one = Weighed(0, after.ids[-1], after.total, score(after, self.settings), *fate)
            self._record(time, [row], [one])
        if start.finished or len(start.ids) >= self.limit:
            self.open.append((score(start, self.settings), start))
            return []
        return [start]

    def advance(self, rows: list[Decoded]) -> list[Decoded]:
        """Weigh what may follow the rows; return the rows that go on."""
        time = len(rows[0].ids)
        weighed = self._decide(self._weigh(rows))
        self._record(time, rows, weighed)
        for each in weighed:
            if each.fate == "finished":
                whole = self.decoding.leaf(rows[each.parent], each.token)
                self.ended.append((each.score, whole))
        kept = [each for each in weighed if each.fate == "kept"]
        if time + 1 < self.limit and not self._done(kept, time + 1):
            return self._extended(rows, kept)
        self.open = [
            (each.score, self.decoding.leaf(rows[each.parent], each.token)) for each in kept
        ]
        return []

    def result(self, start: Decoded) -> Translation:
        """Return the best hypotheses, those that have ended first."""
        ends = sorted(self.ended, key=lambda each: -each[0]) + self.open
        if not ends:
            raise InterventionError("every token is banned where the search stands; ban fewer")
        best = [decoded.hypothesis(score) for score, decoded in ends[: self.width]]
        shape = (0, self.width, *start.attention.shape)
        attention = np.stack(self.attention) if self.attention else np.zeros(shape, np.float32)
        record = BeamRecord(self.width, tuple(self.candidates), attention)
        return translation(start.source, best, beam=record)

    def _weigh(self, rows: list[Decoded]) -> list[Weighed]:
        """Return the best continuations of all rows, best first; those with no chance left out."""
        sums = np.stack([row.total + self.plan.at(row.prefix).allowed(row) for row in rows])
        flat = sums.ravel()
        count = min(RECORDED * self.width, flat.size)
        best = np.argpartition(-flat, count - 1)[:count]
        best = best[np.lexsort((best, -flat[best]))]
        penalty = length_penalty(len(rows[0].ids) + 1, self.settings.length_penalty)
        covered = [_coverage(row, self.settings.coverage_penalty) for row in rows]
        return [
            Weighed(parent, token, flat[place], float(flat[place] / penalty) + covered[parent])
            for place in best
            for parent, token in [divmod(int(place), sums.shape[1])]
            if flat[place] > IMPOSSIBLE / 2
        ]

    def _decide(self, weighed: list[Weighed]) -> list[Weighed]:
        """Say which candidates end a hypothesis, and which become the rows of the next step."""
        decided, rows = [], 0
        for place, each in enumerate(weighed):
            if each.token == END and place < self.width:
                each = each._replace(fate="finished")
            elif each.token != END and rows < self.width:
                each = each._replace(fate="kept", beam=rows)
                rows += 1
            decided.append(each)
        return decided

    def _done(self, kept: list[Weighed], length: int) -> bool:
        """Whether no row is better than what has ended, or none can become so."""
        if not kept or not self.ended:
            return not kept
        best, leader = max(score for score, _ in self.ended), kept[0].total
        alpha = self.settings.length_penalty
        enough = len(self.ended) >= self.width and best >= leader / length_penalty(length, alpha)
        return bool(enough or best >= leader / length_penalty(self.limit, alpha))

    def _extended(self, rows: list[Decoded], kept: list[Weighed]) -> list[Decoded]:
        """Step the rows that go on: together, but for those whose attention is edited."""
        pairs = [(rows[each.parent], each.token) for each in kept]
        names = [(*row.prefix, *row.source.named([token])) for row, token in pairs]
        edits = [self.plan.look(name).edits for name in names]
        plain = iter(self.decoding.extend_all(
            [pair for pair, edited in zip(pairs, edits, strict=True) if not edited]
        ))  # fmt: skip
        with self.plan.naming():
            return [
                self.decoding.extend(*pair, edited) if edited else next(plain)
                for pair, edited in zip(pairs, edits, strict=True)
            ]

    def _record(self, time: int, rows: list[Decoded], weighed: list[Weighed]) -> None:
        names = rows[0].source.named([each.token for each in weighed])
        self.candidates += [
            Candidate(time, each.parent, name, float(each.total), each.score, each.fate, each.beam)
            for each, name in zip(weighed, names, strict=True)
        ]
        read = np.zeros((self.width, *rows[0].attention.shape), np.float32)
        read[: len(rows)] = [row.attention for row in rows]
        self.attention.append(read)

"""Beam search in Python over prefixes: of one sentence, from any prefix, with interventions.

The rules are those of `beam_search` in `workbench.search.beam`, which see: what both find is
the same, in groups and under constraints too.
Shape letters: K beam width, T target tokens, V what may come next, L layers with attention,
H heads, S source tokens.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from workbench.config import SearchSettings
from workbench.errors import InterventionError, SettingsError
from workbench.penalties import length_penalty
from workbench.records import BeamRecord, Candidate, Floats, Hypothesis, Translation
from workbench.search.decoding import Decoded, Decoding
from workbench.search.plan import Plan
from workbench.search.rules import Rules
from workbench.search.sources import Source
from workbench.search.weighing import Group, Weighed, coverage, decide, is_done, weigh


def score(decoded: Decoded, settings: SearchSettings) -> float:
    """Return what a search ranks a hypothesis by: see `Hypothesis.score`."""
    penalty = length_penalty(max(len(decoded.ids), 1), settings.length_penalty)
    read = decoded.before or decoded
    return float(decoded.total / penalty) + coverage(read, settings.coverage_penalty)


def translation(source: Source, ends: Sequence[Hypothesis], **more: Any) -> Translation:
    """Return hypotheses, best first, as a record beside their source."""
    return Translation(
        source.text, source.tokens, tuple(ends), source_words=source.words, **more
    )  # fmt: skip


def beam(decoding: Decoding, start: Decoded, plan: Plan, settings: SearchSettings) -> Translation:
    """Search for the best sentences that begin with `start`, under the interventions of `plan`.

    All of `settings` holds but what concerns sampling. What is forced comes whatever they say,
    and they go by the place of a token: where their prefix is longer than `start`, what is left
    of it follows. Log-probabilities are the model's own, whatever was forced, banned or barred.
    The record begins with the tokens of `start`, in each group.

    Raises:
        InterventionError: an edit of attention does not fit, or every token is banned.
        SettingsError: the groups are not equally large, or the prefix cannot be read.
    """
    if settings.beam_width % settings.beam_groups:
        raise SettingsError(
            f"beam_groups is {settings.beam_groups} and beam_width is {settings.beam_width}: "
            "groups are equally large; choose a divisor"
        )
    search = _Search(decoding, plan, settings)
    search.begin(start)
    while search.going:
        search.advance()
    return search.result(start)


class _Search:
    """What a search has found and looked at so far."""

    def __init__(self, decoding: Decoding, plan: Plan, settings: SearchSettings) -> None:
        self.decoding, self.plan, self.settings = decoding, plan, settings
        self.rules = Rules.of(settings, plan.source.codec, plan.source.text)
        self.width, self.limit = settings.beam_width, settings.max_decode_length
        size = self.width // settings.beam_groups
        self.groups = [Group(first, size) for first in range(0, self.width, size)]
        self.candidates: list[Candidate] = []
        self.attention: list[Floats] = []

    @property
    def going(self) -> list[Group]:
        """The groups whose search has not ended."""
        return [group for group in self.groups if group.rows]

    def begin(self, start: Decoded) -> None:
        """Put the path to `start` on record; give each group its first row, if it goes further."""
        for time, (row, after) in enumerate(pairwise(start.path)):
            fate = "finished" if after.finished else "kept"
            ranked = after.total, after.total, score(after, self.settings), fate
            for group in self.groups:
                group.rows = [row]
                beam = -1 if after.finished else group.first
                self._record(time, group, [Weighed(group.first, after.ids[-1], *ranked, beam)])
        over = start.finished or len(start.ids) >= self.limit
        for group in self.groups:
            group.rows, group.standing = ([], []) if over else ([start], [start.total])
        self.groups[0].open = [start] * over

    def advance(self) -> None:
        """Let each group choose in turn what follows its rows; step those that go on."""
        taken = np.zeros(len(self.going[0].rows[0].following), np.float32)
        time = len(self.going[0].rows[0].ids)
        kept: list[tuple[Group, list[Weighed]]] = []
        for group in self.going:
            weighed = decide(group, weigh(group, self.plan, self.rules, self.settings, taken))
            self._record(time, group, weighed)
            for each in weighed:
                taken[each.token] += each.fate in ("kept", "finished")
            kept.append((group, self._ended(group, weighed, time + 1)))
        pairs = [(group.row(one.parent), one.token) for group, ones in kept for one in ones]
        extended = iter(self._extended(pairs))
        for group, ones in kept:
            group.rows = [next(extended) for _ in ones]
            group.standing = [one.standing for one in ones]

    def _ended(self, group: Group, weighed: list[Weighed], length: int) -> list[Weighed]:
        """Note the hypotheses that end here, with an end symbol or not; return what goes on."""
        leaf = self.decoding.leaf
        ends = [each for each in weighed if each.fate == "finished"]
        group.ended += [(each.score, leaf(group.row(each.parent), each.token)) for each in ends]
        kept = [each for each in weighed if each.fate == "kept"]
        if not kept:
            group.open = list(self._stuck(group, {each.parent for each in ends}))
            return []
        if length < self.limit and not is_done(group, kept, length, self.settings):
            return kept
        group.open = [leaf(group.row(each.parent), each.token) for each in kept]
        return []

    def _stuck(self, group: Group, ended: set[int]) -> Iterator[Decoded]:
        """Yield the rows that nothing continues, where nobody's ban is to blame."""
        for number, row in enumerate(group.rows, group.first):
            if row.ids and number not in ended and not self.plan.look(row.prefix).banned:
                yield row

    def result(self, start: Decoded) -> Translation:
        """Return the best hypotheses, those that have ended first; what groups share, once."""
        ended = [each for group in self.groups for each in group.ended]
        still_open = [each for group in self.groups for each in group.open]
        ends = sorted(ended, key=lambda each: (-each[0], len(each[1].ids)))
        ends += [
            (score(each, self.settings), each)
            for each in sorted(still_open, key=lambda each: -each.total)
        ]
        if not ends:
            raise InterventionError("every token is banned where the search stands; ban fewer")
        first: dict[tuple[int, ...], tuple[float, Decoded]] = {}
        for each in ends:
            first.setdefault(each[1].ids, each)
        best = [decoded.hypothesis(score) for score, decoded in [*first.values()][: self.width]]
        shape = (0, self.width, *start.attention.shape)
        attention = np.stack(self.attention) if self.attention else np.zeros(shape, np.float32)
        candidates = tuple(self.candidates)
        record = BeamRecord(self.width, candidates, attention, groups=len(self.groups))
        return translation(start.source, best, beam=record)

    def _extended(self, pairs: list[tuple[Decoded, int]]) -> list[Decoded]:
        """Step the rows that go on: together, but for those whose attention is edited."""
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

    def _record(self, time: int, group: Group, weighed: list[Weighed]) -> None:
        source, shape = group.rows[0].source, group.rows[0].attention.shape
        names = source.named([each.token for each in weighed])
        self.candidates += [
            Candidate(time, each.parent, name, float(each.total), each.score, each.fate, each.beam)
            for each, name in zip(weighed, names, strict=True)
        ]
        if time == len(self.attention):
            self.attention.append(np.zeros((self.width, *shape), np.float32))
        read = [row.attention for row in group.rows]
        self.attention[time][group.first : group.first + len(read)] = read

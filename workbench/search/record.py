"""What a compiled search wrote down, as NumPy arrays, and how to read hypotheses back from it.

Shape letters: B sentences, K beam width or samples, G groups of the beam, C candidates on record
a step, T steps taken, L layers with attention, H heads, S source tokens.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.records import Floats, Integers

# What became of a candidate; a barred one was not allowed to compete.
PRUNED, KEPT, FINISHED, AFTER_END, BARRED = range(5)
NEVER = -1e9  # the log-probability of what is not there

End = tuple[int, int]  # step and candidate with which a hypothesis ends


@dataclass(frozen=True)
class SearchRecord:
    """What the search weighed, group by group of the beam, best first within a step of a group.

    After those that competed come those that were barred, best first too. Of samples, the drawn
    tokens come first.

    Attributes:
        tokens, parents, fates, rows: [T, B, C]; a candidate continues row `parents` of the
            beam; a kept one becomes row `rows` of the next step (-1 otherwise).
        log_probabilities: the model's own, of the whole prefix with the candidate, in nats
            [T, B, C]; NEVER where there is no such candidate.
        scores: the same over the length penalty, and the coverage penalty added [T, B, C].
        attention: what each row attended to while it weighed a step [T, B, K, L, H, S].
        drawn: whether the rows are samples, each on its own.
        groups: G; rows compete only within their group, which has K / G of them.
    """

    tokens: Integers
    parents: Integers
    fates: Integers
    rows: Integers
    log_probabilities: Floats
    scores: Floats
    attention: Floats
    drawn: bool = False
    groups: int = 1

    @property
    def width(self) -> int:
        """The beam width K."""
        return int(self.attention.shape[2])

    def path(self, step: int, sentence: int, candidate: int) -> list[End]:
        """Return (step, candidate) from the first step to this candidate."""
        path = [(step, candidate)]
        while step:
            row = self.parents[step, sentence, candidate]
            step -= 1
            candidate = int(np.flatnonzero(self.rows[step, sentence] == row)[0])
            path.append((step, candidate))
        return path[::-1]

    def best(self, sentence: int, count: int) -> list[End]:
        """Return (step, candidate) of the `count` best hypotheses, best first.

        Finished ones come first; where there are too few, those still open when the search
        of this sentence ended follow. What several groups of a beam found counts once.
        """
        places = np.argwhere(self.fates[:, sentence] == FINISHED)
        ends = [(int(step), int(candidate)) for step, candidate in places]
        ends.sort(key=lambda end: -self.scores[end[0], sentence, end[1]])
        if len(ends) < count or self.groups > 1:
            still_open = [end for chain in self._chains() for end in self._open(sentence, chain)]
            still_open.sort(key=lambda end: -self.log_probabilities[end[0], sentence, end[1]])
            ends += still_open
        return (self._distinct(sentence, ends) if self.groups > 1 else ends)[:count]

    def _chains(self) -> list[NDArray[np.intp]]:
        """Return the columns of what ends each on its own: of a sample, of a group of the beam."""
        count = self.tokens.shape[2]
        if self.drawn:
            return list(np.arange(self.width)[:, None])
        return np.array_split(np.arange(count), self.groups)

    def _open(self, sentence: int, columns: NDArray[np.intp]) -> Iterator[End]:
        """Yield the rows that were kept at last and that nothing has continued since."""
        kept = self.fates[:, sentence, columns] == KEPT
        if not kept.any():
            return
        last = int(np.flatnonzero(kept.any(1))[-1])
        later = self.fates[last + 1 : last + 2, sentence, columns] == FINISHED
        continued = self.parents[last + 1 : last + 2, sentence, columns][later]
        for column in columns[kept[last]]:
            if self.rows[last, sentence, column] not in continued:
                yield last, int(column)

    def _distinct(self, sentence: int, ends: list[End]) -> list[End]:
        """Return the ends of hypotheses that have other tokens than those before them."""
        first: dict[tuple[int, ...], End] = {}
        for end in ends:
            steps, columns = zip(*self.path(end[0], sentence, end[1]), strict=True)
            first.setdefault(tuple(self.tokens[steps, sentence, columns].tolist()), end)
        return list(first.values())

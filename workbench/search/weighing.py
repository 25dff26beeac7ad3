"""One group of a beam in Python: what may continue its rows, and which of that goes on.

Shape letters: N rows of the group, V what may come next.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from workbench.config import SearchSettings
from workbench.data.tokenizer import END
from workbench.penalties import coverage_penalty, length_penalty
from workbench.records import Floats
from workbench.search.decoding import Decoded
from workbench.search.plan import Plan
from workbench.search.rules import Rules

RECORDED = 10  # candidates on record for each row of the beam, of which it needs 2


class Weighed(NamedTuple):
    """A candidate: the row of the beam that it continues, its token, what the beam thinks of it.

    `standing` is its log-probability `total` with the diversity term, by which it competes.
    """

    parent: int
    token: int
    total: np.float32
    standing: np.float32
    score: float
    fate: str = "pruned"
    beam: int = -1


@dataclass
class Group:
    """Rows that compete among each other, and the hypotheses they have become.

    Attributes:
        first: the number of its first row in the beam; size: how many rows it may have.
        rows: those that go on, and how each stands; none once its search has ended.
        ended: with an end symbol, and their scores; open: without one, when the search ended.
    """

    first: int
    size: int
    rows: list[Decoded] = field(default_factory=list)
    standing: list[np.float32] = field(default_factory=list)
    ended: list[tuple[float, Decoded]] = field(default_factory=list)
    open: list[Decoded] = field(default_factory=list)

    def row(self, number: int) -> Decoded:
        """Return a row by its number in the beam."""
        return self.rows[number - self.first]


def coverage(row: Decoded, beta: float) -> float:
    """Return the coverage penalty of a row; what it reads now counts as well."""
    if not beta or not row.attention.size:
        return 0.0
    return coverage_penalty(sum(each.attention.mean((0, 1)) for each in row.path), beta)


def weigh(
    group: Group, plan: Plan, rules: Rules, settings: SearchSettings, taken: Floats
) -> list[Weighed]:
    """Return what may continue the rows, best first, and then what the rules bar.

    `taken` is how often earlier groups have chosen each token at this step [V]. What has no
    chance, and what is banned or must give way to a forced token, is left out.
    """
    here = [plan.at(row.prefix) for row in group.rows]
    shut = np.stack([one.shut(row, rules) for one, row in zip(here, group.rows, strict=True)])
    barred = np.stack([one.barred(row, rules) for one, row in zip(here, group.rows, strict=True)])
    own = np.stack([row.following for row in group.rows])  # [N, V]
    totals = np.array([row.total for row in group.rows])[:, None] + own
    standing = np.array(group.standing)[:, None] + own - np.float32(settings.diversity) * taken
    penalty = length_penalty(len(group.rows[0].ids) + 1, settings.length_penalty)
    covered = [coverage(row, settings.coverage_penalty) for row in group.rows]
    count = RECORDED * group.size
    competing = [(place, "pruned") for place in _best(np.where(shut, -np.inf, standing), count)]
    kept_out = [(place, "barred") for place in _best(np.where(barred, totals, -np.inf), count)]
    return [
        Weighed(
            group.first + row, token, totals[row, token], standing[row, token],
            float(totals[row, token] / penalty) + covered[row], fate,
        )
        for (row, token), fate in competing + kept_out
    ]  # fmt: skip


def decide(group: Group, weighed: list[Weighed]) -> list[Weighed]:
    """Say which candidates end a hypothesis, and which become the rows of the next step."""
    decided, rows = [], 0
    for place, each in enumerate(weighed):
        if each.fate == "barred":
            pass
        elif each.token == END and place < group.size:
            each = each._replace(fate="finished")
        elif each.token != END and rows < group.size:
            each = each._replace(fate="kept", beam=group.first + rows)
            rows += 1
        decided.append(each)
    return decided


def is_done(group: Group, kept: list[Weighed], length: int, settings: SearchSettings) -> bool:
    """Whether no row is better than what has ended, or none can become so within the limit."""
    if not group.ended:
        return False
    best = max(score for score, _ in group.ended)
    leader, alpha = max(each.total for each in kept), settings.length_penalty
    enough = len(group.ended) >= group.size and best >= leader / length_penalty(length, alpha)
    return bool(enough or best >= leader / length_penalty(settings.max_decode_length, alpha))


def _best(values: Floats, count: int) -> list[tuple[int, int]]:
    """Return row and column of the greatest `values` [N, V], the greatest first."""
    flat = values.ravel()
    count = min(count, flat.size)
    best = np.argpartition(-flat, count - 1)[:count]
    best = best[np.lexsort((best, -flat[best]))]
    return [divmod(int(place), values.shape[1]) for place in best if flat[place] > -np.inf]

"""The beam's candidates as a tree."""

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.records import Candidate, Translation

RANKS = 16  # of a group, drawn at most; the winner's path is drawn at any rank
LOST = ("pruned", "barred")  # fates of what no hypothesis holds


@dataclass(frozen=True, eq=False)
class Node:
    """A candidate in the tree.

    Attributes:
        rank: within its group at its step, from 0.
        parent: what it continues.
        group: of the beam, from 0; above: the rows that the groups before it take when drawn.
    """

    candidate: Candidate
    rank: int
    parent: "Node | None"
    group: int = 0
    above: int = 0

    @property
    def row(self) -> int:
        """Where it is drawn, counted from the top."""
        return self.above + min(self.rank, RANKS)

    def path(self) -> list["Node"]:
        """Return the nodes from the first step to this one."""
        path, node = [self], self.parent
        while node:
            path.append(node)
            node = node.parent
        return path[::-1]

    @property
    def token_log_probability(self) -> float:
        """Log-probability of the token given its prefix; the candidate's own includes both."""
        before = self.parent.candidate.log_probability if self.parent else 0.0
        return self.candidate.log_probability - before


def tree(translation: Translation) -> list[Node]:
    """Return the beam's candidates with their ranks and parents, in their order."""
    nodes: list[Node] = []
    rows: dict[tuple[int, int], Node] = {}  # which node became row k of step t
    ranks: dict[tuple[int, int], int] = {}
    width, groups = (beam.group_width, beam.groups) if (beam := translation.beam) else (1, 1)
    for candidate in beam.candidates if beam else ():
        group = min(candidate.parent // width, groups - 1)
        rank = ranks.get((candidate.step, group), 0)
        ranks[candidate.step, group] = rank + 1
        parent = rows.get((candidate.step, candidate.parent))
        node = Node(candidate, rank, parent, group, group * (min(2 * width, RANKS) + 1))
        nodes.append(node)
        if candidate.fate == "kept":
            rows[candidate.step + 1, candidate.beam] = node
    return nodes


def contenders(translation: Translation) -> list[Node]:
    """Return the nodes among which the beam chose: the first 2 K of each step, or of its groups.

    Where fewer were allowed, those barred that follow are there too.
    """
    last = 2 * translation.beam.group_width if translation.beam else 0
    return [node for node in tree(translation) if node.rank < last]


def path_to(nodes: Sequence[Node], translation: Translation, hypothesis: int = 0) -> list[Node]:
    """Return the path of a hypothesis, 0 being the best; empty where the beam does not hold it."""
    chosen = translation.hypotheses[hypothesis : hypothesis + 1]
    tokens = list(chosen[0].tokens) if chosen else []
    for node in nodes:
        if node.candidate.fate not in LOST and node.candidate.step == len(tokens) - 1:
            path = node.path()
            if [one.candidate.token for one in path] == tokens:
                return path
    return []

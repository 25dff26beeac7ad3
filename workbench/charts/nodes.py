"""The beam's candidates as a tree."""

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.records import Candidate, Translation


@dataclass(frozen=True, eq=False)
class Node:
    """A candidate in the tree: its rank within its step, from 0, and what it continues."""

    candidate: Candidate
    rank: int
    parent: "Node | None"

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
    ranks: dict[int, int] = {}
    for candidate in translation.beam.candidates if translation.beam else ():
        rank = ranks.get(candidate.step, 0)
        ranks[candidate.step] = rank + 1
        node = Node(candidate, rank, rows.get((candidate.step, candidate.parent)))
        nodes.append(node)
        if candidate.fate == "kept":
            rows[candidate.step + 1, candidate.beam] = node
    return nodes


def contenders(translation: Translation) -> list[Node]:
    """Return the nodes among which the beam chose: the first 2 K of each step."""
    last = 2 * translation.beam.width if translation.beam else 0
    return [node for node in tree(translation) if node.rank < last]


def path_to(nodes: Sequence[Node], translation: Translation, hypothesis: int = 0) -> list[Node]:
    """Return the path of a hypothesis, 0 being the best; empty where the beam does not hold it."""
    chosen = translation.hypotheses[hypothesis : hypothesis + 1]
    tokens = list(chosen[0].tokens) if chosen else []
    for node in nodes:
        if node.candidate.fate != "pruned" and node.candidate.step == len(tokens) - 1:
            path = node.path()
            if [one.candidate.token for one in path] == tokens:
                return path
    return []

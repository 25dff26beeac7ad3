"""The tree that panels draw: what was grown by hand, and beside it what a beam kept and pruned."""

from collections.abc import Iterator, Mapping
from math import exp
from typing import TYPE_CHECKING, NamedTuple

from workbench.charts.nodes import LOST
from workbench.charts.state_layout import State, nats
from workbench.records import BeamRecord, Candidate
from workbench.search.prefix_beam import score
from workbench.widgets.now import Found, Now

if TYPE_CHECKING:
    from workbench.config import SearchSettings
    from workbench.search.tree import Node

BEAM = "beam "  # before the number of a candidate in the key of its state
START = "start"


class _Ghost(NamedTuple):
    """A candidate of the beam that was not grown by hand."""

    key: str
    parent: str
    candidate: Candidate
    log_probability: float  # of its token


def states(now: Now, found: Found | None, pruned: bool, settings: "SearchSettings") -> list[State]:
    """Return the whole tree, parents before their children.

    With `pruned` the beam's hypotheses that were pruned are there too, as many a step as it is
    wide.
    """
    record = found.translation.beam if found else None
    ghosts: list[_Ghost] = []
    if found and record and found.place in now.nodes:
        ghosts = list(_ghosts(now.nodes, found.place, record, pruned))
    best = _best(now, ghosts, settings)
    on_best = _ways(now, ghosts, best)
    yours = {node.id for node in now.path}
    grown = [
        State(
            key=str(node.id),
            parent=None if node.parent is None else str(node.parent),
            token=node.decoded.prefix[-1] if node.decoded.ids else START,
            probability=_probability(node),
            here=node is now.current,
            yours=node.id in yours,
            best=str(node.id) in on_best,
            ended=node.decoded.finished,
            end=_end(node, now, str(node.id) == best, settings),
            done=_done(node),
        )
        for node in now.nodes.values()
    ]
    return [*grown, *(_state(ghost, on_best, ghost.key == best) for ghost in ghosts)]


def candidate_of(key: str, found: Found | None) -> Candidate | None:
    """Return the candidate of the beam that a state stands for; None for a node."""
    record = found.translation.beam if found else None
    number = key.removeprefix(BEAM)
    if record is None or number == key or not number.isdecimal():
        return None
    return record.candidates[int(number)] if int(number) < len(record.candidates) else None


def _ghosts(
    nodes: "Mapping[int, Node]", place: int, record: BeamRecord, pruned: bool
) -> Iterator[_Ghost]:
    """Yield the candidates of a beam that have no node, each below its parent."""
    way = [nodes[place]]
    while (above := way[-1].parent) is not None:
        way.append(nodes[above])
    way.reverse()
    rows: dict[tuple[int, int], tuple[str, float]] = {(0, 0): (str(way[0].id), 0.0)}
    lost: dict[int, int] = {}
    for number, one in enumerate(record.candidates):
        begun = rows.get((one.step, one.parent))
        if begun is None and one.step == 0:
            begun = rows[0, 0]  # at its first step all rows of a compiled beam are one
        if begun is None:
            continue
        parent, before = begun
        key = _grown(nodes, parent, one, way) or f"{BEAM}{number}"
        if one.fate == "kept":
            rows[one.step + 1, one.beam] = key, one.log_probability
        if one.fate in LOST:
            lost[one.step] = lost.get(one.step, 0) + 1
            if not pruned or lost[one.step] > record.width:
                continue
        if key.startswith(BEAM):
            yield _Ghost(key, parent, one, one.log_probability - before)


def _grown(
    nodes: "Mapping[int, Node]", parent: str, one: Candidate, way: "list[Node]"
) -> str | None:
    """Return the key of the node that is this candidate, if one was grown."""
    if parent.startswith(BEAM):
        return None
    if one.step + 1 < len(way) and str(way[one.step].id) == parent:
        follower = way[one.step + 1]
        return str(follower.id) if follower.decoded.prefix[-1] == one.token else None
    for child in nodes[int(parent)].children:
        decoded = nodes[child].decoded
        if decoded.prefix[-1] == one.token and not decoded.edits:
            return str(child)
    return None


def _best(now: Now, ghosts: list[_Ghost], settings: "SearchSettings") -> str:
    """Return the key of the best end of all, or nothing."""
    ends = [
        (score(node.decoded, settings), str(node.id))
        for node in now.nodes.values() if node.decoded.finished
    ]  # fmt: skip
    ends += [(one.candidate.score, one.key) for one in ghosts if one.candidate.fate == "finished"]
    return max(ends, default=(0.0, ""))[1]


def _ways(now: Now, ghosts: list[_Ghost], key: str) -> set[str]:
    """Return the keys on the way to a state."""
    parents = {ghost.key: ghost.parent for ghost in ghosts}
    way: set[str] = set()
    while key:
        way.add(key)
        if key in parents:
            key = parents[key]
        else:
            above = now.nodes[int(key)].parent
            key = "" if above is None else str(above)
    return way


def _probability(node: "Node") -> float:
    logs = node.decoded.log_probabilities
    return min(exp(logs[-1]), 1.0) if len(logs) else 1.0


def _end(node: "Node", now: Now, best: bool, settings: "SearchSettings") -> str:
    """Say of a branch's end its name and its score, and whether it is the best or yours."""
    here = node is now.current
    leaf = here and not node.children
    if not (node.name or best or leaf or node.decoded.finished):
        return ""
    told = [node.name, nats(score(node.decoded, settings)) * bool(node.decoded.ids)]
    return " · ".join(filter(None, [*told, "best" * best, "yours" * leaf]))


def _done(node: "Node") -> str:
    parts = ["forced" * node.forced, f"{len(node.banned)} banned" * bool(node.banned),
             "attention edited" * bool(node.decoded.edits)]  # fmt: skip
    if node.parent is None and node.decoded.source.edits:
        parts.append("source edited")
    return ", ".join(filter(None, parts))


def _state(ghost: _Ghost, on_best: set[str], best: bool) -> State:
    one = ghost.candidate
    ended = one.fate == "finished"
    return State(
        key=ghost.key,
        parent=ghost.parent,
        token=one.token,
        probability=min(exp(ghost.log_probability), 1.0),
        fate=one.fate,
        best=ghost.key in on_best,
        ended=ended,
        end=f"{nats(one.score)}{' · best' * best}" if ended else "",
    )

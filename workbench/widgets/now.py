"""Where somebody stands who takes a translation apart: a picture, so that nothing moves in it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.data.tokenizer import BEGIN, NAMES, PAD
from workbench.interventions import to_json
from workbench.records import Hypothesis, Translation

if TYPE_CHECKING:
    from workbench.search.stepper import Choice, Stepper
    from workbench.search.tree import Node

CANDIDATES = 10  # listed at a step
UNWRITTEN = {NAMES[PAD], NAMES[BEGIN]}  # not even by force
SAME = 1e-3  # nats by which the compiled search and a step may differ


@dataclass(frozen=True, eq=False)
class Now:
    """A picture of the stepper, so that painting meets no change.

    Attributes:
        nodes: of the tree, by id; path: from the root to the current one.
        candidates: what may come next; hypothesis: what is written.
        interventions: what was done on the way, as JSON.
        version: counts the changes.
    """

    nodes: "dict[int, Node]"
    path: "tuple[Node, ...]"
    candidates: "tuple[Choice, ...]"
    hypothesis: Hypothesis
    interventions: str
    can_undo: bool
    can_redo: bool
    version: int

    @classmethod
    def of(cls, stepper: "Stepper", version: int) -> "Now":
        """Take a picture."""
        nodes, path = stepper.nodes, [stepper.current]
        while (parent := path[-1].parent) is not None:
            path.append(nodes[parent])
        likeliest = stepper.candidates(CANDIDATES + len(UNWRITTEN))
        return cls(
            nodes=nodes,
            path=tuple(reversed(path)),
            candidates=tuple(one for one in likeliest if one.token not in UNWRITTEN)[:CANDIDATES],
            hypothesis=stepper.hypothesis(),
            interventions=to_json(stepper.interventions()),
            can_undo=stepper.can_undo,
            can_redo=stepper.can_redo,
            version=version,
        )

    @property
    def current(self) -> "Node":
        """Where somebody stands."""
        return self.path[-1]


@dataclass(frozen=True, eq=False)
class Found:
    """What a beam found that began at a node."""

    place: int
    translation: Translation


def recalled(translation: Translation | None, stepper: "Stepper") -> Found | None:
    """Return the latest translation, if its search was one of this source with these weights."""
    begin = stepper.current.decoded
    beam = translation.beam if translation else None
    if translation is None or beam is None or beam.drawn or not beam.candidates:
        return None
    if translation.source != begin.source.text or begin.prefix:
        return None
    first = beam.candidates[0]
    own = begin.following[begin.source.number(first.token)]
    return (
        Found(stepper.current.id, translation) if abs(own - first.log_probability) < SAME else None
    )

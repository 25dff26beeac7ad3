"""A tree of prefixes whose every change can be undone.

The tree knows nothing of decoding: it holds immutable nodes, and remembers of each change the
nodes it touched, as they were and as they became.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import NamedTuple

from workbench.errors import InterventionError
from workbench.search.decoding import Decoded

LIMIT = 10_000  # nodes of a tree
REMEMBERED = 10_000  # changes that can be undone


@dataclass(frozen=True, eq=False)
class Node:
    """A place in the tree.

    Attributes:
        id: never given twice; parent: none for a root; children: ids, oldest first.
        decoded: the prefix and what the model makes of it.
        forced: whether somebody put its last token there.
        banned: numbers of tokens that must not follow.
        name: of the branch that ends or goes on here; empty for none.
    """

    id: int
    parent: int | None
    decoded: Decoded
    forced: bool = False
    banned: frozenset[int] = frozenset()
    name: str = ""
    children: tuple[int, ...] = ()


class Change(NamedTuple):
    """Nodes and the current one, before and after; None for a node that is not there."""

    before: dict[int, Node | None]
    after: dict[int, Node | None]
    came_from: int
    went_to: int


class Tree:
    """Nodes by id, the current one, and what can be undone and redone.

    Attributes:
        nodes: all of them; to be changed within `change` only.
        current: the id of the node somebody stands at, -1 before there is one.
        changed: called after every change, undone and redone ones too.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        """Begin without nodes; `limit` is how many there may be."""
        self.nodes: dict[int, Node] = {}
        self.current = -1
        self.limit = limit
        self.changed: Callable[[], None] = lambda: None
        self._next = 0
        self._open: dict[int, Node | None] | None = None
        self._done: list[Change] = []
        self._undone: list[Change] = []

    @contextmanager
    def change(self, remember: bool = True) -> Iterator[None]:
        """Make what is changed inside one change; if it fails, leave the tree as it was."""
        if self._open is not None:  # part of a greater change
            yield
            return
        self._open, came_from = {}, self.current
        try:
            yield
        except BaseException:
            self._put(self._open, came_from)
            raise
        else:
            after = {id: self.nodes.get(id) for id in self._open}
            if remember and (after or came_from != self.current):
                self._done.append(Change(self._open, after, came_from, self.current))
                del self._done[:-REMEMBERED]
                self._undone.clear()
        finally:
            self._open = None
        self.changed()

    def add(
        self,
        parent: int | None,
        decoded: Decoded,
        forced: bool = False,
        banned: frozenset[int] = frozenset(),
    ) -> int:
        """Add a node below `parent` and return its id."""
        new = Node(self._next, parent, decoded, forced, banned)
        self._next += 1
        self._write(new.id, new)
        if parent is not None:
            above = self.nodes[parent]
            self._write(parent, replace(above, children=(*above.children, new.id)))
        return new.id

    def check_room(self) -> None:
        """Refuse to grow beyond the limit.

        Raises:
            InterventionError: there is no room for another node.
        """
        if len(self.nodes) >= self.limit:
            raise InterventionError(
                f"the tree has {len(self.nodes):,} nodes, as many as it may; delete a branch first"
            )

    def set(self, id: int, **changes: object) -> None:
        """Change fields of a node."""
        self._write(id, replace(self.nodes[id], **changes))  # type: ignore[arg-type]

    def remove(self, id: int) -> None:
        """Remove a node with all below it; who stands there goes to the one above, or a root."""
        node = self.nodes[id]
        gone = list(self.below(id))
        if node.parent is not None:
            above = self.nodes[node.parent]
            left = tuple(child for child in above.children if child != id)
            self._write(above.id, replace(above, children=left))
        for each in gone:
            self._write(each, None)
        if self.current in gone:
            self.current = min(self.nodes) if node.parent is None else node.parent

    def below(self, id: int) -> Iterator[int]:
        """Yield a node and all below it."""
        waiting = [id]
        while waiting:
            yield (now := waiting.pop())
            waiting += self.nodes[now].children

    def path(self, id: int) -> list[Node]:
        """Return the nodes from a root to this one."""
        path = [self.nodes[id]]
        while (parent := path[-1].parent) is not None:
            path.append(self.nodes[parent])
        return path[::-1]

    @property
    def can_undo(self) -> bool:
        """Whether there is a change to take back."""
        return bool(self._done)

    @property
    def can_redo(self) -> bool:
        """Whether there is a change that was taken back."""
        return bool(self._undone)

    def undo(self) -> None:
        """Take the last change back.

        Raises:
            InterventionError: there is none.
        """
        if not self._done:
            raise InterventionError("there is nothing to undo")
        change = self._done.pop()
        self._put(change.before, change.came_from)
        self._undone.append(change)
        self.changed()

    def redo(self) -> None:
        """Make the change again that was taken back last.

        Raises:
            InterventionError: there is none.
        """
        if not self._undone:
            raise InterventionError("there is nothing to redo")
        change = self._undone.pop()
        self._put(change.after, change.went_to)
        self._done.append(change)
        self.changed()

    def _write(self, id: int, node: Node | None) -> None:
        assert self._open is not None  # only a change may write
        self._open.setdefault(id, self.nodes.get(id))
        self._put({id: node}, self.current)

    def _put(self, nodes: dict[int, Node | None], current: int) -> None:
        for id, node in nodes.items():
            if node is None:
                self.nodes.pop(id, None)
            else:
                self.nodes[id] = node
        self.current = current

"""Where the boxes of the model's diagram stand, and the way of the arrows between them.

Columns are the sides of the model, rows follow the data downwards. An arrow to the right runs a
little above the middle of its boxes and one to the left a little below, so that they never meet.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from workbench.records import Block

BOX_WIDTH, BOX_HEIGHT = 168, 62  # px
GAP, LEVEL = 64, 94  # between columns; from one row to the next
_OFF, _INTO, _LANE = 10, 30, 20  # beside a box's middle; beside its top's middle; outside it

_SIDES = ["encoder", "attention", "decoder"]

Point = tuple[float, float]
Heading = Literal["down", "right", "left"]


@dataclass(frozen=True)
class Box:
    """A block in its column and row."""

    block: Block
    column: int
    row: int

    @property
    def x(self) -> float:
        """Middle of the box, px from the left."""
        return BOX_WIDTH / 2 + self.column * (BOX_WIDTH + GAP)

    @property
    def y(self) -> float:
        """Middle of the box, px from the top."""
        return BOX_HEIGHT / 2 + self.row * LEVEL

    def side(self, direction: int) -> float:
        """Return where its right (1) or left (−1) side is."""
        return self.x + direction * BOX_WIDTH / 2


@dataclass(frozen=True)
class Arrow:
    """A line along `points`; the last is the head. One that runs `back` feeds the next step."""

    source: str
    target: str
    points: tuple[Point, ...]
    heading: Heading
    back: bool = False


def place(blocks: Sequence[Block]) -> list[Box]:
    """Give each block a column, by its side, and a row below those that it reads.

    A block may stand in the row of one that it reads on another side.
    """
    present = {block.side for block in blocks}
    sides = sorted(present, key=_SIDES.index)
    grid = _Grid()
    for block in blocks:
        column = sides.index(block.side)
        inputs = [grid.boxes[name] for name in block.inputs if name in grid.boxes]
        row = max((box.row + (box.column == column) for box in inputs), default=0)
        while not grid.fits(column, row, inputs):
            row += 1
        grid.add(Box(block, column, row), inputs)
    return list(grid.boxes.values())


def arrows(boxes: Sequence[Box]) -> Iterator[Arrow]:
    """Yield an arrow for every input that is among the boxes."""
    by_name = {box.block.name: box for box in boxes}
    order = {name: number for number, name in enumerate(by_name)}
    taken = {(box.column, box.row) for box in boxes}
    for box in boxes:
        for name in box.block.inputs:
            if name in by_name:
                back = order[name] >= order[box.block.name]
                yield _arrow(by_name[name], box, taken, back)


class _Grid:
    """The places taken so far, and the rows that an arrow crosses from end to end."""

    def __init__(self) -> None:
        self.boxes: dict[str, Box] = {}
        self._taken: set[tuple[int, int]] = set()

    def fits(self, column: int, row: int, inputs: Sequence[Box]) -> bool:
        """Tell whether the place is free and no level arrow would run through a box."""
        crossed = {
            (between, box.row)
            for box in inputs
            if box.row == row
            for between in _between(box.column, column)
        }
        return (column, row) not in self._taken and not crossed & self._taken

    def add(self, box: Box, inputs: Sequence[Box]) -> None:
        """Take the place, and those that level arrows to it cross."""
        self.boxes[box.block.name] = box
        self._taken.add((box.column, box.row))
        for other in inputs:
            if other.row == box.row:
                self._taken |= {(column, box.row) for column in _between(other.column, box.column)}


def _between(one: int, other: int) -> range:
    return range(min(one, other) + 1, max(one, other))


def _arrow(source: Box, target: Box, taken: set[tuple[int, int]], back: bool) -> Arrow:
    if source.column == target.column:
        points, heading = _within(source, target, taken, back)
    else:
        points, heading = _across(source, target, taken)
    return Arrow(source.block.name, target.block.name, tuple(points), heading, back)


def _within(
    source: Box, target: Box, taken: set[tuple[int, int]], back: bool
) -> tuple[list[Point], Heading]:
    """Go straight down, or outside around the boxes that stand between."""
    between = {(source.column, row) for row in range(source.row + 1, target.row)}
    if not back and not between & taken:
        return [
            (source.x, source.y + BOX_HEIGHT / 2),
            (target.x, target.y - BOX_HEIGHT / 2),
        ], "down"
    out = -1 if source.column == 0 else 1
    edge = source.side(out)
    lane = edge + out * _LANE
    above = [(edge, source.y + _OFF), (lane, source.y + _OFF)]
    below = [(lane, target.y - _OFF), (edge, target.y - _OFF)]
    return above + below, "right" if out < 0 else "left"


def _across(source: Box, target: Box, taken: set[tuple[int, int]]) -> tuple[list[Point], Heading]:
    """Go level, then down into the top where the way is free, else beside and between boxes."""
    to = 1 if target.column > source.column else -1
    heading: Heading = "right" if to > 0 else "left"
    level = source.y - to * _OFF
    start, side = (source.side(to), level), target.side(-to)
    if source.row == target.row:
        return [start, (side, level)], heading
    way = {(target.column, row) for row in range(source.row, target.row)}
    if source.row < target.row and not way & taken:
        into = target.x - to * _INTO
        return [start, (into, level), (into, target.y - BOX_HEIGHT / 2)], "down"
    lane, end = side - to * GAP / 2, target.y - to * _OFF
    last = [(lane, end), (side, end)]
    if not {(column, source.row) for column in _between(source.column, target.column)} & taken:
        return [start, (lane, level), *last], heading
    first, above = start[0] + to * GAP / 2, target.y - LEVEL / 2
    return [start, (first, level), (first, above), (lane, above), *last], heading

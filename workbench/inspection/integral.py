"""The integral of a gradient along a straight line, which knows by itself whether it is right.

What a function gains on a piece of the way is known, so each piece is checked by itself, and only
those that do not add up are taken apart.
Shape letters: N pieces, R points, S source tokens, D width of the embeddings.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.records import Floats

NODES = 8  # of a piece
SHORTEST = 1e-6  # of where it ends: a piece that is no longer holds a jump if it does not add up

Doubles = NDArray[np.float64]


class Line(NamedTuple):
    """The way from one point [S, D] to another."""

    start: Floats
    end: Floats

    @property
    def change(self) -> Floats:
        """The whole way [S, D]."""
        return self.end - self.start

    def at(self, along: Doubles) -> Floats:
        """Return the points at [R], 0 being the start and 1 the end: [R, S, D]."""
        return self.start + along.astype(np.float32)[:, None, None] * self.change


def line_integral(
    slopes: Callable[[Doubles], Doubles],
    values: Callable[[Doubles], Doubles],
    lacking: float,
    most: int,
) -> tuple[Doubles, int]:
    """Integrate from 0 to 1 by Gauss-Legendre quadrature on ever shorter pieces.

    Pieces are halved until all together lack at most `lacking` of what `values` gains on them,
    until `most` points would be exceeded, or until all that is lacking is a jump.

    Args:
        slopes: the slope of each of S parts of the function at points [R]: [R, S].
        values: the function itself at points [R]: [R].
        lacking: how much may be missing.
        most: points at most.

    Returns: the integral of each part [S], and the number of points it took.
    """
    nodes, weights = np.polynomial.legendre.leggauss(NODES)

    def measured(pieces: Doubles) -> tuple[Doubles, Doubles]:
        """Return the integral of each part on each piece [N, S], and what it lacks there [N]."""
        widths = np.diff(pieces)  # [N, 1]
        points = pieces[:, :1] + widths * (nodes + 1) / 2  # [N, NODES]
        found = slopes(points.ravel()).reshape(*points.shape, -1)
        parts = np.einsum("n,pns->ps", weights / 2, found) * widths
        gained = np.diff(values(pieces.ravel()).reshape(-1, 2))[:, 0]
        return parts, parts.sum(-1) - gained

    pieces = np.array([[0.0, 1.0]])
    parts, faults = measured(pieces)
    used = NODES
    while True:
        bad = _to_halve(faults, lacking)
        bad = bad[np.diff(pieces)[bad, 0] > SHORTEST * pieces[bad, 1]][
            : (most - used) // NODES // 2
        ]
        if not len(bad):
            return parts.sum(0), used
        halves = _halved(pieces[bad])
        new_parts, new_faults = measured(halves)
        pieces = np.concatenate([np.delete(pieces, bad, 0), halves])
        parts = np.concatenate([np.delete(parts, bad, 0), new_parts])
        faults = np.concatenate([np.delete(faults, bad), new_faults])
        used += NODES * len(halves)


def _to_halve(faults: Doubles, lacking: float) -> NDArray[np.intp]:
    """Choose pieces, the worst first, so many that the others lack half of what may be lacking.

    None where the faults [N] sum to little and so do their squares: they do not merely cancel
    out.
    """
    if max(abs(faults.sum()), float(np.linalg.norm(faults))) <= lacking:
        return np.zeros(0, np.intp)
    sizes = np.abs(faults)
    order = np.argsort(sizes)
    return order[np.cumsum(sizes[order]) > lacking / 2][::-1]


def _halved(pieces: Doubles) -> Doubles:
    """Return both halves of each piece [N, 2]: [2 N, 2]."""
    middle = pieces.mean(1)
    halves = [(pieces[:, 0], middle), (middle, pieces[:, 1])]
    return np.concatenate([np.stack(each, 1) for each in halves])

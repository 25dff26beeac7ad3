"""Edits of attention, on NumPy rows.

Shape letters: L layers with attention, H heads, S source tokens.
"""

from collections.abc import Callable
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InterventionError
from workbench.interventions import (
    AttentionEdit,
    Mask,
    Paste,
    Prefix,
    Scale,
    SetCell,
    SetRow,
    Sharpen,
)
from workbench.records import Floats

Reading = Callable[[Prefix], Floats]  # what the step behind a prefix reads [L, H, S]


def check(edit: AttentionEdit, shape: tuple[int, ...]) -> None:
    """Check that an edit fits attention of `shape` (L, H, S).

    Raises:
        InterventionError: a layer, head or position that is not there, or weights for another S.
    """
    layers, heads, tokens = shape
    if not layers * heads:
        raise InterventionError("this model has no attention to edit")
    for name, count in (("layer", layers), ("head", heads)):
        if (getattr(edit, name) or 0) >= count:
            _refuse(name, count, getattr(edit, name))
    positions = getattr(edit, "positions", (getattr(edit, "position", 0),))
    for position in positions:
        if position >= tokens:
            _refuse("source position", tokens, position)
    if isinstance(edit, SetRow) and len(edit.weights) != tokens:
        raise InterventionError(
            f"expected {tokens} weights, one for each source token, got {len(edit.weights)}"
        )


def edited(edit: AttentionEdit, own: Floats, layer: int, reading: Reading) -> Floats:
    """Return what a layer reads [H, S] by `edit` where it would read `own` [H, S].

    A row that stays as it is keeps its very bits; any other is normalized.

    Raises:
        InterventionError: a row would sum to 0, or there is no step to paste from.
    """
    pasted = reading(edit.other)[layer] if isinstance(edit, Paste) else own
    rows = own.copy()
    for head in range(len(own)) if edit.head is None else (edit.head,):
        row = _row(edit, own[head].astype(np.float64), pasted[head])
        if not np.array_equal(row.astype(np.float32), own[head]):
            rows[head] = _normalized(row)
    return rows


def _row(edit: AttentionEdit, row: NDArray[np.float64], pasted: Floats) -> NDArray[np.float64]:
    """Return the weights [S] before they are normalized."""
    match edit:
        case SetRow():
            return np.array(edit.weights)
        case SetCell():
            return _with_cell(row, edit.position, edit.weight)
        case Scale():
            row[list(edit.positions)] *= edit.factor
        case Mask():
            row[list(edit.positions)] = 0
        case Sharpen() if edit.temperature != 1 and row.any():
            row = (row / row.max()) ** (1 / edit.temperature)
        case Paste():
            return pasted.astype(np.float64)
    return row


def _with_cell(row: NDArray[np.float64], position: int, weight: float) -> NDArray[np.float64]:
    if np.float32(weight) == np.float32(row[position]):
        return row
    others = row.sum() - row[position]
    if weight < 1 and others <= 0:
        raise InterventionError(
            f"the other positions are not read at all and cannot share {1 - weight:.3g}; set the "
            "whole row"
        )
    row *= (1 - weight) / others if weight < 1 else 0
    row[position] = weight
    return row


def _normalized(row: NDArray[np.float64]) -> Floats:
    total = row.sum()
    if total <= 0:
        raise InterventionError("nothing would be read: the weights sum to 0; leave some above 0")
    return (row / total).astype(np.float32)


def _refuse(what: str, count: int, got: int) -> NoReturn:
    raise InterventionError(f"expected a {what} from 0 to {count - 1}, got {got}")

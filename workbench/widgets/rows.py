"""The rows of a chart apart from its specification, as messages carry them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Cells:
    """A matrix [T, S] of weights, a byte a cell, with the labels of its columns and rows."""

    source: tuple[str, ...]
    target: tuple[str, ...]
    weights: bytes

    @classmethod
    def of(cls, matrix: NDArray[np.floating], source: Sequence[str], target: Sequence[str]) -> Self:
        """Round weights of 0 to 1 to bytes of 0 to 255.

        Raises:
            ValueError: not as many labels as columns and rows.
        """
        if matrix.shape != (len(target), len(source)):
            raise ValueError(
                f"expected a matrix of {len(target)} × {len(source)} for the labels, "
                f"got {' × '.join(map(str, matrix.shape))}"
            )
        weights = np.rint(255 * np.clip(np.nan_to_num(matrix), 0, 1)).astype(np.uint8)
        return cls(tuple(source), tuple(target), weights.tobytes())


Sets = dict[str, Rows | Cells]


def split(specification: dict[str, Any]) -> dict[str, Rows]:
    """Take the rows out of a Vega-Lite specification; return them by the dataset's name.

    Datasets without a name become `rows_0`, `rows_1`, … in the order in which they stand.
    """
    given: dict[str, Any] = specification.pop("datasets", {})  # Altair's, named by their hash
    names: dict[str, str] = {}
    found: dict[str, Rows] = {}
    for data in _datasets(specification):
        rows = data.pop("values", None)
        if rows is None and data.get("name") in given:
            hashed = data.pop("name")
            name, rows = names.setdefault(hashed, f"rows_{len(names)}"), given[hashed]
        else:
            name = data.get("name") or f"rows_{len(names)}"
            names.setdefault(name, name)
        data["name"] = name
        found[name] = list(rows) if rows is not None else found.get(name, [])
    return found


def plain(rows: Iterable[Mapping[str, Any]]) -> Rows:
    """Return rows as JSON holds them: Python's own numbers, None for what is not finite."""
    return [{name: _plain(value) for name, value in row.items()} for row in rows]


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not isfinite(value) else value


def _datasets(part: Any) -> Iterator[dict[str, Any]]:
    """Yield every `data` of inline or named rows in a specification, outer before inner."""
    if isinstance(part, dict):
        data = part.get("data")
        if isinstance(data, dict) and ("values" in data or "name" in data):
            yield data
        for name, inner in part.items():
            if name != "data":
                yield from _datasets(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _datasets(inner)

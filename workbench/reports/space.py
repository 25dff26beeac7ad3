"""What a sweep varies: its points, and which of them make sense."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import product
from math import prod
from typing import Any

from nbformat import NotebookNode

from workbench.config import RunConfig
from workbench.errors import SettingsError
from workbench.reports.constraints import Constraint
from workbench.reports.dimensions import MOST, Dimension, Plain
from workbench.reports.methods import Pruner, Sampler
from workbench.reports.objective import Objective
from workbench.reports.parameters import Parameters, default_parameters, read_parameters

SEED = "seed"

Point = dict[str, Plain]


@dataclass(frozen=True)
class Space:
    """What a space file says, checked.

    Attributes:
        notebook: what is run.
        dimensions: the values of every parameter that varies.
        fixed: name and value of those that are the same in all runs.
        constraints: what must hold between parameters.
        seeds: each point is run once with each of them; none: with the seed of its settings.
        objective, pruner: None where there is none.
    """

    notebook: NotebookNode
    dimensions: Mapping[str, Dimension]
    fixed: Mapping[str, Any]
    constraints: tuple[Constraint, ...]
    seeds: tuple[int, ...]
    objective: Objective | None
    sampler: Sampler
    pruner: Pruner | None

    def describe(self) -> dict[str, Any]:
        """Return all of it but the notebook as plain values."""
        return {
            "parameters": {name: asdict(each) for name, each in self.dimensions.items()},
            "fixed": dict(self.fixed),
            "constraints": [each.text for each in self.constraints],
            "seeds": list(self.seeds),
            "objective": asdict(self.objective) if self.objective else None,
            "sampler": asdict(self.sampler),
            "pruner": asdict(self.pruner) if self.pruner else None,
        }

    def given(self, point: Point, seed: int | None = None) -> dict[str, str]:
        """Return what a run of `point` is given, as texts."""
        seeds = {} if seed is None else {SEED: seed}
        values = {**self.fixed, **point, **seeds}
        return {name: as_text(value) for name, value in values.items()}

    def chosen(self, point: Point, seed: int | None = None) -> Parameters:
        """Return all parameters of a run.

        Raises:
            SettingsError: they contradict each other.
        """
        return read_parameters(self.notebook, self.given(point, seed))

    def refusal(self, point: Point) -> str:
        """Say why there can be no run of `point`; empty where there can.

        Raises:
            SettingsError: a constraint cannot be computed.
        """
        try:
            chosen = self.chosen(point)
        except SettingsError as error:
            return str(error)
        return self._unmet(point, chosen)

    @cached_property
    def grid(self) -> tuple[Point, ...]:
        """Every point of the grid that meets the constraints.

        Raises:
            SettingsError: there is none, there are too many, or the settings of one contradict
                each other.
        """
        axes = {name: _grid_of(name, each) for name, each in self.dimensions.items()}
        if prod(map(len, axes.values())) > MOST:
            raise SettingsError(
                f"parameters: a grid of {prod(map(len, axes.values()))} points, expected at most "
                f"{MOST}; list fewer values or choose sampler: tpe"
            )
        points = [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]
        met = [point for point in points if self._meets(point)]
        if not met:
            raise SettingsError(f"constraints: none of the {len(points)} points meets them")
        return tuple(met)

    def _meets(self, point: Point) -> bool:
        """Say whether a point of the grid meets the constraints; only then must it make sense."""
        try:
            chosen = self.chosen(point)
        except SettingsError as error:
            if self._unmet(point, None):
                return False
            where = ", ".join(f"{name}={value}" for name, value in point.items())
            raise SettingsError(f"parameters: {where}: {error}; add a constraint") from None
        return not self._unmet(point, chosen)

    def _unmet(self, point: Point, chosen: Parameters | None) -> str:
        """Return the constraint that `point` does not meet, empty where it meets all."""
        if chosen:
            values = {**chosen.config.model_dump(), **chosen.extras}
        else:
            defaults = {**RunConfig().model_dump(), **default_parameters(self.notebook)}
            values = {**defaults, **self.fixed, **point}
        with located("constraints"):
            return next((c.text for c in self.constraints if not c.holds(values)), "")


def as_text(value: Any) -> str:
    """Return `value` as `read_parameters` reads it back."""
    return value if isinstance(value, str) else json.dumps(value)


def _grid_of(name: str, dimension: Dimension) -> tuple[Plain, ...]:
    with located(f"parameters.{name}"):
        return dimension.grid()


@contextmanager
def located(name: str) -> Iterator[None]:
    """Let an error begin with where in the file it is."""
    try:
        yield
    except SettingsError as error:
        raise SettingsError(f"{name}: {error}") from None

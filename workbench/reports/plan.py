"""From a point of the space to the runs that are to be done."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from workbench.config import DataSettings, RunConfig, TokenSettings
from workbench.reports.cells import code_of
from workbench.reports.dimensions import Choice, Dimension, Plain
from workbench.reports.objective import check_measurable
from workbench.reports.parameters import Parameters, read_notebook
from workbench.reports.run import digest_of, preflight
from workbench.reports.space import SEED, Point, Space
from workbench.reports.space_file import read_space
from workbench.runs import run_name

OF_THE_DATA = (*DataSettings.model_fields, *TokenSettings.model_fields, "adapt_from", SEED)


@dataclass(frozen=True)
class PlannedRun:
    """A run of a point: its seed, its directory's name, its hash and its parameters as texts."""

    seed: int | None
    name: str
    digest: str
    parameters: dict[str, str]


class Plan:
    """A notebook and a space, from which every run follows."""

    def __init__(self, notebook: Path, space: Space) -> None:
        """Plan the runs of `notebook`."""
        self.notebook, self.space = notebook, space
        self._fingerprints: dict[str, str] = {}

    @classmethod
    def read(cls, notebook: Path, file: Path, given: dict[str, str]) -> "Plan":
        """Read the notebook and the space file, and the data of every run as far as known.

        Raises:
            WorkbenchError: something in them that cannot work.
        """
        plan = cls(notebook, read_space(file, read_notebook(notebook), given))
        for point in plan._first_points():
            for seed in plan.space.seeds or (None,):
                plan._fingerprint(plan.space.chosen(point, seed).config)
        return plan

    def runs(self, point: Point) -> list[PlannedRun]:
        """Return the runs of a point, one for each seed.

        Raises:
            DataError: its corpus cannot be read.
        """
        return [self._run(point, seed) for seed in self.space.seeds or (None,)]

    @cached_property
    def name(self) -> str:
        """The name of the study: what is run and what varies, but not how many trials."""
        space = self.space.describe()
        space["sampler"] |= {"trials": 0}
        code = code_of(self.space.notebook)
        text = json.dumps([space, code, sorted(self._fingerprints.values())], sort_keys=True)
        return f"{self.notebook.stem}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"

    def _run(self, point: Point, seed: int | None) -> PlannedRun:
        chosen = self.space.chosen(point, seed)
        digest = self._digest(chosen)
        name = run_name(chosen.config, self.notebook.stem, digest)
        return PlannedRun(seed, name, digest, self.space.given(point, seed))

    def _digest(self, chosen: Parameters) -> str:
        return digest_of(self.space.notebook, chosen, self._fingerprint(chosen.config))

    def _fingerprint(self, config: RunConfig) -> str:
        """Return the fingerprint of the data; each are read once."""
        key = repr([getattr(config, name) for name in OF_THE_DATA])
        if key not in self._fingerprints:
            fingerprint = preflight(config)
            check_measurable(self.space.objective, config)
            self._fingerprints[key] = fingerprint
        return self._fingerprints[key]

    def _first_points(self) -> Iterator[Point]:
        """Yield points that between them name all the data there are."""
        if self.space.sampler.name == "grid":
            yield from self.space.grid
            return
        first = {name: _first(each) for name, each in self.space.dimensions.items()}
        others = [
            {**first, name: value}
            for name, each in self.space.dimensions.items()
            if name in OF_THE_DATA and isinstance(each, Choice)
            for value in each.values
        ]
        yield from (point for point in [first, *others] if not self.space.refusal(point))


def _first(dimension: Dimension) -> Plain:
    return dimension.values[0] if isinstance(dimension, Choice) else dimension.low

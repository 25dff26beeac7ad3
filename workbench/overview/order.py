"""Which runs there are, what they differ in, and which of them is best."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from workbench.charts.names import format_of, is_lower_better, ordered, title_of
from workbench.config import RunConfig
from workbench.errors import RunError, SettingsError, nearest
from workbench.overview.summary import COSTS, SPLITS, Summary
from workbench.runs import NOT_PART_OF_THE_RUN, RunDirectory

Direction = Literal["maximize", "minimize"]
PREFERRED = ("bleu", "exact_match", "chrf", "token_accuracy", "loss")


@dataclass(frozen=True)
class Objective:
    """The figure by which runs are ranked, such as `validation.bleu`; no name: by none."""

    name: str = ""
    direction: Direction = "maximize"

    @classmethod
    def natural(cls, name: str) -> Self:
        """Rank by `name` in the direction that is usual: a loss is made small, BLEU large."""
        return cls(name, "minimize" if is_lower_better(name) else "maximize")

    @classmethod
    def of(cls, runs: Sequence[Summary], name: str = "") -> Self:
        """Rank by `name`, else by what most would look at first among what was measured.

        Raises:
            SettingsError: no run has measured `name`.
        """
        known = figures_of(runs)
        if name and name not in known:
            raise SettingsError(f"objective {name!r}: no run has measured it{nearest(name, known)}")
        usual = [f"{split}.{figure}" for split in SPLITS for figure in PREFERRED]
        return cls.natural(name or next((it for it in usual if it in known), ""))

    def value(self, run: Summary) -> float | None:
        """Return what a run that ended well achieved; None for all others."""
        return run.figures.get(self.name) if run.status == "ok" else None

    def ranked(self, runs: Sequence[Summary]) -> list[Summary]:
        """Return the runs that can be ranked, the best first; equal ones as they stood."""
        able = [(value, run) for run in runs if (value := self.value(run)) is not None]
        sign = 1 if self.direction == "minimize" else -1
        return [run for _, run in sorted(able, key=lambda one: sign * one[0])]

    def best_first(self, runs: Sequence[Summary]) -> list[Summary]:
        """Return all runs: those that can be ranked, the best first, then the others."""
        return list({id(run): run for run in (*self.ranked(runs), *runs)}.values())


def find_runs(paths: Sequence[str | Path]) -> list[RunDirectory]:
    """Return the runs that `paths` name: each a run directory, or a folder with such inside.

    Raises:
        RunError: one or more are neither, or their `run.json` is damaged.
    """
    found: dict[Path, RunDirectory] = {}
    wrong: list[str] = []
    for path in map(Path, paths):
        runs = _runs_at(path)
        if isinstance(runs, str):
            wrong.append(runs)
        else:
            found |= {run.path.resolve(): run for run in runs}
    if wrong:
        raise RunError("; ".join(wrong))
    return list(found.values())


def _runs_at(path: Path) -> list[RunDirectory] | str:
    """Return the run or the runs in a folder, or why there is none."""
    run = RunDirectory(path)
    if not run.record.exists():
        inside = [RunDirectory(it.parent) for it in sorted(path.glob("*/run.json"))]
        return inside or f"{path}: expected a run directory or a folder of such"
    try:
        run.read()
    except RunError as error:
        return str(error)
    return [run]


def labelled(runs: Sequence[Summary]) -> dict[str, Summary]:
    """Return the runs by what to call them: their names, made longer where two share one."""
    names = [run.name for run in runs]
    called: dict[str, Summary] = {}
    for run in runs:
        alone = bool(run.name) and names.count(run.name) == 1
        label = run.name if alone else os.path.normpath(run.path)
        while label in called:
            label += " (again)"
        called[label] = run
    return called


def differing(runs: Sequence[Summary]) -> dict[str, tuple[Any, ...]]:
    """Return the parameters that not all runs have alike, with each run's value.

    A run that cannot be read, or does not know the parameter, has None and makes no difference.
    """
    names = dict.fromkeys([*RunConfig.model_fields, *(n for run in runs for n in run.parameters)])
    values = {
        name: tuple(run.parameters.get(name) for run in runs)
        for name in names
        if name not in NOT_PART_OF_THE_RUN
    }
    return {name: each for name, each in values.items() if len(_distinct(each)) > 1}


def _distinct(values: Sequence[Any]) -> set[tuple[bool, Any]]:
    """Return the different values; True is not 1 here."""
    return {(isinstance(value, bool), value) for value in values if value is not None}


def figures_of(runs: Sequence[Summary]) -> list[str]:
    """Return the figures that any run measured, those of a split together, in usual order."""
    every = {name for run in runs for name in run.figures}
    grouped = [
        f"{group}.{name}"
        for group in (*SPLITS, "training")
        for name in ordered({it.partition(".")[2] for it in every if it.startswith(f"{group}.")})
    ]
    return [*grouped, *(name for name in COSTS if name in every)]


def figure_heading(name: str) -> str:
    """Return what a figure such as `validation.bleu` is called: `validation BLEU`."""
    group, _, figure = name.rpartition(".")
    return f"{group} {_SHORT.get(figure) or title_of(figure)}".strip()


def figure_written(name: str, value: float) -> str:
    """Return a figure as people write it, with its unit."""
    figure = name.rpartition(".")[2]
    if figure.endswith("_bytes"):
        return f"{value / 1e6:,.0f} MB"
    if figure.endswith("seconds"):
        return f"{value:,.1f} s"
    if figure in ("steps", "tokens_per_second", "parameters_count"):
        return f"{value:,.0f}"
    return format(value, format_of(figure))


_SHORT = {
    "loss": "loss", "tokens_per_second": "tokens/s", "peak_memory_bytes": "memory",
    "wall_seconds": "duration", "parameters_count": "weights", "seconds": "time",
}  # fmt: skip


def given_best(runs: Mapping[str, Summary], objective: Objective, count: int) -> list[str]:
    """Return the labels of the `count` best runs, else of the first ones with a curve."""
    label = {id(run): name for name, run in runs.items()}
    best = [label[id(run)] for run in objective.ranked(list(runs.values()))]
    drawn = [name for name, run in runs.items() if run.curves]
    return (best or drawn)[:count]

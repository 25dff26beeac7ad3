"""The space file of a sweep: which parameters take which values, and what is best.

    parameters:
      units: [64, 128, 256]
      learning_rate: {low: 1e-4, high: 1e-2, log: true}
    fixed: {corpus: dates, epochs: 4}
    constraints: [units % heads == 0]
    seeds: 3
    objective: validation.bleu
    sampler: {name: tpe, trials: 40}
    pruner: median

All errors name the file and the key.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from nbformat import NotebookNode

from workbench.config import RunConfig
from workbench.errors import SettingsError, nearest
from workbench.reports.constraints import Constraint, read_constraint
from workbench.reports.dimensions import MOST, Choice, Dimension, checked, read_dimension
from workbench.reports.methods import read_pruner, read_sampler
from workbench.reports.objective import read_objective
from workbench.reports.parameters import default_parameters, read_parameters
from workbench.reports.space import SEED, Space, located

KEYS = ("parameters", "fixed", "constraints", "seeds", "objective", "sampler", "pruner")
OURS = {"run_directory": "the sweep decides where its runs are written",
        "live": "a run of a sweep has no person before it"}  # fmt: skip


def read_space(path: Path, notebook: NotebookNode, given: Mapping[str, Any]) -> Space:
    """Read the space file `path` for `notebook`; parameters `given` beside it are fixed and win.

    Raises:
        SettingsError: it cannot be read, is not YAML, has an unknown key or parameter, an empty
            list or range, a value out of range, an objective that no run measures.
    """
    offered = default_parameters(notebook)
    read_parameters(notebook, given)  # refuses what cannot be
    for name in given:
        if name in OURS:
            raise SettingsError(f"-p {name}: {OURS[name]}; leave it out")
    known = [*offered, *(name for name in RunConfig.model_fields if name not in offered)]
    with located(str(path)):
        raw = _mapping(_read(path), KEYS)
        dimensions = dict(_dimensions(raw, offered, known))
        fixed = dict(_fixed(raw.get("fixed"), offered, known))
        fixed |= {name: checked(name, value, offered) for name, value in given.items()}
        for name in fixed:
            if name in dimensions:
                raise SettingsError(f"parameters.{name}: is fixed as well; choose one of them")
        fixed |= dict(_single(dimensions))
        varied = {name: each for name, each in dimensions.items() if name not in fixed}
        with located("objective"):
            wanted = raw.get("objective")
            objective = None if wanted is None else read_objective(wanted, notebook)
        with located("sampler"):
            sampler = read_sampler(raw.get("sampler", "grid"), objective)
        with located("pruner"):
            pruner = read_pruner(raw.get("pruner"), objective)
        space = Space(
            notebook, varied, fixed, tuple(_constraints(raw.get("constraints"), known)),
            _seeds(raw.get("seeds"), {*varied, *fixed}), objective, sampler, pruner,
        )  # fmt: skip
        if sampler.name == "grid":
            assert space.grid  # found to make sense before anything starts
    return space


def _read(path: Path) -> Any:
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_Strict)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = f"line {mark.line + 1}: " if mark else ""
        raise SettingsError(f"{line}is not YAML: {error.problem or error.context}") from None
    except (OSError, ValueError, yaml.YAMLError) as error:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise SettingsError(f"cannot be read: {reason}") from None


class _Strict(yaml.SafeLoader):
    """YAML in which a key that stands twice is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = [key.value for key, _ in node.value]
        for index, (key, _) in enumerate(node.value):
            if key.value in names[:index]:
                raise yaml.constructor.ConstructorError(
                    problem=f"{key.value!r} stands there twice", problem_mark=key.start_mark
                )
        return super().construct_mapping(node, deep)


def _dimensions(
    raw: Mapping[str, Any], offered: Mapping[str, Any], known: list[str]
) -> Iterator[tuple[str, Dimension]]:
    if not raw.get("parameters"):
        raise SettingsError("parameters: expected the parameters that vary, found none")
    for name, values in _named(raw["parameters"], "parameters", known):
        with located(f"parameters.{name}"):
            yield name, read_dimension(name, values, offered)


def _fixed(raw: Any, offered: Mapping[str, Any], known: list[str]) -> Iterator[tuple[str, Any]]:
    for name, value in _named(raw or {}, "fixed", known):
        with located(f"fixed.{name}"):
            yield name, checked(name, value, offered)


def _named(raw: Any, key: str, known: list[str]) -> Iterator[tuple[str, Any]]:
    """Yield the names and values of a mapping of parameters."""
    with located(key):
        mapping = _mapping(raw)
    for name, value in mapping.items():
        with located(f"{key}.{name}"):
            if name not in known:
                raise SettingsError(f"unknown parameter{nearest(name, known)}")
            if name in OURS:
                raise SettingsError(f"{OURS[name]}; leave it out")
        yield name, value


def _constraints(raw: Any, known: list[str]) -> Iterator[Constraint]:
    texts = raw if isinstance(raw, list) else [] if raw is None else [raw]
    with located("constraints"):
        for text in texts:
            yield read_constraint(text, known)


def _seeds(raw: Any, names: set[str]) -> tuple[int, ...]:
    """Return the seeds; a number of them counts from 1."""
    with located("seeds"):
        if raw is None:
            return ()
        if SEED in names:
            raise SettingsError("seed is among the parameters as well; choose one of them")
        seeds = list(range(1, raw + 1)) if type(raw) is int and raw <= MOST else raw
        good = isinstance(seeds, list) and seeds and all(type(seed) is int for seed in seeds)
        if not good or len(set(seeds)) < len(seeds):
            raise SettingsError(f"expected a number of seeds, or a list of some, got {raw!r}")
        return tuple(checked(SEED, seed, {}) for seed in seeds)


def _mapping(raw: Any, keys: tuple[str, ...] = ()) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise SettingsError(f"expected keys with values, got {type(raw).__name__}")
    for key in raw:
        if keys and key not in keys:
            raise SettingsError(f"unknown key {key!r}{nearest(str(key), keys)}")
    return {str(key): value for key, value in raw.items()}


def _single(dimensions: Mapping[str, Dimension]) -> Iterator[tuple[str, Any]]:
    """Yield name and value of the parameters that do not vary after all."""
    for name, each in dimensions.items():
        if isinstance(each, Choice) and len(each.values) == 1:
            yield name, each.values[0]

"""How a sweep chooses its points (the sampler) and which runs it ends early (the pruner)."""

from dataclasses import dataclass, fields
from typing import Any, TypeVar

from workbench.errors import SettingsError, nearest
from workbench.reports.objective import Objective

SAMPLERS = ("grid", "random", "tpe")
PRUNERS = ("median", "halving")


@dataclass(frozen=True)
class Sampler:
    """How points are chosen.

    Attributes:
        name: `grid` (all of them), `random` or `tpe` (Bergstra et al. 2011: where good ones are).
        trials: how many points; a grid has its own number.
        seed: what the choice starts from.
        startup: points drawn at random before TPE begins.
    """

    name: str
    trials: int = 0
    seed: int = 1
    startup: int = 10


@dataclass(frozen=True)
class Pruner:
    """Which runs are ended early.

    Attributes:
        name: `median` (worse than half of the others at the same evaluation) or `halving` (not
            among the best quarter at evaluation 1, 4, 16, …; Li et al. 2018).
        startup: runs that end before the first is judged (median).
        warmup: evaluations of a run before it is judged.
    """

    name: str
    startup: int = 4
    warmup: int = 0


Method = TypeVar("Method", Sampler, Pruner)


def read_sampler(raw: Any, objective: Objective | None) -> Sampler:
    """Read a sampler's name, or a mapping with it.

    Raises:
        SettingsError: an unknown name or key, a value out of range, no number of trials.
    """
    sampler = _read(Sampler, raw, SAMPLERS)
    if sampler.name != "grid" and sampler.trials < 1:
        raise SettingsError(f"{sampler.name} needs trials, the number of points to try")
    if sampler.name == "grid" and sampler.trials:
        raise SettingsError("a grid has its own number of trials; leave them out")
    if sampler.name == "tpe" and objective is None:
        raise SettingsError("tpe needs an objective, such as objective: validation.bleu")
    return sampler


def read_pruner(raw: Any, objective: Objective | None) -> Pruner | None:
    """Read a pruner's name, or a mapping with it; None where there is none.

    Raises:
        SettingsError: as `read_sampler`; an objective that training does not measure.
    """
    if raw in (None, "none"):
        return None
    pruner = _read(Pruner, raw, PRUNERS)
    if objective is None or not objective.measured_in_training:
        raise SettingsError(
            "a run can be judged early only by what training measures; set an objective such as "
            "validation.bleu, or leave out the pruner"
        )
    return pruner


def _read(kind: type[Method], raw: Any, names: tuple[str, ...]) -> Method:
    given = raw if isinstance(raw, dict) else {"name": raw}
    known = [field.name for field in fields(kind)]
    for key, value in given.items():
        if key not in known:
            raise SettingsError(f"unknown key {key!r}{nearest(str(key), known)}")
        if key != "name" and (type(value) is not int or value < 0):
            raise SettingsError(f"{key}: expected an integer from 0, got {value!r}")
    name = given.get("name")
    if name not in names:
        raise SettingsError(f"expected one of {', '.join(names)}, got {name!r}"
                            f"{nearest(str(name), names)}")  # fmt: skip
    return kind(**given)

"""Which parameter mattered, for runs without a study of Optuna's of their own."""

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from workbench.errors import WorkbenchError
from workbench.overview.order import Objective, differing
from workbench.overview.summary import Summary

ENOUGH = 4  # runs; of fewer, any parameter explains all
TREES = 64  # of the forest; the time that it takes grows with runs times trees
TREES_TIMES_RUNS = 3200


def importances(runs: Sequence[Summary], objective: Objective) -> dict[str, float]:
    """Return the share of the objective's variance that each differing parameter explains.

    Functional ANOVA (Hutter et al. 2014) by Optuna, over the runs that ended well: shares from 0
    to 1 that sum to 1, the largest first. They describe these runs; of few runs they are a hint.

    Raises:
        WorkbenchError: there are too few runs, or nothing varies: what to say in their place.
    """
    able = [run for run in runs if objective.value(run) is not None]
    values = [value for run in able if (value := objective.value(run)) is not None]
    if len(able) < ENOUGH:
        raise WorkbenchError(
            f"which parameter mattered shows from {ENOUGH} finished runs with a figure of "
            f"{objective.name or 'one objective'}; there {_are(len(able))} so far"
        )
    parameters = {
        name: each for name, each in differing(able).items() if all(it is not None for it in each)
    }
    if not parameters:
        raise WorkbenchError("which parameter mattered: none differs among the finished runs")
    if len(set(values)) == 1:
        raise WorkbenchError(f"which parameter mattered: {objective.name} is the same in all runs")
    return _by_optuna(parameters, values)


def _are(count: int) -> str:
    return "is 1" if count == 1 else f"are {count or 'none'}"


def _by_optuna(
    parameters: Mapping[str, Sequence[Any]], values: Sequence[float]
) -> dict[str, float]:
    """Let Optuna evaluate a study made of the runs; it loads here, it takes a second."""
    import optuna

    distributions = {name: _distribution(each) for name, each in parameters.items()}
    chosen = {name: list(map(_comparable, each)) for name, each in parameters.items()}
    study = _silent_study()
    for place, value in enumerate(values):
        study.add_trial(
            optuna.trial.create_trial(
                params={name: each[place] for name, each in chosen.items()},
                distributions=distributions,
                value=value,
            )
        )
    trees = max(8, min(TREES, TREES_TIMES_RUNS // len(values)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of experimental and deprecated things inside Optuna
        evaluator = optuna.importance.FanovaImportanceEvaluator(n_trees=trees, seed=1)
        found = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return {name: float(share) for name, share in found.items()}


def _silent_study() -> Any:
    """Return a study in memory, of which Optuna says nothing on standard error."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        return optuna.create_study(direction="maximize")
    finally:
        optuna.logging.set_verbosity(before)


def _distribution(values: Sequence[Any]) -> Any:
    """Return the range of a parameter as Optuna knows it; logarithmic over a factor of 50."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    if all(_is_number(value) for value in values):
        low, high = float(min(values)), float(max(values))
        return FloatDistribution(low, high, log=low > 0 and high / low >= 50)
    return CategoricalDistribution(sorted({_comparable(value) for value in values}))


def _comparable(value: Any) -> float | str:
    return float(value) if _is_number(value) else str(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)

"""The settings wanted beside those of the model that is there: what of a change counts when."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from workbench.config import (
    DataSettings,
    RunConfig,
    SearchSettings,
    TokenSettings,
    TrainingSettings,
)
from workbench.errors import RunError, SettingsError

OF_THE_DATA = {*DataSettings.model_fields, *TokenSettings.model_fields}
AT_ONCE = {*SearchSettings.model_fields}  # what a model may be used with, whatever made it
BEFORE_TRAINING = {*TrainingSettings.model_fields} - {
    "seed", "deterministic", "precision", "strategy",
}  # fmt: skip
AT_THE_NEXT_STEP = {"learning_rate"}  # of a training that is under way


def of_other_data(draft: RunConfig, config: RunConfig) -> bool:
    """Whether the draft wants another corpus or other vocabularies."""
    return bool(_differing(draft, config) & OF_THE_DATA)


def stale(draft: RunConfig, config: RunConfig, under_way: bool) -> tuple[str, ...]:
    """Return the settings in which a model of `config` is not the one wanted, in their order."""
    differing = _differing(draft, config) - AT_ONCE
    if under_way:
        differing -= AT_THE_NEXT_STEP
    return tuple(name for name in RunConfig.model_fields if name in differing)


def check_under_way(draft: RunConfig, before: RunConfig) -> None:
    """Refuse a change that a training which is under way cannot go on with.

    Raises:
        RunError: the draft differs from the one before in such a setting.
    """
    if held := _differing(draft, before) - AT_ONCE - AT_THE_NEXT_STEP:
        raise RunError(
            f"{', '.join(sorted(held))}: cannot change while training is under way; stop it first"
        )


def adopted_before_training(draft: RunConfig, config: RunConfig) -> RunConfig:
    """Return `config` with how the draft wants to train, where that makes sense without the rest.

    The model stays the same; what else is wanted waits for `build`.
    """
    names = _differing(draft, config) & BEFORE_TRAINING
    with suppress(SettingsError):  # they make sense only with what waits
        return config.replace(**{name: getattr(draft, name) for name in names})
    return config


def under(draft: RunConfig, interventions: str | Sequence[Any] | None) -> RunConfig:
    """Return the draft with other interventions, if any are given.

    Raises:
        SettingsError: they are none.
    """
    return draft if interventions is None else draft.replace(interventions=interventions)


def _differing(one: RunConfig, other: RunConfig) -> set[str]:
    """Return the names of the settings in which two differ."""
    return {name for name in RunConfig.model_fields if getattr(one, name) != getattr(other, name)}

"""The values that one parameter of a sweep may take: a choice among some, or a range."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import TypeAdapter, ValidationError

from workbench.config import RunConfig, settings
from workbench.errors import SettingsError, nearest
from workbench.reports.parameters import converted

if TYPE_CHECKING:
    from optuna import Trial

KEYS = ("low", "high", "step", "log", "count")  # of a range in a space file
MOST = 10_000  # values of one parameter in a grid
FINEST = 1e12  # steps in a range: a float tells no more of them apart
WIDEST = 2**53  # beyond it a float leaves integers out
DIGITS = 12  # of a float in a grid: 0.1 + 2 × 0.1 is 0.3 there

Plain = bool | int | float | str | None  # what every storage of trials keeps


@dataclass(frozen=True)
class Choice:
    """Some values without an order; what is no plain value stands there as its JSON text."""

    values: tuple[Plain, ...]

    def grid(self) -> tuple[Plain, ...]:
        """Return every value."""
        return self.values

    def suggest(self, trial: "Trial", name: str) -> Plain:
        """Let the sampler choose."""
        return trial.suggest_categorical(name, self.values)


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, both allowed.

    Attributes:
        step: between neighbours; None: every number, every whole number.
        log: as many between 1 and 10 as between 10 and 100.
        count: how many of them make up a grid where there is no step.
        whole: whether they are integers.
    """

    low: float
    high: float
    step: float | None
    log: bool
    count: int | None
    whole: bool

    def grid(self) -> tuple[Plain, ...]:
        """Return the values of a grid, each once, from low to high.

        Raises:
            SettingsError: nothing says which, or they are too many.
        """
        step = self.step or (1 if self.whole and not self.log and not self.count else None)
        if step:
            size = int((self.high - self.low) / step + 1e-9) + 1
            values = (self.low + step * index for index in range(min(size, MOST + 1)))
        elif self.count:
            size = self.count
            values = (self._between(index / max(1, size - 1)) for index in range(size))
        else:
            raise SettingsError("a grid needs the range's step, or a count of its values")
        if size > MOST:
            raise SettingsError(f"expected at most {MOST} values, got {size}; raise the step")
        return tuple(dict.fromkeys(map(self._rounded, values)))

    def suggest(self, trial: "Trial", name: str) -> Plain:
        """Let the sampler choose."""
        if self.whole:
            low, high, step = int(self.low), int(self.high), int(self.step or 1)
            return trial.suggest_int(name, low, high, step=step, log=self.log)
        return trial.suggest_float(name, self.low, self.high, step=self.step, log=self.log)

    def _between(self, share: float) -> float:
        if self.log:
            return float(self.low * (self.high / self.low) ** share)
        return self.low + (self.high - self.low) * share

    def _rounded(self, value: float) -> float:
        return round(value) if self.whole else float(f"{value:.{DIGITS}g}")


Dimension = Choice | Range


def read_dimension(name: str, raw: Any, offered: Mapping[str, Any]) -> Dimension:
    """Read what a space file says of the parameter `name`; `offered` are the notebook's defaults.

    Raises:
        SettingsError: it is no list or range, empty, or holds what the parameter cannot be.
    """
    if isinstance(raw, dict):
        return _range(name, raw, offered)
    values = raw if isinstance(raw, list) else [raw]
    if not values:
        raise SettingsError("expected values, got an empty list")
    plain = tuple(_plain(checked(name, value, offered)) for value in values)
    if len(set(map(repr, plain))) < len(plain):
        raise SettingsError(f"expected every value once, got {values}")
    return Choice(plain)


def checked(name: str, value: Any, offered: Mapping[str, Any]) -> Any:
    """Return `value` in the type of the parameter, whatever the other parameters are.

    Raises:
        SettingsError: it is of another type or out of range.
    """
    if name not in RunConfig.model_fields:
        return converted(name, value, offered[name])
    field = RunConfig.model_fields[name]
    try:
        kind: Any = Annotated[field.annotation, field]
        return TypeAdapter(kind).validate_python(value)
    except ValidationError:
        setting = next(each for each in settings() if each.name == name)
        raise SettingsError(f"expected {setting.expected}, got {value!r}") from None


def _range(name: str, raw: Mapping[str, Any], offered: Mapping[str, Any]) -> Range:
    for key in raw:
        if key not in KEYS:
            raise SettingsError(f"unknown key {key!r}{nearest(str(key), KEYS)}")
    whole = _is_whole(name, offered)
    bounds = [checked(name, _number(raw, key, whole), offered) for key in ("low", "high")]
    low, high = bounds
    step = _number(raw, "step", whole) if "step" in raw else None
    log, count = raw.get("log", False), raw.get("count")
    if low > high:
        raise SettingsError(f"the range from {low} to {high} is empty; exchange low and high")
    width = float(high) - float(low)
    if not math.isfinite(width):
        raise SettingsError(f"the range from {low} to {high} is too wide to compute with")
    if step is not None and step <= 0:
        raise SettingsError(f"expected a step above 0, got {step}")
    if step is not None and width / step > FINEST:
        raise SettingsError(f"a step of {step} is too small for the range from {low} to {high}")
    if not isinstance(log, bool):
        raise SettingsError(f"log: expected true or false, got {log!r}")
    if log and (step or low <= 0):
        raise SettingsError("log goes with a low above 0 and without a step; count makes a grid")
    if log and not math.isfinite(float(high) / low):
        raise SettingsError(f"the range from {low} to {high} is too wide for log; raise low")
    if count is not None and (not _is_int(count) or count < 1 or step):
        raise SettingsError(f"count: expected an integer from 1, and no step, got {count!r}")
    if step:
        high = low + step * math.floor((high - low) / step + 1e-9)
    return Range(low, high, step, log, count, whole)


def _is_whole(name: str, offered: Mapping[str, Any]) -> bool:
    """Say whether the parameter is an integer; refuse one that is no number."""
    field = RunConfig.model_fields.get(name)
    kind = field.annotation if field else type(offered[name])
    if kind not in (int, float):
        raise SettingsError("a range is of numbers, and this parameter is none: list its values")
    return kind is int


def _number(raw: Mapping[str, Any], key: str, whole: bool) -> float:
    """Return a number; YAML reads 1e-3, which lacks a point, as a text."""
    noun = "an integer" if whole else "a number"
    value = raw.get(key)
    if value is None:
        raise SettingsError(f"{key}: expected {noun}, found none")
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):  # the last of an integer of 400 digits
        number = math.nan
    odd = whole and (number % 1 or abs(number) > WIDEST)
    if not math.isfinite(number) or isinstance(value, bool) or odd:
        raise SettingsError(f"{key}: expected {noun}, got {value!r}")
    return int(number) if whole else number


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _plain(value: Any) -> Plain:
    return value if isinstance(value, Plain) else json.dumps(value)

"""Every figure of a run, and whether a second run has the same."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.errors import RunError
from workbench.runs import RunDirectory

TIMES = {"seconds", "tokens_per_second"}  # of the machine's day, not of the model
TRAINING = ("steps", "best_step", "best", "averaged")  # what of it is no matter of time or memory
COUNTS = ("parameters_count", "trained_parameters")
WEIGHTS = "weights"  # a digest: equal or not, never close


@dataclass(frozen=True)
class Figure:
    """One figure of two runs.

    Attributes:
        name: what it is, e.g. `loss` or `test.bleu`; step: of training, None at the end of it.
        before: what the first run has; after: the second. None where one has none.
        equal: whether they are the same, None where that cannot be asked.
    """

    name: str
    step: int | None
    before: Any
    after: Any
    equal: bool | None


def compare(before: RunDirectory, after: RunDirectory, tolerance: float = 0.0) -> list[Figure]:
    """Return every figure of two runs, those of each step first.

    With a `tolerance` numbers may differ by so much of the larger, or by so much, and weights
    cannot be compared; without, every bit counts.

    Raises:
        RunError: `metrics.jsonl` or `run.json` of one of them cannot be read.
    """
    one, other = dict(_figures(before)), dict(_figures(after))
    return [
        Figure(name, step, one.get((name, step)), other.get((name, step)),
               _equal(name, one.get((name, step)), other.get((name, step)), tolerance))
        for name, step in dict.fromkeys([*one, *other])
    ]  # fmt: skip


def _equal(name: str, before: Any, after: Any, tolerance: float) -> bool | None:
    if tolerance and name == WEIGHTS:
        return None
    if not all(isinstance(value, float | int) for value in (before, after)):
        return bool(before == after)
    if math.isnan(before) or math.isnan(after):
        return math.isnan(before) and math.isnan(after)
    if not tolerance:
        return bool(before == after)
    return math.isclose(before, after, rel_tol=tolerance, abs_tol=tolerance)


def _figures(run: RunDirectory) -> Iterator[tuple[tuple[str, int | None], Any]]:
    for line in _lines(run):
        step = line.get("step")
        for name, value in flat(line):
            if name not in {"step", *TIMES}:
                yield (name, step), value
    record = run.read()
    wanted = [*COUNTS, *record.get("recorded", ()), WEIGHTS]
    for name, value in flat({name: record[name] for name in wanted if name in record}):
        yield (name, None), value
    training = record.get("training", {})
    for name, value in flat({name: training[name] for name in TRAINING if name in training}):
        yield (f"training.{name}", None), value


def _lines(run: RunDirectory) -> list[dict[str, Any]]:
    if not run.metrics.exists():
        return []
    try:
        return [dict(json.loads(line)) for line in run.metrics.read_text("utf-8").splitlines()]
    except (OSError, ValueError, TypeError) as error:
        raise RunError(f"{run.metrics}: cannot be read: {error}") from None


def flat(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield every value in a nest of mappings and lists, under its names joined by dots."""
    for name, value in values.items():
        if isinstance(value, list):
            value = {str(place): one for place, one in enumerate(value)}
        if isinstance(value, Mapping):
            yield from ((f"{name}.{inner}", one) for inner, one in flat(value))
        elif value is not None:
            yield name, value


def table(figures: Sequence[Figure]) -> list[str]:
    """Return lines for a person: one for a figure, and one for all steps of a figure."""
    rows = []
    for name in dict.fromkeys(figure.name for figure in figures):
        some = [figure for figure in figures if figure.name == name]
        different = [figure for figure in some if figure.equal is False]
        if some[0].step is None:
            what = told(some[0].before)
            verdict = _verdict(some[0])
        else:
            what = f"{len(some)} step{'s' * (len(some) > 1)}"
            verdict = f"{_verdict(different[0])} at step {different[0].step}" if different else (
                "equal")  # fmt: skip
            if len(different) > 1:
                verdict += f", first of {len(different)}"
        rows.append((name.replace("evaluation.figures.", "validation "), what, verdict))
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)] if rows else [0, 0]
    return [f"{name:<{widths[0]}}  {what:<{widths[1]}}  {verdict}" for name, what, verdict in rows]


def _verdict(figure: Figure) -> str:
    if figure.equal is None:
        return "not compared"
    if figure.equal:
        return "equal"
    return f"differs: {told(figure.before)} then, {told(figure.after)} now"


def told(value: Any) -> str:
    """Write a value in short."""
    if value is None:
        return "none"
    if isinstance(value, str):
        return value[:16]
    return f"{value:.10g}" if isinstance(value, float) else str(value)

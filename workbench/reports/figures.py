"""Every figure of a run, and whether a second run has the same."""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.config import RunConfig
from workbench.errors import RunError
from workbench.reports.surroundings import SURROUNDINGS, flat
from workbench.runs import RunDirectory

MEASURED = ("seconds", "per_second", "joules", "watts", "memory", "bytes")  # how such a name ends
NOT_COMPARED = "times, energies and memory are of the day, not of the run"
TRAINING = ("steps", "best_step", "best", "averaged")  # what of it is no matter of time or memory
COUNTS = ("parameters_count", "trained_parameters")
WEIGHTS = "weights"  # a digest: equal or not, never close
CHOICES = {WEIGHTS, "best", "training.best_step"}  # what the last bit of a figure may turn over
SETTINGS = {*RunConfig.model_fields, *COUNTS, "epoch", "tokens", "total_steps", "sentences",
            "steps"}  # fmt: skip
UNITS = {"bleu": 100, "chrf": 100, "loss": 1, "gradient_norm": 1, "token_accuracy": 1,
         "exact_match": 1, "error_rate": 1, "training.best": 1}  # fmt: skip
SMALL = 0.1  # of the tolerance, of a figure's unit: differences so small never count


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

    Without a `tolerance` every bit counts. With one, figures may differ by so much of the larger,
    or by a tenth of it in their own unit (of 0.05: 0.5 points of BLEU, 0.005 of a share or of a
    loss); settings and counts must be equal, weights and which step was best are not compared.
    Times, energies and memory never are.

    Raises:
        RunError: `metrics.jsonl` or `run.json` of one of them cannot be read.
    """
    one, other = dict(_figures(before)), dict(_figures(after))
    return [
        Figure(name, step, one.get((name, step)), other.get((name, step)),
               _equal(name, one.get((name, step)), other.get((name, step)), tolerance))
        for name, step in dict.fromkeys([*one, *other])
    ]  # fmt: skip


def is_measured(name: str) -> bool:
    """Say whether a figure is a time, an energy or memory: of the machine's day, not of the run."""
    return name.endswith(MEASURED)


def _equal(name: str, before: Any, after: Any, tolerance: float) -> bool | None:
    if is_measured(name) or (tolerance and name in CHOICES):
        return None
    last = name.rpartition(".")[2]
    numbers = all(isinstance(value, float | int) for value in (before, after))
    if numbers and math.isnan(before) and math.isnan(after):
        return True
    if not numbers or not tolerance:
        return bool(before == after)
    if last in SETTINGS:  # but for the last digit of a rate that each processor computes
        return math.isclose(before, after, rel_tol=1e-12)
    unit = next((unit for end, unit in UNITS.items() if name.endswith(end)), 0)
    return math.isclose(before, after, rel_tol=tolerance, abs_tol=SMALL * tolerance * unit)


def _figures(run: RunDirectory) -> Iterator[tuple[tuple[str, int | None], Any]]:
    for line in _lines(run):
        step = line.get("step")
        for name, value in flat(line):
            if name != "step" and not is_measured(name):
                yield (name, step), value
    record = run.read()
    recorded = [name for name in record.get("recorded", ()) if name not in SURROUNDINGS]
    wanted = [*COUNTS, *recorded, WEIGHTS]
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
            verdict = (
                f"{_verdict(different[0])} at step {different[0].step}"
                if different
                else _verdict(some[0])
            )
            if len(different) > 1:
                verdict += f", first of {len(different)}"
        rows.append((name.replace("evaluation.figures.", "validation "), what, verdict))
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)] if rows else [0, 0]
    return [f"{name:<{widths[0]}}  {what:<{widths[1]}}  {verdict}" for name, what, verdict in rows]


def _verdict(figure: Figure) -> str:
    if figure.equal is None:
        return f"not compared: {NOT_COMPARED}" if is_measured(figure.name) else "not compared"
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

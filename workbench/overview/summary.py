"""What a run directory tells without TensorFlow, even a damaged one or a stranger's.

Nothing in the directory is run or trusted: what is missing or no such thing as it should be is
left out, and named among the faults.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import isfinite
from pathlib import Path
from typing import Any, TypeVar

from workbench.charts.overlay import Points, figures_in, points_of
from workbench.errors import WorkbenchError
from workbench.records import Progress
from workbench.runs import RunDirectory
from workbench.training.sinks import read_history, read_probe_texts

SPLITS = ("validation", "test")
COSTS = ("wall_seconds", "parameters_count")  # of `run.json` itself
OF_TRAINING = ("steps", "seconds", "tokens_per_second", "peak_memory_bytes")
STATUSES = ("ok", "running", "failed", "stopped", "killed")
KEPT = 32  # sentences at most, and characters of each text
LONGEST = 1000
T = TypeVar("T")


@dataclass(frozen=True)
class Sample:
    """A watched sentence, as one run translated it; `reference` is empty where there is none."""

    source: str
    reference: str
    text: str


@dataclass(frozen=True)
class Summary:
    """A run in short.

    Attributes:
        name: of its directory; path: of the directory; page: its report, None where there is none.
        status: `ok`, `running`, `failed`, `stopped`, `killed`, or `unreadable`.
        parameters: its settings and the notebook's own parameters.
        figures: what it measured, such as `validation.bleu`, `training.steps`, `wall_seconds`.
        curves: each figure over the steps, `training_loss` and those of the evaluations.
        samples: the watched sentences at the step `sampled`: that of the weights that were kept.
        started: when, as ISO 8601 in UTC.
        error: why it did not end well, on one line; traceback: its last lines.
        faults: what of the directory is missing or damaged.
    """

    name: str
    path: Path
    page: Path | None = None
    status: str = "unreadable"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    figures: Mapping[str, float] = field(default_factory=dict)
    curves: Mapping[str, Points] = field(default_factory=dict)
    samples: tuple[Sample, ...] = ()
    sampled: int = 0
    started: str = ""
    error: str = ""
    traceback: str = ""
    faults: tuple[str, ...] = ()

    @property
    def why(self) -> str:
        """Why it did not end well, and what of it is damaged, on one line."""
        return "; ".join(filter(None, (self.error, *self.faults)))

    def as_json(self) -> dict[str, Any]:
        """Return what a program wants to know: all but curves and sentences."""
        names = ("name", "status", "started", "parameters", "figures", "error", "faults")
        return {
            "path": str(self.path),
            "page": str(self.page) if self.page else None,
            **{name: getattr(self, name) for name in names},
        }


def summarized(run: RunDirectory) -> Summary:
    """Read a run directory; a run that has ended is read again only when a file has changed."""
    files = (run.record, run.metrics, run.probes, run.page)
    summary = _summarized(run.path, tuple(map(_stamp, files)))
    # The status of a run under way changes without a change of its files: when it is killed.
    return _read(run) if summary.status == "running" else summary


@lru_cache(maxsize=1024)
def _summarized(path: Path, _: tuple[object, ...]) -> Summary:
    return _read(RunDirectory(path))


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_mtime_ns, state.st_size


def _read(run: RunDirectory) -> Summary:
    faults: list[str] = []

    def part(name: str, read: Callable[[], T], otherwise: T) -> T:
        try:
            return read()
        except WorkbenchError as error:
            faults.append(_line(error))
        except Exception as error:  # of a run from elsewhere, anything may be damaged
            faults.append(f"{name}: cannot be read: {type(error).__name__}: {_line(error)}")
        return otherwise

    record: Mapping[str, Any] = part("run.json", run.read, {})
    history: tuple[Progress, ...] = part("metrics.jsonl", lambda: read_history(run.metrics), ())
    nothing: tuple[int, tuple[Sample, ...]] = (0, ())
    step, samples = part("probes.npz", lambda: _samples(run.probes, _kept_step(history)), nothing)
    error, traceback = _error(record.get("error"))
    return Summary(
        name=run.path.resolve().name,
        path=run.path,
        page=run.page if run.page.is_file() else None,
        status=_status(record, faults),
        parameters=part("run.json", lambda: _parameters(record), {}),
        figures=part("metrics.jsonl", lambda: _figures(record, history), {}),
        curves=part("metrics.jsonl", lambda: _curves(history), {}),
        samples=samples,
        sampled=step,
        started=_text(record.get("started", ""), 40),
        error=error,
        traceback=traceback,
        faults=tuple(dict.fromkeys(faults)),
    )


def _status(record: Mapping[str, Any], faults: list[str]) -> str:
    status = record.get("status")
    if record and status not in STATUSES:
        faults.append(f"run.json: expected a status of {', '.join(STATUSES)}, got {status!r:.40}")
    return str(status) if status in STATUSES else "unreadable"


def _error(error: Any) -> tuple[str, str]:
    """Return what stopped the run on one line, with the cell, and the tail of its traceback."""
    if not isinstance(error, Mapping):
        return _text(error or ""), ""
    number = error.get("number")
    where = f"cell [{number}]" if isinstance(number, int) else ""
    parts = (where, error.get("type") or "", error.get("message") or "")
    traceback = str(error.get("traceback") or "")[-8 * LONGEST :]
    return ": ".join(_text(part) for part in parts if part), traceback


def _parameters(record: Mapping[str, Any]) -> dict[str, Any]:
    every = {**record.get("config", {}), **record.get("parameters", {})}
    return {str(name): _plain(value) for name, value in every.items()}


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if isfinite(value) else str(value)
    return json.dumps(value, sort_keys=True)


def _figures(record: Mapping[str, Any], history: Sequence[Progress]) -> dict[str, float]:
    """Return the numbers of a record; what it lacks of validation is that of the weights kept."""
    groups = {split: record.get(split) for split in SPLITS}
    kept = [one.evaluation for one in history if one.evaluation and one.step == _kept_step(history)]
    if not groups["validation"] and kept:
        groups["validation"] = kept[-1].figures
    training = record.get("training")
    if isinstance(training, Mapping):
        groups["training"] = {name: training.get(name) for name in OF_TRAINING}
    numbers = [
        (f"{group}.{name}", value)
        for group, found in groups.items()
        if isinstance(found, Mapping)
        for name, value in found.items()
    ] + [(name, record.get(name)) for name in COSTS]
    return {name: float(value) for name, value in numbers if _is_number(value)}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _kept_step(history: Sequence[Progress]) -> int:
    """Return the step of the best weights, else that of the last evaluation, else 0."""
    best = [one.step for one in history if one.best]
    evaluated = [one.step for one in history if one.evaluation]
    return (best or evaluated or [0])[-1]


def _curves(history: Sequence[Progress]) -> dict[str, Points]:
    found = {figure: points_of(history, figure) for figure in figures_in({"": history})}
    return {figure: points for figure, points in found.items() if points}


def _samples(probes: Path, kept: int) -> tuple[int, tuple[Sample, ...]]:
    """Return the sentences of the evaluation at `kept`, or of the last one, and its step."""
    texts = read_probe_texts(probes)
    if not texts:
        return 0, ()
    step = kept if kept in texts else max(texts)
    return step, tuple(_sample(fields) for fields in texts[step][:KEPT])


def _sample(fields: Mapping[str, Any]) -> Sample:
    return Sample(*(_text(fields.get(name) or "") for name in ("source", "reference", "text")))


def _line(error: object) -> str:
    return _text(error, 400)


def _text(value: object, longest: int = LONGEST) -> str:
    return " ".join(str(value)[: 4 * longest].split())[:longest]

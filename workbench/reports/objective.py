"""The figure by which the runs of a sweep are judged.

`validation.bleu` is what the notebook wrote into `run.json` by `session.record(validation=…)`:
measured after training, with the weights that were kept and the search of the settings. Where a
notebook records no `validation`, it is the evaluation during training at which the kept weights
were chosen: the last line of `metrics.jsonl` that is marked `best` (translated greedily). Any other
figure, such as `test.bleu` or `training.seconds`, stands in `run.json` or there is none.
"""

import ast
import json
import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from nbformat import NotebookNode

from workbench.config import RunConfig
from workbench.data.loading import corpus_from
from workbench.errors import DataError, SettingsError, nearest
from workbench.runs import RunDirectory

Direction = Literal["maximize", "minimize"]
DIRECTIONS = ("maximize", "minimize")
VALIDATION = "validation"
SPLITS = (VALIDATION, "test")
ALIGNMENT = "alignment_error_rate"
FIGURES = (  # of an evaluation
    "loss", "perplexity", "token_accuracy", "exact_match", "bleu", "chrf", "character_error_rate",
    "word_error_rate", ALIGNMENT,
)  # fmt: skip
OF_TRAINING = ("best", "seconds", "tokens_per_second", "peak_memory_bytes", "cpu_seconds")
COSTS = ("loss", "perplexity", "error_rate", "seconds", "bytes")  # how such a name ends


@dataclass(frozen=True)
class Objective:
    """A figure, named by where it stands in `run.json`, and whether more of it is better."""

    figure: str
    direction: Direction

    @property
    def measured_in_training(self) -> str:
        """The figure's name among those that training measures on its way; empty: none is."""
        split, _, name = self.figure.partition(".")
        return name if split == VALIDATION and name in FIGURES else ""

    def value(self, run: RunDirectory) -> float | None:
        """Return the figure of a run that has ended, None where it has none."""
        found: Any = run.read()
        for key in self.figure.split("."):
            found = found.get(key) if isinstance(found, dict) else None
        if found is None and self.measured_in_training:
            chosen = [line for line in Evaluations(run.metrics).new() if line.best]
            found = chosen[-1].figures.get(self.measured_in_training) if chosen else None
        good = isinstance(found, int | float) and math.isfinite(found)
        return float(found) if good else None


def read_objective(raw: Any, notebook: NotebookNode) -> Objective:
    """Read `validation.bleu`, or a mapping of `figure` and `direction`.

    Raises:
        SettingsError: there is no such figure in what a run of `notebook` leaves.
    """
    fields = raw if isinstance(raw, dict) else {"figure": raw}
    for key in fields:
        if key not in ("figure", "direction"):
            raise SettingsError(f"unknown key {key!r}{nearest(str(key), ('figure', 'direction'))}")
    figure = fields.get("figure")
    if not isinstance(figure, str):
        raise SettingsError(f"expected a figure such as 'validation.bleu', got {figure!r}")
    _check_figure(figure, notebook)
    direction = fields.get("direction", "minimize" if figure.endswith(COSTS) else "maximize")
    if direction not in DIRECTIONS:
        raise SettingsError(
            f"direction: expected one of {', '.join(DIRECTIONS)}, got {direction!r}"
        )
    return Objective(figure, direction)


def check_measurable(objective: Objective | None, config: RunConfig) -> None:
    """See to it that what the objective is measured by is in the data.

    Raises:
        DataError: it is of alignments, and no pair of its split has one.
    """
    split, _, name = objective.figure.partition(".") if objective else ("", "", "")
    if name != ALIGNMENT or split not in SPLITS:
        return
    corpus = corpus_from(config)
    if not any(pair.alignment for pair in corpus.splits[split]):
        raise DataError(
            f"{corpus.name}: has no gold alignments in {split}, by which {split}.{name} is "
            "measured; choose another objective, or a corpus with a column of alignments"
        )


def _check_figure(figure: str, notebook: NotebookNode) -> None:
    recorded = set(_recorded(notebook))
    known = [f"{VALIDATION}.{name}" for name in FIGURES]
    known += [f"test.{name}" for name in FIGURES if "test" in recorded]
    known += [f"training.{name}" for name in OF_TRAINING]
    head = figure.partition(".")[0]
    if figure not in known and (head not in recorded or head in SPLITS):
        raise SettingsError(
            f"no run of this notebook measures {figure!r}{nearest(figure, [*known, *recorded])}"
        )


def _recorded(notebook: NotebookNode) -> Iterator[str]:
    """Yield the names that the notebook adds to `run.json` by `session.record(name=…)`."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            try:
                tree = ast.parse(cell.source)
            except SyntaxError:  # a magic command
                continue
            for node in ast.walk(tree):
                if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".record"):
                    yield from filter(None, (keyword.arg for keyword in node.keywords))


@dataclass(frozen=True)
class Evaluated:
    """One evaluation during training: its number from 1, its figures, and whether it was the best.

    Numbers, not steps, make runs comparable whose batches, and so epochs, differ in size.
    """

    number: int
    figures: dict[str, float]
    best: bool


class Evaluations:
    """The evaluations in a `metrics.jsonl` that grows, and begins anew when a run is resumed."""

    def __init__(self, path: Path) -> None:
        """Begin at the start of `path`, which need not exist yet."""
        self.path = path
        self._offset, self._file, self._count = 0, 0, 0

    def new(self) -> list[Evaluated]:
        """Return what has come since the last call; after a resumption all that is there."""
        try:
            with self.path.open("rb") as stream:
                status = self.path.stat()
                if status.st_ino != self._file or status.st_size < self._offset:
                    self._offset, self._file, self._count = 0, status.st_ino, 0
                stream.seek(self._offset)
                whole, end, _ = stream.read().rpartition(b"\n")
        except OSError:
            return []
        self._offset += len(whole) + len(end)
        found = list(_evaluated(whole.splitlines(), self._count + 1))
        self._count += len(found)
        return found


def _evaluated(lines: list[bytes], number: int) -> Iterator[Evaluated]:
    for line in lines:
        if b'"evaluation": null' not in line:
            with suppress(ValueError, KeyError, TypeError):  # a line that a crash cut short
                fields = json.loads(line)
                yield Evaluated(number, fields["evaluation"]["figures"], fields["best"])
                number += 1

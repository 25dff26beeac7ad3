"""`sweep.json`: what is swept, and what came of every trial.

sweeps/<notebook>-<space>/
sweep.json      notebook, space, every trial with its runs, status, value, attempts
runs/           one run directory a run        index.html   the comparison page
study.db        what Optuna knows              sweep.lock, locks/, stop/   while runs are going on
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from workbench.errors import RunError
from workbench.files import write_json
from workbench.reports.plan import PlannedRun
from workbench.reports.study import Trial
from workbench.runs import RunDirectory

SCHEMA = 1


@dataclass
class RunEntry:
    """One run of a trial.

    Attributes:
        seed: None: that of the settings.
        run: its directory, within the sweep's; digest: its hash.
        parameters: what the notebook is given, as texts.
        status: `waiting`, `running`, `ok`, `failed`, `killed`, `stopped` or `pruned`.
        value: of the objective; attempts: how often a process was started for it.
        message: why it is not ok.
    """

    seed: int | None
    run: str
    digest: str
    parameters: dict[str, str]
    status: str = "waiting"
    value: float | None = None
    attempts: int = 0
    message: str = ""


@dataclass
class TrialEntry:
    """One point: its parameters that vary, its runs, and the mean of their values.

    Its status is `running`, `ok`, `failed` or `pruned`.
    """

    number: int
    parameters: dict[str, Any]
    status: str
    value: float | None = None
    runs: list[RunEntry] = field(default_factory=list)


class SweepRecord:
    """The record of a sweep, in memory and on disk."""

    def __init__(self, folder: Path, notebook: Path, space: dict[str, Any]) -> None:
        """Begin the record of `folder`, or go on with the one that is there.

        Raises:
            RunError: the folder holds something else, or its record is damaged.
        """
        self.folder, self.notebook, self.space = folder, notebook, space
        self.trials: list[TrialEntry] = []
        known = _read(folder)
        if known and known.get("notebook") != notebook.name:
            raise RunError(f"{folder}: holds a sweep of {known.get('notebook')}; choose another "
                           "--output")  # fmt: skip
        self.owner = str(known.get("owner") or uuid4().hex)
        self._attempts = {
            run["run"]: run["attempts"]
            for trial in known.get("trials", ())
            for run in trial["runs"]
        }

    def add(self, trial: Trial, runs: Iterable[PlannedRun]) -> TrialEntry:
        """Add a trial with its runs."""
        entry = TrialEntry(trial.number, dict(trial.point), trial.status)
        for run in runs:
            path = f"runs/{run.name}"
            attempts = self._attempts.get(path, 0)
            entry.runs.append(
                RunEntry(run.seed, path, run.digest, run.parameters, attempts=attempts)
            )
        self.trials.append(entry)
        return entry

    def directory(self, entry: RunEntry) -> RunDirectory:
        """Return the directory of a run."""
        return RunDirectory(self.folder / entry.run)

    @property
    def begun(self) -> list[RunDirectory]:
        """The runs that have left anything, each once."""
        paths = dict.fromkeys(run.run for trial in self.trials for run in trial.runs)
        runs = [RunDirectory(self.folder / path) for path in paths]
        return [run for run in runs if run.record.exists()]

    @property
    def to_begin(self) -> int:
        """How many runs of the trials so far have left nothing yet and are still to be done."""
        begun = {run.path for run in self.begun}
        unsettled = ("waiting", "running", "stopped")
        runs = [run for trial in self.trials for run in trial.runs if run.status in unsettled]
        return len({self.folder / run.run for run in runs} - begun)

    def write(self, status: str) -> None:
        """Write the record, whole or not at all."""
        write_json(
            self.folder / "sweep.json",
            {
                "schema": SCHEMA, "status": status, "owner": self.owner,
                "notebook": self.notebook.name, "space": self.space,
                "trials": [asdict(trial) for trial in self.trials],
            },
        )  # fmt: skip


def _read(folder: Path) -> dict[str, Any]:
    """Return what the record of `folder` says; nothing where there is none yet."""
    path = folder / "sweep.json"
    if not path.exists():
        ours = ("sweep.lock", "study.db", ".writing-")  # what is there before the first record
        if folder.exists() and any(not each.name.startswith(ours) for each in folder.iterdir()):
            raise RunError(f"{folder}: exists and is no sweep; choose another --output")
        return {}
    try:
        fields = json.loads(path.read_text("utf-8"))
        if not isinstance(fields, dict) or fields["schema"] > SCHEMA:
            raise ValueError("a newer version wrote it")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(f"{path}: cannot be read: {error}") from None
    return fields

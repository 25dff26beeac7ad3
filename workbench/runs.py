"""The run directory: where a run keeps everything, and `run.json`, which says how it went.

runs/<name>-<hash>/
run.json        status, settings, environment, device, figures
report.ipynb    the notebook as executed        report.html   the page to send
metrics.jsonl   one step a line                 probes.npz    watched sentences over time
model/          settings, tokenizers, weights   checkpoints/  for going on at the very step
usage.jsonl     what training took of the machine
tensorboard/ wandb/ mlruns/   for the eyes of others, where `log_to` names them
"""

import hashlib
import json
import os
import re
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import psutil

from workbench.config import RunConfig
from workbench.environment import BEGUN
from workbench.errors import DamagedRunError, RunError
from workbench.files import write_json

SCHEMA = 1
Runner = Literal["none", "self", "parent", "other"]

NOT_PART_OF_THE_RUN = {"name", "run_directory", "live", "log_to"}  # they change where, not what


class RunDirectory:
    """One run's directory. Making this object touches no disk."""

    def __init__(self, path: str | Path) -> None:
        """Stand for the directory `path`, which need not exist yet."""
        self.path = Path(path)
        self.record = self.path / "run.json"
        self.notebook = self.path / "report.ipynb"
        self.page = self.path / "report.html"
        self.metrics = self.path / "metrics.jsonl"
        self.probes = self.path / "probes.npz"
        self.usage = self.path / "usage.jsonl"
        self.model = self.path / "model"
        self.checkpoints = self.path / "checkpoints"

    def __str__(self) -> str:
        """Return the path."""
        return str(self.path)

    def read(self) -> dict[str, Any]:
        """Return what `run.json` says.

        A run that says it is running while its process is gone has been killed, and is
        returned so.

        Raises:
            RunError: there is no `run.json`, or a newer version wrote it.
            DamagedRunError: it is none any more.
        """
        fields = self._fields()
        if fields.get("status") == "running" and not _alive(fields.get("process")):
            message = "the process ended without a word"
            fields |= {"status": "killed", "error": {"type": "Killed", "message": message}}
        return fields

    @property
    def status(self) -> str:
        """`new`, `running`, `ok`, `failed`, `stopped` or `killed`."""
        return str(self.read().get("status", "new")) if self.record.exists() else "new"

    def update(self, **fields: Any) -> None:
        """Merge `fields` into `run.json`, whole or not at all."""
        is_new = not self.record.exists()
        known = {"schema": SCHEMA} if is_new else self._fields()
        write_json(self.record, known | fields)
        if is_new:
            self._tell()

    def begin(self, **fields: Any) -> None:
        """Write that this process runs the run."""
        self.update(
            status="running",
            error=None,
            process=_process(os.getpid()),
            started=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            **fields,
        )
        self._tell()

    def _tell(self) -> None:
        """Tell whoever runs this process which run it has begun."""
        if place := os.environ.get(BEGUN):
            with suppress(OSError), Path(place).open("a", encoding="utf-8") as told:
                told.write(f"{os.getpid()} {self.path.resolve()}\n")

    @property
    def runner(self) -> Runner:
        """Which living process runs this run: `none`, `self`, a `parent` of it, or `other`."""
        if self.status != "running":
            return "none"
        identifier = self.read()["process"]["id"]
        if identifier == os.getpid():
            return "self"
        parents = {process.pid for process in psutil.Process().parents()}
        return "parent" if identifier in parents else "other"

    def _fields(self) -> dict[str, Any]:
        try:
            fields = json.loads(self.record.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise RunError(f"{self.path}: expected a run directory, found no run.json") from None
        except OSError as error:
            raise RunError(f"{self.record}: cannot be read: {error}") from None
        except ValueError as error:
            raise DamagedRunError(f"{self.record}: cannot be read: {error}") from None
        if not isinstance(fields, dict) or not isinstance(fields.get("schema"), int):
            raise DamagedRunError(f"{self.record}: expected an object with a schema number")
        if fields["schema"] > SCHEMA:
            raise RunError(
                f"{self.record}: written in schema {fields['schema']}, this version reads up to "
                f"{SCHEMA}; install a newer seq2seq-workbench"
            )
        return fields


def run_hash(config: RunConfig, fingerprint: str, notebook: str = "") -> str:
    """Return eight digits that tell one run from another: settings, data, notebook code."""
    settings = {
        name: value
        for name, value in config.model_dump().items()
        if name not in NOT_PART_OF_THE_RUN
    }
    text = json.dumps([settings, fingerprint, notebook], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def run_name(config: RunConfig, title: str, digest: str) -> str:
    """Return `<name>-<hash>` with only letters, digits, dots, dashes and underscores."""
    corpus = Path(config.train_file or config.corpus).name.split(".")[0]
    name = config.name or f"{title}-{corpus}"
    return re.sub(r"[^\w.-]+", "-", f"{name}-{digest}", flags=re.ASCII)


def _process(identifier: int) -> dict[str, Any]:
    process = psutil.Process(identifier)
    if process.status() == psutil.STATUS_ZOMBIE:  # killed, and nobody has asked how it ended
        raise psutil.ZombieProcess(identifier)
    return {"id": identifier, "born": process.create_time()}


def _alive(process: dict[str, Any] | None) -> bool:
    """Say whether the very process lives; its number alone may belong to another by now."""
    try:
        return bool(process and abs(_process(process["id"])["born"] - process["born"]) < 1)
    except (psutil.Error, KeyError, TypeError):
        return False

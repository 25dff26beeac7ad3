"""Notebooks run headless, each by `workbench report` in a process of its own."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, ClassVar
from weakref import WeakKeyDictionary

import traitlets

from workbench.background import before_exit
from workbench.errors import RunError, WorkbenchError
from workbench.records import Evaluation
from workbench.runs import RunDirectory
from workbench.session import Session

COMMAND = (sys.executable, "-m", "workbench.cli", "report")
AGAIN = {"keep it": (), "go on with it": ("--resume",), "run it again": ("--force",)}
MEASURED = ("validation", "test")  # the splits whose figures a run may have written down
ENDED = ("ok", "failed", "stopped", "killed")


@dataclass(frozen=True)
class Job:
    """One run of a notebook, as far as it is.

    Attributes:
        number: from 1, as they were started.
        notebook, settings: what is run, with which parameters.
        status: `starting`, `running`, `stopping`, `ok`, `failed`, `stopped` or `killed`.
        cells, cells_done: how many cells with code there are, how many have ended.
        step, total_steps, loss: of its training, once that has begun.
        run, page: its directory and its HTML page, once they are known.
        message: why it did not end well, on one line.
        evaluations: what it measured.
    """

    number: int
    notebook: str
    settings: Mapping[str, Any]
    status: str = "starting"
    cells: int = 0
    cells_done: int = 0
    step: int = 0
    total_steps: int = 0
    loss: float | None = None
    run: str = ""
    page: str = ""
    message: str = ""
    evaluations: tuple[Evaluation, ...] = ()

    @property
    def ended(self) -> bool:
        """Whether it has come to its end, good or bad."""
        return self.status in ENDED


class Headless(traitlets.HasTraits):
    """Starts one run after the other and keeps what came of each.

    Traits:
        jobs: all of them, the latest last.
    """

    jobs = traitlets.Tuple(read_only=True)

    _all: ClassVar["WeakKeyDictionary[Session, Headless]"] = WeakKeyDictionary()

    def __init__(self) -> None:
        """Start with none."""
        super().__init__()
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None

    @classmethod
    def of(cls, session: Session) -> "Headless":
        """Return what is run headless beside `session`."""
        return cls._all.setdefault(session, cls())

    @property
    def running(self) -> Job | None:
        """The run under way, if there is one."""
        return next((job for job in self.jobs if not job.ended), None)

    def start(self, notebook: str, settings: Mapping[str, Any], again: str = "") -> None:
        """Run `notebook` with `settings`; `again`, of AGAIN, says what if it was run before.

        Raises:
            RunError: another is being run.
        """
        if self.running:
            raise RunError("a notebook is being run; wait for it, or stop it first")
        job = Job(len(self.jobs) + 1, notebook, dict(settings))
        given = [word for name, value in settings.items() for word in ("-p", name, str(value))]
        options = ["--progress", "json", "--json", *AGAIN.get(again, ())]
        words = [*COMMAND, *options, *given, "--", notebook]
        with self._lock:
            self.set_trait("jobs", (*self.jobs, job))
        threading.Thread(
            target=self._run, args=(job.number, words), name="workbench report", daemon=True
        ).start()

    def stop(self) -> None:
        """Interrupt what is being run, so that it keeps what it has; kill it if asked again."""
        job, process = self.running, self._process
        if job is None or process is None:
            return
        if job.status == "stopping" or os.name == "nt":  # where there are no interrupts to send
            process.kill()
        else:
            self._update(job.number, status="stopping")
            process.send_signal(signal.SIGINT)

    def _run(self, number: int, words: list[str]) -> None:
        end: dict[str, Any] = {}
        with TemporaryFile("w+", encoding="utf-8", errors="replace") as errors:
            try:
                with before_exit(self.stop):
                    for line in self._lines(words, errors):
                        self._take(number, line)
                        end |= line
                errors.seek(0)
                reason = _last_words(errors.read())
            except OSError as error:
                reason = str(error)
        self._end(number, end, reason)

    def _lines(self, words: list[str], errors: IO[str]) -> Iterator[dict[str, Any]]:
        """Start a process and yield the objects that it prints, until it has ended."""
        with subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, text=True,
            encoding="utf-8", start_new_session=True,  # an interrupted cell is not its business
        ) as self._process:  # fmt: skip
            assert self._process.stdout  # it is a pipe
            for line in self._process.stdout:
                with suppress(ValueError):  # whatever else a library prints
                    yield dict(json.loads(line))

    def _take(self, number: int, line: Mapping[str, Any]) -> None:
        """Take in how far a run is."""
        known = {name: line[name] for name in ("cells", "cells_done", "step", "total_steps", "loss")
                 if name in line}  # fmt: skip
        started = {"status": "running"} if self.jobs[number - 1].status == "starting" else {}
        self._update(number, **known, **started)

    def _end(self, number: int, end: Mapping[str, Any], reason: str) -> None:
        stopped = self.jobs[number - 1].status == "stopping"
        status = end.get("status") or ("stopped" if stopped else "failed")
        run, page = end.get("run", ""), end.get("page", "")
        self._update(
            number,
            status=status,
            run=run,
            page=page if Path(page).is_file() else "",
            message=_message(status, end, reason),
            evaluations=tuple(_measured(run)) if run else (),
        )

    def _update(self, number: int, **fields: Any) -> None:
        with self._lock:
            jobs = [replace(job, **fields) if job.number == number else job for job in self.jobs]
            self.set_trait("jobs", tuple(jobs))


def _message(status: str, end: Mapping[str, Any], reason: str) -> str:
    """Return what there is to say of an end beside its status."""
    if status == "ok":
        return "" if end.get("ran", True) else "this very run was there already"
    return reason or "it ended without a word"


def _last_words(said: str) -> str:
    """Return the line that the command ended with, without its name."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    ours = [line for line in lines if line.startswith("workbench: ")]
    return (ours or lines or [""])[-1].removeprefix("workbench: ")


def _measured(run: str) -> Iterator[Evaluation]:
    """Yield what a run says that it measured."""
    with suppress(WorkbenchError):
        record = RunDirectory(run).read()
        for split in MEASURED:
            if isinstance(record.get(split), dict):
                yield Evaluation(split, record[split])

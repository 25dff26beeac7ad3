"""One run of a sweep, done by `workbench report` in a process of its own, here or elsewhere.

Whoever asks for the same run again, on any machine that shares the disk, waits until this one has
ended and finds it done: the run's lock is held by the process that runs it, and dies with it.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from workbench.errors import DamagedRunError, RunError
from workbench.locks import TakenError, held
from workbench.reports.devices import Devices, thread_limits, visible_gpus
from workbench.runs import RunDirectory

COMMAND = ("-m", "workbench", "report")  # of the Python that runs this code
STOP, KILL = "stop", "kill"
DAMAGED = "damaged-run.json"  # where such a record is kept
LOOK = 0.2  # seconds between two looks at a process
PATIENCE = 60.0  # seconds that a run has to save itself when it is told to stop, or time is up
NOT_SHARED = "{path}: is not on this machine; the sweep and its workers must share a disk"


@dataclass(frozen=True)
class Job:
    """What is needed to do a run; fit to be sent to another machine.

    Attributes:
        notebook, run: paths of the notebook and of the run directory.
        digest: the run's hash.
        parameters: name and value of what the notebook is given, as texts.
        lock, stop: the file that is locked during the run, and the one that ends it once it is
            there: interrupted, or killed where it says so.
        timeout: seconds that the notebook may take; threads: of TensorFlow; None: no limit.
        place: the working directory, which relative paths among the parameters begin at.
    """

    notebook: str
    run: str
    digest: str
    parameters: Mapping[str, str]
    lock: str
    stop: str
    place: str
    timeout: float | None = None
    threads: int | None = None


@dataclass(frozen=True)
class Ended:
    """How a run ended.

    Attributes:
        status: `ok`, `failed`, `stopped` or `killed`.
        message: one line that says why it is not ok.
        refused: whether it ended because its input was wrong or its disk full.
    """

    status: str
    message: str = ""
    refused: bool = False


def run_job(job: Job) -> Ended:
    """Do the run, or go on with it where it was interrupted; return at once when it is done.

    Raises:
        OSError: no process can be started.
    """
    for path in (job.notebook, job.place):
        if not Path(path).exists():
            return Ended("failed", NOT_SHARED.format(path=path), refused=True)
    run = RunDirectory(job.run)
    with _alone(job) as lock:
        if lock is None or _word(job):
            return Ended("stopped", "stopped before it began")
        if is_done(run, job.digest):
            return Ended("ok")
        _put_aside_what_is_damaged(run, job.digest)
        _remove_what_never_began(run)
        return _ended(run, *_process(job, run, lock))


def is_done(run: RunDirectory, digest: str) -> bool:
    """Say whether this very run is there and ended well."""
    if not run.record.exists() or is_damaged(run):
        return False
    record = run.read()
    return record.get("status") == "ok" and record.get("hash") == digest


def is_damaged(run: RunDirectory) -> bool:
    """Say whether there is a `run.json` that is none any more."""
    try:
        run.read()
    except DamagedRunError:
        return True
    except RunError:  # there is none, or a newer version wrote it
        return False
    return False


def _put_aside_what_is_damaged(run: RunDirectory, digest: str) -> None:
    """Write anew as much of a damaged `run.json` as lets the run go on from its checkpoints."""
    if is_damaged(run):
        run.record.replace(run.path / DAMAGED)
        message = f"run.json was damaged; what was left of it is in {DAMAGED}"
        run.update(hash=digest, status="killed", error={"type": "Damaged", "message": message})


@contextmanager
def _alone(job: Job) -> Iterator[int | None]:
    """Wait for the run's lock and hold it; yield None when told to stop meanwhile."""
    while True:
        try:
            with held(Path(job.lock)) as lock:
                yield lock
                return
        except TakenError:
            if _word(job):
                break
            time.sleep(LOOK)
    yield None


def _remove_what_never_began(run: RunDirectory) -> None:
    """Remove a directory whose maker was killed before it had written its first record."""
    begun = run.record.exists() or not run.path.is_dir()
    if not begun and all(path.name.startswith(".writing-") for path in run.path.iterdir()):
        shutil.rmtree(run.path)


def _process(job: Job, run: RunDirectory, lock: int) -> tuple[int, bool, str]:
    """Run `workbench report`; return its exit code, whether it was told to stop, its last line."""
    resume = ["--resume"] if run.record.exists() else []
    timeout = ["--timeout", str(job.timeout)] if job.timeout else []
    given = [word for name, value in job.parameters.items() for word in ("-p", name, value)]
    options = ["--follower", str(os.getpid()), "-o", job.run, *timeout, *resume, *given]
    with _devices().lent() as gpu, TemporaryFile() as errors:
        process = subprocess.Popen(
            [sys.executable, *COMMAND, *options, "--", job.notebook],
            cwd=job.place, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors,
            env={**os.environ, **thread_limits(job.threads), **gpu.variables},
            **_apart(lock, *gpu.locks),
        )  # fmt: skip
        told = _wait(process, job)
        errors.seek(0)
        lines = errors.read().decode(errors="replace").strip().splitlines() or [""]
    return process.returncode, told, lines[-1].removeprefix("workbench: ")


def _apart(*locks: int) -> dict[str, Any]:
    """Return how a process starts that Ctrl-C reaches only through us, and that holds the locks."""
    return {} if os.name == "nt" else {"process_group": 0, "pass_fds": locks}


def _wait(process: "subprocess.Popen[bytes]", job: Job) -> bool:
    """Wait until the process has ended; interrupt it when told to stop, and say whether."""
    told = False
    end = time.monotonic() + job.timeout + PATIENCE if job.timeout else None
    while True:
        try:
            process.wait(LOOK)
            return told
        except subprocess.TimeoutExpired:
            if end and time.monotonic() > end:
                process.kill()
            word = _word(job)
            if word == KILL or (word and os.name == "nt"):  # where there are no interrupts to send
                told = True
                process.kill()
            elif word and not told:
                told, end = True, time.monotonic() + PATIENCE
                process.send_signal(signal.SIGINT)


def _word(job: Job) -> str:
    """Return what the run is told: `STOP`, `KILL`, or nothing."""
    with suppress(FileNotFoundError):
        return Path(job.stop).read_text("utf-8") or STOP
    return ""


def _ended(run: RunDirectory, code: int, told: bool, line: str) -> Ended:
    status = "failed" if is_damaged(run) else run.status
    if code == 0 or status == "ok":
        return Ended("ok")
    if told:
        return Ended("stopped", "interrupted")
    if status in ("new", "running"):
        status = "killed" if code < 0 else "failed"
    message = line or f"the process ended with {code} and said nothing"
    return Ended(status, message, refused=code == 2)


@cache
def _devices() -> Devices:
    """Return the GPUs that this process may use, found out once."""
    return Devices(visible_gpus())

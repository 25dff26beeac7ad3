"""The rules of the run directory: what is never touched, what may be replaced, what is removed."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict

from workbench.errors import RunError
from workbench.reports.cells import Failure
from workbench.runs import RunDirectory

DISK_FULL = f"[Errno {errno.ENOSPC}]"  # how the message of an OSError begins


def is_done(run: RunDirectory, digest: str, resume: bool, force: bool) -> bool:
    """Say whether this very run has ended well; refuse a directory that is not ours to use."""
    if not run.path.exists() or (run.path.is_dir() and not any(run.path.iterdir())):
        if resume:
            raise RunError(
                f"{run}: nothing to resume; settings, data or the notebook's code differ from the "
                "run you mean, or it never began: leave out --resume"
            )
        return False
    if not run.record.exists():
        raise RunError(f"{run}: exists and is no run; choose another run directory")
    record = run.read()
    if record.get("hash") != digest:
        raise RunError(
            f"{run}: holds another run, with other settings, data or code; choose another run "
            "directory"
        )
    if record["status"] == "running":
        raise RunError(f"{run}: is running in process {record['process']['id']}; wait for it")
    if record["status"] != "ok" and not (resume or force):
        raise RunError(
            f"{run}: exists with status {record['status']}; --resume goes on, --force starts anew"
        )
    return record["status"] == "ok" and not force


def make_room(run: RunDirectory, force: bool) -> None:
    """Make the directory, in the place of the run that was there if `force`."""
    try:
        run.path.parent.mkdir(parents=True, exist_ok=True)
        if force and run.record.exists():
            old = run.path.with_name(f".{run.path.name}.replaced")
            run.path.rename(old)  # at once, so that nobody meets half a run
            shutil.rmtree(old)
        if not run.path.exists():
            run.path.mkdir()  # fails when another process made it just now
    except OSError as error:
        raise unwritable(run, error) from None


@contextmanager
def writing(run: RunDirectory, new: bool) -> Iterator[None]:
    """Turn a full disk, or a forbidden one, into one line, and leave nothing half-written."""
    try:
        yield
    except OSError as error:
        if not forget(run, new):
            with suppress(OSError):
                run.update(status="failed", error=asdict(Failure("OSError", str(error))))
        raise unwritable(run, error) from None


def unwritable(run: RunDirectory, error: OSError) -> RunError:
    """Return the one line to say when `run` cannot be written."""
    full = str(error).startswith(DISK_FULL)
    reason = os.strerror(errno.ENOSPC) if full else error.strerror or str(error)
    remedy = "; make room, then run it again" if full else ""
    return RunError(f"{run}: cannot be written: {reason}{remedy}")


def forget(run: RunDirectory, new: bool) -> bool:
    """Remove a run that this call began and that holds no checkpoint; say whether it did."""
    worth_keeping = run.checkpoints.is_dir() and any(run.checkpoints.iterdir())
    if new and not worth_keeping:
        shutil.rmtree(run.path, ignore_errors=True)
    return new and not worth_keeping

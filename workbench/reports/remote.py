"""Run a notebook with its run directory wherever it shall lie: here, or sent to an address."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from workbench.errors import RunError
from workbench.reports.export import below, contents, fetch, upload
from workbench.reports.run import Outcome, run_report
from workbench.reports.stores import Store, check_writable, is_address, reaching
from workbench.runs import RunDirectory


@contextmanager
def reported(
    notebook: str | Path, parameters: Mapping[str, Any], output: str | None, **options: Any
) -> Iterator[Outcome]:
    """Run a notebook as `run_report` does, with its run directory at `output`, maybe an address.

    That an address can be written is found out before anything runs. A run that is there is
    treated as one on this machine would be: kept, gone on with, or replaced. While the block
    lasts `Outcome.run` is here; where it cannot be sent it stays, and the message says where.

    Raises:
        SettingsError, DataError: as `run_report`.
        RunError: as `run_report`; there is no such bucket, wrong credentials, no answer.
    """
    if output is None or not is_address(output):
        yield run_report(
            notebook, parameters, run_directory=Path(output) if output else None, **options
        )
        return
    with _report_at(output.rstrip("/"), notebook, parameters, options) as outcome:
        yield outcome


@contextmanager
def _report_at(
    address: str, notebook: str | Path, parameters: Mapping[str, Any], options: dict[str, Any]
) -> Iterator[Outcome]:
    store = check_writable(address)
    place = Path(tempfile.mkdtemp(prefix="workbench-report-"))
    kept = False
    try:
        run = RunDirectory(place / address.rpartition("/")[2])
        with reaching(address):
            _bring(store, address, run, everything=bool(options.get("resume")))
        try:
            outcome = run_report(notebook, parameters, run_directory=run.path, **options)
        except RunError as error:
            raise RunError(str(error).replace(str(run), address)) from None
        outcome = replace(outcome, message=outcome.message.replace(str(run), address))
        if outcome.ran and run.record.exists():
            outcome, kept = _sent(store, address, outcome)
        yield outcome
    finally:
        if not kept:
            shutil.rmtree(place, ignore_errors=True)


def _bring(store: Store, address: str, run: RunDirectory, everything: bool) -> None:
    names = store.names()
    if "run.json" in names:
        fetch(store, run.path, everything)
    elif names:
        raise RunError(f"{address}: exists and is no run; choose another run directory")


def _sent(store: Store, address: str, outcome: Outcome) -> tuple[Outcome, bool]:
    """Send the run; return how it went, and whether it has to stay here."""
    run = outcome.run
    try:
        with reaching(address):
            here = {path: address for path in (str(run), below(run, Path.cwd())) if path}
            upload(store, contents(run, here, checkpoints=True))
    except RunError as error:
        message = (
            f"the run ended with status {outcome.status} but could not be sent: {error}; it is "
            f"kept in {run}"
        )
        return replace(outcome, exit_code=1, message=message), True
    return outcome, False

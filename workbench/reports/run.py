"""Run a notebook headless and leave a run directory."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO

from jupyter_client.kernelspec import NATIVE_KERNEL_NAME
from nbformat import NotebookNode
from papermill.parameterize import parameterize_notebook

from workbench.config import RunConfig
from workbench.data.digests import file_digests
from workbench.data.encoding import Codec
from workbench.data.loading import corpus_from
from workbench.environment import describe
from workbench.errors import DataError, RunError, SettingsError, WorkbenchError
from workbench.files import write_text
from workbench.reports.along import helps, train_along
from workbench.reports.cells import (
    Failure,
    cell_records,
    code_digest,
    code_of,
    failure_in,
    in_minutes,
    log_tail,
    without_injected,
)
from workbench.reports.directory import DISK_FULL, forget, is_done, make_room, unwritable, writing
from workbench.reports.endings import account, status_of, with_remedy
from workbench.reports.engine import WorkbenchEngine
from workbench.reports.follow import progress_lines, training_bar
from workbench.reports.parameters import Parameters, read_notebook, read_parameters
from workbench.reports.stores import is_address
from workbench.runs import RunDirectory, run_hash, run_name
from workbench.training.logs import check_logs

RUNS = Path("runs")
USERS = {error.__name__ for error in (WorkbenchError, SettingsError, DataError, RunError)}


@dataclass(frozen=True)
class Outcome:
    """How a report went.

    Attributes:
        run: its directory, which is gone again when bad input ended a run that had not begun.
        status: ok, failed, stopped or killed.
        exit_code: 0 done, 1 the run failed, 2 the input was wrong.
        message: one line for the person who asked.
        ran: False when the very run was there already.
    """

    run: RunDirectory
    status: str
    exit_code: int
    message: str
    ran: bool


def run_report(
    notebook: str | Path,
    parameters: Mapping[str, Any],
    *,
    run_directory: Path | None = None,
    resume: bool = False,
    force: bool = False,
    timeout: float | None = None,
    progress: TextIO | None = None,
) -> Outcome:
    """Run `notebook` with `parameters` and write its run directory.

    A run that is there with status ok is not run again. What can be known to be wrong is found
    before anything is written or a kernel starts.

    Args:
        notebook: path or address of the notebook to run; it has a cell tagged `parameters`.
        parameters: names and values, texts or already of the right type.
        run_directory: where to write; runs/<name>-<hash> when None.
        resume: go on with a run that did not end well, from its last checkpoint.
        force: put a new run in the place of the very same one.
        timeout: seconds that the notebook may take; no limit when None.
        progress: where to write how far it is, in lines of JSON; see `progress_lines`.

    Raises:
        SettingsError: a notebook or a parameter that cannot work.
        DataError: a corpus that cannot be read.
        RunError: a directory that is taken or cannot be written, nothing to resume.
    """
    if resume and force:
        raise SettingsError("resume goes on with a run, force starts it anew: choose one of them")
    document = without_injected(read_notebook(notebook))
    chosen = read_parameters(document, parameters)
    path = _chosen_path(chosen.config, run_directory)
    fingerprint = preflight(chosen.config)
    digest = digest_of(document, chosen, fingerprint)
    run = RunDirectory(path or RUNS / run_name(chosen.config, Path(notebook).stem, digest))
    if cluster := helps(chosen.config):
        code, message = train_along(chosen.config, cluster)
        return Outcome(run, "failed" if code else "ok", code, message, ran=True)
    if is_done(run, digest, resume, force):
        return Outcome(
            run, "ok", 0, f"already there: {run.page} (use --force to run it again)", ran=False
        )
    make_room(run, force)
    with writing(run, new=not resume):
        facts = {"hash": digest, "notebook": Path(notebook).name, "code": code_digest(document),
                 "data": {"fingerprint": fingerprint}}  # fmt: skip
        _begin(run, chosen, facts)
        document = _parameterized(document, chosen, run)
        with progress_lines(document, run.metrics, progress) if progress else nullcontext():
            ended = _execute(document, run, timeout)
        failure = _finish(run, document, chosen, ended)
        return _outcome(run, failure, new=not resume)


def preflight(config: RunConfig) -> str:
    """Read and encode the corpus, so that bad data are found now; return its fingerprint.

    A log in `log_to` whose package is not there is found now as well.

    Raises:
        DataError, SettingsError: what the notebook would fail on.
    """
    check_logs(config.log_to)
    corpus = corpus_from(config)
    codec = Codec.train(corpus.train, config)
    for pairs in corpus.splits.values():
        codec.encode_pairs(pairs, config.skip_bad_lines)
    return corpus.fingerprint


def digest_of(document: NotebookNode, chosen: Parameters, fingerprint: str) -> str:
    """Return the hash of a run: of its settings, its data, the notebook's code and parameters."""
    code = code_of(document)
    identity = json.dumps([code, chosen.extras], sort_keys=True, default=repr)
    return run_hash(chosen.config, fingerprint, identity)


def _chosen_path(config: RunConfig, argument: Path | None) -> Path | None:
    """Return where the user wants the run: the argument and the parameter are one setting."""
    if is_address(config.run_directory):
        raise SettingsError(f"run_directory: write -o {config.run_directory} for an address")
    setting = Path(config.run_directory) if config.run_directory else None
    if argument and setting and argument != setting:
        raise SettingsError(f"run_directory: given twice, as {argument} and as {setting}")
    return argument or setting


def _begin(run: RunDirectory, chosen: Parameters, facts: dict[str, Any]) -> None:
    """Write all that is known before the kernel starts; the session in it adds the rest."""
    config = chosen.config.replace(live=False, run_directory=str(run))
    run.begin(
        parameters=chosen.given,
        config=config.model_dump(),
        cells=[],
        working_directory=str(Path.cwd()),
        files=file_digests(config),
        **facts,
        **describe(),
    )


def _parameterized(document: NotebookNode, chosen: Parameters, run: RunDirectory) -> NotebookNode:
    values = {**chosen.given, "run_directory": str(run), "live": False}
    parameterized: NotebookNode = parameterize_notebook(
        document, values, kernel_name=NATIVE_KERNEL_NAME, language="python"
    )
    return parameterized


def _execute(document: NotebookNode, run: RunDirectory, timeout: float | None) -> Failure | None:
    """Run the notebook in place and return what stopped it."""
    try:
        with training_bar(run.metrics, sys.stderr):
            WorkbenchEngine.execute_notebook(
                document, NATIVE_KERNEL_NAME, output_path=run.notebook, timeout=timeout
            )
    except (Exception, KeyboardInterrupt) as error:  # whatever it is, the record tells of it
        if isinstance(error, OSError) and not isinstance(error, TimeoutError):
            raise  # the notebook cannot be written
        unplaced = Failure(type(error).__name__, str(error) or "stopped by the user")
        return failure_in(document) or unplaced
    return failure_in(document)


def _finish(
    run: RunDirectory, document: NotebookNode, chosen: Parameters, failure: Failure | None
) -> Failure | None:
    """Write the page and how the run went."""
    from workbench.reports.html import to_html  # with the charts; the kernel need not wait for it

    failure = failure and with_remedy(failure, chosen.config.batch_size)
    status = status_of(failure)
    seconds = document.metadata.papermill["duration"]
    log = log_tail(document)
    page = to_html(
        document,
        title=run.path.name,
        banner=f"This run {account(failure)}" if failure else None,
        log=log if failure else (),
        facts=_facts(run, status, seconds),
        parameters=chosen.given,
    )
    write_text(run.page, page)
    run.update(
        status=status,
        error=asdict(failure) if failure else None,
        log=log,
        cells=cell_records(document),
        wall_seconds=seconds,
    )
    return failure


def _facts(run: RunDirectory, status: str, seconds: float) -> dict[str, str]:
    """Return what the head of the page says."""
    record = run.read()
    gpus = [gpu.get("device_name", "GPU") for gpu in record.get("gpus", [])]
    check = {"Check": f"workbench verify {_typed(run)}"} if status == "ok" else {}
    return {
        "Status": status,
        "Started": record["started"].replace("T", " ").replace("Z", " UTC"),
        "Duration": in_minutes(seconds),
        "Device": ", ".join(gpus) or f"{record['processor']}, {record['cores']} cores",
        **check,
    }


def _typed(run: RunDirectory) -> str:
    """Return the run's path as a person types it where `workbench` was started."""
    below = run.path.is_absolute() and run.path.is_relative_to(Path.cwd())
    path = str(run.path.relative_to(Path.cwd()) if below else run.path)
    return subprocess.list2cmdline([path]) if os.name == "nt" else shlex.quote(path)


def _outcome(run: RunDirectory, failure: Failure | None, new: bool) -> Outcome:
    status = status_of(failure)
    if failure is None:
        return Outcome(run, status, 0, f"report: {run.page}", ran=True)
    full = failure.type == "OSError" and failure.message.startswith(DISK_FULL)
    if full or failure.type in USERS:
        forget(run, new)
        message = str(unwritable(run, OSError(failure.message))) if full else failure.message
        return Outcome(run, status, 2, " ".join(message.split()), ran=True)
    return Outcome(run, status, 1, f"{run}: {account(failure)}; see {run.page}", ran=True)

"""Run a notebook over a space of parameters, so that it may be left overnight.

The same command goes on with a sweep that was interrupted, however it was: what is done is not done
again, what was under way goes on at its last checkpoint, what failed is tried once more.
"""

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from workbench.errors import RunError
from workbench.locks import TakenError, held
from workbench.reports.comparison import write_index
from workbench.reports.conductor import Conductor, Limits, seeds_of, to_come
from workbench.reports.devices import threads_each, visible_gpus
from workbench.reports.executors import Executor, check_scheduler, cluster, local
from workbench.reports.plan import Plan
from workbench.reports.storage import beside
from workbench.reports.study import Study
from workbench.reports.sweep_record import SweepRecord, TrialEntry
from workbench.reports.sweep_view import View, view_on
from workbench.runs import RunDirectory

SWEEPS = Path("sweeps")

AfterRun = Callable[[Sequence[RunDirectory]], None]


@dataclass(frozen=True)
class Options:
    """How a sweep is done, beside what it does.

    Attributes:
        output: its folder; sweeps/<notebook>-<space> when None.
        jobs: runs at the same time; None: one for each GPU, worker thread of a cluster, or one.
        threads: of TensorFlow in each run; None: an equal share of the cores if there are several
            jobs here, else no limit. The last digits of figures may depend on it.
        timeout: seconds that a run may take; None: no limit.
        max_failures: no run is started after so many have failed; None: no limit.
        scheduler: the address of a Dask scheduler; empty: this machine.
        storage: the address of a PostgreSQL database for several machines, each with its own
            output; empty: a file in the folder.
    """

    output: Path | None = None
    jobs: int | None = None
    threads: int | None = None
    timeout: float | None = None
    max_failures: int | None = None
    scheduler: str = ""
    storage: str = ""


@dataclass(frozen=True)
class Swept:
    """How a sweep went.

    Attributes:
        folder: where everything is.
        status: `ok`, `failed` (some runs did) or `stopped`.
        trials: those begun, in order; best: the best of them, if there is an objective.
        exit_code: 0 all done, 1 some runs failed or it was stopped.
        message: one line for the person who asked.
    """

    folder: Path
    status: str
    trials: tuple[TrialEntry, ...]
    best: TrialEntry | None
    exit_code: int
    message: str


def run_sweep(
    notebook: Path,
    space: Path,
    parameters: Mapping[str, str] | None = None,
    options: Options | None = None,
    *,
    after_run: AfterRun | None = None,
    stream: TextIO = sys.stderr,
) -> Swept:
    """Run `notebook` at every point of the file `space` that the sampler asks for.

    All that can be known to be wrong is found before anything is started. The first interrupt
    (Ctrl-C, SIGTERM) lets the live runs save themselves and end; the second kills them.

    Args:
        notebook: the notebook, which has a cell tagged `parameters`.
        space: the space file; see `workbench.reports.space_file`.
        parameters: fixed for all runs, beside those that the file fixes.
        options: see `Options`.
        after_run: called with all runs begun so far, when one has ended and once at the start of
            a sweep that goes on; None: writes the comparison page, index.html.
        stream: where progress is shown.

    Raises:
        WorkbenchError: a notebook, space, storage or scheduler that cannot work; another sweep
            is at work in the folder; a full disk.
        OSError: the folder cannot be written.
    """
    options = options or Options()
    plan = Plan.read(notebook, space, dict(parameters or {}))
    folder = (options.output or SWEEPS / f"{notebook.stem}-{space.stem}").absolute()
    if options.scheduler:
        check_scheduler(options.scheduler)
    with _alone_in(folder):
        record = SweepRecord(folder, notebook, plan.space.describe())
        with ExitStack() as ending:
            executor = ending.enter_context(_executor(options, folder))
            study = Study(plan.space, plan.name, options.storage or beside(folder), record.owner)
            view = ending.enter_context(view_on(stream, study.total * seeds_of(plan)))
            limits = Limits(options.timeout, _threads(options, executor), options.max_failures)
            told = after_run or _comparing(record, plan, study, view)
            conductor = Conductor(plan, study, record, executor, limits, view, told)
            stopped = conductor.conduct()
        return _swept(record, plan, study, stopped)


def _comparing(record: SweepRecord, plan: Plan, study: Study, view: View) -> AfterRun:
    """Return what writes the comparison page of a sweep; that it grew too large is said once."""
    objective = plan.space.objective
    said: list[str] = []

    def warn(text: str) -> None:
        if not said:
            said.append(text)
            view.say(text)

    def write(runs: Sequence[RunDirectory]) -> None:
        every = [run for trial in record.trials for run in trial.runs]
        write_index(
            record.folder,
            runs,
            title=f"A sweep of {plan.notebook.stem}",
            objective=objective.figure if objective else "",
            direction=objective.direction if objective else "maximize",
            notes={Path(run.run).name: "pruned" for run in every if run.status == "pruned"},
            waiting=to_come(record, study, plan),
            warn=warn,
        )

    return write


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Hold the folder against other sweeps; where none could begin in it, leave nothing of it."""
    new = next((path for path in (*reversed(folder.parents), folder) if not path.exists()), None)
    try:
        with held(folder / "sweep.lock", f"process {os.getpid()}"):
            try:
                yield
            except BaseException:
                if new and not (folder / "sweep.json").exists():
                    shutil.rmtree(new, ignore_errors=True)
                raise
    except TakenError as error:
        raise RunError(
            f"{folder}: another sweep is at work there, {error}; wait for it, or choose another "
            "--output"
        ) from None


def _executor(options: Options, folder: Path) -> AbstractContextManager[Executor]:
    if options.scheduler:
        return cluster(options.scheduler, options.jobs, folder)
    return local(options.jobs or len(visible_gpus()) or 1)


def _threads(options: Options, executor: Executor) -> int | None:
    shared = not options.scheduler and executor.slots > 1
    return options.threads or (threads_each(executor.slots) if shared else None)


def _swept(record: SweepRecord, plan: Plan, study: Study, stopped: bool) -> Swept:
    trials = tuple(sorted(record.trials, key=lambda trial: trial.number))
    counts = {s: sum(trial.status == s for trial in trials) for s in ("ok", "pruned", "failed")}
    status = "stopped" if stopped else "failed" if counts["failed"] else "ok"
    told = ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "none done"
    best = _best(trials, plan)
    words = [f"{record.folder}: {told} of {study.total} trials"]
    if best and plan.space.objective:
        point = " ".join(f"{name}={value}" for name, value in best.parameters.items())
        words.append(f"best {plan.space.objective.figure} {best.value:.6g} with {point}")
    if status != "ok":
        words.append("the same command goes on" if stopped else "the same command tries again")
    code = 0 if status == "ok" else 1
    return Swept(record.folder, status, trials, best, code, "; ".join(words))


def _best(trials: Sequence[TrialEntry], plan: Plan) -> TrialEntry | None:
    judged = [(trial.value, trial) for trial in trials if trial.status == "ok"]
    known = [(value, trial) for value, trial in judged if value is not None]
    if not known or plan.space.objective is None:
        return None
    choose: Any = max if plan.space.objective.direction == "maximize" else min
    best: TrialEntry = choose(known, key=lambda pair: pair[0])[1]
    return best

"""The loop of a sweep: start runs, follow them, end the hopeless ones, note what came of each."""

import errno
import os
import signal
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from workbench.background import on_interrupt
from workbench.errors import DataError, RunError, WorkbenchError
from workbench.reports.executors import Doing, Executor
from workbench.reports.follow import last_line
from workbench.reports.jobs import DAMAGED, KILL, PATIENCE, STOP, Ended, Job, is_damaged, is_done
from workbench.reports.objective import Evaluations
from workbench.reports.plan import Plan
from workbench.reports.study import Study, Trial
from workbench.reports.sweep_record import RunEntry, SweepRecord, TrialEntry
from workbench.reports.sweep_view import View
from workbench.runs import RunDirectory

LOOK = 0.3  # seconds between two looks at the live runs
IDLE = 2.0  # seconds between two looks at what other machines are at


@dataclass(frozen=True)
class Limits:
    """Of every run its seconds and TensorFlow's threads; of the sweep its failures; None: none."""

    timeout: float | None = None
    threads: int | None = None
    max_failures: int | None = None


class Conductor:
    """Brings the trials of a study to their end."""

    def __init__(
        self, plan: Plan, study: Study, record: SweepRecord, executor: Executor, limits: Limits,
        view: View, after_run: Callable[[Sequence[RunDirectory]], None],
    ) -> None:  # fmt: skip
        """Prepare; nothing is started yet."""
        self._plan, self._study, self._record = plan, study, record
        self._executor, self._limits, self._view = executor, limits, view
        self._after_run = after_run
        self._waiting: list[Live] = []
        self._live: list[Live] = []
        self._failures = 0
        self._told = -1  # how many runs were to come when the caller last looked
        self._warned = False  # that there are trials on other machines to wait for
        self._stopping = threading.Event()

    def conduct(self) -> bool:
        """Do what is left to do; return whether some of it is still left at the end.

        Raises:
            RunError: the disk is full or the scheduler gone; the live runs have ended by then.
        """
        self._take_up()
        with _interruptible(self._stopping.set), self._ending_what_lives():
            while self._fill() or self._live or self._waits():
                time.sleep(LOOK)
                self._look()
                self._study.live()
        self._view.expect(self._unended)
        if self._told != self._to_come and self._record.begun:
            self._tell_of_runs()
        left = self._closed or any(trial.status == "running" for trial in self._record.trials)
        self._record.write("stopped" if left else "ended")
        return left

    @property
    def _to_come(self) -> int:
        return to_come(self._record, self._study, self._plan)

    @property
    def _unended(self) -> int:
        return len(self._live) + len(self._waiting) + self._study.left * seeds_of(self._plan)

    # Beginning ------------------------------------------------------------------------------

    def _take_up(self) -> None:
        """Take up what earlier calls have begun."""
        for trial in self._study.begun():
            self._add(trial)
        self._record.write("running")
        if self._record.begun:
            self._tell_of_runs()

    def _add(self, trial: Trial) -> None:
        """Add a trial; its runs wait, but for those that need not be done any more."""
        try:
            runs = self._plan.runs(trial.point)
        except DataError as error:  # found before, unless a file has changed
            runs = []
            self._fail(trial, str(error))
        entry = self._record.add(trial, runs)
        for run in entry.runs:
            if trial.status == "pruned":
                run.status = "pruned"
            else:
                self._waiting.append(Live(entry, run, self._job(run)))

    def _fail(self, trial: Trial, message: str) -> None:
        self._study.end(trial.number, "failed")
        self._failures += 1
        self._view.say(f"trial {trial.number}: {message}")

    def _job(self, run: RunEntry) -> Job:
        folder, name = self._record.folder, Path(run.run).name
        return Job(
            notebook=str(self._plan.notebook.absolute()), run=str(folder / run.run),
            digest=run.digest, parameters=run.parameters, lock=str(folder / ".locks" / name),
            stop=str(folder / ".stop" / name), place=str(Path.cwd()),
            timeout=self._limits.timeout, threads=self._limits.threads,
        )  # fmt: skip

    @property
    def _closed(self) -> bool:
        """Whether nothing more is to be started."""
        most = self._limits.max_failures
        return self._stopping.is_set() or (most is not None and self._failures >= most)

    def _fill(self) -> bool:
        """Start runs as long as there is room; say whether any was found."""
        found = False
        while len(self._live) < self._executor.slots and not self._closed:
            run = self._next()
            if run is None:
                break
            found = True
            self._start(run)
        return found

    def _next(self) -> "Live | None":
        """Return what is to be started next: what waits, or else a run of the next trial."""
        under_way = {live.job.run for live in self._live}
        while True:
            for run in self._waiting:
                if run.job.run not in under_way:  # two trials may ask for the very same run
                    self._waiting.remove(run)
                    return run
            trial = None if self._waiting else self._study.next()
            if trial is None:
                return None
            self._add(trial)

    def _waits(self) -> bool:
        """Wait a moment for trials on other machines: what a lost one leaves is done here."""
        count = 0 if self._closed else self._study.elsewhere()
        if count and not self._warned:
            self._warned = True
            self._view.say(f"{count} trials on other machines; waiting, in case one is lost")
        return bool(count) and not self._stopping.wait(IDLE)

    def _start(self, run: "Live") -> None:
        if is_done(run.directory, run.job.digest):
            self._settle(run, Ended("ok"))
            return
        if is_damaged(run.directory):
            self._view.say(f"{run.directory.record}: is damaged; it is kept as {DAMAGED}, and the "
                           "run is done again")  # fmt: skip
        run.entry.attempts += 1
        run.entry.status = "running"
        self._record.write("running")
        Path(run.job.stop).unlink(missing_ok=True)
        run.doing = self._executor.submit(run.job)
        self._live.append(run)
        self._view.began(run.trial, run.entry)

    # Following ------------------------------------------------------------------------------

    def _look(self) -> None:
        for run in list(self._live):
            if run.doing.done():
                self._live.remove(run)
                self._settle(run, _result(run.doing))
                self._tell_of_runs()
            else:
                self._judge(run)
                self._view.moved(run.entry, last_line(run.directory.metrics))
        if self._stopping.is_set():
            for run in self._live:
                run.tell(STOP)

    def _judge(self, run: "Live") -> None:
        """Let the study judge a run by its evaluations so far; the first seed speaks for all."""
        objective = self._plan.space.objective
        if objective is None or self._plan.space.pruner is None or run.trial.runs[0] != run.entry:
            return
        for evaluation in run.evaluations.new():
            value = evaluation.figures.get(objective.measured_in_training)
            if value is None or run.trial.status != "running":
                continue
            if self._study.report(run.trial.number, evaluation.number, value):
                self._prune(run.trial)

    def _prune(self, trial: TrialEntry) -> None:
        """End a trial early: first for good in the study, whatever happens to us next."""
        self._study.end(trial.number, "pruned")
        trial.status = "pruned"
        for run in [run for run in self._waiting if run.trial is trial]:
            self._waiting.remove(run)
            run.entry.status = "pruned"
        for run in self._live:
            if run.trial is trial:
                run.tell(STOP)
        self._record.write("running")

    # Ending ---------------------------------------------------------------------------------

    def _settle(self, run: "Live", ended: Ended) -> None:
        """Note what came of a run, and of its trial when this was the last."""
        entry, trial = run.entry, run.trial
        entry.status, entry.message = ended.status, ended.message
        objective = self._plan.space.objective
        if ended.status == "ok" and objective:
            entry.value = objective.value(run.directory)
            if entry.value is None:
                entry.status, entry.message = "failed", f"it has no {objective.figure}"
        elif ended.status == "stopped" and trial.status == "pruned":
            entry.status = "pruned"
        self._failures += entry.status in ("failed", "killed")
        self._settle_trial(trial)
        self._record.write("running")
        self._view.expect(self._unended + 1)  # this one is neither live nor waiting any more
        self._view.ended(trial, entry)
        with suppress(OSError):
            Path(run.job.stop).unlink(missing_ok=True)
        if os.strerror(errno.ENOSPC) in ended.message:
            raise RunError(ended.message)

    def _settle_trial(self, trial: TrialEntry) -> None:
        unsettled = {"waiting", "running", "stopped"} & {run.status for run in trial.runs}
        if trial.status != "pruned" and not unsettled:
            good = all(run.status == "ok" for run in trial.runs)
            values = [run.value for run in trial.runs if run.value is not None]
            trial.value = statistics.fmean(values) if good and values else None
            before, trial.status = trial.status, "ok" if good else "failed"
            if before == "running":
                self._study.end(trial.number, trial.status, trial.value)

    def _tell_of_runs(self) -> None:
        """Let the caller look at the runs; a page that cannot be written ends no sweep."""
        self._told = self._to_come
        try:
            self._after_run(self._record.begun)
        except (OSError, WorkbenchError) as error:
            self._view.say(f"after a run: {error}")

    @contextmanager
    def _ending_what_lives(self) -> Iterator[None]:
        """Where the block fails, let the live runs save themselves and end, or kill them."""
        try:
            yield
        except BaseException as error:
            word = KILL if isinstance(error, KeyboardInterrupt) else STOP
            for run in self._live:
                run.tell(word)
            end = time.monotonic() + PATIENCE
            while time.monotonic() < end and not all(run.doing.done() for run in self._live):
                time.sleep(LOOK)
            raise


def to_come(record: SweepRecord, study: Study, plan: Plan) -> int:
    """Return how many runs are still to begin: of the trials there are, and of those to come."""
    return record.to_begin + study.left * seeds_of(plan)


def seeds_of(plan: Plan) -> int:
    """Return how many runs a trial has."""
    return len(plan.space.seeds) or 1


@dataclass
class Live:
    """A run that waits or is under way."""

    trial: TrialEntry
    entry: RunEntry
    job: Job

    def __post_init__(self) -> None:
        """Prepare to follow it."""
        self.directory = RunDirectory(self.job.run)
        self.evaluations = Evaluations(self.directory.metrics)
        self.doing: Doing

    def tell(self, word: str) -> None:
        """Tell whoever runs it to stop, or to kill it."""
        path = Path(self.job.stop)
        with suppress(OSError):  # on a full disk it ends when it wants to write
            path.parent.mkdir(exist_ok=True)
            path.write_text(word, "utf-8")


def _result(doing: Doing) -> Ended:
    try:
        return doing.result()
    except OSError as error:  # no process could be started
        return Ended("failed", f"{error.filename or 'a run'}: {error.strerror or error}")


@contextmanager
def _interruptible(act: Callable[[], None]) -> Iterator[None]:
    """Let the first Ctrl-C, or SIGTERM, call `act`; the second one interrupts."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    with on_interrupt(act):
        before = signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, before)

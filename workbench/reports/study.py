"""What a sweep asks of Optuna: the next point to try, and whether a run is worth its time.

A trial is one point of the space. What Optuna knows of it outlives this process; a trial left
running by a sweep that was killed is taken up again under its number, with the same parameters. If
that sweep does not come back, another machine of the same study does it under another number.
"""

import time
import warnings
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import optuna
from optuna.exceptions import ExperimentalWarning, UpdateFinishedTrialError
from optuna.pruners import BasePruner, MedianPruner, NopPruner, SuccessiveHalvingPruner
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState

from workbench.errors import SettingsError
from workbench.reports.dimensions import Choice, Dimension
from workbench.reports.methods import Pruner, Sampler
from workbench.reports.space import Point, Space
from workbench.reports.storage import (
    AGAIN,
    BEAT,
    open_storage,
    storage_errors,
    take_on_what_is_lost,
)

OWNER, REFUSED = "owner", "refused"  # what we note beside a trial
LOCAL = "sqlite:"  # how the address begins of what only this machine uses
TRIES = 1000  # points drawn in a row that make no sense
PRIME = 1_000_003  # keeps the draws of two sampler seeds apart
UNSIGNED = timedelta(minutes=1)  # a trial without an owner for so long is nobody's

STATUSES = {
    TrialState.RUNNING: "running", TrialState.COMPLETE: "ok", TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed", TrialState.WAITING: "waiting",
}  # fmt: skip
STATES = {status: state for state, status in STATUSES.items()}

optuna.logging.set_verbosity(optuna.logging.WARNING)


@dataclass(frozen=True)
class Trial:
    """A point to try.

    Attributes:
        number: as Optuna counts them, from 0; shared by all machines of a sweep.
        point: value of every parameter that varies.
        status: `running`, or how it ended: `ok`, `failed` or `pruned`.
    """

    number: int
    point: Point
    status: str = "running"


class Study:
    """The trials of a sweep."""

    def __init__(self, space: Space, name: str, address: str, owner: str) -> None:
        """Open, or begin, the study `name` in the database at `address`.

        What is running there and belongs to `owner`, or to nobody, is to be taken up again: see
        `begun`. What failed is put at the end of the queue again.

        Raises:
            SettingsError: the database cannot be opened.
        """
        self.space, self.owner, self._address = space, owner, address
        self._storage = open_storage(address)
        self._reported: set[tuple[int, int]] = set()
        self._seen: set[int] = set()  # trials of others that were given a sign of life
        self._due = 0.0  # when to give the next one, on the monotonic clock
        with storage_errors(address):
            self._study = optuna.create_study(
                storage=self._storage, study_name=name, load_if_exists=True,
                direction=space.objective.direction if space.objective else "minimize",
                pruner=_pruner(space.pruner),
            )  # fmt: skip
            self._id = self._storage.get_study_id_from_name(name)
            if self._is_grid:
                self._queue_the_grid()
            for trial in self.begun():
                if trial.status == "failed":
                    self._study.enqueue_trial(trial.point, user_attrs={AGAIN: trial.number})
                elif trial.status == "running":
                    self._sign(trial.number)

    @property
    def total(self) -> int:
        """How many trials there are to be, on all machines."""
        return len(self.space.grid) if self._is_grid else self.space.sampler.trials

    @property
    def left(self) -> int:
        """How many trials no machine has begun yet."""
        with storage_errors(self._address):
            begun = sum(trial.state != TrialState.WAITING for trial in self._that_count())
        return max(0, self.total - begun)

    def begun(self) -> list[Trial]:
        """Return the trials of this sweep so far, in order; what is run again stands there once."""
        with storage_errors(self._address):
            return [
                Trial(trial.number, self._point(trial.number), STATUSES[trial.state])
                for trial in self._that_count()
                if trial.state != TrialState.WAITING and self._is_ours(trial)
            ]

    def next(self) -> Trial | None:
        """Return the next trial; None when there are enough.

        Raises:
            SettingsError: hardly any point makes sense; the database is gone.
        """
        reason = ""
        with storage_errors(self._address):
            for _ in range(TRIES):
                if not self._wants_more():
                    return None
                asked = self._asked()
                self._sign(asked.number)
                reason = self._late(asked.number)
                trial = Trial(asked.number, {} if reason else self._point(asked.number))
                reason = reason or self.space.refusal(trial.point)
                if not reason:
                    return trial
                asked.set_user_attr(REFUSED, reason)
                self._study.tell(asked, state=TrialState.PRUNED)
        raise SettingsError(
            f"constraints: {TRIES} points in a row make no sense, the last because of {reason!r}; "
            "narrow the ranges"
        )

    def report(self, number: int, evaluation: int, value: float) -> bool:
        """Tell what an evaluation in training, counted from 1, found; say whether to end it."""
        if self.space.pruner is None or (number, evaluation) in self._reported:
            return False
        self._reported.add((number, evaluation))
        with storage_errors(self._address):
            handle, known = self._handle(number), self._frozen(number)
            if known.state.is_finished():
                return True  # another machine took us for lost, and does it
            if evaluation not in known.intermediate_values:
                handle.report(value, evaluation)
            return handle.should_prune()

    def end(self, number: int, status: str, value: float | None = None) -> None:
        """Tell how a trial ended: `ok` with its value, `pruned` or `failed`.

        That of a trial which another machine does, since it took us for lost, is not counted.
        """
        values = None
        if status == "ok":
            values = 0.0 if value is None else value  # without an objective all are equal
        with storage_errors(self._address), suppress(UpdateFinishedTrialError):
            self._study.tell(number, values, state=STATES[status], skip_if_finished=True)

    def live(self) -> None:
        """Give a sign of life where it is time, and put in the queue what lost machines left.

        A database that does not answer for once is no reason to end.
        """
        if time.monotonic() < self._due:
            return
        self._due = time.monotonic() + BEAT
        with suppress(SettingsError), storage_errors(self._address):
            for trial in self._running():
                if trial.user_attrs.get(OWNER) == self.owner:
                    self._beat(trial.number)
            take_on_what_is_lost(self._study)

    def elsewhere(self) -> int:
        """Return how many trials other machines are at; they may be lost and theirs be to do.

        Raises:
            SettingsError: the database is gone.
        """
        with storage_errors(self._address):
            others = [it for it in self._running() if it.user_attrs.get(OWNER) != self.owner]
            for trial in others:
                if trial.number not in self._seen:  # without a first sign none would be missed
                    self._seen.add(trial.number)
                    self._beat(trial.number)
        return len(others)

    def _asked(self) -> optuna.Trial:
        with warnings.catch_warnings():  # we give the signs of life that `optimize` would
            warnings.filterwarnings("ignore", "Heartbeat of storage", UserWarning)
            return self._study.ask()

    def _running(self) -> list[FrozenTrial]:
        return [it for it in self._that_count() if it.state == TrialState.RUNNING]

    def _sign(self, number: int) -> None:
        """Note that a trial is ours, and that we live: in this order nobody is at it unnoticed."""
        self._beat(number)
        with suppress(UpdateFinishedTrialError):  # somebody took us for lost just now
            self._handle(number).set_user_attr(OWNER, self.owner)

    def _beat(self, number: int) -> None:
        if isinstance(self._storage, RDBStorage):
            self._storage.record_heartbeat(self._trial_id(number))

    @property
    def _is_grid(self) -> bool:
        return self.space.sampler.name == "grid"

    @property
    def _dimensions(self) -> Mapping[str, Dimension]:
        """What Optuna is told of each parameter: for a grid the values in it."""
        if not self._is_grid:
            return self.space.dimensions
        return {name: Choice(each.grid()) for name, each in self.space.dimensions.items()}

    def _that_count(self) -> list[FrozenTrial]:
        """Return all trials but those refused and those run again under another number."""
        trials = self._study.get_trials(deepcopy=False)
        again = {trial.user_attrs.get(AGAIN) for trial in trials}
        return [t for t in trials if REFUSED not in t.user_attrs and t.number not in again]

    def _is_ours(self, trial: FrozenTrial) -> bool:
        """Say whether this sweep began the trial; a kill may have kept it from signing."""
        owner, begun = trial.user_attrs.get(OWNER), trial.datetime_start
        alone = self._address.startswith(LOCAL)
        unsigned = owner is None and begun is not None
        return owner == self.owner or (
            unsigned and (alone or datetime.now() - begun > UNSIGNED)  # type: ignore[operator]
        )

    def _wants_more(self) -> bool:
        """Say whether a trial waits in the queue, or another point is to be drawn."""
        trials = self._that_count()
        waiting = any(trial.state == TrialState.WAITING for trial in trials)
        return waiting or (not self._is_grid and len(trials) < self.space.sampler.trials)

    def _late(self, number: int) -> str:
        """Say whether another machine has taken the last point of the grid meanwhile."""
        queued = "fixed_params" in self._frozen(number).system_attrs
        return "" if queued or not self._is_grid else "another machine was quicker"

    def _queue_the_grid(self) -> None:
        """Put in the queue what is not there yet; the last time may have been cut short."""
        trials = self._study.get_trials(deepcopy=False)
        there = [trial.system_attrs.get("fixed_params") for trial in trials]
        for point in self.space.grid:
            if point not in there:
                self._study.enqueue_trial(point)

    def _point(self, number: int) -> Point:
        """Return the trial's point; what is not chosen yet is chosen now, as its number says.

        So a sweep that was interrupted draws at random the same points as one that was not.
        """
        known = self._frozen(number).params
        if known.keys() >= self._dimensions.keys():
            return {name: known[name] for name in self._dimensions}
        self._study.sampler = _sampler(self.space.sampler, number)
        handle = self._handle(number)
        return {name: each.suggest(handle, name) for name, each in self._dimensions.items()}

    def _frozen(self, number: int) -> FrozenTrial:
        return self._storage.get_trial(self._trial_id(number))

    def _handle(self, number: int) -> optuna.Trial:
        return optuna.Trial(self._study, self._trial_id(number))

    def _trial_id(self, number: int) -> int:
        return self._storage.get_trial_id_from_study_id_trial_number(self._id, number)


def _sampler(sampler: Sampler, number: int) -> BaseSampler:
    seed = (sampler.seed * PRIME + number) % 2**32
    if sampler.name != "tpe":
        return RandomSampler(seed=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        return TPESampler(  # the liar keeps runs at the same time from trying the same
            seed=seed, n_startup_trials=sampler.startup, constant_liar=True
        )


def _pruner(pruner: Pruner | None) -> BasePruner:
    match pruner:
        case Pruner(name="median"):
            return MedianPruner(n_startup_trials=pruner.startup, n_warmup_steps=pruner.warmup)
        case Pruner(name="halving"):
            return SuccessiveHalvingPruner(min_resource=max(1, pruner.warmup))
    return NopPruner()

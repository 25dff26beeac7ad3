"""The training loop, a generator of `Progress`.

The loop knows neither who drives it nor who listens: a batch run takes every step at once,
a live session looks at its commands between two steps.
"""

import math
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from itertools import islice
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from workbench.config import RunConfig
from workbench.data.batches import Batch, batch_count, batches
from workbench.data.encoding import EncodedPairs
from workbench.errors import OutOfMemoryError, RunError
from workbench.model.seq2seq import Seq2Seq
from workbench.records import Evaluation, Progress, Translation
from workbench.training.checkpoint import Checkpoints, Position, Weights
from workbench.training.control import Stopped
from workbench.training.device import check_precision
from workbench.training.schedule import learning_rate, sampling_chance
from workbench.training.step import TrainingStep
from workbench.training.workers import Order, Workers

Evaluate = Callable[[], tuple[Evaluation, tuple[Translation, ...]]]

SMALLER_IS_BETTER = {"loss", "character_error_rate", "word_error_rate"}


class LossNotFiniteError(RunError):
    """The loss or a weight is not a number: the weights are of no use any more."""

    def __init__(self, what: str, config: RunConfig) -> None:
        """Say `what` was found, and what to do about it."""
        clip = f"{config.clip_norm:g}" if config.clip_norm else "0, none"
        super().__init__(
            f"{what}: training has left the rails; lower learning_rate (now "
            f"{config.learning_rate:g}), or train anew with another clip_norm (now {clip})"
        )


class Traced(Protocol):
    """What is compiled and counts how often its graph was traced."""

    traces: int


def planned_steps(pairs: EncodedPairs, config: RunConfig) -> int:
    """Return how many steps the run has when neither patience nor time ends it.

    The batches left at the end of an epoch make a step of their own.
    """
    steps = config.epochs * -(-batch_count(pairs, config.batch_size) // config.accumulate)
    return min(steps, config.max_steps) if config.max_steps else steps


class Loop:
    """Training of one model on one split, from its last checkpoint where there is one.

    When training ends the model holds the best weights it had at an evaluation or, with
    `average_checkpoints`, the mean of the weights at the last ones (Vaswani et al. 2017,
    section 6.1), measured in the last `Progress`. When it is stopped (`close()` on the
    generator) it holds the best, and a checkpoint is written first, so that no step is lost. Where
    a loss is not a number it holds the best, or the first.

    Attributes:
        position: where training stands.
        recent: the weights at the last evaluations, oldest first, where they are averaged.
        averaged: the figures of their mean, once training has ended.
    """

    def __init__(
        self,
        model: Seq2Seq,
        pairs: EncodedPairs,
        config: RunConfig,
        evaluate: Evaluate,
        checkpoints: Checkpoints | None = None,
        traced: Mapping[str, Traced] | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Prepare training; `evaluate` measures the model as it then is.

        It may raise `Stopped`: the evaluation is then made when training goes on. `traced` names
        what else is compiled and runs between steps, for `traces`. `clock` counts seconds.
        `config` may be exchanged between two steps for one of another learning rate.

        Raises:
            SettingsError: a `precision` that the device cannot compute with.
        """
        check_precision(config.precision)
        self.model, self.pairs, self.config = model, pairs, config
        self.evaluate, self.checkpoints = evaluate, checkpoints
        self.step = TrainingStep(model, config, config.dropout)
        self.workers = Workers(config.strategy)
        self.position, self.best = Position(), _weights(model)
        self.recent: list[Weights] = []
        self.averaged: Evaluation | None = None
        self._clock = clock
        self._traced: dict[str, Traced] = {"step": self.step, **(traced or {})}
        self._first_traces: dict[str, int] | None = None
        if checkpoints and checkpoints.steps:
            restored = checkpoints.restore(model, self.step.optimizer)
            self.position, self.best, self.recent = restored
        self.total_steps = planned_steps(pairs, config)

    @property
    def finished(self) -> bool:
        """Whether nothing is left to train."""
        config, position = self.config, self.position
        return (
            position.step >= self.total_steps
            or bool(config.max_minutes and position.seconds >= 60 * config.max_minutes)
            or bool(config.patience and position.waited >= config.patience)
        )

    @property
    def traces(self) -> dict[str, int]:
        """How often each graph was traced, and how often all were again after the first epoch."""
        now = {name: each.traces for name, each in self._traced.items()}
        first = self._first_traces or now
        again = sum(max(now[name] - max(first[name], 1), 0) for name in now)
        return now | {"after_first_epoch": again}

    def run(self) -> Generator[Progress, None, None]:
        """Train; yield after every step.

        Raises:
            LossNotFiniteError: the loss is not a number, or a weight where they are to be kept.
            LostWorkerError: another process that trains along is gone.
        """
        with self.workers.told():
            self.workers.spread(self.model, self.step.optimizer.variables)
            yield from self._run()

    def _run(self) -> Generator[Progress, None, None]:
        stopped = False
        try:
            if self.position.owed:
                yield self._completed(Progress(**self.position.owed), evaluate=True)
            while not self.finished:
                yield from self._epoch()
                if self._first_traces is None:
                    self._first_traces = {n: each.traces for n, each in self._traced.items()}
        except (GeneratorExit, Stopped) as end:
            stopped = True
            self._check_weights()
            self._save()
            if isinstance(end, GeneratorExit):
                raise
        except LossNotFiniteError:
            self.model.set_weights(self.best)
            raise
        finally:
            if self.recent and not stopped:
                self.model.set_weights(mean_weights(self.recent))
            elif self.position.best is not None:
                self.model.set_weights(self.best)
            self.workers.end(self.model)

    def _epoch(self) -> Generator[Progress, None, None]:
        for group in self._groups():
            progress = self._taken(group)
            epoch_ended = self.position.batch == 0
            due = self._evaluation_due(epoch_ended) or self.finished
            yield self._completed(progress, due)
            if self.finished:
                return

    def _completed(self, progress: Progress, evaluate: bool) -> Progress:
        """Do what is due after a step: measure the model, save a checkpoint."""
        due = evaluate or progress.step % self.config.checkpoint_every == 0
        if due:
            self._check_weights()
        if evaluate:
            self.position = replace(self.position, owed=_plain(progress))
            progress = self._evaluated(progress)
        if due:
            self._save()
        if self.recent and self.finished:
            progress = self._measured_average(progress)
        return progress

    def _groups(self) -> Iterator[list[Batch]]:
        """Yield the batches of every step that is left of the epoch."""
        config, start = self.config, self.position
        coming = batches(self.pairs, config.batch_size, config.seed, start.epoch, start=start.batch)
        while group := list(islice(coming, config.accumulate)):
            yield group

    def _taken(self, group: list[Batch]) -> Progress:
        """Take one optimizer step and move the position behind it."""
        config, step, epoch = self.config, self.position.step + 1, self.position.epoch
        began = self._clock()
        rate = learning_rate(config, step, self.total_steps)
        more: dict[str, Any] = {"further": group[1:]} if len(group) > 1 else {}
        if config.scheduled_sampling:
            more["chance"] = sampling_chance(config, step, self.total_steps)
        place = (step, epoch, self.position.batch, len(group))
        self.workers.order(Order(1, *place, rate, more.get("chance", 0)))
        try:
            loss, norm, tokens = self.step(group[0], step, rate, **more)
            self.workers.stepped()
        except (MemoryError, tf.errors.ResourceExhaustedError):
            raise OutOfMemoryError(
                f"step {step} ran out of memory with batch_size {config.batch_size}: "
                f"try batch_size {max(config.batch_size // 2, 1)}"
            ) from None
        if not math.isfinite(loss):
            raise LossNotFiniteError(f"the loss of step {step} is {loss}", config)
        elapsed = self._clock() - began
        done = self.position.batch + len(group)
        ended = done == batch_count(self.pairs, config.batch_size)
        seconds = self.position.seconds + elapsed
        self.position = replace(
            self.position,
            step=step, epoch=epoch + ended, batch=0 if ended else done, seconds=seconds,
        )  # fmt: skip
        speed = tokens / elapsed
        return Progress(step, epoch, loss, rate, norm, tokens, speed, seconds, self.total_steps)

    def _evaluation_due(self, epoch_ended: bool) -> bool:
        every = self.config.evaluate_every
        return self.position.step % every == 0 if every else epoch_ended

    def _evaluated(self, progress: Progress) -> Progress:
        """Measure the model; keep its weights if it is the best so far, or to average them."""
        began = self._clock()
        evaluation, probes = self.evaluate()
        seconds = self.position.seconds + self._clock() - began
        figure = evaluation.figures[self.config.monitor]
        best = self.position.best
        smaller = self.config.monitor in SMALLER_IS_BETTER
        improved = math.isfinite(figure) and (
            best is None or (figure < best if smaller else figure > best)
        )
        self.position = replace(self.position, seconds=seconds, owed=None)
        if improved:
            self.best = _weights(self.model)
            self.position = replace(self.position, best=figure, best_step=progress.step, waited=0)
        else:
            self.position = replace(self.position, waited=self.position.waited + 1)
        if kept := self.config.average_checkpoints:
            self.recent = [*self.recent, _weights(self.model)][-kept:]
        return replace(progress, evaluation=evaluation, probes=probes, best=improved)

    def _measured_average(self, progress: Progress) -> Progress:
        """Let the model hold the mean of the recent weights, and measure that instead."""
        self.model.set_weights(mean_weights(self.recent))
        self.averaged, probes = self.evaluate()
        return replace(progress, evaluation=self.averaged, probes=probes)

    def _check_weights(self) -> None:
        """Go no further with weights that are no numbers, as an infinite gradient makes them.

        The loss of its step does not show it yet, and a checkpoint or the best weights would be
        lost by it.
        """
        if not all(np.isfinite(weight).all() for weight in self.model.get_weights()):
            self.model.set_weights(self.best)
            what = f"the weights after step {self.position.step} are no numbers any more"
            raise LossNotFiniteError(what, self.config)

    def _save(self) -> None:
        if self.checkpoints:
            self.checkpoints.save(
                self.position, self.model, self.step.optimizer, self.best, self.recent
            )


def mean_weights(several: Sequence[Weights]) -> Weights:
    """Return the mean of every weight over `several` moments of training."""
    return [np.mean(same, axis=0, dtype=same[0].dtype) for same in zip(*several, strict=True)]


def _plain(progress: Progress) -> dict[str, Any]:
    """Return a step before its evaluation as JSON can hold it."""
    fields = asdict(progress)
    return {name: fields[name] for name in fields if name not in ("evaluation", "probes", "best")}


def _weights(model: Seq2Seq) -> Weights:
    return [weight.copy() for weight in model.get_weights()]

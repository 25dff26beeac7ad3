"""The training loop, a generator of `Progress`.

The loop knows neither who drives it nor who listens: a batch run takes every step at once,
a live session looks at its commands between two steps.
"""

import math
import time
from collections.abc import Callable, Generator
from dataclasses import replace

from workbench.config import RunConfig
from workbench.data.batches import batch_count, batches
from workbench.data.encoding import EncodedPairs
from workbench.errors import RunError
from workbench.model.seq2seq import Seq2Seq
from workbench.records import Evaluation, Progress, Translation
from workbench.training.checkpoint import Checkpoints, Position, Weights
from workbench.training.schedule import learning_rate
from workbench.training.step import TrainingStep

Evaluate = Callable[[], tuple[Evaluation, tuple[Translation, ...]]]

SMALLER_IS_BETTER = {"loss", "character_error_rate", "word_error_rate"}


def planned_steps(pairs: EncodedPairs, config: RunConfig) -> int:
    """Return how many steps the run has when neither patience nor time ends it."""
    steps = config.epochs * batch_count(pairs, config.batch_size)
    return min(steps, config.max_steps) if config.max_steps else steps


class Loop:
    """Training of one model on one split, from its last checkpoint where there is one.

    When training ends the model holds the best weights it had at an evaluation. When it is
    stopped (`close()` on the generator) a checkpoint is written first, so that no step is lost.

    Attributes:
        position: where training stands.
        trace_count: how often the step's graph was traced.
    """

    def __init__(
        self,
        model: Seq2Seq,
        pairs: EncodedPairs,
        config: RunConfig,
        evaluate: Evaluate,
        checkpoints: Checkpoints | None = None,
    ) -> None:
        """Prepare training; `evaluate` measures the model as it then is."""
        self.model, self.pairs, self.config = model, pairs, config
        self.evaluate, self.checkpoints = evaluate, checkpoints
        self.step = TrainingStep(model, config, config.dropout)
        self.position, self.best = Position(), _weights(model)
        if checkpoints and checkpoints.steps:
            self.position, self.best = checkpoints.restore(model, self.step.optimizer)
        self.total_steps = planned_steps(pairs, config)

    @property
    def trace_count(self) -> int:
        """How often the step's graph was traced."""
        return self.step.traces

    def run(self) -> Generator[Progress, None, None]:
        """Train; yield after every step."""
        try:
            while not self._finished():
                yield from self._epoch()
        except GeneratorExit:
            self._save()
            raise
        finally:
            if self.position.best is not None:
                self.model.set_weights(self.best)

    def _epoch(self) -> Generator[Progress, None, None]:
        config, start = self.config, self.position
        count = batch_count(self.pairs, config.batch_size)
        for batch in batches(
            self.pairs, config.batch_size, config.seed, start.epoch, start=start.batch
        ):
            began = time.perf_counter()
            step = self.position.step + 1
            rate = learning_rate(config, step, self.total_steps)
            loss, norm, tokens = self.step(batch, step, rate)
            if not math.isfinite(loss):
                raise RunError(
                    f"the loss of step {step} is {loss}: training has left the rails; lower "
                    f"learning_rate (now {config.learning_rate}) or clip_norm"
                )
            elapsed = time.perf_counter() - began
            epoch, ended = self.position.epoch, self.position.batch + 1 == count
            self.position = replace(
                self.position,
                step=step,
                epoch=epoch + ended,
                batch=0 if ended else self.position.batch + 1,
                seconds=self.position.seconds + elapsed,
            )
            progress = Progress(
                step, epoch, loss, rate, norm, tokens, tokens / elapsed,
                self.position.seconds, self.total_steps,
            )  # fmt: skip
            finished = self._finished()
            if self._evaluation_due(ended) or finished:
                progress = self._evaluated(progress)
            if progress.evaluation or step % config.checkpoint_every == 0:
                self._save()
            yield progress
            if finished or self._finished():
                return

    def _evaluation_due(self, epoch_ended: bool) -> bool:
        every = self.config.evaluate_every
        return self.position.step % every == 0 if every else epoch_ended

    def _evaluated(self, progress: Progress) -> Progress:
        """Measure the model; keep its weights if it is the best so far."""
        began = time.perf_counter()
        evaluation, probes = self.evaluate()
        seconds = self.position.seconds + time.perf_counter() - began
        figure = evaluation.figures[self.config.monitor]
        best = self.position.best
        smaller = self.config.monitor in SMALLER_IS_BETTER
        improved = math.isfinite(figure) and (
            best is None or (figure < best if smaller else figure > best)
        )
        if improved:
            self.best = _weights(self.model)
            self.position = replace(
                self.position, seconds=seconds, best=figure, best_step=progress.step, waited=0
            )
        else:
            waited = self.position.waited + 1
            self.position = replace(self.position, seconds=seconds, waited=waited)
        return replace(progress, evaluation=evaluation, probes=probes, best=improved)

    def _finished(self) -> bool:
        config, position = self.config, self.position
        return (
            position.step >= self.total_steps
            or bool(config.max_minutes and position.seconds >= 60 * config.max_minutes)
            or bool(config.patience and position.waited >= config.patience)
        )

    def _save(self) -> None:
        if self.checkpoints:
            self.checkpoints.save(self.position, self.model, self.step.optimizer, self.best)


def _weights(model: Seq2Seq) -> Weights:
    return [weight.copy() for weight in model.get_weights()]

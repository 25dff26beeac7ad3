"""One training in several processes, often on several machines: worker 0 leads, others follow.

Worker 0 alone decides: it tells before every step which one it is, and at last that training has
ended. So the others need no clock, no evaluation and no checkpoint, and nobody can part ways.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from workbench.cluster import read_cluster
from workbench.config import RunConfig, Strategy
from workbench.data.batches import Batch, batches
from workbench.data.encoding import EncodedPairs
from workbench.errors import RunError
from workbench.model.seq2seq import Seq2Seq
from workbench.training.distribution import strategy
from workbench.training.step import TrainingStep

Array = NDArray[np.generic]

_GONE = (  # what TensorFlow raises where a worker is gone
    tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError,
    tf.errors.InternalError, tf.errors.FailedPreconditionError, tf.errors.DeadlineExceededError,
    tf.errors.UnknownError,
)  # fmt: skip


class LostWorkerError(RunError):
    """A worker went away in the midst of training."""


class Order(NamedTuple):
    """What worker 0 tells before a step: which batches it takes, and how.

    Attributes:
        go: 1, or 0 where training has ended and the rest says nothing.
        step, epoch, batch: number of the step, and where its batches begin.
        parts: how many batches it takes.
        rate, chance: the learning rate, and that of scheduled sampling.
    """

    go: float = 0.0
    step: float = 0.0
    epoch: float = 0.0
    batch: float = 0.0
    parts: float = 0.0
    rate: float = 0.0
    chance: float = 0.0


class Workers:
    """The workers of a training; for one process alone, none of this does anything."""

    def __init__(self, name: Strategy) -> None:
        """Stand for the workers of the strategy called `name`."""
        self._strategy = strategy(name)
        self._several = name == "multi_worker"
        self.leads = not self._several or read_cluster().number == 0
        self._in_step = False

    def agree(self, digest: str) -> None:
        """See to it that all workers have the same settings and data, as their `digest` tells.

        Raises:
            RunError: they have not; it is raised in all of them.
        """
        if not self._several:
            return
        cluster = read_cluster()
        mine = np.zeros(len(cluster.addresses))
        mine[cluster.number] = int(digest, 16)
        digests = self._summed(mine)
        others = [f"worker {number}" for number in np.flatnonzero(digests != digests[0])]
        if others:
            raise RunError(
                f"{', '.join(others)}: other settings or data than worker 0; start every worker "
                "with the same notebook, parameters and files"
            )

    def spread(self, model: Seq2Seq, optimizer: Sequence[tf.Variable] = ()) -> None:
        """Give all workers the weights of worker 0, and the variables of its optimizer."""
        if not self._several:
            return
        model.set_weights([self._of_the_leader(each) for each in model.get_weights()])
        for variable in optimizer:
            variable.assign(self._of_the_leader(variable.numpy()))

    def order(self, order: Order) -> Order:
        """Tell the others what comes; return what worker 0 has told."""
        if not self._several:
            return order
        told = self._of_the_leader(np.array(order, np.float64))
        self._in_step = bool(told[0])
        return Order(*map(float, told))

    def stepped(self) -> None:
        """Take note that a step was taken by all."""
        self._in_step = False

    def end(self, model: Seq2Seq) -> None:
        """Tell the others that training has ended, and what the weights are.

        Where this worker fails in the midst of a step nobody waits for such a word.
        """
        if not self._in_step:
            self.order(Order())
            self.spread(model)

    @contextmanager
    def told(self) -> Iterator[None]:
        """Say on one line that a worker is gone.

        Raises:
            LostWorkerError: one is.
        """
        try:
            yield
        except _GONE as error:
            if not self._several:
                raise
            self._in_step = True  # and never ends
            raise LostWorkerError(
                f"a worker is gone ({type(error).__name__}): look for what it said last, and "
                "start all of them again; training goes on from the last checkpoint"
            ) from None

    def _of_the_leader(self, array: Array) -> Array:
        """Return the array that worker 0 holds; its shape is the same in all."""
        wide = array.astype(np.float32 if array.dtype == np.float32 else np.float64)
        return self._summed(wide if self.leads else np.zeros_like(wide)).astype(array.dtype)

    def _summed(self, array: Array) -> Array:
        """Add up what all workers bring."""
        placed = tf.identity(array)
        total: Array = self._strategy.reduce(tf.distribute.ReduceOp.SUM, placed, axis=None).numpy()
        return total


def follow(model: Seq2Seq, pairs: EncodedPairs, config: RunConfig) -> int:
    """Take the steps that worker 0 asks for, to the end; return how many.

    The model then holds the weights that worker 0 ends with.

    Raises:
        LostWorkerError: another worker is gone.
    """
    workers, step = Workers(config.strategy), TrainingStep(model, config, config.dropout)
    coming: Iterator[Batch] = iter(())
    place, taken = (-1.0, -1.0), 0
    with workers.told():
        workers.spread(model, step.optimizer.variables)
        while (order := workers.order(Order())).go:
            if place != (order.epoch, order.batch):
                first = (int(order.epoch), int(order.batch))
                coming = batches(pairs, config.batch_size, config.seed, *first)
            group = [next(coming) for _ in range(int(order.parts))]
            place = (order.epoch, order.batch + order.parts)
            step(group[0], int(order.step), order.rate, group[1:], order.chance)
            workers.stepped()
            taken += 1
        workers.spread(model)
    return taken

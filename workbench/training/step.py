"""One optimizer step, compiled once."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from workbench.config import TrainingSettings
from workbench.data.batches import Batch
from workbench.data.tokenizer import PAD
from workbench.model.attention import rereading
from workbench.model.noise import Noise
from workbench.model.seq2seq import IDS, Seq2Seq
from workbench.records import Integers
from workbench.training.distribution import of_each_replica, share, strategy, summed
from workbench.training.loss import cross_entropy
from workbench.training.optimizer import make_optimizer
from workbench.training.sampling import predict

BLOCK = 8  # with XLA every length is a multiple of it
_INTEGER, _NUMBER = tf.TensorSpec([], tf.int32), tf.TensorSpec([], tf.float32)

Sums = tuple[tf.Tensor, tf.Tensor]  # nats and real tokens of a batch


class TrainingStep:
    """Forward, backward and update; the same numbers for the same (seed, step).

    The model is any that has `forward(source, target, noise)`, `target_size` and trainable
    variables.

    With `xla` the step is compiled for every shape it meets, which takes from seconds to a
    minute each. Batches are therefore padded to multiples of 8 tokens, and the padding is
    computed too: it pays in long runs over texts of like length, or on a GPU.

    Attributes:
        optimizer: the Keras optimizer, whose variables belong into a checkpoint.
        traces: how often a graph was traced; more than once each means lost time.
    """

    def __init__(self, model: Seq2Seq, settings: TrainingSettings, dropout: float) -> None:
        """Prepare the step; its graphs are traced at the first call."""
        self.model = model
        self.settings = settings
        self.dropout = dropout
        self.variables = model.trainable_variables
        self.traces = 0
        self._strategy = strategy(settings.strategy)
        self._sums: list[tf.Variable] = []
        with self._strategy.scope():
            self.optimizer = make_optimizer(settings)
            self.optimizer.build(self.variables)
            if settings.accumulate > 1:
                self._sums = [of_each_replica(each) for each in self.variables]
        one = [IDS, IDS, _INTEGER, _NUMBER, _NUMBER]
        self._whole = self._compile(self._run, one)
        self._part = self._compile(self._add, [IDS, IDS, _INTEGER, _INTEGER, _NUMBER])
        self._end = self._compile(self._finish, [_NUMBER, _NUMBER])

    def __call__(
        self,
        batch: Batch,
        step: int,
        rate: float,
        further: Sequence[Batch] = (),
        chance: float = 0.0,
    ) -> tuple[float, float, int]:
        """Take the step that the real tokens of `batch` and `further` batches ask for together.

        `chance` is that of a token of the model's own among its inputs (`scheduled_sampling`).
        Returns: the loss in nats a real token, the norm of the gradient, and the tokens. Where
        float16 overflowed the step is left out and the norm is 0.
        """
        number, odds = np.float32(rate), np.float32(chance)
        if not self._sums:
            loss, norm, tokens = self._whole(*self._ids(batch), step, number, odds)
            return float(loss), float(norm), int(tokens)
        parts = [
            self._part(*self._ids(each), step, place, odds)
            for place, each in enumerate((batch, *further))
        ]
        nats, tokens = (sum(map(float, column)) for column in zip(*parts, strict=True))
        norm = self._end(np.float32(tokens), number)
        return nats / tokens, float(norm), int(tokens)

    def _run(
        self,
        source: tf.Tensor,
        target: tf.Tensor,
        step: tf.Tensor,
        rate: tf.Tensor,
        chance: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Take a step on one batch."""
        seed = tf.stack([self.settings.seed, step])
        gradients, (nats, tokens) = self._gradients(source, target, seed, chance)
        *gradients, nats = summed([*gradients, nats])
        return nats / tokens, self._update(gradients, tf.ones([]), rate), tokens

    def _add(
        self,
        source: tf.Tensor,
        target: tf.Tensor,
        step: tf.Tensor,
        place: tf.Tensor,
        chance: tf.Tensor,
    ) -> Sums:
        """Add the gradient of the batch at `place` of a step to those before it."""
        seed = Noise(self.dropout, tf.stack([self.settings.seed, step])).at(place).seed
        gradients, (nats, tokens) = self._gradients(source, target, seed, chance)
        for total, gradient in zip(self._sums, gradients, strict=True):
            before = tf.where(place == 0, tf.zeros_like(total), total)
            total.assign(before + tokens * gradient)
        [nats] = summed([nats])
        return nats, tokens

    def _finish(self, tokens: tf.Tensor, rate: tf.Tensor) -> tf.Tensor:
        """Take a step with the gradients added up over so many tokens."""
        gradients = summed([tf.convert_to_tensor(each) for each in self._sums])
        return self._update(gradients, tokens, rate)

    def _gradients(
        self, source: tf.Tensor, target: tf.Tensor, seed: tf.Tensor, chance: tf.Tensor
    ) -> tuple[list[tf.Tensor], Sums]:
        """Return the gradient of the mean over real tokens, times the scale of the loss.

        With several replicas it is this one's part of it, to be added to those of the others. So
        are the nats; the tokens are those of all.
        """
        noise = Noise(self.dropout, seed)
        tokens = tf.reduce_sum(tf.cast(target != PAD, tf.float32))
        source, target, counted, noise = share(source, target, noise)
        with tf.GradientTape() as tape:
            logits, attention = predict(self.model, self.settings, source, target, noise, chance)
            nats, _ = cross_entropy(
                logits, counted, self.settings.label_smoothing, self.model.target_size
            )
            if self.settings.coverage_loss:
                nats += self.settings.coverage_loss * _reread(attention, counted)
            scaled = self.optimizer.scale_loss(nats / tokens)
        found = tape.gradient(scaled, self.variables, unconnected_gradients="zero")
        # Dense, because the norm of a sparse one leaves out that a token may come twice.
        return [tf.convert_to_tensor(each) for each in found], (nats, tokens)

    def _update(self, gradients: list[tf.Tensor], tokens: tf.Tensor, rate: tf.Tensor) -> tf.Tensor:
        """Divide by `tokens`, clip and apply, in one pass; return the norm before clipping."""
        scale = self.optimizer.scale_loss(tf.ones([]))
        norm = tf.linalg.global_norm(gradients) / (tokens * scale)
        limit = self.settings.clip_norm
        share = limit / tf.maximum(norm, limit) if limit else tf.ones([])
        self.optimizer.learning_rate.assign(rate)
        self.optimizer.apply([each * (share / tokens) for each in gradients], self.variables)
        if self.settings.precision == "float16":
            return tf.where(tf.math.is_finite(norm), norm, 0.0)
        return norm

    def _compile(
        self, function: Callable[..., Any], signature: list[tf.TensorSpec]
    ) -> Callable[..., Any]:
        return tf.function(
            partial(self._in_every_replica, function), input_signature=signature, autograph=False,
            jit_compile=True if self.settings.xla else None,
        )  # fmt: skip

    def _in_every_replica(self, function: Callable[..., Any], *arguments: tf.Tensor) -> Any:
        """Let every replica call `function`, and return the first one's results."""
        self.traces += function != self._finish  # whose graph is a small one
        results = self._strategy.run(function, arguments)
        firsts = self._strategy.experimental_local_results
        return tf.nest.map_structure(lambda result: firsts(result)[0], results)

    def _ids(self, batch: Batch) -> tuple[Integers, Integers]:
        if not self.settings.xla:
            return batch.source, batch.target
        return _widened(batch.source), _widened(batch.target)


def _reread(attention: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """Sum what real tokens read again, the mean over layers and heads (See et al. 2017, eq. 12).

    Shapes: attention [B, L, H, T, S]; target [B, T].
    """
    shape = tf.shape(attention)
    again = rereading(tf.reshape(attention, [-1, shape[3], shape[4]]))
    mean = tf.reduce_mean(tf.reshape(again, shape[:4]), [1, 2])  # [B, T]
    return tf.reduce_sum(mean * tf.cast(target != PAD, mean.dtype))


def _widened(ids: Integers) -> Integers:
    """Pad ids [B, T] behind to the next multiple of 8 tokens."""
    return np.pad(ids, [(0, 0), (0, -ids.shape[1] % BLOCK)], constant_values=PAD)

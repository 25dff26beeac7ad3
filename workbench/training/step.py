"""One optimizer step, compiled once."""

import keras
import numpy as np
import tensorflow as tf

from workbench.config import TrainingSettings
from workbench.data.batches import Batch
from workbench.model.noise import Noise
from workbench.model.seq2seq import IDS, Seq2Seq
from workbench.training.loss import cross_entropy


class TrainingStep:
    """Forward, backward and update on a batch; the same numbers for the same (seed, step).

    Attributes:
        optimizer: the Keras optimizer, whose variables belong into a checkpoint.
        traces: how often the graph was traced; more than once means lost time.
    """

    def __init__(self, model: Seq2Seq, settings: TrainingSettings, dropout: float) -> None:
        """Prepare the step; the graph is traced at the first call."""
        self.model = model
        self.settings = settings
        self.dropout = dropout
        self.optimizer = make_optimizer(settings)
        self.optimizer.build(model.trainable_variables)
        self.traces = 0
        scalar = tf.TensorSpec([], tf.int32), tf.TensorSpec([], tf.float32)
        signature = [IDS, IDS, *scalar]
        self._compiled = tf.function(self._run, input_signature=signature, autograph=False)

    def __call__(self, batch: Batch, step: int, rate: float) -> tuple[float, float, int]:
        """Return the loss in nats a real token, the norm of the gradient, and the tokens."""
        loss, norm, tokens = self._compiled(batch.source, batch.target, step, np.float32(rate))
        return float(loss), float(norm), int(tokens)

    def _run(
        self, source: tf.Tensor, target: tf.Tensor, step: tf.Tensor, rate: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        self.traces += 1
        variables = self.model.trainable_variables
        noise = Noise(self.dropout, tf.stack([self.settings.seed, step]))
        with tf.GradientTape() as tape:
            logits, _ = self.model.forward(source, target, noise)
            total, tokens = cross_entropy(logits, target, self.settings.label_smoothing)
            loss = total / tokens
        # Dense, because the norm of a sparse one leaves out that a token may come twice.
        gradients = [tf.convert_to_tensor(each) for each in tape.gradient(loss, variables)]
        norm = tf.linalg.global_norm(gradients)
        if self.settings.clip_norm:
            gradients, _ = tf.clip_by_global_norm(gradients, self.settings.clip_norm, norm)
        self.optimizer.learning_rate.assign(rate)
        self.optimizer.apply(gradients, variables)
        return loss, norm, tokens


def make_optimizer(settings: TrainingSettings) -> keras.optimizers.Optimizer:
    """Return the optimizer of the settings; biases are spared from weight decay."""
    decay = settings.weight_decay or None
    rate = settings.learning_rate
    if settings.optimizer == "adam":  # Kingma & Ba 2015
        return keras.optimizers.Adam(rate)
    if settings.optimizer == "adamw":  # Loshchilov & Hutter 2019
        optimizer = keras.optimizers.AdamW(rate, weight_decay=settings.weight_decay)
    else:
        optimizer = keras.optimizers.SGD(rate, weight_decay=decay)
    if decay:
        optimizer.exclude_from_weight_decay(var_names=["bias"])
    return optimizer

"""Figures under teacher forcing: how well the model predicts text that it is shown."""

import math
from collections.abc import Callable

import tensorflow as tf

from workbench.data.batches import ordered_batches
from workbench.data.encoding import EncodedPairs
from workbench.data.tokenizer import PAD
from workbench.model.seq2seq import IDS, Seq2Seq
from workbench.training.loss import cross_entropy


class TeacherForcing:
    """Loss, perplexity and token accuracy over a split, compiled once for a model.

    Attributes:
        traces: how often the graph was traced.
    """

    def __init__(self, model: Seq2Seq) -> None:
        """Prepare for `model`; its weights may change between calls."""
        self.model = model
        self.traces = 0
        self._compiled = tf.function(self._sums, input_signature=[IDS, IDS], autograph=False)

    def __call__(
        self,
        pairs: EncodedPairs,
        batch_size: int,
        between: Callable[[], None] | None = None,
    ) -> dict[str, float]:
        """Return `loss` (nats a real token), `perplexity` and `token_accuracy` (0 to 1).

        `between` is called before every batch.
        """
        nats, correct, tokens = 0.0, 0.0, 0.0
        for batch in ordered_batches(pairs, batch_size):
            if between:
                between()
            sums = self._compiled(batch.source, batch.target)
            nats, correct, tokens = (
                total + float(part)
                for total, part in zip((nats, correct, tokens), sums, strict=True)
            )
        loss = nats / tokens
        return {
            "loss": loss,
            "perplexity": math.exp(min(loss, 700.0)),  # beyond that a float overflows
            "token_accuracy": correct / tokens,
        }

    def _sums(self, source: tf.Tensor, target: tf.Tensor) -> tuple[tf.Tensor, ...]:
        self.traces += 1
        logits, _ = self.model.forward(source, target)
        nats, tokens = cross_entropy(logits, target)
        right = tf.argmax(logits, -1, output_type=target.dtype) == target
        correct = tf.reduce_sum(tf.cast(right & (target != PAD), tf.float32))
        return nats, correct, tokens

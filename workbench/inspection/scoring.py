"""What the model thinks of a given target: probabilities and attention under teacher forcing."""

from collections.abc import Callable, Sequence

import tensorflow as tf

from workbench.data.batches import Batch, ordered_batches
from workbench.data.corpus import Pair
from workbench.data.encoding import Codec
from workbench.data.tokenizer import PAD
from workbench.model.seq2seq import IDS, Seq2Seq
from workbench.records import Floats, Hypothesis, Translation


class Scoring:
    """Score targets with one model, compiled once."""

    def __init__(self, model: Seq2Seq, codec: Codec, batch_size: int = 64) -> None:
        """Score `batch_size` pairs at a time."""
        self.model, self.codec, self.batch_size = model, codec, batch_size
        self._compiled = tf.function(self._look, input_signature=[IDS, IDS], autograph=False)

    def __call__(
        self, pairs: Sequence[Pair], between: Callable[[], None] | None = None
    ) -> list[Translation]:
        """Return each pair as a `Translation` whose one hypothesis is the pair's own target.

        Its `log_probabilities` [T] and `attention` [L, H, T, S] belong to the target's tokens,
        the end symbol included; `score` is their sum, no length penalty applied. `between` is
        called before every batch.

        Raises:
            DataError: a side without tokens, or longer than the model allows.
        """
        for pair in pairs:
            self.codec.readable_source(pair.source)
            self.codec.readable_target(pair.target, pair.source)
        encoded, _ = self.codec.encode_pairs(pairs)
        scored: dict[int, Translation] = {}
        for batch in ordered_batches(encoded, self.batch_size):
            if between:
                between()
            log_probabilities, attention = (
                array.numpy() for array in self._compiled(batch.source, batch.target)
            )
            for row, index in enumerate(batch.indices):
                scored[int(index)] = self._translation(
                    encoded.pairs[index], batch, row, log_probabilities[row], attention[row]
                )
        return [scored[index] for index in range(len(encoded.pairs))]

    def _look(self, source: tf.Tensor, target: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        logits, attention = self.model.forward(source, target)
        every = tf.nn.log_softmax(logits)
        return tf.gather(every, target, batch_dims=2), attention

    def _translation(
        self, pair: Pair, batch: Batch, row: int, log_probabilities: Floats, attention: Floats
    ) -> Translation:
        source = batch.source[row][batch.source[row] != PAD].tolist()
        target = batch.target[row][batch.target[row] != PAD].tolist()
        nats = log_probabilities[: len(target)]
        hypothesis = Hypothesis(
            text=pair.target,
            tokens=self.codec.target_tokens(target, pair.source),
            log_probabilities=nats,
            attention=attention[:, :, : len(target), : len(source)],
            score=float(nats.sum()),
            words=tuple(self.codec.target_words(target, pair.source)),
        )
        return Translation(
            source=pair.source,
            source_tokens=self.codec.source.tokens(source),
            hypotheses=(hypothesis,),
            reference=pair.target,
            gold=pair.alignment,
            source_words=tuple(self.codec.source_words(source)),
        )

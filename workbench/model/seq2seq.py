"""The encoder-decoder: tokens in, logits and attention out.

Shape letters: B sentences, S source tokens, T target tokens, L layers with attention, H heads,
V target vocabulary.
"""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from workbench.config import RunConfig
from workbench.data.tokenizer import BEGIN, PAD
from workbench.model.attention import Memory
from workbench.model.cells import CELLS
from workbench.model.convolution import ConvolutionalDecoder, ConvolutionalEncoder
from workbench.model.copying import NOTHING, Copying, CopyMemory, within
from workbench.model.decoder import Decoder, RecurrentDecoder
from workbench.model.encoder import Encoder, RecurrentEncoder
from workbench.model.noise import Noise, at, drop
from workbench.model.precision import product
from workbench.model.transformer import TransformerDecoder, TransformerEncoder
from workbench.records import Integers

ENCODERS: dict[str, type[Encoder]] = {
    **dict.fromkeys(CELLS, RecurrentEncoder),
    "cnn": ConvolutionalEncoder,
    "transformer": TransformerEncoder,
}
DECODERS: dict[str, type[Decoder]] = {
    **dict.fromkeys(CELLS, RecurrentDecoder),
    "cnn": ConvolutionalDecoder,
    "transformer": TransformerDecoder,
}

State = Any  # what one step leaves to the next: any nest of tensors that begin with B
IDS = tf.TensorSpec([None, None], tf.int32)  # padded token ids of any number of sentences


class Seq2Seq(keras.Model):
    """An encoder and a decoder over token ids, joined by attention.

    `encode` and `step` are all that search needs; `forward` runs whole target sentences for
    training and scoring, and gives at every position what `step` gives there.
    """

    def __init__(
        self,
        settings: RunConfig,
        source_size: int,
        target_size: int,
        seed: int = 0,
        twins: Sequence[int] | Integers | None = None,
    ) -> None:
        """Make all weights for vocabularies of the given sizes, from `seed` alone.

        `twins` are the target ids of the source pieces [source_size] for a model that copies, -1
        for none; see `Codec.twins`.
        """
        super().__init__(dtype="float32")
        width = settings.embedding
        self.settings = settings
        self.source_size, self.target_size = source_size, target_size
        self.source_embedding = self._table("source_embedding", source_size, width, seed + 1)
        self.target_embedding = self._table("target_embedding", target_size, width, seed + 2)
        self.encoder = ENCODERS[settings.encoder](settings, seed + 10_000)
        self.decoder = DECODERS[settings.decoder](settings, seed + 20_000)
        glorot = keras.initializers.GlorotUniform
        self.narrow = None
        if settings.tie_embeddings and (settings.decoder in CELLS or width != settings.units):
            self.narrow = self.add_weight(
                name="narrow", shape=(settings.units, width), initializer=glorot(seed=seed + 3)
            )
        elif not settings.tie_embeddings:
            self.output_kernel = self.add_weight(
                name="output_kernel", shape=(settings.units, target_size),
                initializer=glorot(seed=seed + 4),
            )  # fmt: skip
        self.output_bias = self.add_weight(
            name="output_bias", shape=(target_size,), initializer="zeros"
        )
        self.copying = None
        if settings.copy_source:
            known = [NOTHING] * source_size if twins is None else twins
            self.copying = Copying(settings, known, target_size, seed + 5)
        self.built = True

    def encode(
        self, source: tf.Tensor, noise: Noise | None = None
    ) -> tuple[State, Memory | CopyMemory]:
        """Read sources [B, S]; return the state before the first target token, and the memory."""
        return self.encode_embedded(self.embed(source), source, noise)

    def embed(self, source: tf.Tensor) -> tf.Tensor:
        """Return the embeddings of sources [B, S], as the encoder gets them: [B, S, D]."""
        return tf.gather(self.source_embedding, within(source, self.source_size))

    def encode_embedded(
        self, embedded: tf.Tensor, source: tf.Tensor, noise: Noise | None = None
    ) -> tuple[State, Memory | CopyMemory]:
        """Read embeddings [B, S, D], be they those of `source` or others, as `encode` does.

        `source` [B, S] still tells which positions are real, and what may be copied from them.
        """
        if not self.encoder.drops:
            embedded = drop(embedded, noise, 1)
        mask = source != PAD
        encoded = self.encoder.encode(embedded, mask, at(noise, 1))
        state, memory = self.decoder.begin(encoded)
        if self.copying is None:
            return state, memory
        return state, self.copying.remember(memory, encoded.values, source)

    def step(
        self,
        tokens: tf.Tensor,
        state: State,
        memory: Memory | CopyMemory,
        attention: tf.Tensor | None = None,
    ) -> tuple[tf.Tensor, tf.Tensor, State]:
        """Take the latest target tokens [B] in and say what may come next.

        `attention` [B, L, H, S], where given, is used instead of the model's own; what is NaN in
        it stays the model's own, as it comes out above the layers that were given.
        Returns: logits [B, V], attention [B, L, H, S], the state after these tokens. A model that
        copies gives log-probabilities [B, V + S] as logits; see `workbench.model.copying`.
        """
        embedded = tf.gather(self.target_embedding, within(tokens, self.target_size))
        inner = _inner(memory)
        vector, used, state = self.decoder.step(embedded, state, inner, attention)
        logits = self._predict(vector[:, None], embedded[:, None], used[:, :, :, None], memory)
        return logits[:, 0], used, state

    def forward(
        self,
        source: tf.Tensor,
        target: tf.Tensor,
        noise: Noise | None = None,
        inputs: tf.Tensor | None = None,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Predict every token of targets [B, T] from those before it (teacher forcing).

        `inputs` [B, T], where given, are read instead of the begin symbol and target[:, :-1].
        Returns: logits [B, T, V] as those of `step`, where position t predicts target[:, t] and
        has seen only target[:, :t]; attention [B, L, H, T, S].
        """
        return self.predict_all(*self.encode(source, noise), target, noise, inputs)

    def predict_all(
        self,
        state: State,
        memory: Memory | CopyMemory,
        target: tf.Tensor,
        noise: Noise | None = None,
        inputs: tf.Tensor | None = None,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Do what `forward` does, from what `encode` made of the sources."""
        if inputs is None:
            inputs = shifted(target)
        known = within(inputs, self.target_size)
        embedded = tf.gather(self.target_embedding, known)
        if not self.decoder.drops:
            embedded = drop(embedded, noise, 2)
        vectors, attention = self.decoder.unroll(
            embedded, target != PAD, state, _inner(memory), at(noise, 2)
        )
        if not self.decoder.drops:
            vectors = drop(vectors, noise, 3)
        return self._predict(vectors, embedded, attention, memory), attention

    def _predict(
        self,
        vectors: tf.Tensor,
        embedded: tf.Tensor,
        attention: tf.Tensor,
        memory: Memory | CopyMemory,
    ) -> tf.Tensor:
        """Score what may come next at every position [B, T, V], or [B, T, V + S] with copying."""
        logits = self._logits(vectors)
        if self.copying is None or not isinstance(memory, CopyMemory):
            return logits
        return self.copying.mix(logits, vectors, embedded, attention, memory)

    def _logits(self, vectors: tf.Tensor) -> tf.Tensor:
        """Score the vocabulary from attentional vectors [..., U]: [..., V]."""
        precision = self.settings.precision
        if self.settings.tie_embeddings:
            if self.narrow is not None:
                vectors = product(vectors, self.narrow, precision)
            scores = product(vectors, tf.transpose(self.target_embedding), precision)
        else:
            scores = product(vectors, self.output_kernel, precision)
        return scores + self.output_bias

    def _table(self, name: str, size: int, width: int, seed: int) -> keras.Variable:
        """Make an embedding whose rows are about one long, so that tied logits begin small."""
        initializer = keras.initializers.RandomNormal(stddev=width**-0.5, seed=seed)
        return self.add_weight(name=name, shape=(size, width), initializer=initializer)


def shifted(target: tf.Tensor) -> tf.Tensor:
    """Return what teacher forcing reads: the begin symbol, and targets [B, T] but their last."""
    return tf.pad(target[:, :-1], [[0, 0], [1, 0]], constant_values=BEGIN)


def _inner(memory: Memory | CopyMemory) -> Memory:
    """Return what the decoder itself reads."""
    return memory.inner if isinstance(memory, CopyMemory) else memory

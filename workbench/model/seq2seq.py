"""The encoder-decoder: tokens in, logits and attention out.

Shape letters: B sentences, S source tokens, T target tokens, L layers with attention, H heads,
V target vocabulary.
"""

import keras
import tensorflow as tf

from workbench.config import ModelSettings
from workbench.data.tokenizer import BEGIN, PAD
from workbench.model.attention import Memory
from workbench.model.decoder import DecoderState, RecurrentDecoder
from workbench.model.encoder import RecurrentEncoder
from workbench.model.noise import Noise, drop

IDS = tf.TensorSpec([None, None], tf.int32)  # padded token ids of any number of sentences


class Seq2Seq(keras.Model):
    """An encoder and a decoder over token ids, joined by attention.

    `encode` and `step` are all that search needs; `forward` runs whole target sentences for
    training and scoring, and gives at every position what `step` gives there.
    """

    def __init__(
        self, settings: ModelSettings, source_size: int, target_size: int, seed: int = 0
    ) -> None:
        """Make all weights for vocabularies of the given sizes, from `seed` alone."""
        super().__init__(dtype="float32")
        width = settings.embedding
        self.settings = settings
        self.target_size = target_size
        self.source_embedding = self._table("source_embedding", source_size, width, seed + 1)
        self.target_embedding = self._table("target_embedding", target_size, width, seed + 2)
        self.encoder = RecurrentEncoder(settings, seed + 10_000)
        self.decoder = RecurrentDecoder(settings, seed + 20_000)
        glorot = keras.initializers.GlorotUniform
        if settings.tie_embeddings:
            self.narrow = self.add_weight(
                name="narrow", shape=(settings.units, width), initializer=glorot(seed=seed + 3)
            )
        else:
            self.output_kernel = self.add_weight(
                name="output_kernel", shape=(settings.units, target_size),
                initializer=glorot(seed=seed + 4),
            )  # fmt: skip
        self.output_bias = self.add_weight(
            name="output_bias", shape=(target_size,), initializer="zeros"
        )
        self.built = True

    def encode(self, source: tf.Tensor, noise: Noise | None = None) -> tuple[DecoderState, Memory]:
        """Read sources [B, S]; return the state before the first target token, and the memory."""
        embedded = drop(tf.gather(self.source_embedding, source), noise, 1)
        mask = source != PAD
        later = None if noise is None else noise.at(1)
        return self.decoder.begin(self.encoder.encode(embedded, mask, later))

    def step(
        self,
        tokens: tf.Tensor,
        state: DecoderState,
        memory: Memory,
        attention: tf.Tensor | None = None,
    ) -> tuple[tf.Tensor, tf.Tensor, DecoderState]:
        """Take the latest target tokens [B] in and say what may come next.

        `attention` [B, L, H, S], where given, is used instead of the model's own.
        Returns: logits [B, V], attention [B, L, H, S], the state after these tokens.
        """
        embedded = tf.gather(self.target_embedding, tokens)
        vector, used, state = self.decoder.step(embedded, state, memory, attention)
        return self._logits(vector), used, state

    def forward(
        self, source: tf.Tensor, target: tf.Tensor, noise: Noise | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Predict every token of targets [B, T] from those before it (teacher forcing).

        Returns: logits [B, T, V], where position t predicts target[:, t] and has seen only
        target[:, :t]; attention [B, L, H, T, S].
        """
        state, memory = self.encode(source, noise)
        shifted = tf.pad(target[:, :-1], [[0, 0], [1, 0]], constant_values=BEGIN)
        embedded = drop(tf.gather(self.target_embedding, shifted), noise, 2)
        later = None if noise is None else noise.at(2)
        vectors, attention = self.decoder.unroll(embedded, target != PAD, state, memory, later)
        return self._logits(drop(vectors, noise, 3)), attention

    def _logits(self, vectors: tf.Tensor) -> tf.Tensor:
        """Score the vocabulary from attentional vectors [..., U]: [..., V]."""
        if self.settings.tie_embeddings:
            narrow = tf.tensordot(vectors, self.narrow, 1)
            scores = tf.tensordot(narrow, tf.transpose(self.target_embedding), 1)
        else:
            scores = tf.tensordot(vectors, self.output_kernel, 1)
        return scores + self.output_bias

    def _table(self, name: str, size: int, width: int, seed: int) -> keras.Variable:
        """Make an embedding whose rows are about one long, so that tied logits begin small."""
        initializer = keras.initializers.RandomNormal(stddev=width**-0.5, seed=seed)
        return self.add_weight(name=name, shape=(size, width), initializer=initializer)

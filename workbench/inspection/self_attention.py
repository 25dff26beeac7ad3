"""What the positions of a Transformer read of each other: the attention beside that to the source.

Shape letters: S source tokens, T target tokens, L layers, H heads.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from workbench.data.encoding import Codec
from workbench.inspection.asked import opened
from workbench.model.copying import CopyMemory, within
from workbench.model.protocol import Own
from workbench.model.seq2seq import Seq2Seq, shifted
from workbench.model.transformer import TransformerDecoder, TransformerEncoder
from workbench.model.transformer_layer import Present
from workbench.records import Floats

NONE: Floats = np.zeros((0, 0, 0, 0), np.float32)  # of a side that is no Transformer


class SelfAttention(NamedTuple):
    """The self-attention of both sides for one pair of sentences; L is 0 where there is none.

    Attributes:
        encoder: [L, H, S, S], what each source token (a row) reads of the source.
        decoder: [L, H, T, T]; row t writes token t and reads the begin symbol and the tokens
            before t, which are its columns: `target_tokens` one place later.
        source_tokens: [S], in the order in which the encoder reads them; target_tokens: [T].
    """

    encoder: Floats
    decoder: Floats
    source_tokens: tuple[str, ...]
    target_tokens: tuple[str, ...]


def self_attention(model: Seq2Seq, codec: Codec, source: str, target: str) -> SelfAttention:
    """Return what the model's own layers compute when it reads `source` and writes `target`.

    Raises:
        DataError: the source is longer than the model allows, or the target than it can write.
    """
    ids = codec.readable_source(source)
    written = codec.readable_target(target, source, model.settings.max_decode_length)
    tokens = codec.source.tokens(ids), codec.target_tokens(written, source)
    if isinstance(model, Own):  # none of it is known
        return SelfAttention(NONE, NONE, *tokens)
    with opened(model, "self-attention") as inner:
        read = _of_encoder(inner, tf.constant([ids]))
        return SelfAttention(
            read, _of_decoder(inner, tf.constant([ids]), tf.constant([written])), *tokens
        )


def _of_encoder(model: Seq2Seq, source: tf.Tensor) -> Floats:
    if not isinstance(model.encoder, TransformerEncoder):
        return NONE
    _, present = model.encoder.read(model.embed(source), tf.ones_like(source, tf.bool))
    return _stacked(present)


def _of_decoder(model: Seq2Seq, source: tf.Tensor, target: tf.Tensor) -> Floats:
    decoder = model.decoder
    if not isinstance(decoder, TransformerDecoder):
        return NONE
    _, memory = model.encode(source)
    known = within(shifted(target), model.target_size)
    nothing = (None,) * model.settings.layers
    embedded = tf.gather(model.target_embedding, known)
    inner = memory.inner if isinstance(memory, CopyMemory) else memory
    _, _, present = decoder.extend(embedded, tf.constant([0]), nothing, inner)
    return _stacked(present)


def _stacked(present: Sequence[Present]) -> Floats:
    """Return the attention of all layers, of the one sentence there is."""
    layers: Floats = np.stack([layer.attention.numpy()[0] for layer in present])
    return layers

"""The Transformer: encoder and decoder of attention alone.

Sources: Vaswani et al. 2017, Attention Is All You Need; Dai et al. 2019, Transformer-XL, for
segments.
Shape letters: B sentences, S source tokens, T target tokens, N tokens of a block, C positions
remembered before it, G segments, L layers, H heads, U units, D = U / H, E width of the embeddings.
"""

from typing import Any, NamedTuple

import tensorflow as tf

from workbench.config import RunConfig
from workbench.errors import RunError
from workbench.model.adapters import adapt
from workbench.model.attention import Memory
from workbench.model.decoder import Decoder
from workbench.model.encoder import Encoded, Encoder
from workbench.model.multi_head import Pair
from workbench.model.noise import Noise, at
from workbench.model.positions import capacity
from workbench.model.transformer_layer import (
    Entry,
    Present,
    TransformerLayer,
    normalization,
    remember,
)


class TransformerEncoder(Encoder):
    """Layers over the whole source, each position seeing all others (section 3.1)."""

    drops = True

    def __init__(self, settings: RunConfig, seed: int) -> None:
        """Make the entry and the layers, and a last normalization where they have it before."""
        super().__init__(settings, seed)
        self.entry = Entry(settings, seed)
        self.layers = _layers(settings, seed, crosses=False)
        self.last = normalization("last", settings.units) if settings.norm == "pre" else None
        self.built = True

    def encode(self, embedded: tf.Tensor, mask: tf.Tensor, noise: Noise | None = None) -> Encoded:
        """See `Encoder.encode`; the states are the mean of the last layer's values."""
        values, _ = self.read(embedded, mask, noise)
        real = tf.cast(mask, values.dtype)[:, :, None]
        length = tf.maximum(tf.reduce_sum(real, 1), 1)
        mean = tf.reduce_sum(values * real, 1) / length
        return Encoded(values, ((mean,),) * self.settings.layers, mask)

    def read(
        self, embedded: tf.Tensor, mask: tf.Tensor, noise: Noise | None = None
    ) -> tuple[tf.Tensor, list[Present]]:
        """Run the source through the layers: values [B, S, U], and what each layer leaves."""
        values, present = self.entry.enter(embedded, tf.constant(0), noise), []
        for place, layer in enumerate(self.layers):
            values, _, now = layer.run(values, mask[:, None, None, :], at(noise, 1 + place))
            values = adapt(self.adapters, place, values)
            present.append(now)
        return values if self.last is None else self.last(values), present


class TransformerState(NamedTuple):
    """What one step leaves to the next.

    Attributes:
        position: where the next token stands [B].
        cache: keys and values of the last C positions, a pair a layer, each [B, H, C, D]; the
            latest stands at the end, so that every step costs the same. Beyond `capacity` the
            earliest would be forgotten.
    """

    position: tf.Tensor
    cache: tuple[Pair, ...]


class TransformerDecoder(Decoder):
    """Layers over the target, each position seeing those before it and the source (section 3.1).

    `extend` does all the work: a step is a block of one token, a sentence is a block of all.
    """

    drops = True

    def __init__(self, settings: RunConfig, seed: int) -> None:
        """Make the entry and the layers, and a last normalization where they have it before."""
        super().__init__(settings, seed)
        self.entry = Entry(settings, seed)
        self.layers = _layers(settings, seed, crosses=True)
        self.last = normalization("last", settings.units) if settings.norm == "pre" else None
        self.built = True

    def begin(self, encoded: Encoded) -> tuple[TransformerState, Memory]:
        """See `Decoder.begin`; the memory's keys are those of every layer, with its values."""
        batch, settings = tf.shape(encoded.values)[0], self.settings
        shape = [batch, settings.heads, self._remembered(), settings.units // settings.heads]
        cache = ((tf.zeros(shape), tf.zeros(shape)),) * settings.layers
        pairs = tuple(layer.project_source(encoded.values) for layer in self.layers)
        state = TransformerState(tf.zeros([batch], tf.int32), cache)
        return state, Memory(encoded.values, pairs, encoded.mask)

    def step(
        self,
        embedded: tf.Tensor,
        state: TransformerState,
        memory: Memory,
        attention: tf.Tensor | None = None,
        noise: Noise | None = None,
    ) -> tuple[tf.Tensor, tf.Tensor, TransformerState]:
        """See `Decoder.step`."""
        vectors, used, present = self.extend(
            embedded[:, None], state.position, state.cache, memory, noise, attention
        )
        cache = tuple(
            (keys[:, :, 1:], values[:, :, 1:])  # all but the earliest
            for keys, values in map(remember, state.cache, [now.pair for now in present])
        )
        return vectors[:, 0], used[:, :, :, 0], TransformerState(state.position + 1, cache)

    def unroll(
        self,
        embedded: tf.Tensor,
        mask: tf.Tensor,  # noqa: ARG002 - padding stands behind and nothing looks ahead
        state: TransformerState,  # noqa: ARG002 - in that of `begin` nothing is remembered
        memory: Memory,
        noise: Noise | None = None,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """See `Decoder.unroll`; `state` is always taken for the one of `begin`.

        Raises:
            RunError: more tokens than the settings have room for, where that is known.
        """
        tokens, room = embedded.shape[1], capacity(self.settings)
        if tokens is not None and tokens > room:
            raise RunError(
                f"the target has {tokens} tokens and the model has room for {room}, the end symbol "
                "included: raise max_length"
            )
        if noise is not None and self.settings.segment:
            return self._unroll_by_segments(embedded, memory, noise)
        nothing = (None,) * self.settings.layers
        vectors, attention, _ = self.extend(embedded, tf.constant([0]), nothing, memory, noise)
        return vectors, attention

    def extend(
        self,
        embedded: tf.Tensor,
        position: tf.Tensor,
        past: tuple[Pair | None, ...],
        memory: Memory,
        noise: Noise | None = None,
        given: tf.Tensor | None = None,
    ) -> tuple[tf.Tensor, tf.Tensor, list[Present]]:
        """Take a block of tokens in, the first of which stands at `position` [B] or [1].

        Shapes: embedded [B, N, E]; past, a layer each, the C positions before the block (places
        before the first token count, and are not seen); given attention [B, L, H, S] for N = 1.
        Returns: vectors [B, N, U], attention [B, L, H, N, S], what each layer leaves.
        """
        remembered = 0 if past[0] is None else tf.shape(past[0][0])[2]
        visible = self._visible(position, tf.shape(embedded)[1], remembered)
        real = memory.mask[:, None, None, :]
        values = self.entry.enter(embedded, position, noise)
        attentions, present = [], []
        for place, layer in enumerate(self.layers):
            values, attention, now = layer.run(
                values, visible, at(noise, 1 + place), past[place], memory.keys[place], real,
                None if given is None else given[:, place, :, None],
            )  # fmt: skip
            values = adapt(self.adapters, place, values)
            attentions.append(attention)
            present.append(now)
        values = values if self.last is None else self.last(values)
        return values, tf.stack(attentions, 1), present

    def _visible(self, position: tf.Tensor, count: tf.Tensor, past: tf.Tensor) -> tf.Tensor:
        """Say which of C + N positions each of the last N may see: [B, 1, N, C + N].

        With segments these are the own segment and `segment_memory` positions before it.
        """
        queries = (position[:, None] + tf.range(count))[:, None, :, None]
        keys = (position[:, None] + tf.range(-past, count))[:, None, None, :]
        first = tf.zeros_like(queries)
        if self.settings.segment_memory:
            first = queries // self.settings.segment * self.settings.segment
            first = tf.maximum(first - self.settings.segment_memory, 0)
        return (keys >= first) & (keys <= queries)

    def _remembered(self) -> int:
        """Return C of the step's cache: no later step can see farther back."""
        whole, settings = capacity(self.settings), self.settings
        if not settings.segment_memory:
            return whole
        return min(whole, settings.segment_memory + settings.segment - 1)

    def _unroll_by_segments(
        self, embedded: tf.Tensor, memory: Memory, noise: Noise
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Unroll in one compiled loop, no gradient leaving a segment (Dai et al. 2019, 3.2).

        What a layer remembers is what its keys and values are made of, so that their kernels
        still learn from it.
        """
        size, units = self.settings.segment, self.settings.units
        batch, count = tf.shape(embedded)[0], tf.shape(embedded)[1]
        segments = (count + size - 1) // size
        padded = tf.pad(embedded, [[0, 0], [0, segments * size - count], [0, 0]])
        earlier = (segments - 1) * size
        if self.settings.segment_memory:
            earlier = tf.minimum(earlier, self.settings.segment_memory)
        hidden = (tf.zeros([batch, earlier, units]),) * self.settings.layers

        def advance(index: tf.Tensor, hidden: Any, written: Any) -> tuple[Any, ...]:
            block = padded[:, index * size : (index + 1) * size]
            block = tf.ensure_shape(block, [None, size, None])
            past = tuple(
                layer.self_attention.project(tf.stop_gradient(inputs))
                for layer, inputs in zip(self.layers, hidden, strict=True)
            )
            position = index[None] * size
            *results, present = self.extend(block, position, past, memory, noise.at(index))
            hidden = tuple(
                tf.concat([old, tf.stop_gradient(now.inputs)], 1)[:, size:]
                for old, now in zip(hidden, present, strict=True)
            )
            written = tuple(
                array.write(index, result) for array, result in zip(written, results, strict=True)
            )
            return index + 1, hidden, written

        written = tuple(tf.TensorArray(embedded.dtype, segments) for _ in range(2))
        loose = tuple(tf.TensorShape([None, None, units]) for _ in hidden)
        anything = tuple(tf.TensorShape(None) for _ in written)
        *_, written = tf.while_loop(
            lambda index, *_: index < segments, advance, (tf.constant(0), hidden, written),
            shape_invariants=(tf.TensorShape([]), loose, anything),
        )  # fmt: skip
        vectors, attention = (array.stack() for array in written)
        vectors = tf.transpose(vectors, [1, 0, 2, 3])  # [B, G, N, U]
        vectors = tf.reshape(vectors, [batch, segments * size, units])[:, :count]
        attention = tf.transpose(attention, [1, 2, 3, 0, 4, 5])  # [B, L, H, G, N, S]
        shape = [batch, len(self.layers), self.settings.heads, segments * size]
        attention = tf.reshape(attention, [*shape, tf.shape(memory.mask)[1]])[:, :, :, :count]
        return vectors, attention


def _layers(settings: RunConfig, seed: int, crosses: bool) -> list[TransformerLayer]:
    return [
        TransformerLayer(settings, layer, seed + 100 * layer, crosses)
        for layer in range(1, settings.layers + 1)
    ]

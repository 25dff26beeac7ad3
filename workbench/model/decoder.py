"""Decoders: from the encoded source and the tokens so far to what comes next.

Everything rests on one function, `step`. Training runs all positions through `unroll`, which
computes the same numbers in as few and as large operations as the settings allow.
Shape letters: B sentences, T target tokens, S source tokens, L layers with attention, H heads,
U units, V target vocabulary.
"""

from typing import Any, NamedTuple

import keras
import tensorflow as tf

from workbench.config import RunConfig
from workbench.model.adapters import adapt, adapters_for
from workbench.model.attention import SCORERS, Memory, given_or_own, read
from workbench.model.cells import CELLS, Cell, State, run
from workbench.model.encoder import Encoded
from workbench.model.history import Features, History
from workbench.model.noise import Noise, at, drop, survive
from workbench.model.precision import product
from workbench.model.spans import SPANS, Steps, begin_history, remember


class DecoderState(NamedTuple):
    """What one step leaves to the next: cell states [B, U] and the attentional vector [B, U].

    `fed` is an empty tuple where nothing is fed back and `history` holds only what the settings
    ask for, so that the state stays as small as it can be.
    """

    cells: tuple[State, ...]
    fed: tf.Tensor | tuple[()]
    history: History


class Decoder(keras.layers.Layer):
    """What writes the target; one class a family of architectures.

    The state is any nest of tensors that begin with B, so that a beam can pick rows of it.

    Attributes:
        drops: whether it drops from embeddings and vectors itself, so that nobody else does.
    """

    drops = False

    def __init__(self, settings: RunConfig, seed: int) -> None:
        """Make the weights that `settings` ask for, from `seed` alone."""
        super().__init__(dtype="float32")
        self.settings, self.seed = settings, seed
        self.adapters = adapters_for(settings, seed + 9000)

    def begin(self, encoded: Encoded) -> tuple[Any, Memory]:
        """Return the state before the first token and the memory that attention reads."""
        raise NotImplementedError

    def step(
        self,
        embedded: tf.Tensor,
        state: Any,
        memory: Memory,
        attention: tf.Tensor | None = None,
        noise: Noise | None = None,
    ) -> tuple[tf.Tensor, tf.Tensor, Any]:
        """Take one token's embedding [B, D] in.

        `attention` [B, L, H, S], where given, is read instead of the decoder's own; what is NaN
        in it stays the decoder's own, as it comes out above the layers that were given.
        Returns: the vector [B, U] that the output scores, the attention used [B, L, H, S], the
        new state.
        """
        raise NotImplementedError

    def unroll(
        self,
        embedded: tf.Tensor,
        mask: tf.Tensor,
        state: Any,
        memory: Memory,
        noise: Noise | None = None,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Take whole sentences in, as repeated `step` would.

        Shapes: embedded [B, T, D]; mask [B, T], true at real tokens.
        Returns: vectors [B, T, U] and attention [B, L, H, T, S].
        """
        raise NotImplementedError


class RecurrentDecoder(Decoder):
    """Stacked RNN, LSTM or GRU that looks at the source from its top layer.

    The attentional vector is tanh(W [context; h]) (Luong et al. 2015, equation 5); without
    attention it is h itself. With input feeding (section 3.3 there) it joins the next input.
    Where a step needs what the step before read, be it the vector or the attention, `unroll`
    goes step by step.
    """

    def __init__(self, settings: RunConfig, seed: int) -> None:
        """Make the cells, the scorer and the layer of the attentional vector."""
        super().__init__(settings, seed)
        units = settings.units
        first = settings.embedding + (units if settings.input_feeding else 0)
        self.cells = [
            CELLS[settings.decoder](
                units if layer else first, units, seed + 10 * layer, settings.precision
            )
            for layer in range(settings.layers)
        ]
        self.attends = settings.attention != "none"
        self.waits = bool(
            settings.input_feeding or settings.location_filters or settings.coverage
        )  # one step for the one before
        if self.attends:
            self.features = Features(settings, seed + 1200)
            self.span = SPANS[settings.attention_span](settings, seed + 1300)
            self.scorer = SCORERS[settings.attention](units, seed + 1000, self.features.count)
            self.scorer.precision = settings.precision
            self.combine = keras.layers.Dense(
                units, activation="tanh", use_bias=False, dtype="float32", name="combine",
                kernel_initializer=keras.initializers.GlorotUniform(seed=seed + 1100),
            )  # fmt: skip
            self.combine.build((None, 2 * units))
        self.built = True

    def begin(self, encoded: Encoded) -> tuple[DecoderState, Memory]:
        """See `Decoder.begin`."""
        keys = self.scorer.keys(encoded.values) if self.attends else encoded.values[:, :, :0]
        cells = tuple(
            _translate_state(state, cell)
            for state, cell in zip(encoded.states, self.cells, strict=True)
        )
        fed = tf.zeros_like(cells[0][0]) if self.settings.input_feeding else ()
        history = History()
        if self.attends:
            history = begin_history(self.settings, self.span, encoded.mask)
        return DecoderState(cells, fed, history), Memory(encoded.values, keys, encoded.mask)

    def step(
        self,
        embedded: tf.Tensor,
        state: DecoderState,
        memory: Memory,
        attention: tf.Tensor | None = None,
        noise: Noise | None = None,
    ) -> tuple[tf.Tensor, tf.Tensor, DecoderState]:
        """See `Decoder.step`; the vector is the attentional one.

        Given attention is also what coverage, location features and a monotonic position go on
        from.
        """
        inputs = embedded
        if self.settings.input_feeding:
            inputs = tf.concat([inputs, state.fed], -1)
        cells = []
        for layer, (cell, old) in enumerate(zip(self.cells, state.cells, strict=True)):
            dropped = drop(inputs, noise, 100 + layer) if layer else inputs
            new = cell.advance(cell.project(dropped), old)
            inputs = adapt(self.adapters, layer, self._stack(layer, inputs, new[0], noise))
            cells.append(new)
        hidden, history = inputs[:, None, :], state.history
        given = attention[:, 0] if self.attends and attention is not None else None
        vector, used = self._attend(hidden, memory, history, noise, given)
        if self.attends:
            history = remember(history, self.span, used[:, 0, 0, 0])
        vector = vector[:, 0]
        fed = vector if self.settings.input_feeding else ()
        return vector, used[:, :, :, 0], DecoderState(tuple(cells), fed, history)

    def unroll(
        self,
        embedded: tf.Tensor,
        mask: tf.Tensor,
        state: DecoderState,
        memory: Memory,
        noise: Noise | None = None,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """See `Decoder.unroll`."""
        if self.waits:
            return self._unroll_by_steps(embedded, state, memory, noise)
        inputs = embedded
        for layer, cell in enumerate(self.cells):
            dropped = drop(inputs, noise, 100 + layer) if layer else inputs
            outputs, _ = run(cell, dropped, mask, state.cells[layer])
            inputs = adapt(self.adapters, layer, self._stack(layer, inputs, outputs, noise))
        return self._attend(inputs, memory, state.history, noise)

    def _unroll_by_steps(
        self, embedded: tf.Tensor, state: DecoderState, memory: Memory, noise: Noise | None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Unroll in one compiled loop, where each step waits for the one before."""

        def advance(
            carried: tuple[DecoderState, tf.Tensor, tf.Tensor], now: tuple[tf.Tensor, tf.Tensor]
        ) -> tuple[DecoderState, tf.Tensor, tf.Tensor]:
            token, position = now
            vector, attention, new = self.step(token, carried[0], memory, noise=at(noise, position))
            return new, vector, attention

        positions = tf.range(tf.shape(embedded)[1])
        batch, width = tf.shape(embedded)[0], tf.shape(memory.mask)[1]
        nothing = tf.zeros([batch, self.settings.units]), tf.zeros([batch, 1, 1, width])
        _, vectors, attention = tf.scan(
            advance, (tf.transpose(embedded, [1, 0, 2]), positions), (state, *nothing)
        )
        return tf.transpose(vectors, [1, 0, 2]), tf.transpose(attention, [1, 2, 3, 0, 4])

    def _stack(
        self, layer: int, inputs: tf.Tensor, outputs: tf.Tensor, noise: Noise | None
    ) -> tf.Tensor:
        """Add what came in, before dropout, to what comes out (Wu et al. 2016, formula 6).

        In training a sentence may skip the layer (stochastic depth); its cell runs on. Where
        `unroll` goes step by step, that is drawn at every step.
        """
        if not self.settings.residual or not layer:
            return outputs
        rate = self.settings.stochastic_depth * (layer + 1) / self.settings.layers
        return survive(outputs, noise, 120 + layer, rate) + inputs

    def _attend(
        self,
        hidden: tf.Tensor,
        memory: Memory,
        history: History,
        noise: Noise | None,
        given: tf.Tensor | None = None,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Turn states [B, T, U] into attentional vectors and attention [B, L, H, T, S]."""
        if not self.attends:
            shape = tf.shape(hidden)
            return hidden, tf.zeros([shape[0], 0, 1, shape[1], tf.shape(memory.mask)[1]])
        energy = self._energy(hidden, memory.keys, history)
        own = self.span.attention(energy, Steps(hidden, memory.mask, history, noise))
        used = given_or_own(given, own)
        context = read(used, memory.values)
        joined = tf.concat([context, hidden], -1)
        combined = product(joined, self.combine.kernel, self.settings.precision)
        return tf.tanh(combined), used[:, None, None]

    def _energy(self, hidden: tf.Tensor, keys: tf.Tensor, history: History) -> tf.Tensor:
        if not self.features.count:
            return self.scorer.energy(hidden, keys)
        return self.scorer.energy_with(hidden, keys, self.features.of(history)[:, None])


def _translate_state(state: State, cell: Cell) -> State:
    """Hand an encoder's last state to a decoder cell that may be of another kind.

    Same kind: unchanged (Sutskever et al. 2014). An LSTM's memory is dropped on the way to an
    RNN or a GRU; on the way to an LSTM the only state there is fills both places.
    """
    return tuple(state[min(index, len(state) - 1)] for index in range(cell.states))

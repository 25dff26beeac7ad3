"""Decoders: from the encoded source and the tokens so far to what comes next.

Everything rests on one function, `step`. Training runs all positions through `unroll`, which
computes the same numbers in as few and as large operations as the settings allow.
Shape letters: B sentences, T target tokens, S source tokens, L layers with attention, H heads,
U units, V target vocabulary.
"""

from typing import NamedTuple

import keras
import tensorflow as tf

from workbench.config import ModelSettings
from workbench.model.attention import SCORERS, Memory, normalize, read
from workbench.model.cells import CELLS, Cell, State, run
from workbench.model.encoder import Encoded
from workbench.model.noise import Noise, drop


class DecoderState(NamedTuple):
    """What one step leaves to the next: cell states [B, U] and the attentional vector [B, U].

    `fed` is an empty tuple where nothing is fed back, so that the state stays as small as it
    can be.
    """

    cells: tuple[State, ...]
    fed: tf.Tensor | tuple[()]


class RecurrentDecoder(keras.layers.Layer):
    """Stacked RNN, LSTM or GRU that looks at the source from its top layer.

    The attentional vector is tanh(W [context; h]) (Luong et al. 2015, equation 5); without
    attention it is h itself. With input feeding (section 3.3 there) it joins the next input.
    """

    def __init__(self, settings: ModelSettings, seed: int) -> None:
        """Make the cells, the scorer and the layer of the attentional vector."""
        super().__init__(dtype="float32")
        self.settings = settings
        units = settings.units
        first = settings.embedding + (units if settings.input_feeding else 0)
        self.cells = [
            CELLS[settings.decoder](units if layer else first, units, seed + 10 * layer)
            for layer in range(settings.layers)
        ]
        if settings.attention != "none":
            self.scorer = SCORERS[settings.attention](units, seed + 1000)
            self.combine = keras.layers.Dense(
                units, activation="tanh", use_bias=False, dtype="float32", name="combine",
                kernel_initializer=keras.initializers.GlorotUniform(seed=seed + 1100),
            )  # fmt: skip
            self.combine.build((None, 2 * units))
        self.built = True

    def begin(self, encoded: Encoded) -> tuple[DecoderState, Memory]:
        """Return the state before the first token and the memory that attention reads."""
        attends = self.settings.attention != "none"
        keys = self.scorer.keys(encoded.values) if attends else encoded.values[:, :, :0]
        cells = tuple(
            _translate_state(state, cell)
            for state, cell in zip(encoded.states, self.cells, strict=True)
        )
        fed = tf.zeros_like(cells[0][0]) if self.settings.input_feeding else ()
        return DecoderState(cells, fed), Memory(encoded.values, keys, encoded.mask)

    def step(
        self,
        embedded: tf.Tensor,
        state: DecoderState,
        memory: Memory,
        attention: tf.Tensor | None = None,
        noise: Noise | None = None,
    ) -> tuple[tf.Tensor, tf.Tensor, DecoderState]:
        """Take one token's embedding [B, D] in.

        `attention` [B, L, H, S], where given, is read instead of the decoder's own.
        Returns: the attentional vector [B, U], the attention used [B, L, H, S], the new state.
        """
        inputs = embedded
        if self.settings.input_feeding:
            inputs = tf.concat([inputs, state.fed], -1)
        cells = []
        for layer, (cell, old) in enumerate(zip(self.cells, state.cells, strict=True)):
            dropped = drop(inputs, noise, 100 + layer) if layer else inputs
            new = cell.advance(cell.project(dropped), old)
            inputs = self._stack(layer, inputs, new[0])
            cells.append(new)
        given = None if attention is None else attention[:, 0]
        vector, used = self._attend(inputs[:, None, :], memory, given)
        vector = vector[:, 0]
        fed = vector if self.settings.input_feeding else ()
        return vector, used[:, :, :, 0], DecoderState(tuple(cells), fed)

    def unroll(
        self,
        embedded: tf.Tensor,
        mask: tf.Tensor,
        state: DecoderState,
        memory: Memory,
        noise: Noise | None = None,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Take whole sentences in, as repeated `step` would.

        Shapes: embedded [B, T, D]; mask [B, T], true at real tokens.
        Returns: attentional vectors [B, T, U] and attention [B, L, H, T, S].
        """
        if self.settings.input_feeding:
            return self._unroll_by_steps(embedded, state, memory, noise)
        inputs = embedded
        for layer, cell in enumerate(self.cells):
            dropped = drop(inputs, noise, 100 + layer) if layer else inputs
            outputs, _ = run(cell, dropped, mask, state.cells[layer])
            inputs = self._stack(layer, inputs, outputs)
        return self._attend(inputs, memory)

    def _unroll_by_steps(
        self, embedded: tf.Tensor, state: DecoderState, memory: Memory, noise: Noise | None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Unroll in one compiled loop: with input feeding each step waits for the one before."""

        def advance(
            carried: tuple[DecoderState, tf.Tensor, tf.Tensor], now: tuple[tf.Tensor, tf.Tensor]
        ) -> tuple[DecoderState, tf.Tensor, tf.Tensor]:
            token, position = now
            here = noise.at(position) if noise is not None and noise.rate else None
            vector, attention, new = self.step(token, carried[0], memory, noise=here)
            return new, vector, attention

        positions = tf.range(tf.shape(embedded)[1])
        batch, width = tf.shape(embedded)[0], tf.shape(memory.mask)[1]
        nothing = tf.zeros([batch, self.settings.units]), tf.zeros([batch, 1, 1, width])
        _, vectors, attention = tf.scan(
            advance, (tf.transpose(embedded, [1, 0, 2]), positions), (state, *nothing)
        )
        return tf.transpose(vectors, [1, 0, 2]), tf.transpose(attention, [1, 2, 3, 0, 4])

    def _stack(self, layer: int, inputs: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        """Add what came in, before dropout, to what comes out (Wu et al. 2016, formula 6)."""
        return outputs + inputs if self.settings.residual and layer else outputs

    def _attend(
        self, hidden: tf.Tensor, memory: Memory, given: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Turn states [B, T, U] into attentional vectors and attention [B, L, H, T, S]."""
        if self.settings.attention == "none":
            shape = tf.shape(hidden)
            return hidden, tf.zeros([shape[0], 0, 1, shape[1], tf.shape(memory.mask)[1]])
        if given is None:
            given = normalize(self.scorer.energy(hidden, memory.keys), memory.mask)
        context = read(given, memory.values)
        return self.combine(tf.concat([context, hidden], -1)), given[:, None, None]


def _translate_state(state: State, cell: Cell) -> State:
    """Hand an encoder's last state to a decoder cell that may be of another kind.

    Same kind: unchanged (Sutskever et al. 2014). An LSTM's memory is dropped on the way to an
    RNN or a GRU; on the way to an LSTM the only state there is fills both places.
    """
    return tuple(state[min(index, len(state) - 1)] for index in range(cell.states))

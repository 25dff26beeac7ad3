"""Encoders: source tokens in, one vector a token and a last state out."""

from typing import NamedTuple

import keras
import tensorflow as tf

from workbench.config import ModelSettings
from workbench.model.cells import CELLS, Cell, State, run
from workbench.model.noise import Noise, drop


class Encoded(NamedTuple):
    """The encoded source: values [B, S, U], one last state a layer, mask [B, S]."""

    values: tf.Tensor
    states: tuple[State, ...]
    mask: tf.Tensor


class RecurrentEncoder(keras.layers.Layer):
    """Stacked RNN, LSTM or GRU over the source, one way or both ways.

    Both ways, each direction has half of the units and the halves stand side by side
    (Schuster & Paliwal 1997), so that values and states are `units` wide in either case.
    """

    def __init__(self, settings: ModelSettings, seed: int) -> None:
        """Make the cells of every layer and direction."""
        super().__init__(dtype="float32")
        self.residual = settings.residual
        self.ways = 2 if settings.bidirectional else 1
        self.cells = [  # a flat list: Keras 3.13 does not save what stands in a list of lists
            CELLS[settings.encoder](
                settings.units if layer else settings.embedding,
                settings.units // self.ways,
                seed + 10 * (self.ways * layer + way),
            )
            for layer in range(settings.layers)
            for way in range(self.ways)
        ]
        self.built = True

    def encode(self, embedded: tf.Tensor, mask: tf.Tensor, noise: Noise | None = None) -> Encoded:
        """Encode embedded sources [B, S, D]; see `Encoded` for what comes back."""
        values, states = embedded, []
        for layer in range(len(self.cells) // self.ways):
            cells = self.cells[layer * self.ways : (layer + 1) * self.ways]
            dropped = drop(values, noise, layer) if layer else values
            outputs, state = _both_ways(cells, dropped, mask)
            values = outputs + values if self.residual and layer else outputs
            states.append(state)
        return Encoded(values, tuple(states), mask)


def _both_ways(cells: list[Cell], inputs: tf.Tensor, mask: tf.Tensor) -> tuple[tf.Tensor, State]:
    """Run one cell forwards and, where there is a second, that one backwards."""
    batch = tf.shape(inputs)[0]
    runs = [
        run(cell, inputs, mask, cell.initial_state(batch), backwards=bool(way))
        for way, cell in enumerate(cells)
    ]
    outputs = tf.concat([outputs for outputs, _ in runs], -1)
    states = zip(*(state for _, state in runs), strict=True)
    return outputs, tuple(tf.concat(halves, -1) for halves in states)

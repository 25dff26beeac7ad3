"""Encoders: source tokens in, one vector a token and a last state out."""

from itertools import islice
from typing import NamedTuple

import keras
import tensorflow as tf

from workbench.config import RunConfig
from workbench.model.adapters import adapt, adapters_for
from workbench.model.cells import CELLS, Cell, State, run
from workbench.model.noise import Noise, drop, survive


class Encoded(NamedTuple):
    """The encoded source: values [B, S, U], one last state a layer, mask [B, S].

    `keys` [B, S, U] are what addresses the values where that is not the values themselves.
    """

    values: tf.Tensor
    states: tuple[State, ...]
    mask: tf.Tensor
    keys: tf.Tensor | None = None


class Encoder(keras.layers.Layer):
    """What reads the source; one class a family of architectures.

    Attributes:
        drops: whether it drops from the embeddings itself, so that nobody does it before.
    """

    drops = False

    def __init__(self, settings: RunConfig, seed: int) -> None:
        """Make the weights that `settings` ask for, from `seed` alone."""
        super().__init__(dtype="float32")
        self.settings, self.seed = settings, seed
        self.adapters = adapters_for(settings, seed + 9000)

    def encode(self, embedded: tf.Tensor, mask: tf.Tensor, noise: Noise | None = None) -> Encoded:
        """Encode embedded sources [B, S, D] of which `mask` [B, S] is real.

        `noise` is None outside training. An encoder without a last state gives the mean of its
        values, one a layer, so that a recurrent decoder can begin.
        """
        raise NotImplementedError


class RecurrentEncoder(Encoder):
    """Stacked RNN, LSTM or GRU over the source, one way or both ways.

    Both ways, each direction has half of the units and the halves stand side by side
    (Schuster & Paliwal 1997), so that values and states are `units` wide in either case. Only
    the first `bidirectional_layers` may do so, as in Wu et al. 2016 (section 3.2).
    """

    def __init__(self, settings: RunConfig, seed: int) -> None:
        """Make the cells of every layer and direction."""
        super().__init__(settings, seed)
        both = settings.bidirectional_layers or settings.layers
        self.ways = [
            2 if settings.bidirectional and n < both else 1 for n in range(settings.layers)
        ]
        layers = [layer for layer, ways in enumerate(self.ways) for _ in range(ways)]
        self.cells = [  # a flat list: Keras 3.13 does not save what stands in a list of lists
            CELLS[settings.encoder](
                settings.units if layer else settings.embedding,
                settings.units // self.ways[layer],
                seed + 10 * index,
                settings.precision,
            )
            for index, layer in enumerate(layers)
        ]
        self.built = True

    def encode(self, embedded: tf.Tensor, mask: tf.Tensor, noise: Noise | None = None) -> Encoded:
        """See `Encoder.encode`."""
        values, states, cells = embedded, [], iter(self.cells)
        for layer, ways in enumerate(self.ways):
            dropped = drop(values, noise, layer) if layer else values
            outputs, state = _both_ways(list(islice(cells, ways)), dropped, mask)
            values = adapt(self.adapters, layer, self._stack(layer, values, outputs, noise))
            states.append(state)
        return Encoded(values, tuple(states), mask)

    def _stack(
        self, layer: int, inputs: tf.Tensor, outputs: tf.Tensor, noise: Noise | None
    ) -> tf.Tensor:
        """Add what came in, before dropout, to what comes out (Wu et al. 2016, formula 6).

        In training a sentence may skip the layer (stochastic depth).
        """
        if not self.settings.residual or not layer:
            return outputs
        rate = self.settings.stochastic_depth * (layer + 1) / self.settings.layers
        return survive(outputs, noise, 100 + layer, rate) + inputs


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

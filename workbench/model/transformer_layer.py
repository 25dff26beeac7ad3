"""One layer of a Transformer, and what stands before the first.

Sources: Vaswani et al. 2017, Attention Is All You Need, whose sections are meant where no paper is
named; Xiong et al. 2020 for normalization before the layers.
Shape letters: B sentences, S source tokens, N tokens of a block, C positions remembered before it,
H heads, U units, D = U / H, E width of the embeddings.
"""

from typing import NamedTuple

import keras
import tensorflow as tf

from workbench.config import RunConfig
from workbench.model.multi_head import MultiHead, Pair
from workbench.model.noise import Noise, at, drop, survive
from workbench.model.positions import LearnedPositions, capacity, sinusoids
from workbench.model.precision import product

EPSILON = 1e-5  # of layer normalization


class Entry(keras.layers.Layer):
    """Embeddings times √U plus their positions, dropped from (section 3.4, 3.5 and 5.4)."""

    def __init__(self, settings: RunConfig, seed: int) -> None:
        """Make the table of positions, and a kernel [E, U] where the embeddings are not U wide."""
        super().__init__(dtype="float32")
        self.units, self.kind = settings.units, settings.positions
        self.widen = None
        if settings.embedding != settings.units:
            self.widen = self.add_weight(
                name="kernel", shape=(settings.embedding, settings.units),
                initializer=keras.initializers.GlorotUniform(seed=seed),
            )  # fmt: skip
        self.table = None
        if settings.positions == "learned":
            self.table = LearnedPositions(capacity(settings), settings.units, seed + 1)
        self.built = True

    def enter(self, embedded: tf.Tensor, first: tf.Tensor, noise: Noise | None) -> tf.Tensor:
        """Place embedded tokens [B, N, E], the first at position `first` [B] or []: [B, N, U]."""
        values = embedded if self.widen is None else tf.tensordot(embedded, self.widen, 1)
        values = values * self.units**0.5
        if self.kind != "relative":
            positions = first[..., None] + tf.range(tf.shape(embedded)[1])
            placed = self.table.at(positions) if self.table else sinusoids(positions, self.units)
            values = values + placed
        return drop(values, noise, 0)


class Present(NamedTuple):
    """What a layer leaves of a block.

    Attributes:
        inputs: what its keys are made of [B, N, U]; pair: those, and its values.
        attention: what its positions read of themselves and of those before [B, H, N, C + N].
    """

    inputs: tf.Tensor
    pair: Pair
    attention: tf.Tensor


class TransformerLayer(keras.layers.Layer):
    """Self-attention, attention to the source where `crosses`, and two products around a ReLU.

    Each is a residual branch, normalized after the sum or before the branch (Xiong et al. 2020,
    table 1).
    """

    def __init__(self, settings: RunConfig, layer: int, seed: int, crosses: bool) -> None:
        """Make the weights of layer number `layer`, from 1."""
        super().__init__(dtype="float32")
        units, heads = settings.units, settings.heads
        self.pre = settings.norm == "pre"
        self.rate = settings.stochastic_depth * layer / settings.layers
        relative = settings.positions == "relative"
        self.self_attention = MultiHead(units, heads, seed, relative)
        self.cross_attention = MultiHead(units, heads, seed + 10) if crosses else None
        self.precision = settings.precision
        for each in filter(None, (self.self_attention, self.cross_attention)):
            each.precision = settings.precision
        inner = settings.feed_forward or 4 * units
        self.wide = _dense("wide", units, inner, seed + 20, "relu")
        self.narrow = _dense("narrow", inner, units, seed + 21)
        self.norms = [normalization(f"norm_{place}", units) for place in range(2 + crosses)]
        self.built = True

    def run(
        self,
        values: tf.Tensor,
        visible: tf.Tensor,
        noise: Noise | None,
        past: Pair | None = None,
        source: Pair | None = None,
        real: tf.Tensor | None = None,
        given: tf.Tensor | None = None,
    ) -> tuple[tf.Tensor, tf.Tensor | None, Present]:
        """Run a block of positions [B, N, U] after the keys and values of those in `past`.

        Shapes: visible [1 or B, 1, N, C + N]; source [B, H, S, D] twice; real, its true tokens,
        [B, 1, 1, S]; given, the attention to read it with, [B, H, 1, S].
        Returns: values [B, N, U], attention to the source [B, H, N, S], what the block leaves.
        """
        inputs = self._before(0, values)
        pair = self.self_attention.project(inputs)
        known = pair if past is None else remember(past, pair)
        branch, read = self.self_attention.attend(inputs, known, visible, at(noise, 1))
        values, attention = self._after(0, values, branch, noise), None
        if self.cross_attention and source:
            queries = self._before(1, values)
            branch, attention = self.cross_attention.attend(
                queries, source, real, at(noise, 2), given
            )
            values = self._after(1, values, branch, noise)
        branch = self._feed_forward(self._before(-1, values))
        values = self._after(-1, values, branch, noise)
        return values, attention, Present(inputs, pair, read)

    def project_source(self, values: tf.Tensor) -> Pair:
        """Make keys and values of the source [B, S, U] for a layer that crosses."""
        assert self.cross_attention
        return self.cross_attention.project(values)

    def _feed_forward(self, values: tf.Tensor) -> tf.Tensor:
        """Apply two products around a ReLU (equation 2)."""
        wide, narrow = self.wide, self.narrow
        hidden = tf.nn.relu(product(values, wide.kernel, self.precision) + wide.bias)
        return product(hidden, narrow.kernel, self.precision) + narrow.bias

    def _before(self, place: int, values: tf.Tensor) -> tf.Tensor:
        return self.norms[place](values) if self.pre else values

    def _after(
        self, place: int, values: tf.Tensor, branch: tf.Tensor, noise: Noise | None
    ) -> tf.Tensor:
        """Add a branch to what went into it, dropped from and perhaps skipped as a whole."""
        dropped = drop(branch, noise, 11 + place)
        total = values + survive(dropped, noise, 21 + place, self.rate)
        return total if self.pre else self.norms[place](total)


def remember(past: Pair, now: Pair) -> Pair:
    """Put keys and values behind earlier ones: [B, H, C, D], [B, H, N, D] → [B, H, C + N, D]."""
    return tf.concat([past[0], now[0]], 2), tf.concat([past[1], now[1]], 2)


def normalization(name: str, units: int) -> keras.layers.LayerNormalization:
    """Return a layer normalization (Ba et al. 2016), built."""
    norm = keras.layers.LayerNormalization(epsilon=EPSILON, dtype="float32", name=name)
    norm.build((None, units))
    return norm


def _dense(
    name: str, width: int, units: int, seed: int, activation: str | None = None
) -> keras.layers.Dense:
    glorot = keras.initializers.GlorotUniform(seed=seed)
    dense = keras.layers.Dense(
        units, activation=activation, kernel_initializer=glorot, dtype="float32", name=name
    )
    dense.build((None, width))
    return dense

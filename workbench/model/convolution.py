"""Gated convolutions over source and target, with attention in every layer of the decoder.

Source of all of it: Gehring et al. 2017, Convolutional Sequence to Sequence Learning; sections and
equations are those of that paper. Weight normalization is left out. Attention works at the width
of the states, where the paper has it at the width of the embeddings.
Shape letters: B sentences, S source tokens, T target tokens, L layers, D width of the embeddings,
U units, K width of the kernel.
"""

from collections.abc import Callable
from typing import NamedTuple

import keras
import tensorflow as tf

from workbench.config import RunConfig
from workbench.model.adapters import adapt
from workbench.model.attention import Memory, given_or_own, normalize, read
from workbench.model.decoder import Decoder
from workbench.model.encoder import Encoded, Encoder
from workbench.model.noise import Noise, drop, survive
from workbench.model.positions import LearnedPositions, capacity
from workbench.model.precision import product

ROOT_HALF = 0.5**0.5  # a sum of two times this varies as much as each of the two (section 3.4)


class Linear(keras.layers.Layer):
    """A linear layer that keeps the variance of its input (section 3.5)."""

    def __init__(self, width: int, settings: RunConfig, seed: int) -> None:
        """Make the kernel [width, U] and the bias [U]."""
        super().__init__(dtype="float32")
        self.precision = settings.precision
        self.kernel = self.add_weight(
            name="kernel", shape=(width, settings.units),
            initializer=keras.initializers.RandomNormal(stddev=width**-0.5, seed=seed),
        )  # fmt: skip
        self.bias = self.add_weight(name="bias", shape=(settings.units,), initializer="zeros")
        self.built = True

    def project(self, inputs: tf.Tensor) -> tf.Tensor:
        """Return W x + b of inputs [..., width]: [..., U]."""
        return product(inputs, self.kernel, self.precision) + self.bias


class Entry(keras.layers.Layer):
    """Embeddings of tokens and of their positions, joined and made `units` wide (section 3.1)."""

    def __init__(self, settings: RunConfig, seed: int) -> None:
        """Make the position embeddings [rows, D] and the linear layer from D to U."""
        super().__init__(dtype="float32")
        width, units = settings.embedding, settings.units
        self.same_width = width == units
        self.positions = LearnedPositions(capacity(settings), width, seed)
        self.widen = Linear(width, settings, seed + 1)
        self.built = True

    def enter(self, embedded: tf.Tensor, first: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Place embedded tokens [B, T, D], the first of which stands at position `first` [B].

        Positions beyond the table share its last row.
        Returns: the input of the first convolution and what attention takes for the embedding,
        both [B, T, U]; where D is not U they are the same.
        """
        positions = first[:, None] + tf.range(tf.shape(embedded)[1])  # [B, T]
        placed = embedded + self.positions.at(positions)
        widened = self.widen.project(placed)
        return widened, placed if self.same_width else widened


class GatedConvolution(keras.layers.Layer):
    """A convolution to 2 U channels, half of which gate the others (section 3.2).

    Weights are drawn with a variance of 4 p / n, where p is the share of the n inputs that dropout
    keeps, since a gate about half open leaves a quarter of it (section 3.5).
    """

    def __init__(self, settings: RunConfig, seed: int) -> None:
        """Make the kernel [K, U, 2 U] and the bias [2 U]."""
        super().__init__(dtype="float32")
        width, units = settings.kernel_width, settings.units
        self.width, self.precision = width, settings.precision
        spread = (4 * (1 - settings.dropout) / (width * units)) ** 0.5
        self.kernel = self.add_weight(
            name="kernel", shape=(width, units, 2 * units),
            initializer=keras.initializers.RandomNormal(stddev=spread, seed=seed),
        )  # fmt: skip
        self.bias = self.add_weight(name="bias", shape=(2 * units,), initializer="zeros")
        self.built = True

    def convolve(self, inputs: tf.Tensor) -> tf.Tensor:
        """Slide over inputs [B, T + K - 1, U] in one matrix product: [B, T, U]."""
        tokens = tf.shape(inputs)[1] - (self.width - 1)
        windows = tf.concat([inputs[:, n : n + tokens] for n in range(self.width)], -1)
        kernel = tf.reshape(self.kernel, [-1, self.kernel.shape[-1]])  # [K U, 2 U]
        values, gates = tf.split(product(windows, kernel, self.precision) + self.bias, 2, axis=-1)
        return values * tf.sigmoid(gates)


class ConvolutionalEncoder(Encoder):
    """Gated convolutions around every source token (sections 3.1 and 3.2).

    What attention reads is z + e, the output at a token and its embedding; it is addressed by z
    (section 3.3).
    """

    def __init__(self, settings: RunConfig, seed: int) -> None:
        """Make position embeddings, convolutions and the linear layers on both sides of them."""
        super().__init__(settings, seed)
        self.entry = Entry(settings, seed)
        self.convolutions = [
            GatedConvolution(settings, seed + 10 + layer) for layer in range(settings.layers)
        ]
        self.leave = Linear(settings.units, settings, seed + 2)
        self.built = True

    def encode(self, embedded: tf.Tensor, mask: tf.Tensor, noise: Noise | None = None) -> Encoded:
        """See `Encoder.encode`; padding is zero wherever a convolution looks."""
        layers, width = self.settings.layers, self.settings.kernel_width
        real = tf.cast(mask, tf.float32)[:, :, None]
        around = [[0, 0], [(width - 1) // 2, width // 2], [0, 0]]
        inputs, embedding = self.entry.enter(embedded, tf.zeros([1], tf.int32))
        for layer, convolution in enumerate(self.convolutions):
            dropped = drop(inputs, noise, layer) * real
            branch = convolution.convolve(tf.pad(dropped, around))
            outputs = _residual(inputs, branch, noise, layer, self.settings)
            inputs = adapt(self.adapters, layer, outputs)
        keys = self.leave.project(inputs)
        if noise is not None and self.settings.decoder == "cnn":
            keys = _share_gradient(keys, layers)
        values = keys + embedding
        mean = tf.reduce_sum(values * real, 1) / tf.maximum(tf.reduce_sum(real, 1), 1)
        return Encoded(values, ((mean,),) * layers, mask, keys)


class ConvolutionState(NamedTuple):
    """Each layer's last inputs [B, K - 1, U] and the position of the next token [B]."""

    windows: tuple[tf.Tensor, ...]
    position: tf.Tensor


class ConvolutionalDecoder(Decoder):
    """Gated convolutions over the target so far, each layer with an attention (section 3.3).

    A layer's output h and the embedding g of the token just read make the query d = W h + b + g
    (equation 1); its product with the keys is normalized, and the context c (equation 2) is added
    to h. c is scaled by √m, where m is the number of source tokens (section 3.4).
    """

    def __init__(self, settings: RunConfig, seed: int) -> None:
        """Make position embeddings, convolutions, the queries' layers and the last linear layer."""
        super().__init__(settings, seed)
        units, layers = settings.units, range(settings.layers)
        self.entry = Entry(settings, seed)
        self.convolutions = [GatedConvolution(settings, seed + 10 + layer) for layer in layers]
        self.queries = [Linear(units, settings, seed + 100 + layer) for layer in layers]
        self.leave = Linear(units, settings, seed + 2)
        self.built = True

    def begin(self, encoded: Encoded) -> tuple[ConvolutionState, Memory]:
        """See `Decoder.begin`; before the first token every convolution sees zeros."""
        batch = tf.shape(encoded.mask)[0]
        window = tf.zeros([batch, self.settings.kernel_width - 1, self.settings.units])
        keys = encoded.values if encoded.keys is None else encoded.keys
        state = ConvolutionState((window,) * self.settings.layers, tf.zeros([batch], tf.int32))
        return state, Memory(encoded.values, keys, encoded.mask)

    def step(
        self,
        embedded: tf.Tensor,
        state: ConvolutionState,
        memory: Memory,
        attention: tf.Tensor | None = None,
        noise: Noise | None = None,
    ) -> tuple[tf.Tensor, tf.Tensor, ConvolutionState]:
        """See `Decoder.step`; it costs the same at every position."""
        given = None if attention is None else attention[:, :, :, None]
        vectors, used, seen = self._read(embedded[:, None], state, memory, given, noise)
        windows = tuple(inputs[:, 1:] for inputs in seen)
        return vectors[:, 0], used[:, :, :, 0], ConvolutionState(windows, state.position + 1)

    def unroll(
        self,
        embedded: tf.Tensor,
        mask: tf.Tensor,  # noqa: ARG002 - padding stands behind and nothing looks ahead
        state: ConvolutionState,
        memory: Memory,
        noise: Noise | None = None,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """See `Decoder.unroll`."""
        vectors, used, _ = self._read(embedded, state, memory, None, noise)
        return vectors, used

    def _read(
        self,
        embedded: tf.Tensor,
        state: ConvolutionState,
        memory: Memory,
        given: tf.Tensor | None,
        noise: Noise | None,
    ) -> tuple[tf.Tensor, tf.Tensor, list[tf.Tensor]]:
        """Read tokens [B, T, D] that follow the state; `given` is attention [B, L, 1, T, S].

        Returns: vectors [B, T, U], attention [B, L, 1, T, S], what each convolution has looked at
        [B, T + K - 1, U].
        """
        inputs, embedding = self.entry.enter(embedded, state.position)
        used, seen = [], []
        for layer, (convolution, query) in enumerate(
            zip(self.convolutions, self.queries, strict=True)
        ):
            seen.append(tf.concat([state.windows[layer], drop(inputs, noise, 100 + layer)], 1))
            hidden = convolution.convolve(seen[-1])
            energy = tf.matmul(query.project(hidden) + embedding, memory.keys, transpose_b=True)
            wanted = None if given is None else given[:, layer, 0]
            used.append(given_or_own(wanted, normalize(energy, memory.mask)))
            branch = (hidden + _context(used[-1], memory)) * ROOT_HALF
            outputs = _residual(inputs, branch, noise, layer, self.settings)
            inputs = adapt(self.adapters, layer, outputs)
        return self.leave.project(inputs), tf.stack(used, 1)[:, :, None], seen


def _context(attention: tf.Tensor, memory: Memory) -> tf.Tensor:
    """Return √m Σ a (z + e) of attention [B, T, S]: [B, T, U] (equation 2, section 3.4)."""
    tokens = tf.reduce_sum(tf.cast(memory.mask, tf.float32), 1)  # [B]
    return read(attention, memory.values) * tf.sqrt(tokens)[:, None, None]


def _residual(
    inputs: tf.Tensor, branch: tf.Tensor, noise: Noise | None, layer: int, settings: RunConfig
) -> tf.Tensor:
    """Add a layer's branch to its input; the higher the layer, the likelier to be skipped."""
    rate = settings.stochastic_depth * (layer + 1) / settings.layers
    return (inputs + survive(branch, noise, 200 + layer, rate)) * ROOT_HALF


def _share_gradient(values: tf.Tensor, readers: int) -> tf.Tensor:
    """Return `values`, their gradient divided by the number of attentions (section 3.4)."""

    @tf.custom_gradient  # type: ignore[untyped-decorator]  # TensorFlow ships no types
    def share(values: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
        return tf.identity(values), lambda gradient: gradient / readers

    return share(values)

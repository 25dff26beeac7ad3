"""The span of attention: which source positions a step may read.

Shape letters: B sentences, T decoder positions, S source positions, U units.
"""

from typing import NamedTuple

import keras
import tensorflow as tf

from workbench.config import RunConfig
from workbench.config import Span as Name
from workbench.model.alignment import distance, expected_alignment, hard_alignment, windowed
from workbench.model.attention import MINUS_INFINITY, normalize
from workbench.model.history import History
from workbench.model.noise import Noise


class Steps(NamedTuple):
    """Successive steps of a decoder that look at one source.

    Attributes:
        query: their states [B, T, U].
        mask: true at real source tokens [B, S].
        history: what was read before the first of them.
        noise: None outside training.
    """

    query: tf.Tensor
    mask: tf.Tensor
    history: History
    noise: Noise | None = None


class Span(keras.layers.Layer):
    """Every step reads the whole source. A subclass narrows that.

    Attributes:
        moves: whether a step stands at a position that the next one must know.
        follows: whether a step's attention goes on from that of the step before.
    """

    moves = follows = False

    def __init__(self, settings: RunConfig, seed: int) -> None:
        """Make the weights, if there are any, from `seed` alone."""
        super().__init__(dtype="float32")
        self.window, self.seed = settings.attention_window, seed
        self.built = True

    def move(self, position: tf.Tensor, attention: tf.Tensor) -> tf.Tensor:
        """Return where the next step stands after one that read by `attention` [B, S]: [B]."""
        raise NotImplementedError

    def attention(self, energy: tf.Tensor, steps: Steps) -> tf.Tensor:
        """Turn the energies of successive steps into attention [B, T, S]; padding gets 0."""
        return normalize(energy, steps.mask)


class LocalM(Span):
    """A window that moves one source position a step (Luong et al. 2015, section 3.2, local-m).

    Step t reads [t - D, t + D]. Rows sum to 1, or are 0 where the window has left the sentence.
    """

    moves = True

    def move(self, position: tf.Tensor, attention: tf.Tensor) -> tf.Tensor:  # noqa: ARG002
        """See `Span.move`: one further, whatever was read."""
        return position + 1

    def attention(self, energy: tf.Tensor, steps: Steps) -> tf.Tensor:
        """See `Span.attention`."""
        centre = steps.history.position[:, None] + tf.range(tf.shape(energy)[1])
        return windowed(energy, steps.mask, tf.cast(centre, energy.dtype), self.window)


class LocalP(Span):
    """A window around a predicted position (Luong et al. 2015, section 3.2, local-p).

    The centre is p = S sigmoid(vᵀ tanh(W h)) with S tokens in that sentence (equation 9),
    positions counted from 0. The softmax within [p - D, p + D] is multiplied by a Gaussian
    around p with σ = D / 2 (equation 10), so that rows sum to less than 1.
    """

    def __init__(self, settings: RunConfig, seed: int) -> None:
        """See `Span`: W [U, U] and v [U, 1]."""
        super().__init__(settings, seed)
        units, glorot = settings.units, keras.initializers.GlorotUniform
        self.kernel = self.add_weight(
            name="kernel", shape=(units, units), initializer=glorot(seed=self.seed)
        )
        self.v = self.add_weight(name="v", shape=(units, 1), initializer=glorot(seed=self.seed + 1))

    def attention(self, energy: tf.Tensor, steps: Steps) -> tf.Tensor:
        """See `Span.attention`."""
        centre = self.centre(steps)
        near = windowed(energy, steps.mask, centre, self.window)
        deviations = distance(centre, steps.mask) / (self.window / 2)
        return near * tf.exp(-(deviations**2) / 2)

    def centre(self, steps: Steps) -> tf.Tensor:
        """Predict the position [B, T] around which each step reads."""
        length = tf.reduce_sum(tf.cast(steps.mask, tf.float32), -1)  # [B]
        hidden = tf.tanh(steps.query @ self.kernel)  # [B, T, U]
        return length[:, None] * tf.sigmoid(tf.einsum("btu,u->bt", hidden, self.v[:, 0]))


class Monotonic(Span):
    """Attention that only moves forwards (Raffel et al. 2017).

    Each step goes on from where the last one stood and halts at a position with probability
    sigmoid(energy + r). In training, attention is the expectation of that, with noise of unit
    variance on the energies, which drives the probabilities apart (sections 2.3 and 2.5).
    Otherwise it halts at the first probability of at least a half (section 2.2, algorithm 1).
    Where it halts nowhere, nothing is read: expected rows sum to at most 1, others to 1 or 0.
    The offset r begins at -1, so that a fresh model does not halt at once; the gain of section
    2.4 is left to the weights of the scorer.
    """

    moves = follows = True

    def __init__(self, settings: RunConfig, seed: int) -> None:
        """See `Span`: the offset r."""
        super().__init__(settings, seed)
        self.offset = self.add_weight(
            name="offset", shape=(), initializer=keras.initializers.Constant(-1.0)
        )

    def move(self, position: tf.Tensor, attention: tf.Tensor) -> tf.Tensor:
        """See `Span.move`: the position read, or the old one where nothing was."""
        read = tf.argmax(attention, -1, position.dtype)
        return tf.where(tf.reduce_max(attention, -1) > 0, read, position)

    def attention(self, energy: tf.Tensor, steps: Steps) -> tf.Tensor:
        """See `Span.attention`; the energies are known, only the halting goes step by step."""
        energy = tf.where(steps.mask[:, None, :], energy + self.offset, MINUS_INFINITY)
        if steps.noise is not None:
            energy += tf.random.stateless_normal(tf.shape(energy), steps.noise.at(200).seed)

        def halt(
            before: tuple[tf.Tensor, tf.Tensor], energy: tf.Tensor
        ) -> tuple[tf.Tensor, tf.Tensor]:
            attention, position = before
            if steps.noise is None:
                attention = hard_alignment(energy, position)
            else:
                attention = expected_alignment(energy, attention)
            return attention, self.move(position, attention)

        before = steps.history.attention, steps.history.position
        if energy.shape[1] == 1:  # a single step needs no loop
            return halt(before, energy[:, 0])[0][:, None]
        rows, _ = tf.scan(halt, tf.transpose(energy, [1, 0, 2]), before)
        return tf.transpose(rows, [1, 0, 2])


SPANS: dict[Name, type[Span]] = {
    "global": Span,
    "local_m": LocalM,
    "local_p": LocalP,
    "monotonic": Monotonic,
}


def begin_history(settings: RunConfig, span: Span, mask: tf.Tensor) -> History:
    """Return the history before the first step over sources of which `mask` [B, S] is real.

    Nothing has been read; only a span that follows goes on from the first position, as if that
    had been (Raffel et al. 2017, section 2.3).
    """
    nothing = tf.zeros_like(mask, tf.float32)
    first = nothing + tf.one_hot(0, tf.shape(mask)[1]) if span.follows else nothing
    return History(
        attention=first if span.follows or settings.location_filters else (),
        coverage=nothing if settings.coverage else (),
        position=tf.zeros_like(mask[:, 0], tf.int32) if span.moves else (),
    )


def remember(history: History, span: Span, attention: tf.Tensor) -> History:
    """Return the history after one more step, which read by `attention` [B, S]."""
    return History(
        () if isinstance(history.attention, tuple) else attention,
        () if isinstance(history.coverage, tuple) else history.coverage + attention,
        span.move(history.position, attention) if span.moves else (),
    )

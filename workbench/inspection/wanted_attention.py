"""The inverse question: what attention would have produced this word?

At one step the attention is set free and climbs, by gradient ascent on its logits, to where the
wanted token is likeliest. What is found tells whether the words were there to be read, and the
distance from the model's own attention how far it looked away.
Shape letters: B ways up at once, L layers with attention, H heads, S source tokens, V target
vocabulary.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from workbench.data.encoding import Codec
from workbench.data.tokenizer import BEGIN
from workbench.errors import WorkbenchError
from workbench.inspection.asked import numbers
from workbench.model.seq2seq import Seq2Seq
from workbench.records import Floats, WantedAttention

LEAST = 1e-5  # the least attention that a way begins with, so that it has a logarithm
RATE = 0.3  # of Adam, in logits
NEARLY = 1e-3  # nats by which another way must be better than the one from the model's own


class _Way(NamedTuple):
    """Attention [I + 1, B, L, H, S] of every iteration, and what it makes of the token [I + 1, B].

    `rivals` are the log-probabilities of the likeliest other token.
    """

    attention: Floats
    wanted: Floats
    rivals: Floats


class Standpoint(NamedTuple):
    """One step of a translation, before which somebody stands.

    Attributes:
        source_tokens: [S]; prefix: the target tokens before the step.
        token, state, memory: what the step takes in, as the model has it, for one row.
        own: what is read there [L, H, S]; likely: log-probabilities of what may come next [V].
    """

    source_tokens: tuple[str, ...]
    prefix: tuple[str, ...]
    token: int
    state: Any
    memory: Any
    own: Floats
    likely: Floats


class AttentionSeeker:
    """Answer the inverse question with one model."""

    def __init__(self, model: Seq2Seq, codec: Codec) -> None:
        """Use the model's own step, for any family, the user's own model included."""
        self.model, self.codec = model, codec
        self._step = tf.function(model.step, autograph=False, reduce_retracing=True)
        self._slope = tf.function(self._climb, autograph=False, reduce_retracing=True)

    def __call__(
        self,
        source: str,
        prefix: Sequence[str],
        wanted: str,
        layer: int | None = None,
        head: int | None = None,
        iterations: int = 100,
    ) -> WantedAttention:
        """Find the attention, at the step after `prefix`, that makes `wanted` likeliest.

        What is not sought keeps the attention that the model has without any change, also where
        a lower layer would now make it look elsewhere. There is no proof that the best attention
        is found: the search goes up from the model's own attention, and from the same drawn
        half-way to each source position, and the best end counts.

        Args:
            source: the source text.
            prefix: the target tokens before the step, as `Hypothesis.tokens` shows them.
            wanted: the token that should have come.
            layer: which layer may change, from 0; None for all.
            head: which head may change, from 0; None for all.
            iterations: steps of Adam (Kingma & Ba 2015).

        Raises:
            WorkbenchError: a token that the vocabulary does not have, no such layer or head, or
                a model without attention.
        """
        [target] = numbers(self.codec, [wanted], source)
        standpoint = self._written(source, prefix)
        return self.at(standpoint, target, wanted, layer, head, iterations)

    def at(
        self,
        here: Standpoint,
        target: int,
        wanted: str,
        layer: int | None = None,
        head: int | None = None,
        iterations: int = 100,
    ) -> WantedAttention:
        """Answer the same where somebody stands; nothing before that is run again.

        The attention that counts as the model's own is what is read there, edits included.

        Args:
            here: the step.
            target: the number of the token that should have come.
            wanted: that token, as it is shown.
            layer: which layer may change, from 0; None for all.
            head: which head may change, from 0; None for all.
            iterations: steps of Adam.

        Raises:
            WorkbenchError: as above.
        """
        own, before = here.own, (tf.constant([here.token]), here.state, here.memory)
        sought = _sought(own, layer, head)
        way = self._ascend(own, sought, target, before, iterations)
        ends = way.wanted.max(0)
        start = int(ends.argmax()) if ends.max() > ends[0] + NEARLY else 0
        path = np.stack([own, *way.attention[:, start]])
        wanted_nats = np.array([here.likely[target], *way.wanted[:, start]])
        rival = np.delete(here.likely, target).max()
        found = path[wanted_nats.argmax()]
        return WantedAttention(
            source_tokens=here.source_tokens,
            prefix=here.prefix,
            wanted=wanted,
            own=own,
            found=found,
            sought=sought,
            start=start - 1,
            log_probabilities=wanted_nats,
            rivals=np.array([rival, *way.rivals[:, start]]),
            divergences=np.array([divergence(each, own)[sought].mean() for each in path], "f"),
            divergence=divergence(found, own),
            distance=np.abs(found - own).sum(-1) / 2,
        )

    def _written(self, source: str, prefix: Sequence[str]) -> Standpoint:
        """Write a prefix from its first token on."""
        ids = self.codec.encode_source(source)
        *before, token = BEGIN, *numbers(self.codec, prefix, source)
        state, memory = self.model.encode(tf.constant([ids]))
        for number in before:
            _, _, state = self._step(tf.constant([number]), state, memory)
        logits, used, _ = self._step(tf.constant([token]), state, memory)
        likely = tf.nn.log_softmax(logits).numpy()[0]
        tokens = self.codec.source.tokens(ids)
        return Standpoint(tokens, tuple(prefix), token, state, memory, used.numpy()[0], likely)

    def _ascend(self, own: Floats, sought: Any, target: int, before: Any, iterations: int) -> _Way:
        """Climb from every start at once."""
        starts = np.stack(list(_starts(own)))
        inputs = tf.nest.map_structure(lambda each: tf.repeat(each, len(starts), 0), before)
        adam, every, wanted_id = _Adam(), [], tf.constant(target)  # a number would be retraced
        logits = np.log(np.maximum(starts, LEAST))
        for _ in range(iterations + 1):
            attention, wanted, rivals, slope = (
                each.numpy() for each in self._slope(logits, own, sought, wanted_id, *inputs)
            )
            every.append((attention, wanted, rivals))
            logits = logits + adam.step(slope)
        return _Way(*(np.stack(each) for each in zip(*every, strict=True)))

    def _climb(
        self, logits: tf.Tensor, own: tf.Tensor, sought: tf.Tensor, target: tf.Tensor,
        tokens: tf.Tensor, state: Any, memory: Any,
    ) -> tuple[tf.Tensor, ...]:  # fmt: skip
        """Return attention, log-probability of the target, of its rival, and the gradient."""
        with tf.GradientTape() as tape:
            tape.watch(logits)
            attention = tf.where(sought[:, :, None], tf.nn.softmax(logits), own)
            scores, _, _ = self.model.step(tokens, state, memory, attention=attention)
            every = tf.nn.log_softmax(scores)
            wanted = every[:, target]
        slope = tape.gradient(wanted, logits)
        if slope is None:
            raise WorkbenchError(
                "expected a model whose step reads the attention that it is given, got one "
                "that does not; see EncoderDecoder.step in workbench/model/protocol.py"
            )
        others = tf.range(tf.shape(every)[-1]) != target
        return attention, wanted, tf.reduce_max(tf.where(others, every, -np.inf), -1), slope


def divergence(attention: Floats, own: Floats) -> Floats:
    """Return KL(attention ‖ own) of each row [..., S], in nats; own counts as at least 1e-5."""
    known = np.maximum(own, LEAST)
    ratio = np.log(np.maximum(attention, np.finfo(np.float32).tiny) / known)
    return (attention * ratio).sum(-1)


def _sought(own: Floats, layer: int | None, head: int | None) -> Any:
    """Return which layers and heads may change [L, H]."""
    if not own.size:
        raise WorkbenchError(
            "expected a model with attention, got one without; choose an attention and build again"
        )
    sought = np.ones(own.shape[:2], bool)
    for axis, (name, pick) in enumerate((("layer", layer), ("head", head))):
        if pick is None:
            continue
        if not 0 <= pick < own.shape[axis]:
            raise WorkbenchError(
                f"expected a {name} from 0 to {own.shape[axis] - 1}, got {pick}; leave it out "
                "for all"
            )
        sought &= np.expand_dims(np.arange(own.shape[axis]) == pick, 1 - axis)
    return sought


def _starts(own: Floats) -> Iterator[Floats]:
    """Yield the model's attention, and the same half-way to each source position."""
    yield own
    for place in range(own.shape[-1]):
        half: Floats = own.copy()
        half[..., place] += 1
        yield half / np.float32(2)


class _Adam:
    """The steps of Kingma & Ba 2015, algorithm 1, uphill; a way is as long in every row."""

    def __init__(self) -> None:
        self.time = 0
        self.mean: Any = 0.0
        self.square: Any = 0.0

    def step(self, slope: Floats) -> Floats:
        """Return what to add, given the gradient [...]."""
        self.time += 1
        self.mean = 0.9 * self.mean + 0.1 * slope
        self.square = 0.999 * self.square + 0.001 * slope**2
        mean = self.mean / (1 - 0.9**self.time)
        square = self.square / (1 - 0.999**self.time)
        added: Floats = (RATE * mean / (np.sqrt(square) + 1e-8)).astype(np.float32)
        return added

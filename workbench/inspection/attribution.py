"""What in the source makes the model write a token: gradients, occlusion, attention, roll-out.

Every method gives a matrix [T, S] that can stand beside attention and beside a gold alignment.
What is explained is the log-probability of each target token given those before it.
Shape letters: R rows, all of one sentence; S source tokens, T target tokens, D width of the
source embeddings.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Literal, TypeVar, cast, get_args

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from workbench.config import OWN_ATTENTION, ModelSettings
from workbench.data.corpus import Pair
from workbench.data.encoding import Codec
from workbench.data.tokenizer import PAD, UNKNOWN
from workbench.errors import WorkbenchError, nearest
from workbench.inspection.alignment import alignment_figures
from workbench.inspection.asked import opened
from workbench.inspection.integral import Doubles, Line, line_integral
from workbench.inspection.roll_out import roll_out
from workbench.inspection.scoring import Scoring
from workbench.inspection.self_attention import self_attention
from workbench.model.seq2seq import IDS, Seq2Seq
from workbench.records import Attribution, Floats, Integers, Method, Translation

Baseline = Literal["zero", "unknown"]
Cover = Literal["unknown", "masked"]
METHODS: tuple[Method, ...] = get_args(Method)

MOST = 4096  # points of an integral
TOLERANCE = 0.01  # of the difference of the outputs, that the sum of an integral may lack
LEAST_DIFFERENCE = 0.01  # nats: 1 % of less would be rounding

Array = TypeVar("Array", bound=NDArray[Any])

_EMBEDDED = tf.TensorSpec([None, None, None], tf.float32)


def methods_for(model: ModelSettings) -> tuple[Method, ...]:
    """Return the methods that a model of these settings allows: some need its attention."""
    lacking: set[Method] = set()
    if "transformer" not in (model.encoder, model.decoder):
        lacking = {"roll_out"}
    if model.attention == "none" and model.decoder not in OWN_ATTENTION:
        lacking = {"roll_out", "attention"}
    return tuple(method for method in METHODS if method not in lacking)


class Attributor:
    """Attribute target tokens to source tokens with one model, compiled once."""

    def __init__(self, model: Seq2Seq, codec: Codec, batch_size: int = 64) -> None:
        """Run `batch_size` variants of a sentence at a time."""
        self.model, self.codec, self.batch_size = model, codec, batch_size
        self.score = Scoring(model, codec, batch_size)
        self._outputs = tf.function(
            self._look, input_signature=[_EMBEDDED, IDS, IDS], autograph=False
        )
        self._slopes = tf.function(
            self._climb, autograph=False,
            input_signature=[_EMBEDDED, IDS, IDS, tf.TensorSpec([None], tf.int32)],
        )  # fmt: skip

    def __call__(
        self,
        pair: Pair,
        method: Method = "integrated_gradients",
        baseline: Baseline = "zero",
        cover: Cover = "unknown",
        most: int = MOST,
    ) -> Attribution:
        """Attribute every token of the pair's target to the tokens of its source.

        - `attention`: the mean over layers and heads.
        - `roll_out`: attention through all layers of a Transformer; see `roll_out`.
        - `gradient_input`: e · ∂ log p / ∂e of each source embedding e (Shrikumar et al. 2016).
        - `integrated_gradients`: (e - e') · ∫ ∂ log p / ∂e along the straight line from a
          baseline e' (Sundararajan et al. 2017, equation 1), at as many points as completeness
          takes (proposition 1 there): a row sums to what the output differs from that of the
          baseline, within 1 %. `Attribution.gaps` says what is missing: where `most` points were
          not enough, or where the output jumps on the way (hard monotonic attention).
        - `occlusion`: log p less log p without the token (Zeiler & Fergus 2014, section 4.2).

        Args:
            pair: source, target and, where known, the gold alignment.
            method: one of these.
            baseline: `zero`, or the embedding of the unknown token, at every source position.
            cover: what occlusion puts in a token's place: the embedding of the unknown token,
                or nothing (`masked`), so that nobody looks there. A model that copies may still
                copy an unknown token's text, not that of a masked one.
            most: points of an integral at most.

        Raises:
            WorkbenchError: there is no such method, or the model does not allow it.
            DataError: a side without tokens, or too long.
        """
        if method not in METHODS:
            raise WorkbenchError(
                f"expected a method ({', '.join(METHODS)}), got {method!r}"
                f"{nearest(method, METHODS)}"
            )
        [translation] = self.score([pair])
        if method in ("attention", "roll_out"):
            scores = self._attended(translation, method)
            found = Attribution(method, translation, scores, translation.best.log_probabilities)
            return _judged(found)
        sentence = _Sentence(self, pair, translation)
        if method == "occlusion":
            return _judged(sentence.occlusion(cover))
        if method == "gradient_input":
            return _judged(sentence.gradient_input())
        return _judged(sentence.integrated_gradients(baseline, most))

    def _attended(self, translation: Translation, method: Method) -> Floats:
        attention = translation.best.attention
        others = ", ".join(METHODS[2:])
        if not attention.size:
            raise WorkbenchError(
                f"{method}: expected a model with attention, got one without; choose {others}"
            )
        if method == "attention":
            return attention.mean((0, 1))
        own = self_attention(self.model, self.codec, translation.source, translation.text)
        if not own.encoder.size and not own.decoder.size:
            raise WorkbenchError(
                "roll_out: expected a Transformer as encoder or decoder, got neither; choose "
                f"attention, {others}"
            )
        return roll_out(own.encoder, own.decoder, attention)

    def _look(self, embedded: tf.Tensor, source: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
        """Return the log-probability of each target token [R, T]."""
        with opened(self.model, "attribution") as inner:
            logits, _ = inner.predict_all(*inner.encode_embedded(embedded, source), target)
        return tf.gather(tf.nn.log_softmax(logits), target, batch_dims=2)

    def _climb(
        self, embedded: tf.Tensor, source: tf.Tensor, target: tf.Tensor, places: tf.Tensor
    ) -> tf.Tensor:
        """Return the gradient of the output at one place a row [R], by the embeddings."""
        with tf.GradientTape() as tape:
            tape.watch(embedded)
            every = self._look(embedded, source, target)
            outputs = tf.gather(every, places, batch_dims=1)
        zero = tf.UnconnectedGradients.ZERO
        return tape.gradient(outputs, embedded, unconnected_gradients=zero)

    def outputs(self, embedded: Floats, source: Integers, target: Integers) -> Floats:
        """Return log-probabilities [R, T] of targets [T], from embeddings [R, S, D].

        `source` [R, S] says which positions are real.
        """
        found = [
            self._outputs(embedded[rows], source[rows], _repeated(target, len(source[rows])))
            for rows in self._batches(len(embedded))
        ]
        return np.concatenate([each.numpy() for each in found])

    def slopes(
        self, embedded: Floats, source: Integers, target: Integers, places: Integers
    ) -> Floats:
        """Return the gradient [R, S, D] of the output at places [R], for one source [S]."""
        found = []
        for rows in self._batches(len(embedded)):
            here = places[rows]
            both = _repeated(source, len(here)), _repeated(target, len(here))
            found.append(self._slopes(embedded[rows], *both, here).numpy())
        return np.concatenate(found)

    def _batches(self, rows: int) -> Iterator[slice]:
        for first in range(0, rows, self.batch_size):
            yield slice(first, first + self.batch_size)


class _Sentence:
    """One pair in numbers: source [S], its embeddings [S, D], target [T]."""

    def __init__(self, attributor: Attributor, pair: Pair, translation: Translation) -> None:
        self.attributor, self.translation = attributor, translation
        codec = attributor.codec
        self.source = np.array(codec.encode_source(pair.source), np.int32)
        self.target = np.array(codec.encode_target(pair.target, pair.source), np.int32)
        with opened(attributor.model, "attribution") as inner:
            tokens = np.append(self.source, UNKNOWN).astype(np.int32)
            *embedded, self.unknown = inner.embed(tokens[None]).numpy()[0]
        self.embedded: Floats = np.stack(embedded)

    def outputs(self, embedded: Floats, source: Integers | None = None) -> Floats:
        """Return log-probabilities [R, T] for embeddings [R, S, D]."""
        if source is None:
            source = _repeated(self.source, len(embedded))
        return self.attributor.outputs(embedded, source, self.target)

    def gradient_input(self) -> Attribution:
        places = np.arange(len(self.target), dtype=np.int32)
        embedded = _repeated(self.embedded, len(places))
        gradients = self.attributor.slopes(embedded, self.source, self.target, places)
        scores = np.einsum("tsd,sd->ts", gradients, self.embedded)
        [outputs] = self.outputs(self.embedded[None])
        return Attribution("gradient_input", self.translation, scores, outputs)

    def occlusion(self, cover: Cover) -> Attribution:
        count = len(self.source)
        embedded, source = _repeated(self.embedded, count), _repeated(self.source, count)
        every = np.arange(count)
        if cover == "masked":
            source[every, every] = PAD
        else:
            embedded[every, every] = self.unknown
        [outputs] = self.outputs(self.embedded[None])
        scores = outputs[:, None] - self.outputs(embedded, source).T
        return Attribution("occlusion", self.translation, scores, outputs)

    def integrated_gradients(self, baseline: Baseline, most: int) -> Attribution:
        start = np.zeros_like(self.embedded)
        if baseline == "unknown":
            start += self.unknown
        line = Line(start, self.embedded)
        outputs, baselines = self.outputs(line.at(np.array([1.0, 0.0])))
        scores, points = np.zeros((len(self.target), len(self.source)), np.float32), []
        for place, wanted in enumerate(outputs - baselines):
            slopes, values = partial(self._slopes, line, place), partial(self._values, line, place)
            lacking = TOLERANCE * max(abs(float(wanted)), LEAST_DIFFERENCE)
            scores[place], count = line_integral(slopes, values, lacking, most)
            points.append(count)
        return Attribution(
            "integrated_gradients", self.translation, scores, outputs, baselines,
            np.array(points, np.int32),
        )  # fmt: skip

    def _slopes(self, line: Line, place: int, along: Doubles) -> Doubles:
        """Return what each source token adds per unit of the way at points [R]: [R, S]."""
        places = np.full(len(along), place, np.int32)
        slopes = self.attributor.slopes(line.at(along), self.source, self.target, places)
        found: Doubles = np.einsum("rsd,sd->rs", slopes, line.change, dtype=float)
        return found

    def _values(self, line: Line, place: int, along: Doubles) -> Doubles:
        """Return the output at points [R] of the way: [R]."""
        return self.outputs(line.at(along))[:, place].astype(float)


def as_attention(attribution: Attribution) -> Translation:
    """Return the pair with the attribution's shares in place of attention: [1, 1, T, S]."""
    translation = attribution.translation
    best = replace(translation.best, attention=attribution.shares[None, None])
    return replace(translation, hypotheses=(best,))


def error_rates(attributions: Sequence[Attribution]) -> dict[str, float]:
    """Return the alignment error rate of each method over all its pairs with a gold alignment."""
    methods = dict.fromkeys(one.method for one in attributions)
    figures = {
        method: alignment_figures([as_attention(o) for o in attributions if o.method == method])
        for method in methods
    }
    return {method: found["alignment_error_rate"] for method, found in figures.items() if found}


def _judged(attribution: Attribution) -> Attribution:
    return replace(
        attribution, alignment_error_rate=error_rates([attribution]).get(attribution.method)
    )


def _repeated(values: Array, count: int) -> Array:
    """Return `count` copies [count, …]."""
    return cast(Array, np.repeat(values[None], count, 0))

"""Hidden states: what encoder and decoder know at each token, in two dimensions and up close.

Shape letters: B sentences, S source tokens, T target tokens, U units, N states.
"""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import tensorflow as tf

from workbench.data.batches import ordered_batches
from workbench.data.corpus import Pair
from workbench.data.encoding import Codec
from workbench.data.tokenizer import PAD
from workbench.errors import WorkbenchError
from workbench.inspection.asked import opened
from workbench.model.attention import Memory
from workbench.model.copying import CopyMemory, within
from workbench.model.decoder import DecoderState, RecurrentDecoder
from workbench.model.seq2seq import IDS, Seq2Seq, shifted
from workbench.records import Floats, Integers, Neighbour, Place, Projection, States

MOST = 100_000  # states of a corpus: as many as are searched for neighbours

Metric = Literal["cosine", "euclidean"]
Projecting = Literal["pca", "umap"]


class StateReader:
    """Read the hidden states of one model, compiled once."""

    def __init__(self, model: Seq2Seq, codec: Codec, batch_size: int = 64) -> None:
        """Read `batch_size` pairs at a time."""
        self.model, self.codec, self.batch_size = model, codec, batch_size
        self._compiled = tf.function(self._look, input_signature=[IDS, IDS], autograph=False)

    def __call__(
        self,
        pairs: Sequence[Pair],
        most: int = MOST,
        between: Callable[[], None] | None = None,
    ) -> States:
        """Return the states of both sides of the first pairs, `most` states at the most.

        Of the encoder that is what the decoder reads at each source token: the output of the
        top layer (of a convolutional one with the embedding added). Of the decoder it is what it
        knows when it writes each target token of the reference: h of the top layer of a
        recurrent one, the output of the top layer of another.

        Args:
            pairs: the sentences, in the order of the result.
            most: how many states to read; the first sentence is read in any case.
            between: called before every batch.

        Raises:
            WorkbenchError: the model is the user's own.
            DataError: a side without tokens, or too long.
        """
        encoded, _ = self.codec.encode_pairs(pairs)
        lengths = [len(s) + len(t) for s, t in zip(encoded.sources, encoded.targets, strict=True)]
        count = max(int(np.searchsorted(np.cumsum(lengths), most, "right")), 1)
        encoded, _ = self.codec.encode_pairs(pairs[:count])
        found: dict[int, tuple[Floats, list[Place]]] = {}
        for batch in ordered_batches(encoded, self.batch_size):
            if between:
                between()
            sides = [each.numpy() for each in self._compiled(batch.source, batch.target)]
            for row, index in enumerate(batch.indices):
                ids = batch.source[row], batch.target[row]
                found[int(index)] = self._places(int(index), ids, sides, row, encoded.pairs[index])
        vectors, places = zip(*(found[index] for index in range(count)), strict=True)
        texts = tuple((pair.source, pair.target) for pair in encoded.pairs)
        joined = tuple(place for each in places for place in each)
        return States(np.concatenate(vectors), joined, texts, len(pairs) - count)

    def _look(self, source: tf.Tensor, target: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the states of encoder [B, S, U] and decoder [B, T, U]."""
        with opened(self.model, "hidden states") as inner:
            state, memory = inner.encode(source)
            if isinstance(memory, CopyMemory):
                memory = memory.inner
            known = within(shifted(target), inner.target_size)
            embedded = tf.gather(inner.target_embedding, known)
            if isinstance(inner.decoder, RecurrentDecoder):
                vectors = _hidden(inner.decoder, embedded, state, memory)
            else:
                vectors, _ = inner.decoder.unroll(embedded, target != PAD, state, memory)
        return memory.values, vectors

    def _places(
        self,
        sentence: int,
        ids: tuple[Integers, Integers],
        sides: Sequence[Floats],
        row: int,
        pair: Pair,
    ) -> tuple[Floats, list[Place]]:
        """Return the states [S + T, U] of one sentence without padding, and where they stand."""
        source, target = (each[each != PAD].tolist() for each in ids)
        vectors = np.concatenate([sides[0][row, : len(source)], sides[1][row, : len(target)]])
        tokens = self.codec.source.tokens(source), self.codec.target_tokens(target, pair.source)
        places = [
            Place(side, sentence, position, token)
            for side, written in zip(("encoder", "decoder"), tokens, strict=True)
            for position, token in enumerate(written)
        ]
        return vectors, places


def _hidden(
    decoder: RecurrentDecoder, embedded: tf.Tensor, state: DecoderState, memory: Memory
) -> tf.Tensor:
    """Return h of the top layer after each token of [B, T, D]: [B, T, U]."""

    def advance(state: DecoderState, token: tf.Tensor) -> DecoderState:
        after: DecoderState = decoder.step(token, state, memory)[2]
        return after

    states = tf.scan(advance, tf.transpose(embedded, [1, 0, 2]), state)  # each [T, B, …]
    return tf.transpose(states.cells[-1][0], [1, 0, 2])


def project(states: States, method: Projecting = "pca", seed: int = 0) -> Projection:
    """Project states to two dimensions.

    - `pca`: on the two directions of the greatest variance (Hotelling 1933), each turned so that
      its largest component is positive.
    - `umap`: McInnes et al. 2018, by the package umap-learn; `seed` makes it repeatable.

    Raises:
        WorkbenchError: there is no such method, fewer than three states, or no umap-learn.
    """
    if len(states.vectors) < 3:
        raise WorkbenchError(
            f"expected at least three states to project, got {len(states.vectors)}; read more "
            "sentences"
        )
    if method == "pca":
        points, explained = _pca(states.vectors)
        return Projection(states, points, method, explained)
    if method == "umap":
        return Projection(states, _umap(states.vectors, seed), method)
    raise WorkbenchError(f"expected a projection (pca, umap), got {method!r}")


def nearest_states(
    states: States, query: Floats, count: int = 10, metric: Metric = "cosine", side: str = ""
) -> tuple[Neighbour, ...]:
    """Return the `count` states nearest to `query` [U], the nearest first; exact.

    Distances are 1 - cosine (1 to a zero vector), or Euclidean. With `side`, `encoder` or
    `decoder`, only states of that side count.

    Raises:
        WorkbenchError: a query of another width, no such metric, or no state of that side.
    """
    width = states.vectors.shape[1]
    if np.shape(query) != (width,):
        raise WorkbenchError(
            f"expected a query of {width} units, as the states have, got shape "
            f"{np.shape(query)}; take it from a model of the same size"
        )
    if metric not in ("cosine", "euclidean"):
        raise WorkbenchError(f"expected a metric (cosine, euclidean), got {metric!r}")
    numbers = np.array(
        [number for number, place in enumerate(states.places) if side in ("", place.side)]
    )
    if not len(numbers):
        raise WorkbenchError(f"expected a side (encoder, decoder) with states, got {side!r}")
    from sklearn.neighbors import NearestNeighbors  # takes a second; few ask for it

    every = NearestNeighbors(n_neighbors=min(count, len(numbers)), algorithm="brute", metric=metric)
    every.fit(states.vectors[numbers].astype(float))
    [distances], [order] = every.kneighbors(np.asarray(query, float)[None])
    return tuple(
        _neighbour(states, int(numbers[one]), float(distance))
        for one, distance in zip(order, distances, strict=True)
    )


def state_at(states: States, side: str, sentence: int, position: int) -> Floats:
    """Return the state [U] at one token.

    Raises:
        WorkbenchError: nothing was read there.
    """
    for place, vector in zip(states.places, states.vectors, strict=True):
        if (place.side, place.sentence, place.position) == (side, sentence, position):
            found: Floats = vector
            return found
    raise WorkbenchError(
        f"expected a state that was read, got {side} of sentence {sentence} at token {position}, "
        f"counted from 0; {len(states.pairs)} sentences were read"
    )


def _neighbour(states: States, number: int, distance: float) -> Neighbour:
    place = states.places[number]
    return Neighbour(number, distance, place, *states.pairs[place.sentence])


def _pca(vectors: Floats) -> tuple[Floats, tuple[float, ...]]:
    """Return points [N, 2] and the share of the variance that each axis explains."""
    centred = vectors.astype(float) - vectors.mean(0)
    variances, directions = np.linalg.eigh(centred.T @ centred)  # ascending; U² numbers, not N²
    axes = directions[:, :-3:-1]  # [U, 2]
    largest = np.take_along_axis(axes, np.abs(axes).argmax(0)[None], 0)
    axes = axes * np.where(largest < 0, -1, 1)
    total = max(variances.sum(), np.finfo(float).tiny)
    points: Floats = (centred @ axes).astype(np.float32)
    return points, tuple(float(max(each, 0) / total) for each in variances[:-3:-1])


def _umap(vectors: Floats, seed: int) -> Floats:
    try:
        import umap
    except ImportError:
        raise WorkbenchError(
            "umap: expected the package umap-learn, found none; "
            'pip install "seq2seq-workbench[umap]", or choose pca'
        ) from None
    reducer = umap.UMAP(
        n_components=2, n_neighbors=min(15, len(vectors) - 1), random_state=seed, n_jobs=1
    )
    points: Floats = np.asarray(reducer.fit_transform(vectors), np.float32)
    return points

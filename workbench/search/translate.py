"""From text to `Translation` records: tokenize, search, read the hypotheses back."""

from collections.abc import Callable, Sequence

import numpy as np

from workbench.config import SearchSettings
from workbench.data.batches import padded
from workbench.data.corpus import Pair
from workbench.data.encoding import Codec
from workbench.records import BeamRecord, Candidate, Floats, Hypothesis, Translation
from workbench.search.batch import FINISHED, KEPT, PRUNED, BatchSearch, Sampling, SearchRecord

WEIGHED = 10  # candidates on record for each row and step, with those that had no chance
FATES = {PRUNED: "pruned", KEPT: "kept", FINISHED: "finished"}


def sampling_of(settings: SearchSettings) -> Sampling | None:
    """Return what `settings` draw tokens from; none where they search."""
    if not settings.temperature:
        return None
    return Sampling(settings.temperature, settings.top_k, settings.top_p, settings.sampling_seed)


class Translator:
    """Translate texts with one model and its tokenizers."""

    def __init__(self, search: BatchSearch, codec: Codec, batch_size: int = 64) -> None:
        """Translate `batch_size` sentences at a time, those of like length together."""
        self.search, self.codec, self.batch_size = search, codec, batch_size

    def __call__(
        self,
        pairs: Sequence[Pair],
        width: int,
        limit: int,
        alpha: float,
        hypotheses: int = 1,
        record: bool = False,
        beta: float = 0.0,
        sampling: Sampling | None = None,
        between: Callable[[], None] | None = None,
    ) -> list[Translation]:
        """Translate the sources of `pairs`; their targets and alignments come along as gold.

        Args:
            pairs: what to translate; an empty target means that no reference is known.
            width: beam width, 1 is greedy; with `sampling`, how many samples to draw.
            limit: tokens of a translation at most.
            alpha: length penalty.
            hypotheses: how many to return a sentence, at most the beam width.
            record: whether to return all that was weighed as well.
            beta: coverage penalty.
            sampling: what to draw the tokens from, instead of searching.
            between: called before every batch.
        """
        encoded = [self.codec.encode_source(pair.source) for pair in pairs]
        order = sorted(range(len(pairs)), key=lambda index: len(encoded[index]))
        weighed = width * WEIGHED if record else 0
        done: dict[int, Translation] = {}
        for start in range(0, len(order), self.batch_size):
            if between:
                between()
            chosen = order[start : start + self.batch_size]
            source = padded([encoded[i] for i in chosen])
            found = self.search(source, width, limit, alpha, beta, sampling, weighed)
            for sentence, index in enumerate(chosen):
                done[index] = self._translation(
                    pairs[index], encoded[index], found, sentence, hypotheses, record
                )
        return [done[index] for index in range(len(pairs))]

    def _translation(
        self,
        pair: Pair,
        source: Sequence[int],
        found: SearchRecord,
        sentence: int,
        hypotheses: int,
        record: bool,
    ) -> Translation:
        ends = found.best(sentence, hypotheses)
        return Translation(
            source=pair.source,
            source_tokens=self.codec.source.tokens(source),
            hypotheses=tuple(
                self._hypothesis(pair.source, found, sentence, *end, len(source)) for end in ends
            ),
            reference=pair.target or None,
            gold=pair.alignment,
            beam=self._beam(pair.source, found, sentence, len(source)) if record else None,
            source_words=tuple(self.codec.source_words(source)),
        )

    def _hypothesis(
        self, text: str, found: SearchRecord, sentence: int, step: int, candidate: int, width: int
    ) -> Hypothesis:
        """Read one hypothesis back; `text` is the source, which may have been copied from."""
        path = found.path(step, sentence, candidate)
        steps, candidates = map(list, zip(*path, strict=True))
        ids = found.tokens[steps, sentence, candidates].tolist()
        totals = found.log_probabilities[steps, sentence, candidates]
        parents = found.parents[steps, sentence, candidates]
        attention: Floats = found.attention[steps, sentence, parents, :, :, :width]
        return Hypothesis(
            text=self.codec.decode_target(ids, text),
            tokens=self.codec.target_tokens(ids, text),
            log_probabilities=np.diff(totals, prepend=np.float32(0)),
            attention=np.moveaxis(attention, 0, 2),
            score=float(found.scores[step, sentence, candidate]),
            finished=bool(found.fates[step, sentence, candidate] == FINISHED),
            words=tuple(self.codec.target_words(ids, text)),
        )

    def _beam(self, text: str, found: SearchRecord, sentence: int, width: int) -> BeamRecord:
        fates = found.fates[:, sentence]
        steps, columns = np.nonzero(np.isin(fates, list(FATES)))
        possible = found.log_probabilities[:, sentence] > -1e8  # rows that never existed
        tokens = self.codec.target_tokens(found.tokens[steps, sentence, columns].tolist(), text)
        candidates = tuple(
            Candidate(
                step=int(step),
                parent=int(found.parents[step, sentence, column]),
                token=token,
                log_probability=float(found.log_probabilities[step, sentence, column]),
                score=float(found.scores[step, sentence, column]),
                fate=FATES[int(fates[step, column])],
                beam=int(found.rows[step, sentence, column]),
            )
            for step, column, token in zip(steps, columns, tokens, strict=True)
            if possible[step, column]
        )
        taken = 1 + max((candidate.step for candidate in candidates), default=-1)
        attention = found.attention[:taken, sentence, :, :, :, :width]
        return BeamRecord(found.width, candidates, attention, found.drawn)

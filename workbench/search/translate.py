"""From text to `Translation` records: tokenize, search, read the hypotheses back."""

from collections.abc import Callable, Sequence

import numpy as np

from workbench.config import SearchSettings
from workbench.data.batches import padded
from workbench.data.corpus import Pair
from workbench.data.encoding import Codec
from workbench.records import BeamRecord, Candidate, Floats, Hypothesis, Translation
from workbench.search.batch import BatchSearch
from workbench.search.record import AFTER_END, BARRED, FINISHED, KEPT, NEVER, PRUNED, SearchRecord
from workbench.search.rules import prefix_numbers

WEIGHED = 10  # candidates on record for each row and step, with those that had no chance
FATES = {PRUNED: "pruned", KEPT: "kept", FINISHED: "finished", BARRED: "barred"}


class Translator:
    """Translate texts with one model and its tokenizers."""

    def __init__(self, search: BatchSearch, codec: Codec, batch_size: int = 64) -> None:
        """Translate `batch_size` sentences at a time, those of like length together."""
        self.search, self.codec, self.batch_size = search, codec, batch_size

    def __call__(
        self,
        pairs: Sequence[Pair],
        search: SearchSettings,
        hypotheses: int = 1,
        record: bool = False,
        between: Callable[[], None] | None = None,
    ) -> list[Translation]:
        """Translate the sources of `pairs`; their targets and alignments come along as gold.

        Args:
            pairs: what to translate; an empty target means that no reference is known.
            search: how to search; with a temperature, `beam_width` samples are drawn instead.
            hypotheses: how many to return a sentence, at most the beam width.
            record: whether to return all that was weighed as well.
            between: called before every batch.

        Raises:
            DataError: a source is longer than the model allows; nothing has been translated.
            SettingsError: the prefix has a piece that the target vocabulary lacks, or more of
                them than a translation may have; nothing has been translated.
        """
        encoded = [self.codec.readable_source(pair.source) for pair in pairs]
        prefixes = [
            prefix_numbers(search, self.codec, pair.source) for pair in pairs if search.prefix
        ]
        order = sorted(range(len(pairs)), key=lambda index: len(encoded[index]))
        weighed = search.beam_width * WEIGHED if record else 0
        done: dict[int, Translation] = {}
        for start in range(0, len(order), self.batch_size):
            if between:
                between()
            chosen = order[start : start + self.batch_size]
            source = padded([encoded[i] for i in chosen])
            prefix = padded([prefixes[i] for i in chosen]) if prefixes else None
            found = self.search(source, search, prefix, weighed)
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
        """Read the whole search of one sentence; there are thousands of candidates in it."""
        fates = found.fates[:, sentence]
        there = found.log_probabilities[:, sentence] > NEVER / 10  # not so: rows never there
        there &= fates != AFTER_END
        steps = np.nonzero(there)[0].tolist()
        columns = (
            each[:, sentence][there].tolist()
            for each in (found.parents, found.log_probabilities, found.scores, found.rows)
        )
        tokens = self.codec.target_tokens(found.tokens[:, sentence][there].tolist(), text)
        of_fate = [FATES[fate] for fate in fates[there].tolist()]
        candidates = tuple(
            Candidate(step, parent, token, log_probability, score, fate, row)
            for step, parent, log_probability, score, row, token, fate in zip(
                steps, *columns, tokens, of_fate, strict=True
            )
        )
        attention = found.attention[: 1 + max(steps, default=-1), sentence, :, :, :, :width]
        return BeamRecord(found.width, candidates, attention, found.drawn, found.groups)

"""The data of a session: its corpus, the vocabularies learned from it, and its pairs as numbers."""

from collections.abc import Sequence

from workbench.config import RunConfig
from workbench.data.corpus import Corpus, Pair
from workbench.data.encoding import Codec, EncodedPairs
from workbench.data.loading import corpus_from
from workbench.errors import WorkbenchError, nearest
from workbench.model.transfer import trained_codec
from workbench.records import BadLine


class Data:
    """What is known of the data so far.

    Attributes:
        corpus: None until it is loaded.
        codec: the tokenizers, None until there are any: learned, or those of a run.
        encoded: the pairs of every split of the corpus as numbers.
        bad_lines: what was left out of the corpus, and of what was encoded since.
    """

    def __init__(self) -> None:
        """Know nothing yet."""
        self.forget()

    def forget(self) -> None:
        """Know nothing any more."""
        self.corpus: Corpus | None = None
        self.codec: Codec | None = None
        self.encoded: dict[str, EncodedPairs] = {}
        self.bad_lines: list[BadLine] = []

    def load(self, config: RunConfig) -> Corpus:
        """Return the corpus; read it, learn its vocabularies and number its tokens if need be.

        Raises:
            DataError: a file that cannot be read, or a sentence longer than `max_length`.
        """
        if self.corpus is None:
            corpus, known = corpus_from(config), self.codec
            self.codec = known or _codec(corpus, config)
            self.bad_lines = list(corpus.bad_lines)
            try:
                splits = corpus.splits.items()
                encoded = {split: self.encode(pairs, config) for split, pairs in splits}
            except WorkbenchError:
                self.codec = known  # the file may be another when it is read again
                raise
            self.encoded, self.corpus = encoded, corpus
        return self.corpus

    def encode(self, pairs: Sequence[Pair], config: RunConfig) -> EncodedPairs:
        """Number the tokens of pairs; what is left out of them is added to `bad_lines`.

        Raises:
            DataError: a sentence is longer than `max_length`, and bad lines are not to be skipped.
        """
        assert self.codec is not None  # or there is nothing to number with
        encoded, bad = self.codec.encode_pairs(pairs, config.skip_bad_lines)
        self.bad_lines.extend(bad)
        return encoded

    def split(self, name: str) -> EncodedPairs:
        """Return a split of the corpus, once that is loaded.

        Raises:
            WorkbenchError: there is none of this name.
        """
        if name not in self.encoded:
            known = ", ".join(self.encoded)
            raise WorkbenchError(
                f"expected a split ({known}), got {name!r}{nearest(name, self.encoded)}"
            )
        return self.encoded[name]

    def pairs(self, of: str | Sequence[Pair]) -> Sequence[Pair]:
        """Return the pairs of a split, or those that are given."""
        return self.split(of).pairs if isinstance(of, str) else of


def _codec(corpus: Corpus, config: RunConfig) -> Codec:
    """Learn the vocabularies, or take those of the model that is adapted."""
    return trained_codec(config) if config.adapt_from else Codec.train(corpus.train, config)

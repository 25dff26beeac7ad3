"""Sentence pairs: where they come from, how they are cut into tokens, how they are batched."""

from workbench.data.alignments import read_alignments
from workbench.data.corpus import Corpus, Pair
from workbench.data.loading import load_corpus

__all__ = ["Corpus", "Pair", "load_corpus", "read_alignments"]

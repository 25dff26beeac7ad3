"""`reverse_source`: what is read backwards, and in which order it is shown."""

import numpy as np
import pytest

from workbench.config import RunConfig
from workbench.data.tokenizer import END
from workbench.session import Session


@pytest.fixture(scope="module")
def trained(pairs, tmp_path_factory):
    """A session that reads backwards and knows the five nouns."""
    folder = tmp_path_factory.mktemp("reversal")
    corpus = folder / "phrases.tsv"
    corpus.write_text("".join(f"{pair.source}\t{pair.target}\n" for pair in pairs))
    session = Session(
        RunConfig(corpus=str(corpus), reverse_source=True, attention="dot", units=24, embedding=24,
                  layers=1, dropout=0, batch_size=16, max_steps=220, epochs=100, learning_rate=0.02,
                  evaluate_every=220, validation_sentences=2, probe_sentences=1, beam_width=2,
                  max_decode_length=6, live=False, seed=1),
        run_directory=str(folder / "run"),
    )  # fmt: skip
    session.train()
    return session


def test_sources_are_backwards_and_end_with_the_end_symbol(trained):
    ids = trained.codec.encode_source("red cat and dog")
    forwards = trained.codec.source.encode("red cat and dog")
    assert ids == [*forwards[::-1], END]
    row = [pair.source for pair in trained.encoded["train"].pairs].index("cat and dog")
    read = trained.codec.source.tokens(trained.encoded["train"].sources[row].tolist())
    assert read == ("dog", "and", "cat", "<end>")


def test_it_learns_and_translates(trained):
    assert trained.history[-1].loss < 0.2
    known = trained.encoded["train"].pairs[:8]
    found = trained.translate_pairs(known)
    assert [each.text for each in found].count("") == 0
    right = [each.text == pair.target for each, pair in zip(found, known, strict=True)]
    assert sum(right) >= 7


def test_columns_of_attention_stand_as_they_were_read(trained):
    translation = trained.translate("cat and dog")
    assert translation.source_tokens == ("dog", "and", "cat", "<end>")
    assert translation.source_words == (2, 1, 0, -1)
    assert translation.beam.attention.shape[-1] == 4
    assert translation.best.tokens == ("chat", "et", "chien", "<end>")
    scored = trained.score("cat and dog", "chat et chien")
    assert scored.source_tokens == translation.source_tokens
    for read in (translation, scored):
        attention = read.best.attention[0, 0]
        np.testing.assert_allclose(attention.sum(-1), 1, atol=1e-5)
    np.testing.assert_allclose(scored.best.attention, translation.best.attention, atol=1e-4)


def test_reading_backwards_is_another_sentence(trained):
    """The model gets the tokens reversed: feeding it a reversed text undoes that."""
    codec = trained.codec
    assert codec.encode_source("dog and cat")[:-1] == codec.source.encode("cat and dog")
    first, second = (trained.translate(text).text for text in ("cat and dog", "dog and cat"))
    assert (first, second) == ("chat et chien", "chien et chat")

import numpy as np
import pytest

from workbench.config import SearchSettings
from workbench.data.corpus import Pair
from workbench.errors import DataError
from workbench.inspection.scoring import Scoring
from workbench.search.batch import BatchSearch
from workbench.search.translate import Translator


@pytest.fixture(scope="module")
def scorer(model, codec):
    return Scoring(model, codec, batch_size=3)


@pytest.fixture(scope="module")
def some(pairs):
    return [*pairs[::-9], pairs[0]]


def test_every_token_has_the_log_probability_of_the_forward_pass(model, codec, scorer, some):
    scored = scorer(some)
    for pair, found in zip(some, scored, strict=True):
        source, target = codec.encode_source(pair.source), codec.encode_target(pair.target)
        logits, attention = model.forward(np.array([source]), np.array([target], np.int32))
        every = logits.numpy()[0] - np.log(np.exp(logits[0]).sum(-1, keepdims=True))
        best = found.best
        nats = every[np.arange(len(target)), target]
        np.testing.assert_allclose(best.log_probabilities, nats, atol=1e-5)
        np.testing.assert_allclose(best.attention, attention[0], atol=1e-6)
        assert best.attention.shape == (1, 1, len(target), len(source))
        assert best.score == pytest.approx(nats.sum(), abs=1e-4)
        assert best.tokens == (*pair.target.split(), "<end>")
        assert found.source_tokens == (*pair.source.split(), "<end>")
        assert best.words == (*range(len(pair.target.split())), -1)
        assert found.source_words == (*range(len(pair.source.split())), -1)
        assert (found.source, best.text, found.reference) == (pair.source, pair.target, pair.target)
        assert found.gold is pair.alignment


def test_a_translation_is_scored_as_the_search_saw_it(model, codec, scorer, some):
    translate = Translator(BatchSearch(model.encode, model.step), codec)
    every = translate(some, SearchSettings(beam_width=1, max_decode_length=6))
    found = [each for each in every if each.text and each.best.finished]
    assert found
    scored = scorer([Pair(each.source, each.text) for each in found])
    for ours, theirs in zip(scored, found, strict=True):
        assert ours.best.tokens == theirs.best.tokens
        np.testing.assert_allclose(
            ours.best.log_probabilities, theirs.best.log_probabilities, atol=1e-5
        )
        np.testing.assert_allclose(ours.best.attention, theirs.best.attention, atol=1e-6)


def test_an_unknown_word_has_a_probability_too(scorer):
    (found,) = scorer([Pair("red zebra", "zèbre rouge")])
    assert found.best.tokens == ("<unknown>", "rouge", "<end>")
    assert np.isfinite(found.best.log_probabilities).all()


def test_an_empty_target_is_refused(scorer):
    with pytest.raises(DataError, match="target has no tokens"):
        scorer([Pair("cat", "")])

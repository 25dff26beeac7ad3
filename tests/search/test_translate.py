import numpy as np
import pytest

from workbench.config import SearchSettings
from workbench.data.corpus import Pair
from workbench.data.encoding import Codec
from workbench.data.tokenizer import BEGIN, END, PAD, UNKNOWN
from workbench.errors import SettingsError
from workbench.model.storage import build_model
from workbench.search.batch import BatchSearch
from workbench.search.translate import Translator

LIMIT, ALPHA, WIDTH = 6, 0.6, 3
GREEDY = SearchSettings(beam_width=1, max_decode_length=LIMIT)
BEAM = SearchSettings(beam_width=WIDTH, max_decode_length=LIMIT, length_penalty=ALPHA)


@pytest.fixture(scope="module")
def translator(model, codec):
    return Translator(BatchSearch(model.encode, model.step), codec, batch_size=3)


@pytest.fixture(scope="module")
def some(pairs):
    """Nine sentences of four lengths, the long ones first."""
    return [*pairs[::-9], pairs[0], Pair("red", "")]


@pytest.fixture(scope="module")
def greedy(translator, some):
    return translator(some, GREEDY)


@pytest.fixture(scope="module")
def beams(translator, some):
    return translator(some, BEAM, hypotheses=WIDTH, record=True)


def test_the_order_is_that_of_the_sources(some, greedy, beams):
    for translations in (greedy, beams):
        assert [each.source for each in translations] == [pair.source for pair in some]
    assert len({len(pair.source.split()) for pair in some}) == 4


def test_references_and_gold_come_along(some, greedy):
    assert [each.reference for each in greedy] == [*(pair.target for pair in some[:-1]), None]
    assert [each.gold for each in greedy] == [pair.alignment for pair in some]


def test_greedy_is_the_likeliest_token_step_by_step(model, codec, some, greedy):
    for pair, found in zip(some, greedy, strict=True):
        source = codec.encode_source(pair.source)
        state, memory = model.encode(np.array([source], np.int32))
        ids, nats, rows = [BEGIN], [], []
        while len(nats) < LIMIT and ids[-1] != END:
            logits, attention, state = model.step(np.array(ids[-1:]), state, memory)
            log_probabilities = logits[0] - np.log(np.exp(logits[0]).sum())
            order = np.argsort(-log_probabilities)
            best = next(n for n in order if n not in (PAD, UNKNOWN, BEGIN))
            ids.append(int(best))
            nats.append(log_probabilities[best])
            rows.append(attention[0])
        best = found.best
        assert best.tokens == codec.target.tokens(ids[1:])
        assert best.text == codec.target.decode(ids[1:])
        assert best.finished == (ids[-1] == END)
        assert best.words == tuple(codec.target_words(ids[1:]))
        assert found.source_tokens == codec.source.tokens(source)
        assert found.source_words == tuple(codec.source_words(source))
        np.testing.assert_allclose(best.log_probabilities, nats, atol=1e-5)
        np.testing.assert_allclose(best.attention, np.stack(rows, 2), atol=1e-6)
        assert best.attention.shape == (1, 1, len(nats), len(source))
    assert len({found.best.finished for found in greedy}) == 2  # both ways of ending were seen


def test_one_sentence_is_translated_as_in_a_batch(translator, some, greedy):
    for pair, together in zip(some, greedy, strict=True):
        (alone,) = translator([pair], GREEDY)
        assert alone.best.tokens == together.best.tokens
        np.testing.assert_allclose(alone.best.attention, together.best.attention, atol=1e-6)


def test_every_hypothesis_adds_up(beams):
    for found in beams:
        assert len(found.hypotheses) == WIDTH
        assert len({each.tokens for each in found.hypotheses}) == WIDTH
        for each in found.hypotheses:
            length = len(each.tokens)
            assert each.attention.shape == (1, 1, length, len(found.source_tokens))
            np.testing.assert_allclose(each.attention.sum(-1), 1, atol=1e-6)
            assert (each.log_probabilities < 1e-6).all()
            penalty = ((5 + length) / 6) ** ALPHA
            assert each.log_probability / penalty == pytest.approx(each.score, abs=1e-5)
            assert each.finished == (each.tokens[-1] == "<end>")


def test_every_hypothesis_is_what_the_model_makes_of_its_own_tokens(model, codec, beams):
    """A row of the beam must go on with the state of the row that it continues."""
    for found in beams:
        for each in found.hypotheses:
            ids = codec.encode_target(each.text)[: len(each.tokens)]
            assert codec.target.tokens(ids) == each.tokens
            source = np.array([codec.encode_source(found.source)])
            logits, attention = model.forward(source, np.array([ids], np.int32))
            every = logits.numpy()[0] - np.log(np.exp(logits[0]).sum(-1, keepdims=True))
            nats = every[np.arange(len(ids)), ids]
            np.testing.assert_allclose(each.log_probabilities, nats, atol=1e-4)
            np.testing.assert_allclose(each.attention, attention[0], atol=1e-5)


def test_the_best_hypothesis_comes_first(beams):
    for found in beams:
        ranks = [(each.finished, each.score) for each in found.hypotheses]
        assert ranks == sorted(ranks, reverse=True)
        assert found.text == found.hypotheses[0].text


def test_the_beam_is_on_record_for_each_sentence(beams):
    for found in beams:
        beam = found.beam
        steps = 1 + max(each.step for each in beam.candidates)
        assert beam.width == WIDTH
        assert beam.attention.shape == (steps, WIDTH, 1, 1, len(found.source_tokens))
        assert {each.fate for each in beam.candidates} <= {"kept", "finished", "pruned"}
        assert all(each.log_probability > -1e6 for each in beam.candidates)
        rows = {(-1, 0): ()}
        finished = {}
        for each in beam.candidates:
            tokens = (*rows[each.step - 1, each.parent], each.token)
            assert (each.beam >= 0) == (each.fate == "kept")
            if each.fate == "kept":
                rows[each.step, each.beam] = tokens
            elif each.fate == "finished":
                finished[tokens] = each.score
        for hypothesis in found.hypotheses:
            if hypothesis.finished:
                assert finished[hypothesis.tokens] == hypothesis.score
            else:
                assert hypothesis.tokens in rows.values()
        assert found.best.score == max(finished.values(), default=found.best.score)


def test_without_being_asked_there_is_one_hypothesis_and_no_record(greedy):
    assert all(len(found.hypotheses) == 1 and found.beam is None for found in greedy)


def test_no_sentences_no_translations(translator):
    assert translator([], GREEDY) == []


def test_a_model_without_attention(make_model, codec, config, pairs):
    model = make_model(config.replace(attention="none"))
    translator = Translator(BatchSearch(model.encode, model.step), codec)
    (found,) = translator(pairs[:1], BEAM.model_copy(update={"beam_width": 2}), record=True)
    assert found.best.attention.shape == (0, 1, len(found.best.tokens), 2)
    assert found.beam.attention.shape[1:] == (2, 0, 1, 2)


# Sampling ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def drawn(translator, some):
    drawing = SearchSettings(
        beam_width=WIDTH, max_decode_length=LIMIT, temperature=1.5, top_k=4, sampling_seed=5
    )
    return translator(some, drawing, hypotheses=WIDTH, record=True)


def test_samples_are_what_the_model_makes_of_their_tokens(model, codec, drawn):
    for found in drawn:
        for each in found.hypotheses:
            ids = codec.encode_target(each.text)[: len(each.tokens)]
            assert codec.target.tokens(ids) == each.tokens
            source = np.array([codec.encode_source(found.source)])
            logits, attention = model.forward(source, np.array([ids], np.int32))
            every = logits.numpy()[0] - np.log(np.exp(logits[0]).sum(-1, keepdims=True))
            nats = every[np.arange(len(ids)), ids]
            np.testing.assert_allclose(each.log_probabilities, nats, atol=1e-4)
            np.testing.assert_allclose(each.attention, attention[0], atol=1e-5)
            assert each.score == pytest.approx(each.log_probability, abs=1e-5)


def test_all_that_the_samples_drew_and_did_not_is_on_record(drawn):
    for found in drawn:
        candidates = found.beam.candidates
        assert found.beam.drawn
        for row in range(WIDTH):
            first = [each for each in candidates if each.step == 0 and each.parent == row]
            assert [each.fate == "pruned" for each in first] == [False] + [True] * (len(first) - 1)
            assert len({each.token for each in first}) == len(first) == 11
        ends = [each.score for each in candidates if each.fate == "finished"]
        assert sorted(ends) == sorted(each.score for each in found.hypotheses if each.finished)


def test_greedy_search_has_the_ten_likeliest_tokens_of_each_step_on_record(translator, some):
    (found,) = translator(some[:1], GREEDY, record=True)
    for step in range(len(found.best.tokens)):
        of_step = [each for each in found.beam.candidates if each.step == step]
        nats = [each.log_probability for each in of_step]
        assert len(of_step) == 10
        assert nats == sorted(nats, reverse=True)
        assert of_step[0].token == found.best.tokens[step]


# Other ways to search ----------------------------------------------------------------------


def test_a_prefix_comes_first_and_has_the_models_own_probability(translator, some, model, codec):
    search = BEAM.model_copy(update={"prefix": "chat rouge"})
    for found in translator(some, search, hypotheses=WIDTH, record=True):
        source = np.array([codec.encode_source(found.source)])
        for each in found.hypotheses:
            assert each.tokens[:2] == ("chat", "rouge")
            ids = codec.encode_target(each.text)[: len(each.tokens)]
            logits, _ = model.forward(source, np.array([ids], np.int32))
            every = logits.numpy()[0] - np.log(np.exp(logits[0]).sum(-1, keepdims=True))
            nats = every[np.arange(len(ids)), ids]
            np.testing.assert_allclose(each.log_probabilities, nats, atol=1e-4)
        first = [each for each in found.beam.candidates if each.step == 0]
        assert [each.token for each in first if each.fate == "kept"] == ["chat"]
        assert {each.fate for each in first[1:]} == {"barred"}
        likeliest = max(first, key=lambda each: each.log_probability)
        (free,) = translator([Pair(found.source, "")], GREEDY)
        assert likeliest.token == free.best.tokens[0]


@pytest.mark.parametrize("unit", ["char", "bpe", "unigram"])
@pytest.mark.parametrize("copies", [False, True])
def test_a_prefix_may_end_within_a_word(unit, copies, pairs, config):
    """The pieces of the prefix come first; what follows may go on with its last word."""
    settings = config.replace(
        source_tokens=unit, target_tokens=unit, source_vocabulary=60, target_vocabulary=60,
        copy_source=copies, prefix="chat ro", max_decode_length=12, min_decode_length=10,
        no_repeat_ngram=3,
    )  # fmt: skip
    codec = Codec.train(pairs, settings)
    model = build_model(settings, codec)
    translator = Translator(BatchSearch(model.encode, model.step), codec)
    pieces = codec.target_tokens(codec.encode_target("chat ro", "red cat")[:-1], "red cat")
    assert len(pieces) > 2
    for found in translator([Pair("red cat", ""), Pair("old dog and cat", "")], settings, 2):
        for each in found.hypotheses:
            assert each.tokens[: len(pieces)] == pieces
            assert each.text.startswith("chat ro")
            assert len(each.tokens) >= 10
            trigrams = list(zip(each.tokens, each.tokens[1:], each.tokens[2:], strict=False))
            assert len(set(trigrams)) == len(trigrams)


def test_a_prefix_may_be_copied(pairs, config):
    settings = config.replace(copy_source=True, prefix="zorro")
    codec = Codec.train(pairs, settings)
    model = build_model(settings, codec)
    translator = Translator(BatchSearch(model.encode, model.step), codec)
    (found,) = translator([Pair("red zorro", "")], settings)
    assert found.text.startswith("zorro")
    with pytest.raises(SettingsError, match="of the target vocabulary of 'red cat', got"):
        translator([Pair("red zorro", ""), Pair("red cat", "")], settings)


def test_a_prefix_that_cannot_be_is_told(translator, some):
    with pytest.raises(
        SettingsError, match="prefix is 'zèbre rouge': expected words of the target"
    ):
        translator(some, BEAM.model_copy(update={"prefix": "zèbre rouge"}))
    long = BEAM.model_copy(update={"prefix": "chat " * 7})
    with pytest.raises(SettingsError, match="7 tokens and max_decode_length is 6: shorten"):
        translator(some, long)
    (found,) = translator(some[:1], BEAM.model_copy(update={"prefix": "chat " * 6}))
    assert (found.best.tokens, found.best.finished) == (("chat",) * 6, False)
    blank = translator(some, BEAM.model_copy(update={"prefix": "  "}))
    assert [each.text for each in blank] == [each.text for each in translator(some, BEAM)]


def test_groups_are_on_record(translator, some):
    search = SearchSettings(beam_width=6, beam_groups=3, diversity=4.0, max_decode_length=LIMIT)
    for found in translator(some, search, hypotheses=6, record=True):
        assert (found.beam.groups, found.beam.group_width) == (3, 2)
        tokens = [each.tokens for each in found.hypotheses]
        assert len(set(tokens)) == len(tokens) > 2
        for step in range(found.beam.attention.shape[0]):
            of_step = [each for each in found.beam.candidates if each.step == step]
            groups = [each.parent // 2 for each in of_step]
            assert groups == sorted(groups)
            assert all(each.beam // 2 == group for each, group in zip(of_step, groups, strict=True)
                       if each.fate == "kept")  # fmt: skip

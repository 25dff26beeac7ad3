"""The compiled step of one sentence, and what is decoded with it, for every family of models."""

import zlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from workbench.config import SearchSettings
from workbench.data.corpus import Pair
from workbench.data.encoding import Codec
from workbench.data.tokenizer import BEGIN, END
from workbench.errors import InterventionError
from workbench.interventions import Mask, SetRow
from workbench.model.protocol import Own
from workbench.model.seq2seq import Seq2Seq
from workbench.search.batch import BatchSearch
from workbench.search.compiled_step import CompiledStep
from workbench.search.stepper import Stepper
from workbench.search.translate import Translator

SENTENCES, LIMIT = 200, 6
TRANSFORMER = {"encoder": "transformer", "decoder": "transformer", "layers": 2, "heads": 2}
FAMILIES = {
    "plain rnn": {"encoder": "rnn", "decoder": "rnn", "attention": "none"},
    "lstm": {"layers": 2},
    "gru": {"encoder": "gru", "decoder": "gru", "attention": "dot"},
    "input feeding": {"input_feeding": True, "attention": "general"},
    "coverage": {"coverage": True, "location_filters": 2, "location_width": 3},
    "local": {"attention_span": "local_p", "attention_window": 2},
    "moving window": {"attention_span": "local_m", "attention_window": 1},
    "monotonic": {"attention_span": "monotonic"},
    "copying": {"copy_source": True},
    "cnn": {"encoder": "cnn", "decoder": "cnn", "layers": 2},
    "transformer": TRANSFORMER,
    "relative": {**TRANSFORMER, "norm": "pre", "positions": "relative"},
    "segments": {**TRANSFORMER, "positions": "relative", "segment": 2, "segment_memory": 1},
}


class Mean(keras.Model):
    """A model of somebody's own, with dot attention and a cell."""

    def __init__(self, source_size, target_size, units=8):
        super().__init__()
        self.source_embedding = keras.layers.Embedding(source_size, units)
        self.target_embedding = keras.layers.Embedding(target_size, units)
        self.cell = keras.layers.GRUCell(units)
        self.leave = keras.layers.Dense(target_size)

    def encode(self, source):
        values = self.source_embedding(source)
        return {"hidden": values[:, 0]}, (values, source != 0)

    def step(self, tokens, state, memory, attention=None):
        values, real = memory
        hidden, _ = self.cell(self.target_embedding(tokens), state["hidden"])
        if attention is None:
            energy = tf.where(real, tf.einsum("bu,bsu->bs", hidden, values), -1e9)
            attention = tf.nn.softmax(energy)[:, None, None]
        context = tf.einsum("bs,bsu->bu", attention[:, 0, 0], values)
        return self.leave(tf.concat([context, hidden], -1)), attention, {"hidden": hidden}


@pytest.fixture(scope="module")
def codecs(pairs, config, codec):
    copying = Codec.train(pairs, config.replace(copy_source=True, target_vocabulary=12))
    return {False: codec, True: copying}


@pytest.fixture(scope="module")
def built(codecs, config):
    """Return (codec, model, compiled step) of a family, each made once."""
    known = {}

    def build(name):
        if name not in known:
            settings = config.replace(**FAMILIES.get(name, {}))
            codec = codecs[settings.copy_source]
            sizes = codec.source.size, codec.target.size
            if name == "own":
                keras.utils.set_random_seed(3)
                model = Own(Mean(*sizes), settings, *sizes)
            else:
                model = Seq2Seq(settings, *sizes, seed=5, twins=codec.twins())
            stronger = {"own": 6, "cnn": 0.7}.get(name, 3)  # no two tokens are equally likely
            if settings.decoder == "transformer":
                stronger = 1.5  # layers add up, and with them what float32 rounds
            for weight in model.weights:
                weight.assign(stronger * weight)
            known[name] = codec, model, CompiledStep(model.encode, model.step)
        return known[name]

    return build


def sentences(name, codec, count=SENTENCES):
    """Random sentences of one to six words; a copying model meets unknown ones."""
    seed = zlib.crc32(name.encode())
    print(f"seed {seed}")
    generator = np.random.default_rng(seed)
    words = list(codec.source.tokens(range(END + 1, codec.source.size)))
    words += ["zebra", "yak"] if codec.copy_source else []
    return [" ".join(generator.choice(words, generator.integers(1, 7))) for _ in range(count)]


EVERY = [*FAMILIES, "own"]


@pytest.mark.parametrize("name", EVERY)
def test_the_beam_is_the_compiled_beam(name, built):
    codec, model, step = built(name)
    beta = 0.2 if name in ("lstm", "transformer", "plain rnn") else 0.0
    settings = SearchSettings(beam_width=3, max_decode_length=LIMIT, coverage_penalty=beta)
    texts = sentences(name, codec)
    compiled = Translator(BatchSearch(model.encode, model.step), codec, batch_size=SENTENCES)(
        [Pair(text, "") for text in texts], settings, hypotheses=3
    )
    for text, wanted in zip(texts, compiled, strict=True):
        alike(Stepper(step, codec, text, settings).beam(), wanted)


def alike(found, wanted):
    """Check that two searches of one source have found the same."""
    assert found.source_tokens == wanted.source_tokens
    assert found.source_words == wanted.source_words
    assert [one.tokens for one in found.hypotheses] == [one.tokens for one in wanted.hypotheses]
    for ours, theirs in zip(found.hypotheses, wanted.hypotheses, strict=True):
        assert (ours.text, ours.words) == (theirs.text, theirs.words)
        assert ours.finished == theirs.finished
        assert ours.score == pytest.approx(theirs.score, abs=1e-4)
        np.testing.assert_allclose(ours.log_probabilities, theirs.log_probabilities, atol=1e-4)
        np.testing.assert_allclose(ours.attention, theirs.attention, atol=1e-4)


MODES = [
    {"beam_width": 1},
    {"beam_width": 5, "length_penalty": 0.0},
    {"beam_width": 2, "length_penalty": 2.0, "max_decode_length": 9},
    {"beam_width": 8, "coverage_penalty": 0.4, "max_decode_length": 3},
    {"min_decode_length": 5},
    {"min_decode_length": 9, "max_decode_length": 9, "beam_width": 1},
    {"no_repeat_ngram": 1},
    {"no_repeat_ngram": 2, "max_decode_length": 9},
    {"no_repeat_ngram": 3, "min_decode_length": 8, "max_decode_length": 10},
    {"prefix": "chien"},
    {"prefix": "noir noir chat", "no_repeat_ngram": 1, "beam_width": 4},
    {"prefix": "chat et", "min_decode_length": 6, "beam_width": 1},
    {"beam_width": 4, "beam_groups": 2, "diversity": 0.7},
    {"beam_width": 4, "beam_groups": 4, "diversity": 2.5, "length_penalty": 1.0},
    {"beam_width": 6, "beam_groups": 3, "diversity": 1.0, "coverage_penalty": 0.2,
     "no_repeat_ngram": 2, "prefix": "chat", "min_decode_length": 4},
    {"beam_width": 6, "no_repeat_ngram": 1, "min_decode_length": 14, "max_decode_length": 16},
    {"beam_width": 4, "beam_groups": 2, "diversity": 1.0, "no_repeat_ngram": 1,
     "min_decode_length": 14, "max_decode_length": 16},
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "mode"),
    [*(("lstm", mode) for mode in MODES), *(("copying", mode) for mode in MODES[7::3])],
    ids=str,
)
def test_every_way_to_search_is_the_compiled_one(name, mode, built, searches):
    """One sentence at a time: of a batch, padding too may be copied, for want of anything else."""
    codec, _, step = built(name)
    settings = SearchSettings(**{"beam_width": 3, "max_decode_length": LIMIT, **mode})
    texts = sentences(name, codec, 12)
    translate = Translator(searches(name), codec, batch_size=1)
    compiled = translate([Pair(text, "") for text in texts], settings, settings.beam_width, True)
    for text, wanted in zip(texts, compiled, strict=True):
        found = Stepper(step, codec, text, settings).beam()
        alike(found, wanted)
        ours, theirs = found.beam, wanted.beam
        assert (ours.width, ours.groups) == (theirs.width, theirs.groups)
        (fates, numbers), (their_fates, their_numbers) = noted(ours), noted(theirs)
        assert fates == their_fates
        np.testing.assert_allclose(numbers, their_numbers, atol=2e-4)


@pytest.fixture(scope="module")
def searches(built):
    """Return the compiled search of a family, made once."""
    known = {}

    def search(name):
        _, model, _ = built(name)
        return known.setdefault(name, BatchSearch(model.encode, model.step))

    return search


def noted(record):
    """Return what became of every candidate, and its numbers, by step, row and token."""
    every = sorted(record.candidates, key=lambda one: (one.step, one.parent, one.token))
    fates = [(one.step, one.parent, one.token, one.fate, one.beam) for one in every]
    return fates, [(one.log_probability, one.score) for one in every]


# What is decoded with it -------------------------------------------------------------------


def make(built, name, text="small cat and dog", **settings):
    codec, _, step = built(name)
    return Stepper(step, codec, text, SearchSettings(max_decode_length=LIMIT, **settings))


def same(one, other):
    for name in ("following", "attention", "log_probabilities"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    for (ours, first), (theirs, second) in zip(one.state, other.state, strict=True):
        assert first == second
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("name", EVERY)
def test_what_changes_nothing_changes_no_bit(name, built):
    free, steered = make(built, name), make(built, name)
    free.finish()
    for node in free._tree.path(free.current.id)[1:]:
        steered.force(node.decoded.prefix[-1])
        if node.decoded.finished or len(node.decoded.ids) == LIMIT:
            break
        same(steered.current.decoded, node.decoded)
        layers, heads, _ = node.decoded.attention.shape
        for layer in range(layers):
            own = node.decoded.attention[layer, heads - 1].tolist()
            if any(own):  # a window may have left the sentence
                row = SetRow(layer=layer, head=heads - 1, weights=own)
                same(steered.edit_attention(row).decoded, node.decoded)
    np.testing.assert_array_equal(free.hypothesis().attention, steered.hypothesis().attention)
    again = make(built, name).replay(steered.interventions()).best
    np.testing.assert_array_equal(again.log_probabilities, steered.hypothesis().log_probabilities)


@pytest.mark.parametrize("name", [name for name in EVERY if name != "plain rnn"])
def test_an_edit_is_what_the_step_does_with_given_attention(name, built):
    _, model, _ = built(name)
    stepper = make(built, name)
    first = stepper.current.decoded
    stepper.force(first.source.named([END + 2])[0])
    plain = stepper.current.decoded
    top = len(plain.attention) - 1
    edited = stepper.edit_attention(SetRow(layer=top, weights=(1, 0, 3, 0, 0))).decoded
    state, memory = model.encode(tf.constant([first.source.ids]))
    _, _, state = model.step(tf.constant([BEGIN]), state, memory)
    _, own, _ = model.step(tf.constant([plain.ids[0]]), state, memory)
    given = own.numpy()
    given[0, top] = (0.25, 0, 0.75, 0, 0)
    logits, used, _ = model.step(tf.constant([plain.ids[0]]), state, memory, given)
    np.testing.assert_allclose(edited.attention, used[0], atol=1e-5)
    np.testing.assert_allclose(edited.following, tf.nn.log_softmax(logits)[0], atol=1e-4)
    assert not np.allclose(edited.following, plain.following, atol=1e-4)


@pytest.mark.parametrize("name", ["cnn", "transformer"])
def test_layers_above_an_edit_read_what_they_then_would(name, built):
    stepper = make(built, name)
    stepper.advance()
    before = stepper.current.decoded.attention
    after = stepper.edit_attention(SetRow(layer=0, weights=(0, 0, 0, 0, 1))).decoded.attention
    assert np.abs(after[1] - before[1]).max() > 1e-4
    np.testing.assert_allclose(after[1].sum(-1), 1, atol=1e-5)


def test_a_word_that_only_the_source_has_is_forced(built):
    stepper = make(built, "copying", "small zebra and dog")
    stepper.force("zebra")
    found = stepper.hypothesis()
    assert (found.text, found.tokens) == ("zebra", ("zebra",))
    assert np.isfinite(found.log_probabilities).all()
    with pytest.raises(InterventionError, match="got 'zebar'; did you mean 'zebra'"):
        stepper.force("zebar")
    stepper.undo()
    stepper.edit_source(1, "yak")
    assert stepper.translation().source == "small yak and dog"
    assert stepper.force_text("yak").decoded.prefix[-1] == "yak"


def test_one_trace_serves_every_sentence_prefix_and_number_of_rows(codec, make_model, config):
    model, traced = make_model(config), []

    def step(tokens, state, memory, attention=None):
        traced.append(1)
        return model.step(tokens, state, memory, attention)

    compiled = CompiledStep(model.encode, step)
    for text in ("cat", "small cat and dog", "old fish and red bird"):
        stepper = Stepper(compiled, codec, text, SearchSettings(max_decode_length=LIMIT))
        stepper.advance()
        stepper.edit_attention(Mask(positions=(0,)))
        stepper.beam(width=2)
        stepper.beam(width=4)
    assert len(traced) == 2  # with attention given, and without


def test_a_step_without_attention_cannot_be_edited(codec, make_model, config):
    model = make_model(config)
    compiled = CompiledStep(
        model.encode, lambda tokens, state, given: model.step(tokens, state, given)
    )
    stepper = Stepper(compiled, codec, "small cat", SearchSettings())
    with pytest.raises(InterventionError, match="takes no attention, so that none can be edited"):
        stepper.edit_attention(Mask(positions=(0,)))


def test_the_work_is_done_where_it_is_told_to_be(codec, make_model, config):
    done = []
    compiled = CompiledStep(*(getattr(make_model(config), name) for name in ("encode", "step")),
                            lambda work: done.append(1) or work())  # fmt: skip
    Stepper(compiled, codec, "small cat", SearchSettings()).advance()
    assert len(done) == 3  # encode, and two steps


def test_a_cache_holds_no_more_than_there_is(built):
    stepper = make(built, "transformer")
    sizes = []
    for _ in range(3):
        sizes.append(sum(array.size for array, _ in stepper.current.decoded.state))
        stepper.force("chien")
    assert sizes[2] < 4 * sizes[0]
    assert all(array.shape[-2] == 1 for array, _ in stepper.node(0).decoded.state if array.ndim > 1)

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
from workbench.interventions import Mask, Scale, SetRow
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
        return {"hidden": tf.reduce_mean(values, 1)}, (values, source != 0)

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
            for weight in model.weights:  # strong opinions: no two tokens are equally likely
                weight.assign(3 * weight if name != "own" else 12 * weight)
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
        [Pair(text, "") for text in texts], 3, LIMIT, settings.length_penalty, 3, beta=beta
    )
    for text, wanted in zip(texts, compiled, strict=True):
        found = Stepper(step, codec, text, settings).beam()
        assert found.source_tokens == wanted.source_tokens
        assert found.source_words == wanted.source_words
        assert [one.tokens for one in found.hypotheses] == [one.tokens for one in wanted.hypotheses]
        for ours, theirs in zip(found.hypotheses, wanted.hypotheses, strict=True):
            assert (ours.text, ours.words) == (theirs.text, theirs.words)
            assert ours.finished == theirs.finished
            assert ours.score == pytest.approx(theirs.score, abs=1e-4)
            np.testing.assert_allclose(ours.log_probabilities, theirs.log_probabilities, atol=1e-4)
            np.testing.assert_allclose(ours.attention, theirs.attention, atol=1e-5)

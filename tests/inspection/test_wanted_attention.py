from itertools import product

import numpy as np
import pytest
import tensorflow as tf

from workbench.data.encoding import Codec
from workbench.data.tokenizer import BEGIN
from workbench.errors import WorkbenchError
from workbench.inspection.wanted_attention import AttentionSeeker, divergence
from workbench.model.protocol import Own
from workbench.model.seq2seq import Seq2Seq

SOURCE = "red cat"


@pytest.fixture(scope="module")
def make(pairs, config):
    """Return a model with strong opinions, and its codec."""

    def make(**changes):
        chosen = config.replace(**{"units": 8, "embedding": 6, **changes})
        codec = Codec.train(pairs, chosen)
        twins = codec.twins() if chosen.copy_source else None
        model = Seq2Seq(chosen, codec.source.size, codec.target.size, 5, twins)
        for weight in model.weights:
            weight.assign(2 * weight)
        return model, codec

    return make


def stepped(model, codec, prefix, attention, source=SOURCE):
    """Return log-probabilities [V] and attention [L, H, S] after a prefix, one step at a time."""
    state, memory = model.encode(tf.constant([codec.encode_source(source)]))
    read = [BEGIN, *codec.encode_target(" ".join(prefix), source)[:-1]]
    for token in read[:-1]:
        _, _, state = model.step(tf.constant([token]), state, memory)
    given = None if attention is None else tf.constant(attention[None])
    logits, used, _ = model.step(tf.constant(read[-1:]), state, memory, attention=given)
    return tf.nn.log_softmax(logits)[0].numpy(), used[0].numpy()


def test_nothing_on_a_fine_grid_is_better(make):
    model, codec = make()
    found = AttentionSeeker(model, codec)(SOURCE, ["chat"], "noir")
    wanted = codec.encode_target("noir")[0]
    grid = [each for each in product(np.arange(0, 1.01, 0.1), repeat=3)
            if abs(sum(each) - 1) < 1e-6]  # fmt: skip
    assert len(grid) == 66
    best = max(
        stepped(model, codec, ["chat"], np.float32(each)[None, None])[0][wanted] for each in grid
    )
    assert found.log_probability >= best - 1e-3
    assert found.log_probability > found.own_log_probability + 0.01


FAMILIES = {
    "lstm": ({"layers": 2, "input_feeding": True, "coverage": True}, "noir"),
    "cnn": ({"encoder": "cnn", "decoder": "cnn", "attention": "multi_step"}, "noir"),
    "transformer": ({"encoder": "transformer", "decoder": "transformer", "heads": 2, "layers": 2,
                     "attention": "multi_head"}, "<end>"),
    "copying": ({"copy_source": True}, "zebra"),
    "monotonic": ({"attention_span": "monotonic"}, "noir"),
}  # fmt: skip


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_found_does_what_is_said(make, family):
    changes, wanted = FAMILIES[family]
    model, codec = make(**changes)
    source = "zebra cat" if family == "copying" else SOURCE
    found = AttentionSeeker(model, codec)(source, ["chat"], wanted, iterations=30)
    number = codec.encode_target(wanted, source)[0] if wanted != "<end>" else 3
    likely, own = stepped(model, codec, ["chat"], None, source)
    np.testing.assert_allclose(found.own, own, atol=1e-6)
    assert found.own_log_probability == pytest.approx(likely[number], abs=1e-4)
    assert found.rivals[0] == pytest.approx(np.delete(likely, number).max(), abs=1e-4)
    reached, _ = stepped(model, codec, ["chat"], found.found, source)
    assert found.log_probability == pytest.approx(reached[number], abs=1e-3)
    assert found.wins == (reached.argmax() == number)
    assert found.log_probability >= found.own_log_probability
    assert found.log_probabilities.shape == found.rivals.shape == found.divergences.shape == (32,)
    np.testing.assert_allclose(found.found.sum(-1), 1, atol=1e-4)
    np.testing.assert_allclose(found.distance, np.abs(found.found - own).sum(-1) / 2, atol=1e-5)
    ratio = found.found / np.maximum(own, 1e-5)
    expected = (found.found * np.log(np.maximum(ratio, 1e-30))).sum(-1)
    np.testing.assert_allclose(found.divergence, expected, atol=1e-4)
    assert found.divergences[0] == pytest.approx(0, abs=1e-3)
    assert found.sought.all()


def test_only_what_is_sought_may_change(make):
    model, codec = make(**FAMILIES["transformer"][0])
    seek = AttentionSeeker(model, codec)
    found = seek(SOURCE, [], "noir", layer=1, head=0, iterations=10)
    np.testing.assert_array_equal(found.sought, [[False, False], [True, False]])
    np.testing.assert_array_equal(found.found[~found.sought], found.own[~found.sought])
    assert found.distance[1, 0] > 0.01
    assert not found.distance[~found.sought].any()
    assert seek(SOURCE, [], "noir", layer=0, iterations=1).sought.tolist() == [
        [True, True], [False, False],
    ]  # fmt: skip
    assert seek(SOURCE, [], "noir", head=1, iterations=1).sought[:, 1].all()


def test_the_divergence_by_hand():
    """½ ln(½ / ¼) + ½ ln(½ / ¾); where own is 0 it counts as 1e-5."""
    found = divergence(np.float32([[0.5, 0.5], [1, 0]]), np.float32([[0.25, 0.75], [0, 1]]))
    np.testing.assert_allclose(found, [0.5 * np.log(2) + 0.5 * np.log(2 / 3), np.log(1e5)], 1e-5)


def test_questions_that_make_no_sense(make):
    model, codec = make()
    seek = AttentionSeeker(model, codec)
    with pytest.raises(WorkbenchError, match=r"got 'noire'; did you mean 'noir'\?"):
        seek(SOURCE, [], "noire")
    with pytest.raises(WorkbenchError, match="expected a head from 0 to 0, got 1"):
        seek(SOURCE, [], "noir", head=1)
    with pytest.raises(WorkbenchError, match="expected a layer from 0 to 0, got -1"):
        seek(SOURCE, [], "noir", layer=-1)
    with pytest.raises(WorkbenchError, match="got one without; choose an attention"):
        AttentionSeeker(*make(attention="none"))(SOURCE, [], "noir")


class Deaf(tf.keras.Model):
    """A model of the user's own that takes no notice of the attention it is given."""

    def __init__(self, target_size):
        super().__init__()
        self.bias = self.add_weight(name="bias", shape=(target_size,), initializer="zeros")

    def encode(self, source):
        return (tf.zeros_like(source[:, 0], tf.float32),), (source,)

    def step(self, tokens, state, memory, attention=None):  # noqa: ARG002 - the protocol's
        length = tf.shape(memory[0])[1]
        used = tf.ones([tf.shape(tokens)[0], 1, 1, length]) / tf.cast(length, tf.float32)
        return tf.zeros_like(tokens, tf.float32)[:, None] + self.bias, used, state


def test_a_model_that_does_not_listen_is_told_so(codec, config):
    own = Own(Deaf(codec.target.size), config, codec.source.size, codec.target.size)
    with pytest.raises(WorkbenchError, match="a model whose step reads the attention"):
        AttentionSeeker(own, codec)(SOURCE, [], "noir")

import numpy as np
import pytest
import tensorflow as tf

from workbench.config import RunConfig
from workbench.data.corpus import Pair
from workbench.data.encoding import Codec
from workbench.errors import DataError, WorkbenchError
from workbench.inspection.attribution import (
    METHODS,
    Attributor,
    as_attention,
    error_rates,
    methods_for,
)
from workbench.inspection.scoring import Scoring
from workbench.model.lora import Lora
from workbench.model.protocol import Own
from workbench.model.seq2seq import Seq2Seq
from workbench.records import Alignment, Attribution, Hypothesis, Link, Translation

TRANSFORMER = {"encoder": "transformer", "decoder": "transformer", "attention": "multi_head"}
FAMILIES = {
    "lstm": {},
    "gru": {"encoder": "gru", "decoder": "gru", "bidirectional": True, "input_feeding": True,
            "coverage": True, "location_filters": 2},
    "rnn without attention": {"encoder": "rnn", "decoder": "rnn", "attention": "none"},
    "cnn": {"encoder": "cnn", "decoder": "cnn", "attention": "multi_step"},
    "transformer": {**TRANSFORMER, "heads": 2, "layers": 2},
    "transformer before": {**TRANSFORMER, "heads": 2, "norm": "pre", "positions": "relative"},
    "copying": {"copy_source": True},
    "tied": {"tie_embeddings": True, "layers": 2, "residual": True},
}  # fmt: skip
PAIR = Pair("red cat and dog", "chat rouge et chien")


@pytest.fixture(scope="module")
def make(pairs, config):
    """Return a codec and a model of some settings, whose opinions are stronger than a fresh one's.

    The embeddings of both are the reader's to change.
    """

    def make(**changes):
        chosen = config.replace(**{"units": 8, "embedding": 6, **changes})
        codec = Codec.train(pairs, chosen)
        twins = codec.twins() if chosen.copy_source else None
        model = Seq2Seq(chosen, codec.source.size, codec.target.size, seed=5, twins=twins)
        for place, weight in enumerate(model.weights):
            wave = np.sin(place + np.indices(weight.shape[-1:]).sum(0))  # of a number too
            weight.assign(1.2 * weight + 0.05 * wave)
        return codec, model

    return make


@pytest.fixture(scope="module", params=FAMILIES)
def attribute(request, make):
    """Return an attributor of every family; what a test changes in the embeddings it restores."""
    return Attributor(*make(**FAMILIES[request.param])[::-1])


def scored(attribute, source=PAIR.source):
    """Return the log-probabilities of the pair's target after any source."""
    return attribute.score([PAIR._replace(source=source)])[0].best.log_probabilities


def test_gradient_times_input_is_what_scaling_an_embedding_gains(attribute):
    """Each source token comes once, so that its row of the table can be scaled by itself."""
    found, model = attribute(PAIR, "gradient_input"), attribute.model
    table, small = model.source_embedding.numpy(), 2e-3
    for place, number in enumerate(attribute.codec.encode_source(PAIR.source)):
        ends = []
        for factor in (1 + small, 1 - small):
            changed = table.copy()
            changed[number] *= factor
            model.source_embedding.assign(changed)
            ends.append(scored(attribute))
        slopes = (ends[0] - ends[1]) / (2 * small)
        np.testing.assert_allclose(found.scores[:, place], slopes, atol=0.02, rtol=0.02)
    model.source_embedding.assign(table)
    assert np.abs(found.scores).max() > 0.05


def test_integrated_gradients_are_complete(attribute):
    found, table = attribute(PAIR), attribute.model.source_embedding
    np.testing.assert_allclose(found.outputs, scored(attribute), atol=1e-5)
    kept = table.numpy()
    table.assign(0 * kept)
    nothing = scored(attribute)
    table.assign(kept)
    np.testing.assert_allclose(found.baselines, nothing, atol=1e-4)
    wanted = found.outputs - nothing
    assert np.abs(wanted).max() > 0.02
    lacking = np.abs(found.scores.sum(1) - wanted)
    assert (lacking <= 0.0101 * np.maximum(np.abs(wanted), 0.01)).all(), found.points
    np.testing.assert_allclose(found.gaps, lacking / np.maximum(np.abs(wanted), 0.01), atol=0.02)


def test_integrated_gradients_by_a_thousand_midpoints(make):
    codec, model = make()
    found = Attributor(model, codec)(PAIR, baseline="unknown")
    ids = codec.encode_source(PAIR.source)
    end, start = (model.source_embedding.numpy()[each] for each in (ids, [1] * len(ids)))
    target = tf.constant([codec.encode_target(PAIR.target)] * 1000)
    source = tf.constant([ids] * 1000)
    along = (np.arange(1000) + 0.5)[:, None, None] / 1000
    embedded = tf.constant(start + along * (end - start), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(embedded)
        logits, _ = model.predict_all(*model.encode_embedded(embedded, source), target)
        output = tf.nn.log_softmax(logits)[:, 1, target[0, 1]]
    expected = (tape.gradient(output, embedded).numpy().mean(0) * (end - start)).sum(-1)
    np.testing.assert_allclose(found.scores[1], expected, atol=2e-3)


def test_where_the_output_jumps_the_gap_is_told(make):
    """Monotonic attention halts at one position: no gradient knows of another."""
    codec, model = make(attention_span="monotonic")
    model.decoder.span.offset.assign(0.0)
    found = Attributor(model, codec)(PAIR, most=64)
    assert found.gaps.max() > 0.01
    assert found.points.max() <= 64


def test_an_occluded_token_is_read_as_an_unknown_one(attribute):
    found = attribute(PAIR, "occlusion")
    words = PAIR.source.split()
    for place in range(len(words)):
        if attribute.model.copying:  # another source would be copied from differently
            break
        source = " ".join([*words[:place], "zebra", *words[place + 1 :]])
        gained = scored(attribute) - scored(attribute, source)
        np.testing.assert_allclose(found.scores[:, place], gained, atol=1e-4)
    assert found.scores.shape == (5, 5)
    assert np.abs(found.scores).max() > 0.01


def test_a_masked_token_is_as_good_as_not_there(make):
    """So it is in a recurrent model, whose state stands still meanwhile."""
    attribute = Attributor(*make(bidirectional=True)[::-1])
    found = attribute(PAIR, "occlusion", cover="masked")
    gained = scored(attribute) - scored(attribute, "red and dog")
    np.testing.assert_allclose(found.scores[:, 1], gained, atol=1e-5)


def test_attention_is_the_models_own(make):
    codec, model = make(**FAMILIES["transformer"])
    found = Attributor(model, codec)(PAIR, "attention")
    attention = Scoring(model, codec)([PAIR])[0].best.attention
    np.testing.assert_allclose(found.scores, attention.mean((0, 1)), atol=1e-6)
    assert found.gaps is None


@pytest.mark.parametrize(("changes", "prefix_counts"), [
    (TRANSFORMER | {"heads": 2}, True), ({"encoder": "transformer", "heads": 2}, False),
])  # fmt: skip
def test_roll_out_receives_all_it_reads(make, changes, prefix_counts):
    codec, model = make(**changes)
    found = Attributor(model, codec)(PAIR, "roll_out")
    sums = found.scores.sum(-1)
    if prefix_counts:  # one layer: half comes from what was written before
        np.testing.assert_allclose(sums, 0.5, atol=1e-5)
    else:
        np.testing.assert_allclose(sums, 1, atol=1e-5)
    attention = Attributor(model, codec)(PAIR, "attention").scores
    assert np.abs(found.shares - attention).max() > 1e-3


def test_lora_is_attributed_with_its_change(make):
    codec, base = make()
    lora = Lora(base, 2, 1.0)
    for place, b in enumerate(lora.b):
        b.assign(b + 0.3 * np.sin(place + np.arange(b.shape[-1])))
    _, merged = make()
    merged.set_weights(lora.merged_weights())
    for method in ("gradient_input", "occlusion"):
        found, expected = (Attributor(each, codec)(PAIR, method) for each in (lora, merged))
        np.testing.assert_allclose(found.scores, expected.scores, atol=1e-4)
    plain = Attributor(make()[1], codec)(PAIR, "gradient_input")
    assert np.abs(found.scores - plain.scores).max() > 1e-3


# Against a gold alignment -----------------------------------------------------------------------


def attributed(scores, method="occlusion"):
    """Return an attribution of x y to a b, which are linked crosswise, and the end symbols."""
    attention = np.full((1, 1, 3, 3), 1 / 3, np.float32)
    best = Hypothesis("x y", ("x", "y", "<end>"), np.zeros(3), attention, 0.0, words=(0, 1, -1))
    gold = Alignment(frozenset([Link(0, 1), Link(1, 0)]), frozenset())
    pair = Translation("a b", ("a", "b", "<end>"), (best,), "x y", gold, source_words=(0, 1, -1))
    return Attribution(method, pair, np.array(scores, np.float32), np.zeros(3, np.float32))


def test_shares_are_what_speaks_for_a_token():
    one = attributed([[3, 1, -6], [-1, -1, -2], [0, 0, 0]])
    np.testing.assert_allclose(one.shares, [[0.75, 0.25, 0], [0, 0, 0], [0, 0, 0]])
    attention = as_attention(one).best.attention
    np.testing.assert_array_equal(attention, one.shares[None, None])


def test_error_rates_of_each_method_by_hand():
    """Crossed: A = S. Straight: A and S have nothing in common. Both: 1 - 4 / 8."""
    crossed = [[-1, 2, 0], [3, -9, 0], [0, 0, 1]]
    straight = [[2, 1, 0], [0, 1, 0], [0, 0, 1]]
    rates = error_rates([
        attributed(crossed), attributed(straight), attributed(straight, "gradient_input"),
    ])  # fmt: skip
    assert rates == {"occlusion": pytest.approx(0.5), "gradient_input": pytest.approx(1)}


def test_the_rate_comes_along_where_gold_is_known(make, pairs):
    attribute, pair = Attributor(*make()[::-1]), pairs[5]
    assert pair.alignment
    for method in ("attention", "occlusion", "gradient_input", "integrated_gradients"):
        found = attribute(pair, method)
        assert found.alignment_error_rate == error_rates([found])[method]
        assert attribute(PAIR, method).alignment_error_rate is None


# What cannot be had -----------------------------------------------------------------------------


def test_an_unknown_method_is_told_with_the_nearest(make):
    codec, model = make()
    with pytest.raises(WorkbenchError, match=r"got 'oclusion'; did you mean 'occlusion'\?"):
        Attributor(model, codec)(PAIR, "oclusion")
    with pytest.raises(DataError, match="target has no tokens"):
        Attributor(model, codec)(Pair("cat", ""), "attention")


def test_what_needs_attention_or_a_transformer_says_so(make):
    codec, model = make(attention="none")
    for method in ("attention", "roll_out"):
        with pytest.raises(WorkbenchError, match="got one without; choose gradient_input"):
            Attributor(model, codec)(PAIR, method)
    codec, model = make()
    with pytest.raises(WorkbenchError, match="got neither; choose attention, gradient_input"):
        Attributor(model, codec)(PAIR, "roll_out")


class Copier(tf.keras.Model):
    """A model of the user's own: uniform attention, and one logit for each target token."""

    def __init__(self, target_size):
        super().__init__()
        self.bias = self.add_weight(name="bias", shape=(target_size,), initializer="zeros")

    def encode(self, source):
        return (), (source,)

    def step(self, tokens, state, memory, attention=None):  # noqa: ARG002 - the protocol's
        length = tf.shape(memory[0])[1]
        used = tf.ones([tf.shape(tokens)[0], 1, 1, length]) / tf.cast(length, tf.float32)
        return tf.zeros_like(tokens, tf.float32)[:, None] + self.bias, used, state


def test_of_a_model_of_ones_own_only_attention_is_known(codec, config):
    own = Own(Copier(codec.target.size), config, codec.source.size, codec.target.size)
    attribute = Attributor(own, codec)
    np.testing.assert_allclose(attribute(PAIR, "attention").scores, 1 / 5)
    for method in METHODS[2:]:
        with pytest.raises(WorkbenchError, match="expected a model of the workbench, got Copier"):
            attribute(PAIR, method)


GRADIENTS = ("gradient_input", "integrated_gradients", "occlusion")


@pytest.mark.parametrize(
    ("settings", "methods"),
    [
        ({"encoder": "gru", "decoder": "gru"}, ("attention", *GRADIENTS)),
        ({"encoder": "gru", "decoder": "gru", "attention": "none"}, GRADIENTS),
        ({"encoder": "transformer", "decoder": "transformer"}, METHODS),
        ({"encoder": "cnn", "decoder": "cnn"}, ("attention", *GRADIENTS)),
        ({"encoder": "transformer", "decoder": "gru", "attention": "none"}, GRADIENTS),
        ({"encoder": "transformer", "decoder": "lstm", "attention": "dot"}, METHODS),
    ],
)
def test_a_model_is_offered_the_methods_that_it_allows(settings, methods):
    assert methods_for(RunConfig(**settings)) == methods

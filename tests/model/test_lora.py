import numpy as np
import pytest
import tensorflow as tf

from workbench.config import RunConfig, SearchSettings
from workbench.errors import SettingsError
from workbench.model.lora import Lora
from workbench.model.seq2seq import Seq2Seq
from workbench.search.batch import BatchSearch

SMALL = {"units": 8, "embedding": 6, "layers": 2, "heads": 2}
CODERS = [
    {},
    {"encoder": "gru", "decoder": "rnn", "residual": True, "attention": "concat"},
    {"input_feeding": True, "tie_embeddings": True, "attention": "general"},
    {"encoder": "cnn", "decoder": "cnn"},
    {"encoder": "transformer", "decoder": "transformer"},
    {"encoder": "transformer", "decoder": "transformer", "positions": "relative"},
]
SOURCE = np.array([[4, 5, 6, 7, 3], [8, 9, 3, 0, 0]], np.int32)
TARGET = np.array([[6, 5, 4, 3], [9, 3, 0, 0]], np.int32)


def make(settings, seed=5):
    return Seq2Seq(RunConfig(**SMALL | settings), 12, 13, seed=seed)


def learnt(settings, scale=0.5, spread=1.0, seed=0):
    """A LoRA that has gone far from its base."""
    print("seed", seed)
    random = np.random.default_rng(seed)
    model = Lora(make(settings), 2, scale, seed=3)
    for weight in model.trainable_variables:
        weight.assign(random.normal(size=weight.shape, scale=spread))
    return model


def merge(model):
    whole = make(model.settings.differences(), seed=77)
    whole.set_weights(model.merged_weights())
    return whole


@pytest.mark.parametrize("settings", CODERS, ids=str)
def test_a_fresh_lora_gives_what_its_base_gives(settings):
    base = make(settings)
    expected, attention = base.forward(SOURCE, TARGET)
    model = Lora(base, 2, 1.0)
    logits, same = tf.function(model.forward, autograph=False)(SOURCE, TARGET)
    np.testing.assert_allclose(logits, expected, rtol=0, atol=1e-6)
    np.testing.assert_allclose(same, attention, rtol=0, atol=1e-6)


def test_the_pairs_are_those_of_the_kernels_and_add_up_as_in_the_paper():
    model = learnt({}, scale=0.5)
    names = {kernel.name for kernel in model.kernels}
    assert {"kernel", "recurrent_kernel", "output_kernel", "query_kernel"} <= names
    assert not any("embedding" in name or "bias" in name for name in names)
    place = [kernel.name for kernel in model.kernels].index("output_kernel")
    kernel, a, b = model.kernels[place], model.a[place].numpy(), model.b[place].numpy()
    assert (a.shape, b.shape) == ((8, 2), (2, 13))
    position = [id(weight) for weight in model.base.weights].index(id(kernel))
    expected = kernel.numpy() + 0.5 * a @ b
    np.testing.assert_allclose(model.merged_weights()[position], expected, rtol=1e-6)
    fresh = Lora(make({}), 2, 1.0)
    assert all(not b.numpy().any() for b in fresh.b)
    assert all(a.numpy().any() for a in fresh.a)


def test_the_kernel_of_a_convolution_counts_as_a_matrix():
    model = Lora(make({"encoder": "cnn", "decoder": "cnn", "kernel_width": 5}), 2, 1.0)
    shapes = {(tuple(a.shape), tuple(b.shape)) for a, b in zip(model.a, model.b, strict=True)}
    assert ((5 * 8, 2), (2, 16)) in shapes


@pytest.mark.parametrize("settings", CODERS, ids=str)
def test_merging_changes_no_output(settings):
    model = learnt(settings)
    whole = merge(model)
    fresh, _ = model.base.forward(SOURCE, TARGET)
    logits, _ = model.forward(SOURCE, TARGET)
    assert np.abs(logits - fresh).max() > 1e-2
    np.testing.assert_allclose(logits, whole.forward(SOURCE, TARGET)[0], rtol=0, atol=1e-5)
    (ours, memory), (theirs, other) = model.encode(SOURCE), whole.encode(SOURCE)
    for tokens in ([2, 2], [5, 9]):
        logits, attention, ours = model.step(tf.constant(tokens), ours, memory)
        expected, looked, theirs = whole.step(tf.constant(tokens), theirs, other)
        np.testing.assert_allclose(logits, expected, rtol=0, atol=1e-5)
        np.testing.assert_allclose(attention, looked, rtol=0, atol=1e-5)


@pytest.mark.parametrize("settings", [CODERS[0], CODERS[4]], ids=str)
def test_a_beam_finds_the_same_before_and_after_merging(settings):
    model = learnt(settings)
    search = SearchSettings(beam_width=3, max_decode_length=6)
    found, expected = (
        BatchSearch(each.encode, each.step)(SOURCE, search) for each in (model, merge(model))
    )
    np.testing.assert_array_equal(found.tokens, expected.tokens)
    np.testing.assert_allclose(found.scores, expected.scores, rtol=0, atol=1e-5)


@pytest.mark.parametrize("settings", CODERS, ids=str)
def test_training_reaches_every_pair_and_nothing_else(settings):
    model = learnt(settings, spread=0.3)  # with larger ones an attention looks at one place only
    before = [id(weight) for weight in model.weights]

    @tf.function(autograph=False)
    def gradients():
        with tf.GradientTape() as tape:
            logits, _ = model.forward(SOURCE, TARGET)
            loss = tf.reduce_sum(tf.nn.log_softmax(logits)[..., 4])
        return tape.gradient(loss, model.trainable_variables)

    pairs = {id(weight) for weight in (*model.a, *model.b)}
    assert {id(weight) for weight in model.trainable_variables} == pairs
    found = zip(model.trainable_variables, gradients(), strict=True)
    dead = [weight.path for weight, each in found if each is None or not np.any(each)]
    assert not dead
    assert [id(weight) for weight in model.weights] == before
    assert len(model.weights) == len(model.base.weights) + len(pairs)


def test_a_lora_comes_back_from_the_disk(tmp_path):
    model, other = learnt({}), Lora(make({}, seed=9), 2, 0.5, seed=8)
    model.save_weights(tmp_path / "model.weights.h5")
    other.load_weights(tmp_path / "model.weights.h5")
    assert all(map(np.array_equal, model.get_weights(), other.get_weights()))


def test_a_rank_that_no_kernel_exceeds_is_refused():
    with pytest.raises(SettingsError, match="adapter_rank is 64 and no kernel"):
        Lora(make({}), 64, 1.0)


@pytest.mark.parametrize("coder", ["lstm", "gru", "transformer", "cnn"])
@pytest.mark.parametrize("size", [8000, 40])
def test_at_most_a_twentieth_of_the_weights_is_trained(coder, size):
    settings = RunConfig(encoder=coder, decoder=coder)
    model = Lora(Seq2Seq(settings, size, size), settings.adapter_rank, settings.adapter_scale)
    trained = sum(np.prod(weight.shape) for weight in model.trainable_variables)
    share = trained / model.count_params()
    print(f"{coder}, {size} words a side: {trained:,} weights, {share:.2%}")
    assert share <= 0.05

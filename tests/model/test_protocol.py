"""A model of one's own: a table that counts, small enough to follow by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from workbench.config import RunConfig
from workbench.data.tokenizer import BEGIN, END, PAD
from workbench.errors import RunError, SettingsError
from workbench.model.noise import Noise
from workbench.model.protocol import Own, build_own, check_factory
from workbench.model.seq2seq import IDS

SOURCES = np.array([[4, 5, END], [6, END, PAD]], np.int32)
TARGETS = np.array([[5, 4, 6, END], [7, END, PAD, PAD]], np.int32)
V, B, S, T = 9, 2, 3, 4


class Reader(keras.Model):
    """A Keras model with layers made when they are first used."""

    def __init__(self, source_size=10, target_size=V):
        super().__init__()
        self.source_embedding = keras.layers.Embedding(source_size, 4)
        self.target_embedding = keras.layers.Embedding(target_size, 4)
        self.cell = keras.layers.GRUCell(4)
        self.look = keras.layers.Attention()
        self.drop = keras.layers.Dropout(0.5)
        self.leave = keras.layers.Dense(target_size, use_bias=False)
        self.bias = self.add_weight(name="bias", shape=(target_size,), initializer="zeros")

    def encode(self, source):
        values, real = self.source_embedding(source), source != PAD
        return {"hidden": tf.reduce_mean(values, 1)}, (values, real)

    def step(self, tokens, state, memory, attention=None, training=False):
        values, real = memory
        hidden, _ = self.cell(self.target_embedding(tokens), state["hidden"])
        if attention is None:
            _, weights = self.look(
                [hidden[:, None], values], mask=[None, real], return_attention_scores=True
            )
            attention = weights[:, None]
        context = tf.einsum("bs,bse->be", attention[:, 0, 0], values)
        seen = self.drop(tf.concat([context, hidden], -1), training=training)
        return self.leave(seen) + self.bias, attention, {"hidden": hidden}


@pytest.fixture(scope="module")
def own():
    keras.utils.set_random_seed(1)
    return Own(Reader(), RunConfig(), 10, V)


@pytest.fixture(scope="module")
def make(codec):
    """Build a model of the small language by a factory, from a seed."""
    return lambda factory, **settings: build_own(factory, RunConfig(**settings), codec)


def test_forward_is_the_step_at_every_position(own):
    logits, attention = own.forward(SOURCES, TARGETS)
    assert logits.shape == (B, T, V)
    assert attention.shape == (B, 1, 1, T, S)
    state, memory = own.encode(tf.constant(SOURCES))
    for time, tokens in enumerate(np.insert(TARGETS, 0, BEGIN, 1)[:, :T].T):
        now, used, state = own.step(tf.constant(tokens), state, memory)
        np.testing.assert_allclose(logits[:, time], now, atol=1e-6)
        np.testing.assert_allclose(attention[:, :, :, time], used, atol=1e-6)
    np.testing.assert_allclose(tf.reduce_sum(attention, -1), 1, atol=1e-6)
    assert np.all(attention[1, ..., 2] == 0)  # the padding


def test_inputs_take_the_place_of_the_targets(own):
    inputs = np.array([[BEGIN, 8, 8, 8], [BEGIN, 8, 8, 8]], np.int32)
    teacher, _ = own.forward(SOURCES, np.insert(inputs[:, 1:], 3, END, 1))
    given, _ = own.forward(SOURCES, TARGETS, inputs=inputs)
    np.testing.assert_allclose(given, teacher, atol=1e-6)


def test_attention_given_is_attention_used(own):
    state, memory = own.encode(tf.constant(SOURCES))
    first = tf.constant([[[[1.0, 0.0, 0.0]]]] * B)
    own_logits, _, _ = own.step(tf.constant([BEGIN, BEGIN]), state, memory)
    logits, used, _ = own.step(tf.constant([BEGIN, BEGIN]), state, memory, first)
    np.testing.assert_array_equal(used, first)
    assert np.abs(logits - own_logits).max() > 1e-4


def test_what_is_nan_in_given_attention_stays_the_models_own(own):
    state, memory = own.encode(tf.constant(SOURCES))
    tokens = tf.constant([BEGIN, BEGIN])
    wanted, read, _ = own.step(tokens, state, memory)
    given = np.full((B, 1, 1, S), np.nan, np.float32)
    given[1] = [0.0, 1.0, 0.0]
    logits, used, _ = own.step(tokens, state, memory, tf.constant(given))
    np.testing.assert_array_equal(used[0], read[0])
    np.testing.assert_array_equal(used[1], given[1])
    np.testing.assert_allclose(logits[0], wanted[0], atol=1e-6)
    assert np.abs(logits[1] - wanted[1]).max() > 1e-4


def test_one_graph_and_a_gradient_for_every_weight(own):
    @tf.function(input_signature=[IDS, IDS], autograph=False)
    def gradients(source, target):
        with tf.GradientTape() as tape:
            logits, _ = own.forward(source, target, Noise(0.1, tf.constant([1, 2])))
            loss = tf.reduce_sum(tf.nn.log_softmax(logits)[:, :, 4])
        found = tape.gradient(loss, own.trainable_variables)
        return [tf.convert_to_tensor(each) for each in found]

    found = gradients(SOURCES, TARGETS)
    assert len(found) == len(own.trainable_variables) == 7
    assert all(np.abs(each).max() > 0 for each in found)


def test_training_is_told_where_it_is_asked_for(own):
    """Dropout draws anew at every step, the same for the same seed, and only in training."""
    run = tf.function(own.forward, autograph=False)
    source, target = tf.constant(SOURCES), tf.fill([B, T], 5)
    one, same, other = (
        run(source, target, Noise(0.1, tf.constant([3, step])))[0] for step in (1, 1, 2)
    )
    calm = run(source, target)[0]
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - other).max() > 1e-5
    assert np.abs(one - calm).max() > 1e-5
    np.testing.assert_array_equal(calm, run(source, target)[0])


def test_encode_is_told_of_training_too():
    heard = []

    class Listening(Reader):
        def encode(self, source, training=None):
            heard.append(training)
            return super().encode(source)

    listening = Own(Listening(), RunConfig(), 10, V)
    heard.clear()
    listening.encode(tf.constant(SOURCES))
    listening.encode(tf.constant(SOURCES), Noise(0.0, tf.constant([1, 1])))
    assert heard == [False, True]


def test_every_part_is_a_block_with_its_parameters(own):
    blocks = {block.kind + block.shape: block for block in own.outline()}
    by_hand = {
        "Embedding10 × 4": (40, "encoder"),
        "Embedding9 × 4": (36, "decoder"),
        "GRUCell4 × 12": (12 * (4 + 4) + 24, "decoder"),  # two biases
        "Attentionno weights": (0, "attention"),
        "Dropoutno weights": (0, "decoder"),
        "Dense8 × 9": (72, "decoder"),
        "weight9": (9, "decoder"),
    }
    assert {key: (block.parameters, block.side) for key, block in blocks.items()} == by_hand
    assert own.count_params() == sum(block.parameters for block in blocks.values()) == 277


def test_weights_come_from_the_seed_alone(make):
    one, same, other = (make(Reader, seed=seed).get_weights() for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(one, same, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_sizes_are_those_of_the_vocabularies(make, codec):
    asked = []
    make(lambda *sizes: asked.append(sizes) or Reader(*sizes))
    assert asked == [(codec.source.size, codec.target.size)]


def test_weights_on_disk_say_whose_they_are(own, tmp_path):
    check_factory(tmp_path, None)  # nothing there says that it is somebody's own
    with pytest.raises(RunError, match="none of your own; leave model= out"):
        check_factory(tmp_path, Reader)
    own.save_weights(tmp_path / "model.weights.h5")
    check_factory(tmp_path, Reader)
    with pytest.raises(RunError, match=r"of the class Reader, .* Session.open\(run, model=...\)"):
        check_factory(tmp_path, None)
    again = Own(Reader(), RunConfig(), 10, V)
    again.load_weights(tmp_path / "model.weights.h5")
    for ours, theirs in zip(again.get_weights(), own.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    (tmp_path / "own.json").write_text("[]")
    with pytest.raises(RunError, match=r"own.json: cannot be read"):
        check_factory(tmp_path, Reader)


# What is refused ---------------------------------------------------------------------------


class NoStep(keras.Model):
    encode = Reader.encode


class NoKeras:
    encode, step = Reader.encode, Reader.step


class NoWeights(keras.Model):
    def encode(self, source):
        return (), (source,)

    def step(self, tokens, state, memory, attention=None):
        used = tf.zeros([len(tokens), 0, 0, memory[0].shape[1]]) if attention is None else attention
        return tf.zeros([len(tokens), V]), used, state


class Deaf(Reader):
    def step(self, tokens, state, memory):
        return super().step(tokens, state, memory)


def changed(function):
    """Return a class whose step returns what `function` makes of (logits, attention, state)."""

    class Changed(Reader):
        def step(self, *given, **more):
            return function(*super().step(*given, **more))

    return Changed


class ReadsBadly(Reader):
    def encode(self, source):
        return super().encode(source)[0]


class Scalar(Reader):
    def encode(self, source):
        return super().encode(source)[0], tf.constant(3)


class Branches(Reader):
    def encode(self, source):
        if tf.reduce_any(source == END):  # fine in eager mode, not in a graph
            return super().encode(source)
        raise AssertionError


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (NoStep, "expected a function step, found none"),
        (NoKeras, "expected a Keras model"),
        (NoWeights, "expected weights to train, found none"),
        (Deaf, "step failed on two sentences: TypeError: .*attention"),
        (ReadsBadly, r"expected encode to return \(state, memory\), got dict"),
        (Scalar, r"every tensor of memory to begin with B = 2, got shape \(\) from encode"),
        (Branches, "cannot be compiled: .*bool"),
        (changed(lambda *parts: parts[:2]), r"step to return \(logits, attention, state\), got 2"),
        (changed(lambda a, b, c: (a[:, :-1], b, c)),
         r"logits \[B, V\] of shape \(2, 9\), got \(2, 8\)"),
        (changed(lambda a, b, c: (a[:, None], b, c)),
         r"logits \[B, V\] of shape \(2, 9\), got \(2, 1, 9\)"),
        (changed(lambda a, b, c: (a, b[:, 0], c)),
         r"attention \[B, L, H, S\] of shape \(2, any, any, 3\), got \(2, 1, 3\)"),
        (changed(lambda a, b, c: (a, b[..., :2], c)), r"got \(2, 1, 1, 2\)"),
        (changed(lambda a, b, c: (a, b, (c["hidden"],))), "expected step to return a state like"),
        (changed(lambda a, b, c: (a, b, {"hidden": tf.tile(c["hidden"], [1, 2])})),
         r"\{'hidden': 'float32 \[2, 4\]'\}, got \{'hidden': 'float32 \[2, 8\]'\}"),
        (changed(lambda a, b, c: (a[:1], b, c)), r"tensor of logits to begin with B = 2"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused_on_one_line(model, said):
    with pytest.raises(SettingsError, match=said) as error:
        Own(model(), RunConfig(), 10, V)
    message = str(error.value)
    assert message.startswith(f"model {model.__name__}: ")
    assert message.endswith("; see EncoderDecoder in workbench/model/protocol.py")
    assert "\n" not in message


def test_settings_that_ask_for_more_are_refused(make):
    with pytest.raises(SettingsError, match="copy_source is True and the model is your own"):
        make(Reader, copy_source=True)


def test_without_attention_layers_are_none():
    class Plain(Reader):
        def encode(self, source):
            return super().encode(source)[0], (source,)

        def step(self, tokens, state, memory, attention=None):
            hidden, _ = self.cell(self.target_embedding(tokens), state["hidden"])
            nothing = tf.zeros([*tf.unstack(tf.shape(memory[0])), 0, 0])
            used = tf.transpose(nothing, [0, 2, 3, 1]) if attention is None else attention
            return self.leave(hidden), used, {"hidden": hidden}

    logits, attention = Own(Plain(), RunConfig(), 10, V).forward(SOURCES, TARGETS)
    assert logits.shape == (B, T, V)
    assert attention.shape == (B, 0, 0, T, S)

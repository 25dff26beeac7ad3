from pathlib import Path

import h5py
import numpy as np
import pytest
import tensorflow as tf

from workbench.config import RunConfig
from workbench.data.tokenizer import BEGIN, END, PAD
from workbench.model.noise import Noise, drop
from workbench.model.seq2seq import Seq2Seq

SOURCE = np.array([[4, 5, 6, 7, END], [8, END, PAD, PAD, PAD], [9, 4, END, PAD, PAD]], np.int32)
TARGET = np.array([[5, 4, 7, END], [6, END, PAD, PAD], [8, 9, END, PAD]], np.int32)
REAL = TARGET != PAD

COMBINATIONS = [
    {"encoder": "rnn", "decoder": "rnn", "attention": "none"},
    {"encoder": "rnn", "decoder": "rnn", "attention": "dot", "input_feeding": True},
    {"encoder": "lstm", "decoder": "lstm", "attention": "none", "layers": 2},
    {"attention": "additive"},
    {"attention": "additive", "input_feeding": True, "bidirectional": False},
    {"attention": "dot", "layers": 3, "residual": True},
    {"attention": "general", "layers": 3, "residual": True, "input_feeding": True},
    {"attention": "concat", "tie_embeddings": True},
    {"attention": "concat", "input_feeding": True, "tie_embeddings": True, "layers": 2},
    {"attention": "scaled_dot", "encoder": "gru", "decoder": "gru", "layers": 2},
    {"attention": "scaled_dot", "encoder": "gru", "decoder": "gru", "input_feeding": True},
    {"attention": "general", "encoder": "gru", "decoder": "lstm", "layers": 2},
    {"attention": "additive", "encoder": "lstm", "decoder": "gru", "residual": True, "layers": 2},
    {"encoder": "lstm", "decoder": "rnn", "attention": "none", "bidirectional": False},
    {"encoder": "rnn", "decoder": "lstm", "attention": "dot", "tie_embeddings": True},
]


def make(seed=2, **settings):
    chosen = {"encoder": "lstm", "decoder": "lstm"} | settings
    return Seq2Seq(RunConfig(units=6, embedding=4, **chosen), 11, 12, seed=seed)


def named(settings):
    return "-".join(str(value) for value in settings.values())


@pytest.mark.parametrize("settings", COMBINATIONS, ids=named)
def test_whole_sentences_equal_one_step_after_another(settings):
    model = make(**settings)
    logits, attention = model.forward(SOURCE, TARGET)
    state, memory = model.encode(SOURCE)
    tokens = np.full(3, BEGIN, np.int32)
    for position in range(4):
        step_logits, step_attention, state = model.step(tokens, state, memory)
        real = REAL[:, position]
        np.testing.assert_allclose(
            logits.numpy()[real, position], step_logits.numpy()[real], atol=1e-5
        )
        np.testing.assert_allclose(
            attention.numpy()[real, :, :, position], step_attention.numpy()[real], atol=1e-6
        )
        tokens = TARGET[:, position]
    layers = 0 if settings["attention"] == "none" else 1
    assert attention.shape == (3, layers, 1, 4, 5)
    assert logits.shape == (3, 4, 12)


@pytest.mark.parametrize("settings", COMBINATIONS, ids=named)
def test_a_gradient_reaches_every_weight(settings):
    model = make(**settings)
    with tf.GradientTape() as tape:
        logits, _ = model.forward(SOURCE, TARGET)
        nats = tf.nn.sparse_softmax_cross_entropy_with_logits(TARGET, logits)
        loss = tf.reduce_sum(nats * REAL)
    gradients = tape.gradient(loss, model.trainable_variables)
    assert len(gradients) == len(model.weights)
    for variable, gradient in zip(model.trainable_variables, gradients, strict=True):
        assert gradient is not None, variable.path
        assert np.abs(tf.convert_to_tensor(gradient)).max() > 0, variable.path


@pytest.mark.parametrize("feeding", [False, True])
def test_a_position_sees_the_tokens_before_it_only(feeding):
    model = make(input_feeding=feeding)
    before, _ = model.forward(SOURCE, TARGET)
    for position in range(3):
        changed = TARGET.copy()
        changed[0, position] = 10
        after, _ = model.forward(SOURCE, changed)
        upto = position + 1
        np.testing.assert_array_equal(after[0, :upto], before[0, :upto])
        assert not np.allclose(after[0, upto], before[0, upto])
        np.testing.assert_array_equal(after[1:], before[1:])


@pytest.mark.parametrize("feeding", [False, True])
def test_padding_changes_nothing(feeding):
    model = make(input_feeding=feeding)
    together, together_attention = model.forward(SOURCE, TARGET)
    for row in range(3):
        source = SOURCE[row : row + 1, : (SOURCE[row] != PAD).sum()]
        target = TARGET[row : row + 1, : REAL[row].sum()]
        logits, attention = model.forward(source, target)
        tokens, words = target.shape[1], source.shape[1]
        np.testing.assert_allclose(together[row, :tokens], logits[0], atol=1e-5)
        np.testing.assert_allclose(
            together_attention[row, :, :, :tokens, :words], attention[0], atol=1e-6
        )
        assert not together_attention[row, :, :, :, words:].numpy().any()


def test_given_attention_is_used_and_returned():
    model = make()
    state, memory = model.encode(SOURCE)
    tokens = np.full(3, BEGIN, np.int32)
    given = np.zeros((3, 1, 1, 5), np.float32)
    given[..., 1] = 1
    own_logits, own, _ = model.step(tokens, state, memory)
    logits, used, _ = model.step(tokens, state, memory, given)
    np.testing.assert_array_equal(used, given)
    assert not np.allclose(logits, own_logits)
    same, _, _ = model.step(tokens, state, memory, own)
    np.testing.assert_allclose(same, own_logits, atol=1e-6)


@pytest.mark.parametrize(
    "settings",
    [
        {"attention": "additive", "coverage": True},
        {"encoder": "cnn", "decoder": "cnn", "attention": "multi_step", "layers": 3},
        {"encoder": "transformer", "decoder": "transformer", "attention": "multi_head",
         "layers": 3, "heads": 2},
    ],
)  # fmt: skip
def test_what_is_nan_in_given_attention_stays_the_models_own(settings):
    model = make(**settings)
    state, memory = model.encode(SOURCE)
    tokens = np.full(3, BEGIN, np.int32)
    logits, own, _ = model.step(tokens, state, memory)
    given = np.full(own.shape, np.nan, np.float32)
    np.testing.assert_array_equal(model.step(tokens, state, memory, given)[0], logits)
    given[:, 0, -1] = [0, 1, 0, 0, 0]
    edited, used, _ = model.step(tokens, state, memory, given)
    np.testing.assert_array_equal(used[:, 0, -1], given[:, 0, -1])
    np.testing.assert_array_equal(used[:, 0, :-1], own[:, 0, :-1])
    assert np.isfinite(edited).all()
    assert not np.allclose(edited, logits)
    for layer in range(1, own.shape[1]):  # those above have felt it, and are whole
        assert np.abs(used[:, layer] - own[:, layer]).max() > 1e-6
        np.testing.assert_allclose(tf.reduce_sum(used[:, layer], -1), 1, atol=1e-5)
    whole, _, _ = model.step(tokens, state, memory, used)
    np.testing.assert_allclose(whole, edited, atol=1e-5)


def test_tied_logits_come_from_the_target_embedding():
    model = make(tie_embeddings=True, attention="none")
    state, memory = model.encode(SOURCE)
    model.output_bias.assign(np.arange(12))
    logits, _, new = model.step(np.full(3, BEGIN), state, memory)
    table = model.target_embedding.numpy()
    wanted = new.cells[0][0].numpy() @ model.narrow.numpy() @ table.T + np.arange(12)
    np.testing.assert_allclose(logits, wanted, atol=1e-5)


def test_weights_depend_on_the_seed_alone():
    one, same, other = (make(seed=seed).get_weights() for seed in (2, 2, 3))
    assert all(map(np.array_equal, one, same))
    drawn = [index for index, weight in enumerate(one) if weight.ndim == 2]
    assert len(drawn) > 8
    assert not any(np.array_equal(one[index], other[index]) for index in drawn)


@pytest.mark.parametrize("settings", [{}, {"layers": 2, "tie_embeddings": True}], ids=named)
def test_weights_go_to_a_file_and_back(settings, tmp_path: Path):
    model, other = make(**settings), make(seed=3, **settings)
    for weight in model.weights:
        weight.assign_add(np.random.default_rng(1).normal(size=weight.shape))
    model.save_weights(tmp_path / "model.weights.h5")
    other.load_weights(tmp_path / "model.weights.h5")
    assert all(map(np.array_equal, model.get_weights(), other.get_weights()))
    with h5py.File(tmp_path / "model.weights.h5") as file:
        assert "container" not in str(list(file["encoder/cells"]))  # see the encoder's comment


@pytest.mark.parametrize("feeding", [False, True])
def test_noise_is_a_function_of_its_seed(feeding):
    model = make(input_feeding=feeding, layers=2)

    def logits(seed, rate=0.4):
        return model.forward(SOURCE, TARGET, Noise(rate, tf.constant(seed)))[0].numpy()

    np.testing.assert_array_equal(logits([1, 1]), logits([1, 1]))
    assert not np.allclose(logits([1, 1]), logits([1, 2]))
    np.testing.assert_array_equal(logits([1, 1], 0.0), model.forward(SOURCE, TARGET)[0])


def test_noise_falls_on_both_embeddings_and_before_the_output():
    model, noise = make(layers=2), Noise(0.4, tf.constant([1, 1]))
    state, memory = model.encode(SOURCE, noise)
    before = np.pad(TARGET[:, :-1], [(0, 0), (1, 0)], constant_values=BEGIN)
    embedded = drop(tf.gather(model.target_embedding, before), noise, 2)
    vectors, _ = model.decoder.unroll(embedded, REAL, state, memory, noise.at(2))
    wanted = drop(vectors, noise, 3) @ model.output_kernel + model.output_bias
    np.testing.assert_allclose(model.forward(SOURCE, TARGET, noise)[0], wanted, atol=1e-6)


def test_no_embedding_is_dropped_from_twice():
    """With all weights of the encoder's cell at 1 a state tells which inputs came through."""
    model = make(encoder="rnn", attention="dot", bidirectional=False)
    cell = model.encoder.cells[0]
    cell.kernel.assign(np.full(cell.kernel.shape, 1e-3))
    cell.recurrent_kernel.assign(np.zeros(cell.recurrent_kernel.shape))
    model.source_embedding.assign(np.ones(model.source_embedding.shape))
    source = np.full((50, 100), 4, np.int32)
    _, memory = model.encode(source, Noise(0.4, tf.constant([1, 1])))
    came_through = memory.values.numpy()[..., 0] / 1e-3 * 0.6 / 4  # share of the 4 units
    assert came_through.mean() == pytest.approx(0.6, abs=0.015)  # four standard deviations
    assert set(np.unique(came_through.round(2))) == {0, 0.25, 0.5, 0.75, 1}


def test_a_transformer_alone_drops_from_its_embeddings():
    model = make(encoder="transformer", decoder="transformer", heads=2)
    noise = Noise(0.4, tf.constant([1, 1]))
    _, memory = model.encode(SOURCE, noise)
    whole = tf.gather(model.source_embedding, SOURCE)
    wanted = model.encoder.encode(whole, SOURCE != PAD, noise.at(1)).values
    np.testing.assert_array_equal(memory.values, wanted)


def test_embeddings_may_be_given_instead_of_tokens():
    """Those of a source give what it gives; others what the source of those embeddings gives."""
    model = Seq2Seq(RunConfig(units=8, embedding=6), 12, 13, seed=5)
    one, other = np.array([[4, 5, 3, 0]], np.int32), np.array([[7, 4, 3, 0]], np.int32)
    target = np.array([[6, 3]], np.int32)
    for embedded in (one, other):
        begun = model.encode_embedded(model.embed(embedded), one)
        found = model.predict_all(*begun, target)
        for mine, theirs in zip(found, model.forward(embedded, target), strict=True):
            np.testing.assert_allclose(mine, theirs, atol=1e-6)

import random
from itertools import product

import numpy as np
import pytest
import tensorflow as tf

from workbench.config import RunConfig, SearchSettings
from workbench.data.corpus import Pair
from workbench.data.encoding import Codec
from workbench.data.tokenizer import BEGIN, END, PAD, UNKNOWN
from workbench.model.copying import Copying, copied_ids, mixture, within
from workbench.model.noise import Noise
from workbench.model.seq2seq import DECODERS, Seq2Seq
from workbench.model.storage import build_model, load_weights, save_model
from workbench.search.batch import BatchSearch
from workbench.search.translate import Translator
from workbench.session import Session

SOURCES, TARGETS = 11, 12  # sizes of the vocabularies
TWINS = [-1, -1, -1, END, 7, 4, -1, -1, 9, -1, -1]
# Beyond the vocabulary: 11 + 8 is target piece 8, from 11 + 12 on a piece that nobody knows.
SOURCE = np.array([[4, 23, 6, 23, END], [19, END, PAD, PAD, PAD], [6, 4, 4, END, PAD]], np.int32)
TARGET = np.array([[13, 4, 14, END], [8, END, PAD, PAD], [12, UNKNOWN, END, PAD]], np.int32)
REAL = TARGET != PAD
DECODING = [
    {"decoder": "lstm"},
    {"decoder": "lstm", "input_feeding": True, "layers": 2},
    {"decoder": "gru", "encoder": "gru", "attention": "dot"},
    {"decoder": "rnn", "tie_embeddings": True, "attention": "general"},
    {"decoder": "lstm", "attention_span": "local_p", "attention_window": 1},
    {"decoder": "gru", "attention_span": "monotonic"},
    {"decoder": "lstm", "coverage": True, "precision": "bfloat16"},
    {"decoder": "cnn", "encoder": "cnn", "layers": 2},
    {"decoder": "transformer", "encoder": "transformer", "heads": 2, "layers": 2},
]


def make(seed=2, **settings):
    config = RunConfig(units=6, embedding=4, copy_source=True, **settings)
    model = Seq2Seq(config, SOURCES, TARGETS, seed=seed, twins=TWINS)
    for weight in model.weights:  # strong opinions, so that differences show
        weight.assign(2 * weight)
    return model


@pytest.fixture(params=DECODING, ids=lambda some: "-".join(map(str, some.values())))
def settings(request):
    if request.param["decoder"] not in DECODERS:
        pytest.skip(f"no {request.param['decoder']} decoder")
    return request.param


def test_a_mixture_worked_by_hand():
    """Two steps over two positions: V is 2, position 0 yields piece 1, position 1 is no piece."""
    probabilities = tf.constant([[[0.5, 0.5], [0.9, 0.1]]])
    pointer = tf.constant([[[0.25, 0.75], [1.0, 0.0]]])
    generate = tf.constant([[[0.6], [0.2]]])
    mixed = np.exp(mixture(probabilities, pointer, generate, tf.constant([[1, 3]])))
    # step 0: 0.6 × (0.5, 0.5) + 0.4 × (0, 0.25, 0, 0.75); step 1: 0.2 × (0.9, 0.1) + 0.8 × (0, 1)
    np.testing.assert_allclose(mixed, [[[0.3, 0.4, 0, 0.3], [0.18, 0.82, 0, 0]]], atol=1e-6)


def test_positions_of_one_piece_add_up():
    pointer = tf.constant([[[0.2, 0.5, 0.3]]])
    mixed = mixture(tf.zeros([1, 1, 2]), pointer, tf.zeros([1, 1, 1]), tf.constant([[2, 1, 2]]))
    np.testing.assert_allclose(np.exp(mixed), [[[0, 0.5, 0.5, 0, 0]]], atol=1e-6)


def test_what_attention_leaves_over_generates():
    """Attention of 0.5 on a real position and 0.3 on padding: 0.6 × 0.5 is copied, 0.7 is not."""
    pointer, ids = tf.constant([[[0.5, 0.3]]]), tf.constant([[0, -1]])
    mixed = mixture(tf.constant([[[0.2, 0.8]]]), pointer, tf.constant([[[0.4]]]), ids)
    np.testing.assert_allclose(np.exp(mixed), [[[0.14 + 0.3, 0.56, 0, 0]]], atol=1e-6)


def test_a_piece_that_nothing_yields_has_a_finite_logarithm():
    one = tf.ones([1, 1, 1])
    mixed = mixture(tf.constant([[[1.0, 0.0]]]), one, one, tf.constant([[0]]))
    np.testing.assert_allclose(mixed, [[[0, np.log(1e-20), np.log(1e-20)]]], atol=1e-5)


def test_what_a_position_yields():
    layer = Copying(RunConfig(units=6, embedding=4), TWINS, TARGETS, seed=1)
    ids = layer.remember((), tf.zeros([3, 5, 6]), SOURCE).ids
    wanted = [[7, 12 + 1, 12 + 2, 12 + 1, END], [8, END, -1, -1, -1], [12, 7, 7, END, -1]]
    np.testing.assert_array_equal(ids, wanted)
    ids = copied_ids(tf.constant([[5, 99]]), np.array([-1] * 6), 20)
    np.testing.assert_array_equal(ids, [[20, 21]])


def test_ids_beyond_a_vocabulary_are_unknown():
    np.testing.assert_array_equal(
        within(tf.constant([0, 10, 11, 40]), 11), [0, 10, UNKNOWN, UNKNOWN]
    )


def test_the_choice_is_equation_8():
    layer = Copying(RunConfig(units=2, embedding=1), [-1] * 5, 3, seed=1)
    layer.kernel.assign([[0.1], [0.2], [0.3], [0.4], [0.5]])
    layer.bias.assign([0.6])
    values = tf.constant([[[1.0, 2.0], [3.0, 4.0]]])
    memory = layer.remember((), values, tf.constant([[4, 4]]))
    heads = tf.constant([[[[[1.0, 0.0]], [[0.0, 1.0]]]]])  # whose mean reads the context (2, 3)
    attention = tf.concat([tf.constant([[[[[1.0, 0.0]], [[1.0, 0.0]]]]]), heads], 1)  # [1,2,2,1,2]
    mixed = layer.mix(
        tf.zeros([1, 1, 3]), tf.constant([[[5.0, 6.0]]]), tf.constant([[[7.0]]]), attention, memory
    )
    generate = 1 / (1 + np.exp(-(0.1 * 2 + 0.2 * 3 + 0.3 * 5 + 0.4 * 6 + 0.5 * 7 + 0.6)))
    wanted = [generate / 3] * 3 + [1 - generate, 0]
    np.testing.assert_allclose(np.exp(mixed)[0, 0], wanted, atol=1e-6)


def test_whole_sentences_equal_one_step_after_another(settings):
    model = make(**settings)
    logits, attention = model.forward(SOURCE, TARGET)
    assert logits.shape == (3, 4, TARGETS + 5)
    np.testing.assert_allclose(np.exp(logits).sum(-1)[REAL], 1, atol=1e-5)
    state, memory = model.encode(SOURCE)
    tokens = np.full(3, BEGIN, np.int32)
    for position in range(4):
        step, used, state = model.step(tokens, state, memory)
        real = REAL[:, position]
        # as probabilities: what 1 - p leaves of a float32 is no figure in a logarithm
        np.testing.assert_allclose(
            np.exp(logits.numpy()[real, position]), np.exp(step.numpy()[real]), atol=1e-5
        )
        np.testing.assert_allclose(
            attention.numpy()[real, :, :, position], used.numpy()[real], atol=1e-5
        )
        tokens = TARGET[:, position]


def test_a_gradient_reaches_every_weight(settings):
    model, noise = make(**settings), Noise(0.1, tf.constant([1, 1]))
    with tf.GradientTape() as tape:
        logits, _ = model.forward(SOURCE, TARGET, noise)
        nats = tf.nn.sparse_softmax_cross_entropy_with_logits(TARGET, logits)
        loss = tf.reduce_sum(nats * REAL)
    for variable, gradient in zip(
        model.trainable_variables, tape.gradient(loss, model.trainable_variables), strict=True
    ):
        assert gradient is not None, variable.path
        assert np.isfinite(tf.convert_to_tensor(gradient)).all(), variable.path
    assert {"kernel", "bias"} == {weight.name for weight in model.copying.weights}


def test_padding_changes_nothing(settings):
    model = make(**settings)
    together = model.forward(SOURCE, TARGET)[0].numpy()
    for row in range(3):
        words, tokens = (SOURCE[row] != PAD).sum(), REAL[row].sum()
        alone = model.forward(SOURCE[row : row + 1, :words], TARGET[row : row + 1, :tokens])[0][0]
        size = TARGETS + words
        np.testing.assert_allclose(np.exp(together[row, :tokens, :size]), np.exp(alone), atol=1e-5)
        assert (together[row, :tokens, size:] < -40).all()


def test_a_copied_piece_is_fed_back_as_unknown():
    model = make()
    state, memory = model.encode(SOURCE)
    (copied, *_), (unknown, *_) = (
        model.step(np.full(3, token, np.int32), state, memory) for token in (TARGETS + 1, UNKNOWN)
    )
    np.testing.assert_array_equal(copied, unknown)


def test_given_attention_is_what_is_copied():
    model = make()
    model.copying.bias.assign([-100.0])  # copies always
    state, memory = model.encode(SOURCE)
    given = np.zeros((3, 1, 1, 5), np.float32)
    given[..., 0] = 1
    log_probabilities, _, _ = model.step(np.full(3, BEGIN), state, memory, given)
    np.testing.assert_array_equal(np.argmax(log_probabilities, -1), [7, 8, 12])
    np.testing.assert_allclose(np.max(log_probabilities, -1), 0, atol=1e-5)


def test_a_model_without_copying_is_as_before():
    model = Seq2Seq(RunConfig(units=6, embedding=4), SOURCES, TARGETS, seed=2)
    assert model.copying is None
    assert model.forward(SOURCE % SOURCES, TARGET % TARGETS)[0].shape == (3, 4, TARGETS)


@pytest.mark.parametrize("unit", ["word", "char", "bpe", "unigram"])
@pytest.mark.parametrize("backwards", [False, True])
def test_a_beam_that_copies_writes_the_source(unit, backwards, tmp_path):
    """With the attention of each step on the next position, what comes out is the source."""
    pairs = [Pair("one two three", "uno dos three"), Pair("two one", "dos uno")]
    config = RunConfig(
        units=6, embedding=4, copy_source=True, source_tokens=unit, target_tokens=unit,
        reverse_source=backwards, lowercase=True,
    )  # fmt: skip
    codec = Codec.train(pairs, config)
    built = build_model(config, codec)
    save_model(tmp_path / "model", config, codec, built)
    codec = Codec.load(tmp_path / "model")
    model = build_model(config, codec)
    load_weights(tmp_path / "model", model)
    model.copying.bias.assign([-100.0])

    def encode(source):
        state, memory = model.encode(source)
        return (state, tf.zeros(tf.shape(source)[0], tf.int32)), memory

    def step(tokens, state, memory):
        state, position = state
        words = tf.reduce_sum(tf.cast(memory.ids >= 0, tf.int32), 1)
        place = words - 2 - position if backwards else position
        given = tf.one_hot(tf.where(place < 0, words - 1, place), tf.shape(memory.ids)[1])
        logits, used, state = model.step(tokens, state, memory, given[:, None, None])
        return logits, used, (state, position + 1)

    translator = Translator(BatchSearch(encode, step), codec)
    texts = ["two Żółw three", "żółw żółw", "one"]
    search = SearchSettings(beam_width=3, max_decode_length=20)
    found = translator([Pair(text, "") for text in texts], search, record=True)
    assert [each.text for each in found] == [text.lower() for text in texts]
    assert all(each.best.finished for each in found)
    assert found[0].best.words[-2] == 2
    if unit == "word":
        assert found[0].best.tokens == ("two", "żółw", "three", "<end>")
        assert "żółw" in {candidate.token for candidate in found[1].beam.candidates}


SYLLABLES = ("ba", "lo", "mi", "ru", "ke", "sa", "to", "ni", "zu")
GREETINGS = (("my name is {}", "hello {}"), ("call me {} please", "good evening {} !"))


def test_unseen_names_are_copied(tmp_path):
    """The vocabularies hold the words of the frames only; test names were never seen at all."""
    seed = 4
    print("seed", seed)
    names = ["".join(syllables).capitalize() for syllables in product(SYLLABLES, repeat=3)]
    random.Random(seed).shuffle(names)
    splits = {"train": names[:300], "validation": names[300:310], "test": names[310:340]}
    for name, some in splits.items():
        lines = [f"{source}\t{target}\n".replace("{}", who)
                 for place, who in enumerate(some)
                 for source, target in [GREETINGS[place % 2]]]  # fmt: skip
        (tmp_path / f"{name}.tsv").write_text("".join(lines))
    config = RunConfig(
        **{f"{name}_file": tmp_path / f"{name}.tsv" for name in splits},
        copy_source=True, source_vocabulary=10, target_vocabulary=8, units=16, embedding=16,
        learning_rate=0.02, epochs=12, batch_size=32, validation_sentences=2, probe_sentences=0,
        evaluate_every=1000, run_directory=tmp_path / "run", live=False, seed=seed,
    )  # fmt: skip
    session = Session(config)
    session.train()
    assert set(session.codec.target.pieces[4:]) == {"▁hello", "▁good", "▁evening", "▁!"}
    evaluation, found = session.evaluate("test")
    assert [each.text for each in found] == [each.reference for each in found]
    assert evaluation.figures["token_accuracy"] == 1
    opened = Session.open(tmp_path / "run")
    text = "call me Zaphod please"
    assert opened.translate(text).text == session.translate(text).text == "good evening Zaphod !"
    scored = opened.score(text, "good evening Zaphod !").best
    assert scored.tokens == ("good", "evening", "Zaphod", "!", "<end>")
    assert scored.log_probability > np.log(0.5)
    assert opened.score(text, "good evening Arthur !").best.tokens[2] == "<unknown>"

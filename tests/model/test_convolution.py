import keras
import numpy as np
import pytest
import tensorflow as tf

from workbench.config import RunConfig, SearchSettings
from workbench.data.tokenizer import BEGIN, END, PAD, UNKNOWN
from workbench.model.convolution import (
    ConvolutionalDecoder,
    ConvolutionalEncoder,
    Entry,
    GatedConvolution,
    Linear,
)
from workbench.model.encoder import Encoded
from workbench.model.noise import Noise, drop, survive
from workbench.model.seq2seq import Seq2Seq
from workbench.search.batch import BatchSearch

UNITS, WIDTH = 8, 6
MASK = np.arange(5) < np.array([[5], [2]])
SOURCE = np.array([[4, 5, 6, 7, END], [8, END, PAD, PAD, PAD], [9, 4, END, PAD, PAD]], np.int32)
TARGET = np.array([[5, 4, 7, END], [6, END, PAD, PAD], [8, 9, END, PAD]], np.int32)
REAL = TARGET != PAD
ROOT_HALF = np.sqrt(0.5)
SILENT = Noise(0.0, tf.constant([1, 1]))  # training without dropout
PAIRS = [("cnn", "cnn"), ("lstm", "cnn"), ("cnn", "gru"), ("cnn", "lstm")]


def draw(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).normal(size=shape).astype("f")


def settings(**changes):
    chosen = {"units": UNITS, "embedding": WIDTH, "encoder": "cnn", "decoder": "cnn"}
    return RunConfig(**chosen | changes)


def make(seed=2, **changes):
    return Seq2Seq(settings(**changes), 11, 12, seed=seed)


def shake(layer):
    """Give every weight, the zero biases too, a value of its own."""
    for place, weight in enumerate(layer.weights):
        weight.assign(0.5 * draw(*weight.shape, seed=place))
    return layer


def glu(convolution, window):
    """Section 3.2 in NumPy, of one window [K, U]."""
    kernel, bias = convolution.get_weights()
    values, gates = np.split(np.einsum("ku,kuv->v", window, kernel) + bias, 2)
    return values / (1 + np.exp(-gates))


def linear(layer, inputs):
    kernel, bias = layer.get_weights()
    return inputs @ kernel + bias


def place(entry, embedded):
    """Section 3.1 in NumPy, of one sentence [T, D]: what convolutions and attention take."""
    placed = embedded + entry.positions.positions.numpy()[: len(embedded)]
    widened = linear(entry.widen, placed)
    return widened, placed if placed.shape == widened.shape else widened


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_a_gated_convolution_in_numpy(width):
    convolution = shake(GatedConvolution(settings(kernel_width=width), seed=1))
    inputs = draw(2, 7, UNITS)
    outputs = convolution.convolve(inputs)
    assert outputs.shape == (2, 8 - width, UNITS)
    for row, start in np.ndindex(2, 8 - width):
        wanted = glu(convolution, inputs[row, start : start + width])
        np.testing.assert_allclose(outputs[row, start], wanted, atol=1e-5)


def test_weights_begin_with_the_variance_of_the_paper():
    """4 p / n where a gate follows and 1 / n elsewhere (section 3.5)."""
    chosen = settings(units=32, kernel_width=5, dropout=0.2)
    decoder = ConvolutionalDecoder(chosen, seed=1)
    kernel = decoder.convolutions[0].kernel.numpy()
    assert kernel.var() == pytest.approx(4 * 0.8 / (5 * 32), rel=0.06)  # four standard deviations
    assert decoder.queries[0].kernel.numpy().var() == pytest.approx(1 / 32, rel=0.18)
    assert not np.array_equal(kernel, ConvolutionalDecoder(chosen, seed=2).convolutions[0].kernel)


@pytest.mark.parametrize("embedding", [WIDTH, UNITS])
@pytest.mark.parametrize("width", [1, 2, 3])
def test_an_encoder_of_two_layers_in_numpy(width, embedding):
    chosen = settings(layers=2, kernel_width=width, embedding=embedding)
    encoder = shake(ConvolutionalEncoder(chosen, seed=1))
    embedded = draw(2, 5, embedding)
    encoded = encoder.encode(embedded, MASK)
    for row, length in enumerate(MASK.sum(1)):
        inputs, e = place(encoder.entry, embedded[row, :length])
        for convolution in encoder.convolutions:
            padded = np.pad(inputs, [((width - 1) // 2, width // 2), (0, 0)])
            outputs = [glu(convolution, padded[t : t + width]) for t in range(length)]
            inputs = (inputs + np.stack(outputs)) * ROOT_HALF
        z = linear(encoder.leave, inputs)
        np.testing.assert_allclose(encoded.keys[row, :length], z, atol=1e-5)
        np.testing.assert_allclose(encoded.values[row, :length], z + e, atol=1e-5)
        assert len(encoded.states) == 2
        for (state,) in encoded.states:
            np.testing.assert_allclose(state[row], (z + e).mean(0), atol=1e-5)
    np.testing.assert_array_equal(encoded.mask, MASK)


@pytest.mark.parametrize("embedding", [WIDTH, UNITS])
def test_two_steps_of_multi_step_attention_in_numpy(embedding):
    """Equations 1 and 2, scaled as in section 3.4."""
    decoder = shake(ConvolutionalDecoder(settings(embedding=embedding, kernel_width=2), seed=1))
    values, keys, tokens = draw(2, 5, UNITS), draw(2, 5, UNITS, seed=1), draw(2, 2, embedding)
    source = Encoded(tf.constant(values), (), tf.constant(MASK), tf.constant(keys))
    state, memory = decoder.begin(source)
    steps = []
    for position in range(2):
        vector, attention, state = decoder.step(tokens[:, position], state, memory)
        steps.append((vector, attention))
    for row, m in enumerate(MASK.sum(1)):
        inputs, g = place(decoder.entry, tokens[row])
        before = np.zeros(UNITS)
        for position, (vector, attention) in enumerate(steps):
            h = glu(decoder.convolutions[0], np.stack([before, inputs[position]]))
            d = linear(decoder.queries[0], h) + g[position]
            a = np.exp(keys[row, :m] @ d)
            a /= a.sum()
            c = m * np.sqrt(1 / m) * (a @ values[row, :m])
            wanted = ((h + c) * ROOT_HALF + inputs[position]) * ROOT_HALF
            np.testing.assert_allclose(attention[row, 0, 0, :m], a, atol=1e-5)
            assert not attention[row, 0, 0, m:].numpy().any()
            np.testing.assert_allclose(vector[row], linear(decoder.leave, wanted), atol=1e-4)
            before = inputs[position]
    np.testing.assert_array_equal(state.position, [2, 2])


@pytest.mark.parametrize(("layers", "width"), [(1, 1), (1, 3), (2, 3), (3, 3), (2, 5), (2, 2)])
def test_what_an_encoder_sees(layers, width):
    """n (k - 1) / 2 tokens on each side where k is odd, one more behind where it is even."""
    encoder = shake(ConvolutionalEncoder(settings(layers=layers, kernel_width=width), seed=1))
    embedded, mask = draw(1, 15, WIDTH), np.ones([1, 15], bool)
    changed = embedded.copy()
    changed[0, 7] += 1
    before, after = encoder.encode(embedded, mask).values, encoder.encode(changed, mask).values
    places = np.flatnonzero(np.any(np.abs(before - after)[0] > 1e-6, -1))
    first, last = 7 - layers * (width // 2), 7 + layers * ((width - 1) // 2)
    np.testing.assert_array_equal(places, np.arange(first, last + 1))


@pytest.mark.parametrize(("layers", "width"), [(1, 1), (1, 3), (2, 3), (3, 2), (2, 4)])
def test_what_a_decoder_sees(layers, width):
    decoder = shake(ConvolutionalDecoder(settings(layers=layers, kernel_width=width), seed=1))
    source = Encoded(tf.constant(draw(1, 5, UNITS)), (), tf.constant(MASK[:1]))
    embedded, mask = draw(1, 12, WIDTH), np.ones([1, 12], bool)
    changed = embedded.copy()
    changed[0, 4] += 1
    before, _ = decoder.unroll(embedded, mask, *decoder.begin(source))
    after, _ = decoder.unroll(changed, mask, *decoder.begin(source))
    places = np.flatnonzero(np.any(np.abs(before - after)[0] > 1e-6, -1))
    np.testing.assert_array_equal(places, np.arange(4, 4 + layers * (width - 1) + 1))


@pytest.mark.parametrize("width", [1, 2, 3, 4])
@pytest.mark.parametrize(("encoder", "decoder"), PAIRS)
def test_whole_sentences_equal_one_step_after_another(encoder, decoder, width):
    model = shake(make(encoder=encoder, decoder=decoder, layers=2, kernel_width=width))
    logits, attention = model.forward(SOURCE, TARGET)
    assert attention.shape == (3, 2 if decoder == "cnn" else 1, 1, 4, 5)
    state, memory = model.encode(SOURCE)
    tokens = np.full(3, BEGIN, np.int32)
    for position in range(4):
        now, used, state = model.step(tokens, state, memory)
        real = REAL[:, position]
        np.testing.assert_allclose(logits.numpy()[real, position], now.numpy()[real], atol=1e-4)
        np.testing.assert_allclose(
            attention.numpy()[real, :, :, position], used.numpy()[real], atol=1e-5
        )
        tokens = TARGET[:, position]


def test_unrolling_goes_on_from_any_state():
    decoder = shake(ConvolutionalDecoder(settings(layers=2), seed=1))
    embedded, mask = draw(2, 6, WIDTH), np.ones([2, 6], bool)
    state, memory = decoder.begin(Encoded(tf.constant(draw(2, 5, UNITS)), (), tf.constant(MASK)))
    vectors, attention = decoder.unroll(embedded, mask, state, memory)
    for position in range(2):
        _, _, state = decoder.step(embedded[:, position], state, memory)
    later, later_attention = decoder.unroll(embedded[:, 2:], mask[:, 2:], state, memory)
    np.testing.assert_allclose(later, vectors[:, 2:], atol=1e-4)
    np.testing.assert_allclose(later_attention, attention[:, :, :, 2:], atol=1e-5)


def test_the_state_keeps_its_shape():
    decoder = ConvolutionalDecoder(settings(layers=2, kernel_width=4), seed=1)
    state, memory = decoder.begin(Encoded(tf.constant(draw(2, 5, UNITS)), (), tf.constant(MASK)))
    for position in range(6):
        assert [window.shape for window in state.windows] == [(2, 3, UNITS)] * 2
        np.testing.assert_array_equal(state.position, [position, position])
        _, _, state = decoder.step(draw(2, WIDTH), state, memory)


@pytest.mark.parametrize(("encoder", "decoder"), PAIRS)
def test_padding_changes_nothing(encoder, decoder):
    model = shake(make(encoder=encoder, decoder=decoder, layers=2, kernel_width=4))
    together, together_attention = model.forward(SOURCE, TARGET)
    for row in range(3):
        source = SOURCE[row : row + 1, : (SOURCE[row] != PAD).sum()]
        target = TARGET[row : row + 1, : REAL[row].sum()]
        logits, attention = model.forward(source, target)
        tokens, words = target.shape[1], source.shape[1]
        np.testing.assert_allclose(together[row, :tokens], logits[0], atol=1e-4)
        np.testing.assert_allclose(
            together_attention[row, :, :, :tokens, :words], attention[0], atol=1e-5
        )
        assert not together_attention[row, :, :, :, words:].numpy().any()


@pytest.mark.parametrize("tie_embeddings", [False, True])
@pytest.mark.parametrize(("encoder", "decoder"), PAIRS)
def test_a_gradient_reaches_every_weight(encoder, decoder, tie_embeddings):
    model = make(encoder=encoder, decoder=decoder, layers=2, tie_embeddings=tie_embeddings)
    with tf.GradientTape() as tape:
        logits, _ = model.forward(SOURCE, TARGET, SILENT)
        nats = tf.nn.sparse_softmax_cross_entropy_with_logits(TARGET, logits)
        loss = tf.reduce_sum(nats * REAL)
    gradients = tape.gradient(loss, model.trainable_variables)
    assert len(gradients) == len(model.weights)
    for variable, gradient in zip(model.trainable_variables, gradients, strict=True):
        assert np.abs(tf.convert_to_tensor(gradient)).max() > 0, variable.path


def test_positions_matter():
    """One word again and again: only its position tells one place from another."""
    chosen, mask = settings(layers=2), np.ones([1, 12], bool)
    embedded = np.ones([1, 12, WIDTH], "f")
    encoder, decoder = ConvolutionalEncoder(chosen, seed=1), ConvolutionalDecoder(chosen, seed=2)

    def vectors():
        encoded = encoder.encode(embedded, mask)
        return encoded.values, decoder.unroll(embedded, mask, *decoder.begin(encoded))[0]

    for each in vectors():
        assert not np.allclose(each[0, 5], each[0, 6], atol=1e-3)
    encoder.entry.positions.positions.assign(tf.zeros([101, WIDTH]))
    decoder.entry.positions.positions.assign(tf.zeros([101, WIDTH]))
    for each in vectors():
        np.testing.assert_allclose(each[0, 5], each[0, 6], atol=1e-6)


def test_positions_are_counted_from_the_first_to_the_last_row():
    entry = Entry(settings(embedding=UNITS, max_length=3, max_decode_length=2), seed=1)
    _, placed = entry.enter(tf.zeros([2, 3, UNITS]), tf.constant([0, 2]))
    table = entry.positions.positions.numpy()
    assert table.shape == (4, UNITS)
    np.testing.assert_array_equal(placed, table[[[0, 1, 2], [2, 3, 3]]])


def test_given_attention_is_read_and_returned_in_every_layer():
    model = shake(make(layers=2))
    state, memory = model.encode(SOURCE)
    tokens = np.full(3, BEGIN, np.int32)
    own_logits, own, _ = model.step(tokens, state, memory)
    same, _, _ = model.step(tokens, state, memory, own)
    np.testing.assert_allclose(same, own_logits, atol=1e-4)
    for layer in range(2):
        given = own.numpy()
        given[:, layer] = [1, 0, 0, 0, 0]
        logits, used, _ = model.step(tokens, state, memory, given)
        np.testing.assert_array_equal(used, given)
        assert not np.allclose(logits, own_logits, atol=1e-3)


def test_keys_are_the_values_of_an_encoder_that_has_no_others():
    values = tf.constant(draw(2, 5, UNITS))
    decoder = ConvolutionalDecoder(settings(), seed=1)
    _, memory = decoder.begin(Encoded(values, (), tf.constant(MASK)))
    np.testing.assert_array_equal(memory.keys, values)
    np.testing.assert_array_equal(memory.values, values)


def test_noise_drops_inputs_and_skips_layers_of_the_encoder():
    chosen = settings(layers=2, kernel_width=1, stochastic_depth=0.8, decoder="lstm")
    encoder = shake(ConvolutionalEncoder(chosen, seed=1))
    embedded, mask = draw(40, 3, WIDTH), np.ones([40, 3], bool)
    noise = Noise(0.4, tf.constant([1, 1]))
    inputs, _ = encoder.entry.enter(embedded, tf.zeros([1], tf.int32))
    for layer, rate in enumerate([0.4, 0.8]):
        branch = encoder.convolutions[layer].convolve(drop(inputs, noise, layer))
        inputs = (inputs + survive(branch, noise, 200 + layer, rate)) * ROOT_HALF
    keys = encoder.encode(embedded, mask, noise).keys
    np.testing.assert_allclose(keys, encoder.leave.project(inputs), atol=1e-5)
    assert not np.allclose(keys, encoder.encode(embedded, mask).keys, atol=1e-3)


def test_a_skipped_layer_of_the_decoder_reads_nothing():
    """Without its branch, attention too, the input is all that leaves the layer."""
    chosen = settings(stochastic_depth=0.7)
    decoder = shake(ConvolutionalDecoder(chosen, seed=1))
    embedded, mask = draw(1000, 3, WIDTH), np.ones([1000, 3], bool)
    source = Encoded(tf.constant(draw(1000, 3, UNITS)), (), tf.constant(mask))
    state, memory = decoder.begin(source)
    vectors, _ = decoder.unroll(embedded, mask, state, memory, SILENT)
    inputs, _ = decoder.entry.enter(embedded, state.position)
    alone = decoder.leave.project(inputs * ROOT_HALF)
    skipped = np.all(np.abs(vectors - alone) < 1e-5, (1, 2))
    assert skipped.mean() == pytest.approx(0.7, abs=0.06)  # four standard deviations


def test_noise_is_a_function_of_its_seed():
    model = make(layers=2)

    def logits(seed, rate=0.4):
        return model.forward(SOURCE, TARGET, Noise(rate, tf.constant(seed)))[0].numpy()

    np.testing.assert_array_equal(logits([1, 1]), logits([1, 1]))
    assert not np.allclose(logits([1, 1]), logits([1, 2]))
    np.testing.assert_array_equal(logits([1, 1], 0.0), model.forward(SOURCE, TARGET)[0])


@pytest.mark.parametrize(("decoder", "share"), [("cnn", 1 / 3), ("lstm", 1)])
def test_attentions_share_the_gradient_of_the_encoder(decoder, share):
    """Section 3.4: as many attentions as layers read it; outside training nothing is shared."""
    encoder = ConvolutionalEncoder(settings(layers=3, decoder=decoder), seed=1)

    def gradient(noise):
        with tf.GradientTape() as tape:
            keys = encoder.encode(draw(2, 5, WIDTH), MASK, noise).keys
            total = tf.reduce_sum(keys * draw(2, 5, UNITS))
        return tape.gradient(total, encoder.leave.kernel)

    np.testing.assert_allclose(gradient(SILENT), share * gradient(None), rtol=1e-5)


def test_half_precision_rounds_every_product():
    """Eight bits of a number remain (bfloat16): near what float32 gives, and not that."""
    precise, half, inputs = settings(), settings(precision="bfloat16"), draw(2, 5, UNITS)
    for exact, rounded in (
        (Linear(UNITS, kind, 1).project(inputs) for kind in (precise, half)),
        (GatedConvolution(kind, 1).convolve(inputs) for kind in (precise, half)),
    ):
        assert rounded.dtype == tf.float32
        assert not np.array_equal(exact, rounded)
        np.testing.assert_allclose(exact, rounded, atol=0.1)


def test_noise_drops_what_a_layer_of_the_decoder_looks_at():
    decoder, noise = ConvolutionalDecoder(settings(), seed=1), Noise(0.4, tf.constant([1, 1]))
    state, memory = decoder.begin(Encoded(tf.constant(draw(2, 5, UNITS)), (), tf.constant(MASK)))
    embedded = draw(2, WIDTH)
    _, _, new = decoder.step(embedded, state, memory, noise=noise)
    inputs, _ = decoder.entry.enter(embedded[:, None], state.position)
    wanted = drop(inputs, noise, 100)[:, 0]
    assert (wanted.numpy() == 0).any()
    np.testing.assert_array_equal(new.windows[0][:, -1], wanted)


def test_weights_go_to_a_file_and_back(tmp_path):
    model, other = make(layers=2), make(seed=3, layers=2)
    shake(model).save_weights(tmp_path / "model.weights.h5")
    other.load_weights(tmp_path / "model.weights.h5")
    assert all(map(np.array_equal, model.get_weights(), other.get_weights()))


def searching(width, limit):
    return SearchSettings(beam_width=width, max_decode_length=limit)


@pytest.mark.parametrize("width", [1, 3])
def test_search_finds_what_greedy_stepping_finds(width):
    model = shake(make(layers=2, kernel_width=width))
    record = BatchSearch(model.encode, model.step)(SOURCE, searching(1, 6))
    state, memory = model.encode(SOURCE)
    tokens, done, steps = np.full(3, BEGIN, np.int32), np.zeros(3, bool), 0
    while steps < 6 and not done.all():
        logits, attention, state = model.step(tokens, state, memory)
        logits = logits.numpy()
        logits[:, [PAD, UNKNOWN, BEGIN]] = -np.inf
        tokens = logits.argmax(-1).astype("i")
        np.testing.assert_array_equal(record.tokens[steps, ~done, 0], tokens[~done])
        np.testing.assert_allclose(record.attention[steps, ~done, 0], attention[~done], atol=1e-5)
        done |= tokens == END
        steps += 1
    assert steps == len(record.tokens) > 1


def test_a_beam_carries_the_cache_of_every_row():
    """The score that the search kept is the one of the whole sentence."""
    model = shake(make(layers=2))
    record = BatchSearch(model.encode, model.step)(SOURCE, searching(4, 6))
    for sentence in range(3):
        for step, candidate in record.best(sentence, 4):
            path = record.path(step, sentence, candidate)
            target = np.array([[record.tokens[t, sentence, c] for t, c in path]], np.int32)
            logits, _ = model.forward(SOURCE[sentence : sentence + 1], target)
            each = tf.nn.log_softmax(logits).numpy()
            total = sum(each[0, t, token] for t, token in enumerate(target[0]))
            assert record.log_probabilities[step, sentence, candidate] == pytest.approx(
                total, abs=1e-4
            )


def test_it_learns_to_copy_three_tokens():
    model = make(units=32, embedding=32, layers=2, dropout=0, seed=7)
    draws = np.random.default_rng(7)
    optimizer = keras.optimizers.Adam(0.005)
    optimizer.build(model.trainable_variables)

    def batch(size):
        ends = np.full([size, 1], END)
        return np.concatenate([draws.integers(4, 11, [size, 3]), ends], 1).astype("i")

    @tf.function(autograph=False)
    def learn(text):
        with tf.GradientTape() as tape:
            logits, _ = model.forward(text, text, SILENT)
            nats = tf.nn.sparse_softmax_cross_entropy_with_logits(text, logits)
            loss = tf.reduce_mean(nats)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply(gradients, model.trainable_variables)
        return loss

    for _ in range(60):
        loss = learn(tf.constant(batch(32)))
    assert loss < 0.1
    text = batch(50)
    record = BatchSearch(model.encode, model.step)(text, searching(1, 4))
    np.testing.assert_array_equal(record.tokens[:, :, 0].T, text)

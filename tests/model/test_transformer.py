from functools import partial
from itertools import product

import numpy as np
import pytest
import tensorflow as tf

from workbench.config import RunConfig
from workbench.data.tokenizer import BEGIN, END, PAD
from workbench.errors import RunError
from workbench.model.decoder import Decoder
from workbench.model.encoder import Encoded
from workbench.model.noise import Noise
from workbench.model.positions import capacity
from workbench.model.seq2seq import Seq2Seq
from workbench.model.transformer import TransformerDecoder, TransformerEncoder

SOURCE = np.array([[4, 5, 6, 7, END], [8, END, PAD, PAD, PAD], [9, 4, END, PAD, PAD]], np.int32)
TARGET = np.array([[5, 4, 7, 9, 6, END], [6, END] + [PAD] * 4, [8, 9, END] + [PAD] * 3], np.int32)
REAL = TARGET != PAD
QUIET = Noise(0.0, tf.constant([1, 1]))  # training without dropout

KINDS = [
    {"norm": norm, "positions": positions}
    for norm, positions in product(["post", "pre"], ["sinusoidal", "learned", "relative"])
]
SEGMENTS = [
    {"norm": norm, "positions": "relative", "segment": segment, "segment_memory": memory}
    for norm, segment, memory in [("post", 2, 0), ("pre", 2, 1), ("post", 2, 3), ("pre", 4, 5)]
] + [{"positions": "relative", "segment": 6}, {"positions": "relative", "segment": 1}]
OTHERS = [
    {"tie_embeddings": True},
    {"tie_embeddings": True, "embedding": 5},
    {"feed_forward": 3, "heads": 1, "layers": 1},
    {"encoder": "lstm"},
    {"encoder": "transformer", "decoder": "lstm", "input_feeding": True},
    {"encoder": "transformer", "decoder": "gru", "attention": "none"},
]


def settings(**changes):
    chosen = {"encoder": "transformer", "decoder": "transformer", "units": 8, "embedding": 8,
              "heads": 2, "layers": 2, "max_length": 7, "max_decode_length": 6}  # fmt: skip
    return RunConfig(**chosen | changes)


def make(seed=2, **changes):
    return Seq2Seq(settings(**changes), 11, 12, seed=seed)


def named(chosen):
    return "-".join(map(str, chosen.values()))


def draw(*shape):
    return np.random.default_rng(shape).normal(size=shape).astype("f")


@pytest.mark.parametrize("chosen", KINDS + SEGMENTS + OTHERS, ids=named)
def test_whole_sentences_equal_one_step_after_another(chosen):
    model = make(**chosen)
    logits, attention = model.forward(SOURCE, TARGET)
    state, memory = model.encode(SOURCE)
    tokens = np.full(3, BEGIN, np.int32)
    for position in range(6):
        step_logits, step_attention, state = model.step(tokens, state, memory)
        real = REAL[:, position]
        np.testing.assert_allclose(
            logits.numpy()[real, position], step_logits.numpy()[real], atol=1e-5
        )
        np.testing.assert_allclose(
            attention.numpy()[real, :, :, position], step_attention.numpy()[real], atol=1e-6
        )
        tokens = TARGET[:, position]


@pytest.mark.parametrize("chosen", KINDS + SEGMENTS[1:2] + OTHERS, ids=named)
def test_a_gradient_reaches_every_weight(chosen):
    model = make(**chosen)
    with tf.GradientTape() as tape:
        logits, _ = model.forward(SOURCE, TARGET, QUIET)
        nats = tf.nn.sparse_softmax_cross_entropy_with_logits(TARGET, logits)
        loss = tf.reduce_sum(nats * REAL)
    gradients = tape.gradient(loss, model.trainable_variables)
    for variable, gradient in zip(model.trainable_variables, gradients, strict=True):
        assert gradient is not None, variable.path
        if not variable.path.endswith(("key_bias", "content_bias")):  # which softmax may cancel
            assert np.abs(tf.convert_to_tensor(gradient)).max() > 0, variable.path


@pytest.mark.parametrize("chosen", KINDS + SEGMENTS[:2], ids=named)
def test_attention_sums_to_one_over_real_positions(chosen):
    _, attention = make(**chosen).forward(SOURCE, TARGET)
    assert attention.shape == (3, 2, 2, 6, 5)
    np.testing.assert_allclose(attention.numpy().sum(-1), 1, atol=1e-6)
    hidden = np.broadcast_to((SOURCE == PAD)[:, None, None, None], attention.shape)
    assert not attention.numpy()[hidden].any()


@pytest.mark.parametrize("chosen", [*KINDS, SEGMENTS[1], *OTHERS[3:]], ids=named)
def test_padding_changes_nothing(chosen):
    model = make(**chosen)
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


def test_masked_values_change_nothing():
    chosen = settings()
    mask = SOURCE != PAD
    decoder, encoder = TransformerDecoder(chosen, seed=1), TransformerEncoder(chosen, seed=1)
    values = draw(3, 5, 8)
    changed = np.where(mask[:, :, None], values, 100)
    embedded = draw(3, 8)
    first, second = (
        decoder.step(embedded, *decoder.begin(Encoded(each, (), mask)))[0]
        for each in (values, changed)
    )
    np.testing.assert_array_equal(first, second)
    first, second = encoder.encode(values, mask), encoder.encode(changed, mask)
    np.testing.assert_array_equal(first.values[mask], second.values[mask])
    np.testing.assert_array_equal(first.states[0][0], second.states[0][0])


@pytest.mark.parametrize("chosen", KINDS + SEGMENTS[1:2], ids=named)
def test_a_position_sees_the_tokens_before_it_only(chosen):
    model = make(**chosen)
    before, _ = model.forward(SOURCE, TARGET)
    for position in (0, 3):
        changed = TARGET.copy()
        changed[0, position] = 10
        after, _ = model.forward(SOURCE, changed)
        upto = position + 1
        np.testing.assert_allclose(after[0, :upto], before[0, :upto], atol=1e-6)
        assert np.abs(after[0, upto] - before[0, upto]).max() > 1e-4


def wave(shape, start):
    return np.sin(start + np.arange(np.prod(shape))).reshape(shape).astype("f")


def set_as_pytorch_does(side, first):
    """Fill one side's weights with waves in the order of PyTorch's, kernels turned over."""
    [layer] = side.layers
    place = first
    attentions = [each for each in (layer.self_attention, layer.cross_attention) if each]
    for attention in attentions:
        for names in (("query", "key", "value"), ("output",)):
            for part, turn in (("kernel", np.transpose), ("bias", np.asarray)):
                weights = [getattr(attention, f"{name}_{part}") for name in names]
                whole = 0.5 * wave((len(names) * 4, *weights[0].shape[1:]), place)
                for weight, values in zip(weights, np.split(whole, len(names)), strict=True):
                    weight.assign(turn(values))
                place += 1
    for dense in (layer.wide, layer.narrow):
        kernel, bias = dense.weights
        dense.set_weights(
            [0.5 * wave(kernel.shape[::-1], place).T, 0.5 * wave(bias.shape, place + 1)]
        )
        place += 2
    for norm in [*layer.norms, side.last][: len(layer.norms) + (side.last is not None)]:
        norm.set_weights([1 + 0.5 * wave((4,), place), 0.5 * wave((4,), place + 1)])
        place += 2


# `torch.nn.Transformer` 2.13.0 (4 units, 2 heads, 1 layer, 6 inner units, no dropout), parameter
# number p holding 0.5 sin(p + 0, 1, 2, …), and 1 more in the gain of a normalization; the last
# normalization of each side was taken out for post-norm. Inputs are sin(100 + …)
# and sin(200 + …). Padded sources of the second sentence are hidden and left out here.
PYTORCH = {
    "post": (
        [[-1.1234926, -0.8085323, 1.1630892, 1.2631211],
         [0.5841832, -0.9236441, 0.031229, 0.5749965],
         [0.710583, -0.3557691, -0.1730423, -0.6716303],
         [-0.366182, -1.1044526, 0.6261943, 1.6083676]],
        [[[-0.4283073, -1.5425578, 0.3604917, 0.7086243],
          [1.2681016, -1.4185916, -0.3213156, 0.4436329]],
         [[0.8047968, -0.2568921, -0.0450856, -1.053767],
          [-0.3700736, -1.5469065, 0.0370824, 1.1829363]]],
    ),
    "pre": (
        [[-0.3429621, -0.3747346, 2.855752, -0.4322472],
         [1.022013, -1.4526992, 0.4577402, 0.4013531],
         [1.2963774, 0.5792545, -0.028848, -1.8894703],
         [-0.2415463, -0.9134715, 0.7871786, 1.8072276]],
        [[[-0.4924741, -1.5349404, 1.0371689, 0.2806936],
          [1.7332307, -2.231759, 0.4316225, -0.3490151]],
         [[1.9486092, -1.91533, 0.64867, -0.7823887],
          [0.384142, -2.1211936, 0.6520103, 0.2871953]]],
    ),
}  # fmt: skip


@pytest.mark.parametrize("norm", PYTORCH)
def test_the_same_numbers_as_pytorch(norm):
    # Distances whose kernel is zero count for nothing, as in PyTorch's module.
    chosen = settings(units=4, embedding=4, layers=1, feed_forward=6, positions="relative",
                      norm=norm)  # fmt: skip
    encoder, decoder = TransformerEncoder(chosen, seed=1), TransformerDecoder(chosen, seed=1)
    set_as_pytorch_does(encoder, 0)
    set_as_pytorch_does(decoder, 14 if encoder.last else 12)
    for side in (encoder, decoder):
        side.layers[0].self_attention.relative.kernel.assign(np.zeros((4, 4)))
    real = np.array([[True, True, True], [True, False, False]])
    encoded = encoder.encode(wave((2, 3, 4), 100) / 2, real)
    written = np.ones((2, 2), bool)
    vectors, _ = decoder.unroll(wave((2, 2, 4), 200) / 2, written, *decoder.begin(encoded))
    values, decoded = PYTORCH[norm]
    np.testing.assert_allclose(encoded.values.numpy()[real], values, atol=1e-5)
    np.testing.assert_allclose(vectors, decoded, atol=1e-5)


def normalized(x, norm):
    gain, shift = norm.get_weights()
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5) * gain + shift


@pytest.mark.parametrize("norm", ["post", "pre"])
def test_an_encoder_layer_in_numpy(norm):
    encoder = TransformerEncoder(settings(layers=1, norm=norm, embedding=5), seed=1)
    for place, weight in enumerate(encoder.weights):
        weight.assign(weight + 0.1 * wave(weight.shape, place))
    embedded, [layer] = draw(1, 3, 5), encoder.layers
    angles = np.arange(3)[:, None] / 10_000 ** (np.arange(4) / 4)
    positions = np.stack([np.sin(angles), np.cos(angles)], -1).reshape(3, 8)
    x = embedded[0] @ encoder.entry.widen.numpy() * np.sqrt(8) + positions

    def attend(x):
        weights = [weight.numpy() for weight in layer.self_attention.weights]
        q, k, v = (x @ weights[2 * place] + weights[2 * place + 1] for place in range(3))
        heads = []
        for own in (slice(0, 4), slice(4, 8)):
            energy = np.exp(q[:, own] @ k[:, own].T / 2)
            heads.append(energy / energy.sum(-1, keepdims=True) @ v[:, own])
        return np.concatenate(heads, -1) @ weights[6] + weights[7]

    def feed_forward(x):
        (first, first_bias), (second, second_bias) = (
            each.get_weights() for each in (layer.wide, layer.narrow)
        )
        return np.maximum(x @ first + first_bias, 0) @ second + second_bias

    for branch, place in ((attend, 0), (feed_forward, 1)):
        if norm == "post":  # Vaswani et al. 2017, section 3.1
            x = normalized(x + branch(x), layer.norms[place])
        else:  # Xiong et al. 2020, table 1
            x = x + branch(normalized(x, layer.norms[place]))
    x = normalized(x, encoder.last) if norm == "pre" else x
    encoded = encoder.encode(embedded, np.ones((1, 3), bool))
    np.testing.assert_allclose(encoded.values[0], x, atol=1e-5)


def test_states_are_the_mean_of_real_values():
    encoder = TransformerEncoder(settings(), seed=1)
    encoded = encoder.encode(draw(3, 5, 8), tf.constant(SOURCE != PAD))
    assert len(encoded.states) == 2
    for row, length in enumerate([5, 2, 3]):
        wanted = encoded.values.numpy()[row, :length].mean(0)
        for (state,) in encoded.states:
            np.testing.assert_allclose(state[row], wanted, atol=1e-6)


def test_given_attention_is_used_and_returned():
    model = make()
    state, memory = model.encode(SOURCE)
    tokens = np.full(3, BEGIN, np.int32)
    own_logits, own, _ = model.step(tokens, state, memory)
    same, _, _ = model.step(tokens, state, memory, own)
    np.testing.assert_allclose(same, own_logits, atol=1e-6)
    given = own.numpy()
    given[:, 1, 0] = [1, 0, 0, 0, 0]
    logits, used, _ = model.step(tokens, state, memory, given)
    np.testing.assert_array_equal(used, given)
    assert np.abs(logits - own_logits).max() > 1e-3


@pytest.mark.parametrize(
    ("chosen", "remembered"),
    [({}, 8), (SEGMENTS[0], 8), (SEGMENTS[1], 2), (SEGMENTS[2], 4), (SEGMENTS[3], 8)],
)
def test_the_cache_has_one_shape_and_rows_that_a_beam_can_pick(chosen, remembered):
    model = make(**chosen)
    state, memory = model.encode(SOURCE)
    shapes = [tensor.shape for tensor in tf.nest.flatten(state)]
    assert shapes == [(3,), *[(3, 2, remembered, 4)] * 4]
    _, _, later = model.step(TARGET[:, 0], state, memory)
    assert [tensor.shape for tensor in tf.nest.flatten(later)] == shapes
    rows = [2, 0]
    alone = tf.nest.map_structure(lambda tensor: tf.gather(tensor, rows), (later, memory))
    picked, _, _ = model.step(TARGET[rows, 1], *alone)
    together, _, _ = model.step(TARGET[:, 1], later, memory)
    np.testing.assert_allclose(picked, together.numpy()[rows], atol=1e-6)


def test_sentences_of_a_batch_may_stand_at_different_positions():
    model = make()
    state, memory = model.encode(SOURCE[:1])
    _, _, later = model.step(TARGET[:1, 0], state, memory)
    both = tf.nest.map_structure(lambda *rows: tf.concat(rows, 0), state, later)
    twice = tf.nest.map_structure(lambda tensor: tf.repeat(tensor, 2, 0), memory)
    logits, _, after = model.step(np.array([5, 5], np.int32), both, twice)
    for row, alone in enumerate((state, later)):
        wanted, _, _ = model.step(np.array([5], np.int32), alone, memory)
        np.testing.assert_allclose(logits[row], wanted[0], atol=1e-6)
    np.testing.assert_array_equal(after.position, [1, 2])


@pytest.mark.parametrize("chosen", SEGMENTS, ids=named)
def test_a_segmented_pass_equals_a_long_one(chosen):
    model = make(**chosen)
    segmented = partial(model.forward, SOURCE, noise=QUIET)
    if chosen == SEGMENTS[1]:  # one for all, as tracing takes longest
        signature = [tf.TensorSpec([None, None], tf.int32)]
        segmented = tf.function(segmented, autograph=False, input_signature=signature)
    logits, attention = segmented(TARGET)
    long, long_attention = model.forward(SOURCE, TARGET)
    np.testing.assert_allclose(logits, long, atol=1e-5)
    np.testing.assert_allclose(attention, long_attention, atol=1e-5)
    shorter, _ = segmented(TARGET[:, :5])  # mostly not a multiple of the segment
    np.testing.assert_allclose(shorter, long[:, :5], atol=1e-5)


def late_gradients(segment, memory=0):
    """Return what the last position's vector owes to each token and to the layers' weights."""
    chosen = settings(positions="relative", segment=segment, segment_memory=memory)
    decoder: Decoder = TransformerDecoder(chosen, seed=1)
    state, keys = decoder.begin(Encoded(draw(3, 5, 8), (), tf.constant(SOURCE != PAD)))
    embedded = tf.constant(draw(3, 6, 8))
    attention = decoder.layers[0].self_attention
    with tf.GradientTape() as tape:
        tape.watch(embedded)
        vectors, _ = decoder.unroll(embedded, REAL, state, keys, QUIET)
        last = tf.reduce_sum(vectors[:, -1] ** 3)
    sources = [embedded, attention.key_kernel, attention.value_kernel]
    tokens, *kernels = tape.gradient(last, sources)
    return np.abs(tokens).max((0, 2)), [kernel.numpy() for kernel in kernels]


@pytest.mark.parametrize("memory", [0, 3])
def test_no_gradient_leaves_a_segment(memory):
    tokens, _ = late_gradients(2, memory)
    np.testing.assert_array_equal(tokens[:4], 0)
    assert (tokens[4:] > 0).all()
    everywhere, _ = late_gradients(0)
    assert (everywhere > 0).all()


def test_kernels_learn_from_the_memory_although_its_states_do_not():
    """With one layer the memory is made of embeddings: stopping it takes nothing from kernels.

    In the long pass of one layer the last position reaches the kernels by all keys, and so it
    must in the segmented one.
    """
    chosen = {"positions": "relative", "layers": 1}
    results = []
    for segment in (2, 0):
        decoder = TransformerDecoder(settings(segment=segment, **chosen), seed=1)
        state, keys = decoder.begin(Encoded(draw(3, 5, 8), (), tf.constant(SOURCE != PAD)))
        attention = decoder.layers[0].self_attention
        with tf.GradientTape() as tape:
            vectors, _ = decoder.unroll(draw(3, 6, 8), REAL, state, keys, QUIET)
            last = tf.reduce_sum(vectors[:, -1] ** 3)
        results.append(tape.gradient(last, [attention.key_kernel, attention.value_kernel]))
    for segmented, long in zip(*results, strict=True):
        np.testing.assert_allclose(segmented, long, atol=1e-5)


@pytest.mark.parametrize("changes", [{"dropout": 0.5}, {"stochastic_depth": 0.5}], ids=named)
@pytest.mark.parametrize("segment", [0, 2])
def test_noise_is_drawn_again_the_same_and_at_another_step_another(changes, segment):
    chosen = {"positions": "relative", "segment": segment} if segment else {}
    model = make(**changes, **chosen)
    rate = changes.get("dropout", 0.0)
    first, again, other = (
        model.forward(SOURCE, TARGET, Noise(rate, tf.constant([1, step])))[0] for step in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)
    assert not np.allclose(first, model.forward(SOURCE, TARGET)[0])


def test_the_last_layer_is_skipped_most():
    layers = TransformerEncoder(settings(stochastic_depth=0.4, layers=4), seed=1).layers
    assert [layer.rate for layer in layers] == pytest.approx([0.1, 0.2, 0.3, 0.4])


def test_room_is_for_the_longest_sentence_and_its_end():
    assert capacity(settings()) == 8
    assert capacity(settings(max_decode_length=20)) == 21


def test_a_target_without_room_is_refused():
    with pytest.raises(RunError, match="has 9 tokens and the model has room for 8, the end"):
        make().forward(SOURCE, np.full((3, 9), 5, np.int32))


def test_learns_to_copy_three_tokens():
    source = np.random.default_rng(4).integers(4, 11, (64, 3)).astype(np.int32)
    end = np.full((64, 1), END, np.int32)
    source = target = np.concatenate([source, end], 1)
    model = make(units=16, embedding=16, layers=1, norm="pre")
    optimizer = tf.keras.optimizers.Adam(0.01)
    optimizer.build(model.trainable_variables)

    def advance(losses, step):
        with tf.GradientTape() as tape:
            logits, _ = model.forward(source, target, Noise(0.0, tf.stack([1, step])))
            nats = tf.nn.sparse_softmax_cross_entropy_with_logits(target, logits)
            loss = tf.reduce_mean(nats)
        variables = model.trainable_variables
        optimizer.apply(tape.gradient(loss, variables), variables)
        return loss

    compiled = tf.function(advance, autograph=False)
    losses = [float(compiled(0.0, tf.constant(step))) for step in range(80)]
    assert losses[0] > 1.5
    assert losses[-1] < 0.1

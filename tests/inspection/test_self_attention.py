import numpy as np
import pytest

from workbench.data.tokenizer import BEGIN
from workbench.inspection.self_attention import self_attention
from workbench.model.protocol import Own
from workbench.model.seq2seq import Seq2Seq

BOTH = {"encoder": "transformer", "decoder": "transformer"}
SOURCE, TARGET = "red cat and dog", "chat rouge et chien"


@pytest.fixture(scope="module")
def make(config, codec):
    """Make a model with strong opinions."""

    def make(**changes):
        chosen = config.replace(**{"units": 8, "heads": 2, "layers": 2, "embedding": 6} | changes)
        twins = codec.twins() if chosen.copy_source else None
        model = Seq2Seq(chosen, codec.source.size, codec.target.size, seed=5, twins=twins)
        for place, weight in enumerate(model.weights):
            weight.assign(1.5 * weight + 0.1 * np.sin(place + np.arange(weight.shape[-1])))
        return model

    return make


# The whole model again in NumPy, one sentence without padding -----------------------------------


def normalized(x, norm):
    gain, shift = norm.get_weights()
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5) * gain + shift


def attend(layer, x, values, ahead):
    """Return what one attention gives to x, and its weights [H, T, K]."""
    names = ("query", "key", "value", "output")
    kernels = [getattr(layer, f"{name}_kernel").numpy() for name in names]
    biases = [getattr(layer, f"{name}_bias").numpy() for name in names]
    q, k, v = (y @ w + b for y, w, b in zip((x, values, values), kernels, biases, strict=False))
    contexts, weights = [], []
    for own in np.split(np.arange(layer.units), layer.heads):
        energy = q[:, own] @ k[:, own].T / np.sqrt(len(own))
        shares = np.exp(np.where(ahead, -np.inf, energy))
        weights.append(shares / shares.sum(-1, keepdims=True))
        contexts.append(weights[-1] @ v[:, own])
    return np.concatenate(contexts, -1) @ kernels[3] + biases[3], np.stack(weights)


def run(side, ids, table, ahead, memory=None):
    """Return values [N, U] and self-attention [L, H, N, N] of an encoder or a decoder."""
    x = table.numpy()[ids] @ side.entry.widen.numpy() * np.sqrt(8)
    angles = np.arange(len(ids))[:, None] / 10_000 ** (np.arange(4) / 4)
    x = x + np.stack([np.sin(angles), np.cos(angles)], -1).reshape(len(ids), 8)
    found, pre = [], side.last is not None
    for layer in side.layers:

        def into(x, place, layer=layer):
            return normalized(x, layer.norms[place]) if pre else x

        def out(x, branch, place, layer=layer):
            return x + branch if pre else normalized(x + branch, layer.norms[place])

        inputs = into(x, 0)
        branch, weights = attend(layer.self_attention, inputs, inputs, ahead)
        found.append(weights)
        x = out(x, branch, 0)
        if memory is not None:
            branch, _ = attend(layer.cross_attention, into(x, 1), memory, np.False_)
            x = out(x, branch, 1)
        (first, first_bias), (second, second_bias) = (
            each.get_weights() for each in (layer.wide, layer.narrow)
        )
        branch = np.maximum(into(x, -1) @ first + first_bias, 0) @ second + second_bias
        x = out(x, branch, -1)
    return normalized(x, side.last) if pre else x, np.stack(found)


@pytest.mark.parametrize("norm", ["post", "pre"])
def test_the_same_numbers_as_numpy(make, codec, norm):
    model = make(**BOTH, norm=norm)
    found = self_attention(model, codec, SOURCE, TARGET)
    source, target = codec.encode_source(SOURCE), codec.encode_target(TARGET)
    memory, encoder = run(model.encoder, source, model.source_embedding, np.False_)
    ahead = ~np.tri(len(target), dtype=bool)
    read = [BEGIN, *target[:-1]]
    _, decoder = run(model.decoder, read, model.target_embedding, ahead, memory)
    assert found.encoder.shape == (2, 2, 5, 5)
    np.testing.assert_allclose(found.encoder, encoder, atol=1e-5)
    np.testing.assert_allclose(found.decoder, decoder, atol=1e-5)
    assert encoder.std() > 0.05  # not the same everywhere


@pytest.mark.parametrize("positions", ["learned", "relative"])
def test_rows_sum_to_one_and_the_decoder_never_looks_ahead(make, codec, positions):
    found = self_attention(make(**BOTH, positions=positions), codec, SOURCE, TARGET)
    assert found.source_tokens == (*SOURCE.split(), "<end>")
    assert found.target_tokens == (*TARGET.split(), "<end>")
    np.testing.assert_allclose(found.encoder.sum(-1), 1, atol=1e-5)
    np.testing.assert_allclose(found.decoder.sum(-1), 1, atol=1e-5)
    assert not found.decoder[..., ~np.tri(5, dtype=bool)].any()
    # the first token is written from BEGIN alone
    np.testing.assert_allclose(found.decoder[:, :, 0, 0], 1, atol=1e-6)


def test_a_segment_reads_only_what_it_remembers(make, codec):
    model = make(**BOTH, positions="relative", segment=2, segment_memory=1)
    weights = self_attention(model, codec, SOURCE, TARGET).decoder[0, 0]
    read = [[0], [0, 1], [1, 2], [1, 2, 3], [3, 4]]  # own segment, one token before it
    assert [np.flatnonzero(row).tolist() for row in weights] == read


def test_a_model_that_copies_is_read_too(make, codec):
    found = self_attention(make(**BOTH, copy_source=True), codec, SOURCE, TARGET)
    assert found.decoder.shape == (2, 2, 5, 5)


@pytest.mark.parametrize(
    ("changes", "sides"),
    [
        ({"encoder": "lstm", "decoder": "lstm"}, (0, 0)),
        ({"encoder": "transformer", "decoder": "gru"}, (2, 0)),
        ({"encoder": "lstm", "decoder": "transformer"}, (0, 2)),
        ({"encoder": "cnn", "decoder": "cnn"}, (0, 0)),
    ],
)
def test_a_side_that_is_no_transformer_has_none(make, codec, changes, sides):
    found = self_attention(make(**changes), codec, SOURCE, TARGET)
    assert (len(found.encoder), len(found.decoder)) == sides


def test_a_model_of_ones_own_has_none_that_is_known(config, codec):
    own = Own.__new__(Own)  # nothing of it is looked at
    object.__setattr__(own, "settings", config)
    found = self_attention(own, codec, SOURCE, TARGET)
    assert found.encoder.size == found.decoder.size == 0

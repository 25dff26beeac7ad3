"""Print how far our Transformer is from PyTorch's `nn.Transformer` on the same weights.

PyTorch is no dependency of the workbench. Put it somewhere else and show Python the way:

    .venv/bin/python -m pip install --target torch-only torch==2.13.0
    PYTHONPATH=torch-only .venv/bin/python tests/benchmarks/parity_torch.py

Each line is a norm and a shape, with the largest difference of the encoder's and of the decoder's
output at real positions; inputs are random, and padded to different lengths on both sides. The
last line says whether all are within 1e-5.
"""

import sys
import warnings
from typing import Any

import numpy as np

try:
    import torch
except ImportError:
    sys.exit("parity_torch: no PyTorch here; the head of this file says how to run it")

from workbench.config import RunConfig
from workbench.model.multi_head import MultiHead
from workbench.model.transformer import TransformerDecoder, TransformerEncoder
from workbench.model.transformer_layer import TransformerLayer

AIM = 1e-5
SHAPES = [(32, 4, 2, 7, 5), (64, 8, 6, 20, 17), (256, 4, 3, 40, 30)]  # units heads layers S T


def copy_attention(theirs: Any, ours: MultiHead) -> None:
    """Copy a `nn.MultiheadAttention`, whose kernels stand the other way round."""
    kernels = [*np.split(theirs.in_proj_weight.numpy(), 3), theirs.out_proj.weight.numpy()]
    biases = [*np.split(theirs.in_proj_bias.numpy(), 3), theirs.out_proj.bias.numpy()]
    for place, name in enumerate(("query", "key", "value", "output")):
        getattr(ours, f"{name}_kernel").assign(kernels[place].T)
        getattr(ours, f"{name}_bias").assign(biases[place])


def copy_pair(theirs: Any, ours: Any, turned: bool) -> None:
    """Copy weight and bias of a linear layer (turned) or a normalization."""
    weight = theirs.weight.numpy()
    ours.set_weights([weight.T if turned else weight, theirs.bias.numpy()])


def copy_layer(theirs: Any, ours: TransformerLayer) -> None:
    """Copy one layer of either side."""
    copy_attention(theirs.self_attn, ours.self_attention)
    if ours.cross_attention is not None:
        copy_attention(theirs.multihead_attn, ours.cross_attention)
    copy_pair(theirs.linear1, ours.wide, turned=True)
    copy_pair(theirs.linear2, ours.narrow, turned=True)
    for place, norm in enumerate(ours.norms, start=1):
        copy_pair(getattr(theirs, f"norm{place}"), norm, turned=False)


def copy_side(theirs: Any, ours: TransformerEncoder | TransformerDecoder) -> None:
    """Copy a `nn.TransformerEncoder` or a `nn.TransformerDecoder`."""
    for source, target in zip(theirs.layers, ours.layers, strict=True):
        copy_layer(source, target)
    if ours.last is not None:
        copy_pair(theirs.norm, ours.last, turned=False)


def pytorch(units: int, heads: int, layers: int, before: bool) -> Any:
    """Return a `nn.Transformer`; its last normalization is left out where the paper has none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of nested tensors, which it cannot use with norm_first
        model = torch.nn.Transformer(
            units, heads, layers, layers, 4 * units, norm_first=before, batch_first=True
        )
    if not before:
        model.encoder.norm = model.decoder.norm = None
    for name, parameter in model.named_parameters():
        is_gain = "norm" in name and name.endswith("weight")
        torch.nn.init.normal_(parameter, mean=float(is_gain), std=units**-0.5)
    return model.eval().requires_grad_(requires_grad=False)


def placed(embedded: Any) -> Any:
    """Scale embeddings [B, T, U] and add sinusoids, which PyTorch's module leaves to its user."""
    _, count, units = embedded.shape
    rates = 10_000 ** (-np.arange(0, units, 2) / units)
    angles = np.arange(count)[:, None] * rates
    pairs = np.stack([np.sin(angles), np.cos(angles)], -1)  # [T, U / 2, 2]
    return (embedded * units**0.5 + pairs.reshape(count, units)).astype("f")


def difference(
    units: int, heads: int, layers: int, words: int, tokens: int, norm: str
) -> tuple[float, float]:
    """Return the largest differences of encoder and decoder outputs at real positions."""
    generator, length = np.random.default_rng(1), units**-0.5  # as embeddings begin in Seq2Seq
    source = generator.normal(scale=length, size=(3, words, units)).astype("f")
    target = generator.normal(scale=length, size=(3, tokens, units)).astype("f")
    real = np.arange(words) < np.array([[words], [1], [words // 2]])
    written = np.arange(tokens) < np.array([[tokens], [tokens // 2], [1]])

    theirs = pytorch(units, heads, layers, norm == "pre")
    hidden = torch.tensor(~real)
    causal = torch.triu(torch.ones(tokens, tokens, dtype=torch.bool), 1)
    encoded = theirs.encoder(torch.tensor(placed(source)), src_key_padding_mask=hidden)
    decoded = theirs.decoder(
        torch.tensor(placed(target)), encoded, tgt_mask=causal, memory_key_padding_mask=hidden,
        tgt_key_padding_mask=torch.tensor(~written),
    )  # fmt: skip

    settings = RunConfig(
        encoder="transformer", decoder="transformer", units=units, embedding=units, heads=heads,
        layers=layers, norm=norm,
    )  # fmt: skip
    encoder, decoder = TransformerEncoder(settings, 1), TransformerDecoder(settings, 2)
    copy_side(theirs.encoder, encoder)
    copy_side(theirs.decoder, decoder)
    ours = encoder.encode(source, real)
    vectors, _ = decoder.unroll(target, written, *decoder.begin(ours))
    return (
        float(np.abs(ours.values.numpy() - encoded.numpy())[real].max()),
        float(np.abs(vectors.numpy() - decoded.numpy())[written].max()),
    )


def main() -> None:
    """Compare every norm and shape."""
    torch.manual_seed(1)
    torch.backends.mha.set_fastpath_enabled(False)  # which has no numbers at padded positions
    print(f"PyTorch {torch.__version__}; units heads layers S T")
    worst = 0.0
    for norm in ("post", "pre"):
        for shape in SHAPES:
            encoder, decoder = difference(*shape, norm)
            print(f"{norm:4} {shape!s:24} encoder {encoder:.1e} decoder {decoder:.1e}")
            worst = max(worst, encoder, decoder)
    print(f"largest {worst:.1e}, aim {AIM:.0e}: {'reached' if worst <= AIM else 'missed'}")


if __name__ == "__main__":
    main()

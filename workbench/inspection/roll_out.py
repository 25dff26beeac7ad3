"""Attention roll-out (Abnar & Zuidema 2020, section 3): what reaches a token through all layers.

Half of what a layer gives a position is taken to be what stood there before, because of the
residual connection, and half what its attention, averaged over the heads, reads.
Shape letters: S source tokens, T target tokens, L layers, H heads, N positions.
"""

import numpy as np

from workbench.records import Floats


def roll_out(encoder: Floats, decoder: Floats, cross: Floats) -> Floats:
    """Return what each target token receives from each source token [T, S].

    Source tokens are mixed by the encoder's layers; each layer of the decoder then mixes its
    positions and adds the source as its attention reads it. That is the paper's rule carried on
    into the decoder. Rows sum to at most 1: the rest comes from the target's own prefix.

    Shapes: encoder [L, H, S, S] and decoder [L, H, T, T], their self-attention, L = 0 for a side
    that is no Transformer; cross [L, H, T, S], the attention to the source, never of L = 0.
    """
    read = np.eye(cross.shape[-1], dtype=np.float32)
    for layer in encoder:
        read = _mixed(layer) @ read
    if not len(decoder):  # a decoder whose layers have no such residual connection
        return cross.mean((0, 1)) @ read
    received = np.zeros(cross.shape[2:], np.float32)
    for own, looked in zip(decoder, cross, strict=True):
        received = (_mixed(own) @ received + looked.mean(0) @ read) / 2
    return received


def _mixed(attention: Floats) -> Floats:
    """Return ½ A + ½ I, A the mean over the heads of [H, N, N], with rows that sum to 1."""
    mixed = (attention.mean(0) + np.eye(attention.shape[-1], dtype=np.float32)) / 2
    normalized: Floats = mixed / mixed.sum(-1, keepdims=True)
    return normalized

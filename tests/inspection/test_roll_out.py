import numpy as np
import pytest

from workbench.inspection.roll_out import roll_out

NONE = np.zeros((0, 0, 0, 0), np.float32)


def as_layers(*layers):
    """Return [L, 1, N, K]."""
    return np.array(layers, np.float32)[:, None]


def test_by_hand_for_one_layer_on_both_sides():
    """Two source and two target tokens.

    Encoder: ½ [[0 1] [½ ½]] + ½ I = [[½ ½] [¼ ¾]]. The cross attention [[1 0] [½ ½]] reads that
    as [[½ ½] [⅜ ⅝]]; half of it arrives, the other half is what was written before.
    """
    found = roll_out(
        as_layers([[0, 1], [0.5, 0.5]]),
        as_layers([[1, 0], [0.5, 0.5]]),
        as_layers([[1, 0], [0.5, 0.5]]),
    )
    np.testing.assert_allclose(found, [[0.25, 0.25], [0.1875, 0.3125]])


def test_the_second_layer_of_the_decoder_mixes_what_the_first_received():
    """One source token: layer 1 receives ½ everywhere. Layer 2: ½ (½ + 1) for both."""
    own = [[1, 0], [1, 0]]
    found = roll_out(NONE, as_layers(own, own), as_layers([[1], [1]], [[1], [1]]))
    np.testing.assert_allclose(found, [[0.75], [0.75]])


def test_layers_multiply_as_in_the_paper():
    """Abnar & Zuidema 2020, equation 1 with A = ½ W + ½ I, over random layers and heads."""
    seed = 7
    print(f"seed {seed}")
    draw = np.random.default_rng(seed)
    encoder = draw.dirichlet(np.ones(4), (3, 2, 4))
    cross = draw.dirichlet(np.ones(4), (2, 2, 5))
    product = np.eye(4)
    for layer in encoder:
        product = (0.5 * layer.mean(0) + 0.5 * np.eye(4)) @ product
    expected = cross.mean((0, 1)) @ product
    found = roll_out(encoder.astype("f"), NONE, cross.astype("f"))
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    np.testing.assert_allclose(found.sum(-1), 1, rtol=1e-5)


def test_a_row_that_sees_nothing_keeps_itself():
    found = roll_out(as_layers([[0, 0], [1, 0]]), NONE, as_layers([[1, 0]]))
    assert found == pytest.approx(np.array([[1, 0]]))

import numpy as np
import pytest

from workbench.inspection.integral import NODES, SHORTEST, Line, line_integral


def integrate(functions, derivatives, lacking=1e-3, most=10_000):
    """Integrate the derivatives of the parts of a function, knowing only its sum."""
    return line_integral(
        lambda x: np.stack([slope(x) for slope in derivatives], 1),
        lambda x: sum(f(x) for f in functions),
        lacking, most,
    )  # fmt: skip


def test_a_smooth_function_takes_one_piece():
    """Gauss-Legendre with n nodes is exact up to degree 2 n - 1."""
    degree = 2 * NODES
    parts, used = integrate(
        [lambda x: x**degree, lambda x: -3 * x**2],
        [lambda x: degree * x ** (degree - 1), lambda x: -6 * x],
        lacking=1e-12,
    )
    np.testing.assert_allclose(parts, [1, -3], rtol=1e-12)
    assert used == NODES


def test_a_bend_is_found_and_taken_apart():
    parts, used = integrate(
        [lambda x: np.abs(x - 1 / 3), lambda x: x],
        [lambda x: np.sign(x - 1 / 3), np.ones_like],
        lacking=1e-4,
    )
    np.testing.assert_allclose(parts, [1 / 3, 1], atol=1e-4)
    assert NODES < used < 400


def test_the_steep_beginning_of_a_normalization():
    """f = x / √(x² + ε), as layer normalization of a vector that grows from nothing."""
    epsilon = 1e-10
    [part], _ = integrate(
        [lambda x: x / np.sqrt(x**2 + epsilon)],
        [lambda x: epsilon / (x**2 + epsilon) ** 1.5],
        lacking=1e-3,
    )
    assert part == pytest.approx(1, abs=1e-3)


def test_a_jump_ends_the_search_before_the_points_do():
    parts, used = integrate([lambda x: (x > 0.4) * 1.0], [np.zeros_like])
    assert parts == pytest.approx([0])
    assert used <= NODES * (1 + 2 * np.ceil(np.log2(1 / SHORTEST / 0.4)))


@pytest.mark.parametrize("most", [1, 100, 333])
def test_no_more_points_than_allowed(most):
    seen = []

    def slope(x):
        seen.append(len(x))
        return np.sign(np.sin(1000 * x))[:, None]

    _, used = line_integral(slope, lambda x: 0.3 * x, 1e-9, most)
    assert used == sum(seen) <= max(most, NODES)
    assert most < 100 or used > most - 2 * NODES  # what is allowed is made use of


def test_a_line_runs_from_start_to_end():
    start, end = np.float32([[1, 2], [3, 4]]), np.float32([[5, 6], [7, 0]])
    points = Line(start, end).at(np.array([0, 1, 0.25]))
    np.testing.assert_array_equal(points[0], start)
    np.testing.assert_array_equal(points[1], end)
    np.testing.assert_array_equal(points[2], [[2, 3], [4, 3]])

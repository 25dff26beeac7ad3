import numpy as np
import pytest

from workbench.penalties import LEAST_READ, coverage_penalty, length_penalty


def test_formula_14_by_hand():
    assert length_penalty(7, 1.0) == 2
    assert length_penalty(1, 0.6) == 1
    assert length_penalty(19, 0.5) == 2
    covered = np.float32([1.5, 0.5, 0.25])  # what is read more than once counts as once
    assert coverage_penalty(covered, 0.2) == pytest.approx(0.2 * np.log(0.125))
    assert coverage_penalty(covered, 0.0) == 0
    assert coverage_penalty(np.zeros(2, "f"), 1.0) == pytest.approx(2 * np.log(LEAST_READ))

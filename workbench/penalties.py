"""What a search adds to log-probabilities to rank hypotheses: formula 14 of Wu et al. 2016.

Shape letters: S source tokens.
"""

import numpy as np

from workbench.records import Floats

LEAST_READ = 1e-6  # what counts as read of a position never looked at, so that a log is a number


def length_penalty(length: float, alpha: float) -> float:
    """Return lp(Y) = ((5 + |Y|) / 6)^α, by which the log-probability is divided.

    Of tensors, as the compiled search has them, it is a tensor.
    """
    penalty: float = ((5.0 + length) / 6.0) ** alpha
    return penalty


def coverage_penalty(covered: Floats, beta: float) -> float:
    """Return cp(X; Y) = β Σᵢ log(min(Σⱼ pᵢⱼ, 1)), at most 0.

    `covered` is the attention that each source position got, averaged over layers and heads [S].
    """
    return float(beta * np.log(np.clip(covered, LEAST_READ, 1)).sum())

"""Whether two records are the same to the last bit."""

from dataclasses import fields, is_dataclass

import numpy as np


def identical(one, other):
    """Tell whether two records hold the same, however deep, with arrays of the same bits."""
    if type(one) is not type(other):
        return False
    if is_dataclass(one):
        return all(
            identical(getattr(one, each.name), getattr(other, each.name)) for each in fields(one)
        )
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(identical, one, other))
    if isinstance(one, np.ndarray):
        return (one.shape, one.dtype) == (other.shape, other.dtype) and (
            one.tobytes() == other.tobytes()
        )
    return repr(one) == repr(other) if isinstance(one, float) else one == other

"""How the learning rate, and the chance of scheduled sampling, move over the steps of a run."""

import math

from workbench.config import TrainingSettings


def learning_rate(settings: TrainingSettings, step: int, total_steps: int) -> float:
    """Return the rate of `step` (from 1) in a run planned to have `total_steps`.

    During `warmup_steps` the rate rises in a line to `learning_rate`. Then it stays
    (`constant`), falls with 1/√step (`inverse_sqrt`, Vaswani et al. 2017, section 5.3), or
    falls to `learning_rate_floor` of itself at the last planned step, along half a cosine
    (`cosine`, Loshchilov & Hutter 2017, equation 5) or by equal factors (`exponential`).
    """
    peak, warmup = settings.learning_rate, settings.warmup_steps
    if step < warmup:
        return peak * step / warmup
    if settings.schedule == "constant":
        return peak
    if settings.schedule == "inverse_sqrt":
        return peak * math.sqrt(max(warmup, 1) / step)
    done = min(1.0, (step - warmup) / max(1, total_steps - warmup))
    floor = settings.learning_rate_floor
    if settings.schedule == "exponential":
        return peak * floor**done
    return peak * (floor + (1 - floor) * (1 + math.cos(math.pi * done)) / 2)


def sampling_chance(settings: TrainingSettings, step: int, total_steps: int) -> float:
    """Return the chance that `step` (from 1) feeds the model's own token back.

    It rises in a line from 0 at the first step to `scheduled_sampling` at the last planned one
    (Bengio et al. 2015, section 2.4, linear decay of the chance of the true token).
    """
    done = (step - 1) / max(1, total_steps - 1)
    return settings.scheduled_sampling * min(1.0, done)

"""What of the source counts for a token, and what attention would have produced another.

Shape letters: T target tokens, S source tokens, L layers, H heads.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from workbench.records.sentences import Floats, Integers, Translation

Method = Literal["attention", "roll_out", "gradient_input", "integrated_gradients", "occlusion"]


@dataclass(frozen=True)
class Attribution:
    """How much each source token counts for each target token, by one method.

    Attributes:
        method: how it was found.
        translation: the pair, with the model's own attention.
        scores: [T, S]; nats that may be negative, or for attention and roll-out shares.
        outputs: log-probability of each target token [T].
        baselines: the same where nothing of the source is told, for integrated gradients [T].
        points: at how many points each integral was taken [T].
        alignment_error_rate: of the shares against the gold alignment, 0 to 1, if there is one.
    """

    method: Method
    translation: Translation
    scores: Floats
    outputs: Floats
    baselines: Floats | None = None
    points: Integers | None = None
    alignment_error_rate: float | None = None

    @property
    def shares(self) -> Floats:
        """What speaks for each token: the positive scores; each row sums to 1, or is 0 [T, S]."""
        support = np.maximum(self.scores, 0)
        sums = support.sum(-1, keepdims=True)
        shares: Floats = np.divide(support, sums, out=np.zeros_like(support), where=sums > 0)
        return shares

    @property
    def gaps(self) -> Floats | None:
        """What each row lacks of the difference of the outputs, as a share of it [T].

        A difference below 0.01 nats counts as that much. None but for integrated gradients.
        """
        if self.baselines is None:
            return None
        wanted = self.outputs - self.baselines
        gaps: Floats = np.abs(self.scores.sum(-1) - wanted) / np.maximum(np.abs(wanted), 0.01)
        return gaps


@dataclass(frozen=True)
class WantedAttention:
    """What attention would have produced a token: the inverse question, at one step.

    Attributes:
        source_tokens: [S]; prefix: the target tokens before the step; wanted: the token.
        own: the model's attention at the step [L, H, S]; found: the one that serves it best.
        sought: which layers and heads were free to change [L, H].
        start: where the climb to `found` began: -1 at the model's own attention, s at the same
            drawn half-way to source position s.
        log_probabilities: of the wanted token, in nats [I + 2]: under the model's own attention,
            at the start, and after each of I iterations.
        rivals: of the likeliest other token there [I + 2].
        divergences: KL(attention ‖ own) there, the mean over what was free to change [I + 2].
        divergence: KL(found ‖ own) [L, H], where own is at least 1e-5.
        distance: total variation, ½ Σ |found - own|, 0 to 1 [L, H].
    """

    source_tokens: tuple[str, ...]
    prefix: tuple[str, ...]
    wanted: str
    own: Floats
    found: Floats
    sought: NDArray[np.bool_]
    start: int
    log_probabilities: Floats
    rivals: Floats
    divergences: Floats
    divergence: Floats
    distance: Floats

    @property
    def own_log_probability(self) -> float:
        """Of the wanted token under the model's own attention, in nats."""
        return float(self.log_probabilities[0])

    @property
    def log_probability(self) -> float:
        """Of the wanted token under the attention found, in nats."""
        return float(self.log_probabilities.max())

    @property
    def wins(self) -> bool:
        """Whether there the wanted token is the likeliest."""
        best = self.log_probabilities.argmax()
        return bool(self.log_probabilities[best] > self.rivals[best])

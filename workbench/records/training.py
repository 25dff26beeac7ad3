"""A training: its steps, its figures, the model's diagram, and what it takes of the machine."""

from dataclasses import dataclass
from typing import NamedTuple

from workbench.records.sentences import Translation


@dataclass(frozen=True)
class Evaluation:
    """Figures over one split, by name, e.g. `loss` (nats a token), `bleu` (0 to 100).

    Shares and error rates (`exact_match`, `token_accuracy`, `word_error_rate`,
    `alignment_error_rate`) run from 0 to 1.
    """

    split: str
    figures: dict[str, float]
    sentences: int = 0


@dataclass(frozen=True)
class Progress:
    """The state of training after one step.

    Attributes:
        step: optimizer steps so far; epoch: passes begun, from 0.
        loss: mean nats a target token of this step's batch, label smoothing included.
        learning_rate: used in this step; gradient_norm: before clipping.
        tokens: real target tokens in this step; seconds: training time so far.
        evaluation: figures on the validation split where this step ended with one.
        probes: the watched sentences as translated at an evaluation.
        best: whether that evaluation is the best so far.
    """

    step: int
    epoch: int
    loss: float
    learning_rate: float
    gradient_norm: float
    tokens: int
    tokens_per_second: float
    seconds: float
    total_steps: int
    evaluation: Evaluation | None = None
    probes: tuple[Translation, ...] = ()
    best: bool = False


@dataclass(frozen=True)
class Block:
    """One box of the model's diagram: a layer, its output shape and its parameters."""

    name: str
    kind: str
    shape: str
    parameters: int
    inputs: tuple[str, ...] = ()
    side: str = "encoder"


@dataclass(frozen=True)
class BadLine:
    """A line of a file that was left out, and why."""

    file: str
    line: int
    reason: str

    def __str__(self) -> str:
        """Return `file:line: reason`."""
        return f"{self.file}:{self.line}: {self.reason}"


class GpuReading(NamedTuple):
    """What one GPU was doing; None for what its driver does not tell.

    `utilisation` is the share of the time in which it did anything, 0 to 1; `memory` is in bytes,
    of all processes; `joules` are those taken since the run began.
    """

    name: str
    utilisation: float | None = None
    memory: int | None = None
    watts: float | None = None
    joules: float | None = None


class Reading(NamedTuple):
    """What the machine was doing at one moment of training, averaged since the one before.

    `seconds` since the run began, the time between its parts left out; `step`: the latest one
    taken; `machine`: share of all processor time that is taken, 0 to 1; `process`: of the time of
    the cores that this process may use, taken by it; `memory`: of this process, in bytes.
    """

    seconds: float
    step: int
    machine: float
    process: float
    memory: int
    gpus: tuple[GpuReading, ...] = ()


class Trial(NamedTuple):
    """One short training, measured to be held against others.

    `tokens`: real target tokens trained on; `tokens_per_second`: over all steps but the first,
    which compiles; `memory`: bytes at most, of the GPUs or else of the whole process; `joules`:
    taken by the GPUs from the second step on, None where nobody counts them; `loss`: on the
    validation pairs at the end, in nats a token.
    """

    precision: str
    batch_size: int
    seed: int
    tokens: int
    tokens_per_second: float
    memory: int
    joules: float | None
    loss: float

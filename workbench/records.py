"""What is known about a run, as frozen records of plain values and NumPy arrays.

No tensor leaves the model, training and search rooms: what comes out of them is one of these.
Shape letters: T target tokens, S source tokens, L layers, H heads, K beam width.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Integers = NDArray[np.int32]


class Link(NamedTuple):
    """A source word and a target word that belong together, both counted from 0."""

    source: int
    target: int


@dataclass(frozen=True)
class Alignment:
    """Word links of one sentence pair (Och & Ney 2003): all are possible, some are sure."""

    sure: frozenset[Link]
    possible: frozenset[Link]

    def __post_init__(self) -> None:
        """Count every sure link as possible, as the definition has it."""
        object.__setattr__(self, "possible", self.possible | self.sure)


@dataclass(frozen=True)
class Hypothesis:
    """One target sentence and what the model thinks of it.

    Attributes:
        tokens: pieces [T], the end symbol included where it was reached.
        log_probabilities: natural log-probability of each token given those before it [T].
        attention: [L, H, T, S]; L is 0 for a model without attention.
        score: what the search ranked by: sum of log-probabilities over the length penalty, the
            coverage penalty added.
        finished: whether the end symbol was reached within the length limit.
        words: the word of `text` that each token belongs to, from 0; -1 for none [T].
    """

    text: str
    tokens: tuple[str, ...]
    log_probabilities: Floats
    attention: Floats
    score: float
    finished: bool = True
    words: tuple[int, ...] = ()

    @property
    def log_probability(self) -> float:
        """Sum of the tokens' log-probabilities, in nats."""
        return float(self.log_probabilities.sum())


@dataclass(frozen=True)
class Candidate:
    """A continuation that the beam weighed: kept, finished (an end symbol), pruned or barred.

    A barred one was not allowed to compete, by a prefix, a minimum length or a rule against
    repetition; its log-probability is the model's own, as with all.
    """

    step: int
    parent: int
    token: str
    log_probability: float
    score: float
    fate: str
    beam: int = -1


@dataclass(frozen=True)
class BeamRecord:
    """Everything the beam looked at, step by step, best first within a step.

    `candidate.parent` is the row of the beam that it continues; a kept candidate becomes row
    `candidate.beam` of the next step. `attention` is [T, K, L, H, S]: what row k attended to
    while it weighed the candidates of step t. The beam chose among the first 2 K candidates of a
    step; more may be on record. Where the rows were `drawn` they are samples, each on its own:
    the first K candidates, as far as they go on, are the tokens that were drawn.

    A beam of several `groups` (Vijayakumar et al. 2018) has K / groups rows in each, in order; a
    step lists its candidates group by group, and each group chose as a beam of its own.
    """

    width: int
    candidates: tuple[Candidate, ...]
    attention: Floats
    drawn: bool = False
    groups: int = 1

    @property
    def group_width(self) -> int:
        """The rows of a group."""
        return self.width // self.groups


@dataclass(frozen=True)
class Translation:
    """A source sentence with its hypotheses, best first, and what is known beside it.

    Attributes:
        source_tokens: pieces [S], in the order in which the encoder reads them.
        reference: the wanted target, where it is known; gold: the word alignment with it.
        beam: the whole search, where it was asked for.
        source_words: the word of `source` that each token belongs to, from 0; -1 for none [S].
    """

    source: str
    source_tokens: tuple[str, ...]
    hypotheses: tuple[Hypothesis, ...]
    reference: str | None = None
    gold: Alignment | None = None
    beam: BeamRecord | None = None
    source_words: tuple[int, ...] = ()

    @property
    def best(self) -> Hypothesis:
        """The hypothesis that won."""
        return self.hypotheses[0]

    @property
    def text(self) -> str:
        """The text of the hypothesis that won."""
        return self.hypotheses[0].text


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


# What taking a translation apart finds ----------------------------------------------------------


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


Fault = Literal["none", "search", "model", "vocabulary", "settings"]


@dataclass(frozen=True)
class Fall:
    """Where a reference left the beam.

    Attributes:
        step: from 0; token: of the reference, which the search did not go on with.
        fate: `pruned` (others were better), `stopped` (the search had ended before), `banned` (a
            token that no search chooses) or `barred` (the settings did not allow it).
        short: log-probability of the reference so far below that of the last one kept, in nats;
            None where nothing was kept, or it did not compete.
    """

    step: int
    token: str
    fate: str
    short: float | None = None


class Surprise(NamedTuple):
    """A token of the reference, its place from 0 and its negative log-probability in nats."""

    place: int
    token: str
    nats: float


@dataclass(frozen=True)
class Diagnosis:
    """Why one sentence was not translated as its reference has it.

    Attributes:
        found: what the search found; scored: the reference under teacher forcing.
        fault: `none` (found is the reference), `search` (the reference scores higher), `model`
            (it does not), `vocabulary` (it holds a token that no search chooses), `settings`
            (they allow no search to write it).
        found_score, reference_score: what the search ranks by, of either.
        fall: where the reference left the beam; None where it did not, or nothing was recorded.
            Of several groups of a beam the one counts that it stayed in longest.
        rarest: the token of the reference that training saw least; count: how often it did.
        ruled_out: by which setting, where that is at fault.
    """

    found: Translation
    scored: Translation
    fault: Fault
    found_score: float
    reference_score: float
    fall: Fall | None = None
    rarest: str = ""
    count: int = 0
    ruled_out: str = ""

    @property
    def margin(self) -> float:
        """By how much the reference scores higher than what was found; negative if lower."""
        return self.reference_score - self.found_score

    @property
    def surprises(self) -> tuple[Surprise, ...]:
        """The tokens of the reference, the most surprising first."""
        best = self.scored.best
        each = zip(best.tokens, (-best.log_probabilities).tolist(), strict=True)
        every = [Surprise(place, *token) for place, token in enumerate(each)]
        return tuple(sorted(every, key=lambda one: -one.nats))


class FaultBin(NamedTuple):
    """How many sentences of a kind, e.g. of 5 to 9 tokens, have which fault."""

    name: str
    counts: dict[Fault, int]


class WorthALook(NamedTuple):
    """A sentence that tells something: its place among the diagnoses, and why it was chosen."""

    place: int
    why: str


@dataclass(frozen=True)
class Diagnoses:
    """What is wrong with a test set.

    Attributes:
        each: one a sentence, in their order.
        by_length: by the number of source tokens; by_frequency: by how often training saw the
            reference's rarest token; both from few to many.
        worth: the sentences most worth looking at.
    """

    each: tuple[Diagnosis, ...]
    by_length: tuple[FaultBin, ...]
    by_frequency: tuple[FaultBin, ...]
    worth: tuple[WorthALook, ...]

    @property
    def shares(self) -> dict[Fault, float]:
        """The share of the sentences with each fault, 0 to 1; those that have none too."""
        faults = [one.fault for one in self.each]
        return {fault: faults.count(fault) / max(len(faults), 1) for fault in get_args(Fault)}


class Place(NamedTuple):
    """Where a hidden state was read: side `encoder` or `decoder`, sentence and token from 0.

    The encoder's `token` is the one that stands there, the decoder's the one written from it.
    """

    side: str
    sentence: int
    position: int
    token: str


@dataclass(frozen=True)
class States:
    """Hidden states of some sentence pairs: a vector of U units for each of N tokens.

    Attributes:
        vectors: [N, U]; places: [N]; pairs: source and target text of each sentence.
        left_out: sentences that were asked for and not read, as there were enough.
    """

    vectors: Floats
    places: tuple[Place, ...]
    pairs: tuple[tuple[str, str], ...]
    left_out: int = 0


@dataclass(frozen=True)
class Projection:
    """Hidden states in two dimensions.

    Attributes:
        states: what was projected; points: [N, 2].
        method: `pca` or `umap`; explained: the share of the variance on each axis, of PCA.
    """

    states: States
    points: Floats
    method: str
    explained: tuple[float, ...] = ()


class Neighbour(NamedTuple):
    """A state close to another: its number, its distance, where it was read, its sentence."""

    number: int
    distance: float
    place: Place
    source: str
    target: str


# What a run takes of the machine ----------------------------------------------------------------


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

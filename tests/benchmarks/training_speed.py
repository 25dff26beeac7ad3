"""Target tokens a second in training, in float32 and bfloat16, with and without input feeding.

An LSTM-256, bidirectional, over 8,000 words; batches of 64 sentences of 13 tokens. All are
measured in turn, A B C D A B C D, in one process; ratios are of medians, with the smallest and the
largest ratio of one round. The peers' numbers are those published in the issue that asked for this
benchmark, measured elsewhere on two quiet cores: what stands beside them is no race.
"""

import statistics
import time

import numpy as np

from workbench.model import quiet  # noqa: F401, before any other import of TensorFlow

# isort: split
from workbench.config import RunConfig
from workbench.data.batches import Batch
from workbench.model.seq2seq import Seq2Seq
from workbench.training.step import TrainingStep

WORDS, SENTENCES, LENGTH, ROUNDS = 8000, 64, 13, 12
PEERS = {
    False: {"Keras fit": 4600, "PyTorch": 5000, "Keras mixed_bfloat16": 7200},
    True: {"OpenNMT-tf": 3270, "JoeyNMT": 1450},
}
VARIANTS = [(fed, precision) for fed in (False, True) for precision in ("float32", "bfloat16")]

Variant = tuple[bool, str]
Times = dict[Variant, list[tuple[float, float]]]  # seconds of wall and of processor time


def prepare(input_feeding: bool, precision: str) -> TrainingStep:
    """Return a training step that is not traced yet."""
    config = RunConfig(
        units=256, embedding=256, input_feeding=input_feeding, precision=precision,
    )  # fmt: skip
    return TrainingStep(Seq2Seq(config, WORDS, WORDS), config, config.dropout)


def measure(rounds: int) -> Times:
    """Take one step of every variant in turn, `rounds` times after two to warm up."""
    ids = np.random.default_rng(1).integers(4, WORDS, (2, SENTENCES, LENGTH), dtype=np.int32)
    batch = Batch(ids[0], ids[1], np.arange(SENTENCES))
    steps = {variant: prepare(*variant) for variant in VARIANTS}
    times: Times = {variant: [] for variant in VARIANTS}
    for number in range(rounds + 2):
        for variant, step in steps.items():
            wall, processor = time.perf_counter(), time.process_time()
            step(batch, number + 1, 1e-3)
            if number >= 2:
                elapsed = time.perf_counter() - wall, time.process_time() - processor
                times[variant].append(elapsed)
    return times


def describe(variant: Variant, times: Times) -> str:
    """Say how fast a variant is, beside float32 in this process and the peers elsewhere."""
    fed, precision = variant
    walls, processor = zip(*times[variant], strict=True)
    speed = SENTENCES * LENGTH / statistics.median(walls)
    lines = [f"{precision}, {'with' if fed else 'without'} input feeding: {speed:,.0f} target "
             f"tokens a second; {1000 * statistics.median(processor):.0f} ms of processor time a "
             "step"]  # fmt: skip
    if precision != "float32":
        slow, _ = zip(*times[fed, "float32"], strict=True)
        ratios = [a / b for a, b in zip(slow, walls, strict=True)]
        ratio = statistics.median(slow) / statistics.median(walls)
        lines.append(f"  {ratio:.2f} × float32 ({min(ratios):.2f} to {max(ratios):.2f})")
    lines += [
        f"  {speed / theirs:.2f} × {peer} ({theirs:,} published, measured elsewhere)"
        for peer, theirs in PEERS[fed].items()
    ]
    return "\n".join(lines)


def main() -> None:
    """Print every variant."""
    times = measure(ROUNDS)
    for variant in VARIANTS:
        print(describe(variant, times))


if __name__ == "__main__":
    main()

"""What the fast training path is worth: whole sentences at once against the step in a loop.

With input feeding every step waits for the one before, so training runs the decoder's step in a
compiled loop. Without, it runs the cells alone in the loop and everything else at once. Both are
measured in turn, A B A B, in one process; the ratio is of medians, with the smallest and the
largest ratio of neighbouring pairs.
"""

import statistics
import time

import numpy as np

from workbench.config import RunConfig
from workbench.data.batches import Batch
from workbench.model.seq2seq import Seq2Seq
from workbench.training.step import TrainingStep

WORDS, SENTENCES, LENGTH, ROUNDS = 8000, 64, 13, 12


def prepare(input_feeding: bool) -> TrainingStep:
    """Return a training step of an LSTM-256 over 8,000 words, traced already."""
    config = RunConfig(units=256, embedding=256, input_feeding=input_feeding)
    return TrainingStep(Seq2Seq(config, WORDS, WORDS), config, config.dropout)


def seconds(step: TrainingStep, batch: Batch) -> float:
    """Return how long one optimizer step takes."""
    began = time.perf_counter()
    step(batch, 1, 1e-3)
    return time.perf_counter() - began


def main() -> None:
    """Print target tokens a second of both, and the ratio with its spread."""
    ids = np.random.default_rng(1).integers(4, WORDS, (2, SENTENCES, LENGTH), dtype=np.int32)
    batch = Batch(ids[0], ids[1], np.arange(SENTENCES))
    steps = {"without input feeding": prepare(False), "with input feeding": prepare(True)}
    times: dict[str, list[float]] = {name: [] for name in steps}
    for number in range(ROUNDS + 2):
        for name, step in steps.items():
            elapsed = seconds(step, batch)
            if number >= 2:  # the first rounds trace and warm up
                times[name].append(elapsed)
    for name, measured in times.items():
        speed = SENTENCES * LENGTH / statistics.median(measured)
        print(f"{name}: {speed:,.0f} target tokens a second")
    fast, slow = times.values()
    ratios = [b / a for a, b in zip(fast, slow, strict=True)]
    ratio = statistics.median(slow) / statistics.median(fast)
    print(f"ratio {ratio:.2f} ({min(ratios):.2f} to {max(ratios):.2f}, {ROUNDS} pairs)")


if __name__ == "__main__":
    main()

"""Target tokens a second in training: one device against two halves of the same processor.

An LSTM-256 with attention and a Transformer-256 over 8,000 words; batches of 64 sentences of 13
tokens. Both are measured in turn, A B A B, in one process, with the smallest and the largest
ratio of one round. Two logical devices share the cores of one processor, so this shows what
sharing a batch and adding gradients up costs, not what a second device would gain.
"""

import statistics
import time

import numpy as np

from workbench.model import quiet  # noqa: F401, before any other import of TensorFlow

# isort: split
import tensorflow as tf

from workbench.config import RunConfig
from workbench.data.batches import Batch
from workbench.model.seq2seq import Seq2Seq
from workbench.training.distribution import strategy
from workbench.training.step import TrainingStep

WORDS, SENTENCES, LENGTH, ROUNDS = 8000, 64, 13, 12
KINDS = ("lstm", "transformer")
NAMES = ("none", "mirrored")


def prepare(kind: str, name: str) -> TrainingStep:
    """Return a training step that is not traced yet."""
    config = RunConfig(encoder=kind, decoder=kind, units=256, embedding=256, strategy=name)
    with strategy(config.strategy).scope():
        model = Seq2Seq(config, WORDS, WORDS)
    return TrainingStep(model, config, config.dropout)


def measure(kind: str, rounds: int) -> dict[str, list[float]]:
    """Return seconds of a step on one device and on two, `rounds` times after two to warm up."""
    ids = np.random.default_rng(1).integers(4, WORDS, (2, SENTENCES, LENGTH), dtype=np.int32)
    batch = Batch(ids[0], ids[1], np.arange(SENTENCES))
    steps = {name: prepare(kind, name) for name in NAMES}
    times: dict[str, list[float]] = {name: [] for name in NAMES}
    for number in range(rounds + 2):
        for name, step in steps.items():
            began = time.perf_counter()
            step(batch, number + 1, 1e-3)
            if number >= 2:
                times[name].append(time.perf_counter() - began)
    return times


def main() -> None:
    """Print both kinds of model."""
    processor = tf.config.list_physical_devices("CPU")[0]
    halves = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(processor, halves)
    tokens = SENTENCES * LENGTH
    for kind in KINDS:
        one, two = measure(kind, ROUNDS).values()
        ratios = [a / b for a, b in zip(one, two, strict=True)]
        alone, both = (tokens / statistics.median(seconds) for seconds in (one, two))
        print(
            f"{kind}: {alone:,.0f} target tokens a second on one device, {both:,.0f} on two "
            f"logical ones; {both / alone:.2f} × ({min(ratios):.2f} to {max(ratios):.2f})"
        )


if __name__ == "__main__":
    main()

"""What the tests of strategies run in processes of their own; TensorFlow must be told first.

    replicas.py mirrored OUT            two logical devices of one processor
    replicas.py worker OUT CORPUS       one worker of the cluster in TF_CONFIG

OUT is a directory. What is found is written into it, and judged by the tests.
"""

import json
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

from workbench.config import RunConfig
from workbench.data.batches import Batch
from workbench.errors import RunError
from workbench.model.noise import Noise
from workbench.model.seq2seq import Seq2Seq
from workbench.session import Session
from workbench.training.distribution import share, strategy
from workbench.training.step import TrainingStep

SIZES = (6, 5, 1)  # sentences: equal shares, an odd one out, and nothing for one replica
CHEAP = {"encoder": "rnn", "decoder": "rnn", "attention": "none", "bidirectional": False}
CASES = {
    "lstm": {"clip_norm": 0.05},
    "transformer": {"encoder": "transformer", "decoder": "transformer", "clip_norm": 0},
    "sum": {**CHEAP, "accumulate": 2, "optimizer": "adam"},
}
WORDS = 20


def some_batches() -> list[Batch]:
    """Return batches of sentences of all lengths."""
    drawn = np.random.default_rng(0)
    made = []
    for size in SIZES:
        source, target = np.zeros((size, 6), np.int32), np.zeros((size, 5), np.int32)
        for row in (*source, *target):
            length = drawn.integers(1, len(row) + 1)
            row[:length] = drawn.integers(4, WORDS, length)
        made.append(Batch(source, target, np.arange(size)))
    return made


def steps_of(name: str, **changes: object) -> TrainingStep:
    settings = {"units": 8, "embedding": 8, "heads": 2, "dropout": 0.0, "optimizer": "sgd"}
    config = RunConfig(**{**settings, "strategy": name, **changes})
    with strategy(config.strategy).scope():
        model = Seq2Seq(config, WORDS, WORDS, seed=1)
    return TrainingStep(model, config, config.dropout)


def train(name: str, **changes: object) -> tuple[np.ndarray, list[np.ndarray], int]:
    """Return what every step said, the weights after each, and how often it was traced."""
    step, (first, second, third) = steps_of(name, **changes), some_batches()
    groups = (
        [(first, second), (third,)] if "accumulate" in changes else [(first,), (second,), (third,)]
    )
    said, weights = [], []
    for number, (batch, *further) in enumerate(groups, 1):
        said.append(step(batch, number, 0.5 if step.settings.optimizer == "sgd" else 0.01, further))
        weights.append(np.concatenate([each.ravel() for each in step.model.get_weights()]))
    return np.array(said), weights, step.traces


def shares() -> dict[str, np.ndarray]:
    """Return what each of two replicas gets of three sentences."""
    ids = np.array([[4, 5], [6, 0], [7, 8]], np.int32)
    both = strategy("mirrored")

    @tf.function
    def run() -> tuple[tf.Tensor, ...]:
        def one() -> tuple[tf.Tensor, ...]:
            *parts, noise = share(ids, ids + 10, Noise(0.5, tf.constant([1, 2])))
            return *parts, noise.seed

        return both.run(one)

    names = ("source", "target", "counted", "seed")
    return {
        name: np.stack([part.numpy() for part in both.experimental_local_results(value)])
        for name, value in zip(names, run(), strict=True)
    }


def mirrored(out: Path) -> None:
    processor = tf.config.list_physical_devices("CPU")[0]
    halves = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(processor, halves)
    tf.config.experimental.enable_op_determinism()
    found = {f"share_{name}": value for name, value in shares().items()}
    for case, changes in CASES.items():
        for name in ("none", "mirrored"):
            said, weights, traces = train(name, **changes)
            found |= {f"{case}_{name}_said": said, f"{case}_{name}_weights": np.stack(weights),
                      f"{case}_{name}_traces": np.array(traces)}  # fmt: skip
    step, batch = steps_of("mirrored", dropout=0.5, **CHEAP), some_batches()[0]
    found["again"] = np.array([step(batch, number, 0.0) for number in (7, 7, 8)])
    np.savez(out / "found.npz", **found)


def worker(out: Path, corpus: str) -> None:
    session = Session(RunConfig.from_file(out.parent / "config.json"), corpus=corpus,
                      strategy="multi_worker", run_directory=str(out / "run"))  # fmt: skip
    session.train()
    said = {"state": session.state, "text": session.translate("red cat").text,
            "stop": session.refusal("stop")}  # fmt: skip
    np.savez(out / "weights.npz", *session.model.get_weights())
    try:  # other settings at each worker
        other = session.config.replace(learning_rate=0.1 if (out / "run").exists() else 0.2)
        Session(other).build()
    except RunError as error:
        said["error"] = str(error)
    (out / "said.json").write_text(json.dumps(said))


if __name__ == "__main__":
    task, directory, *rest = sys.argv[1:]
    {"mirrored": mirrored, "worker": worker}[task](Path(directory), *rest)

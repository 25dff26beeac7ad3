"""What decoding costs: target tokens a second, and what a Transformer's cache of fixed shape saves.

Models have 256 units, two layers, 8,000 words; 64 sentences of 13 source tokens, 40 target tokens
each, whatever the untrained model would end with. Decoding by the step is set beside running the
whole model over source and prefix again for every token, as one without states must. Both are
compiled, take the likeliest token, and are measured in turn, A B A B, in one process.
"""

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from workbench.model import quiet  # noqa: F401, before any other import of TensorFlow

# isort: split
import tensorflow as tf

from workbench.config import RunConfig
from workbench.data.tokenizer import BEGIN
from workbench.model.seq2seq import Seq2Seq

WORDS, SENTENCES, SOURCE, TARGET, ROUNDS = 8000, 64, 13, 40, 7
SIZE = {"units": 256, "embedding": 256, "layers": 2, "heads": 4, "max_length": 64}
MODELS = {
    "LSTM": {},
    "gated CNN": {"encoder": "cnn", "decoder": "cnn"},
    "Transformer": {"encoder": "transformer", "decoder": "transformer"},
}

Decode = Callable[[tf.Tensor], tf.Tensor]


def cached(model: Seq2Seq) -> Decode:
    """Decode with the step, which keeps what it computed for earlier tokens."""

    def decode(source: tf.Tensor) -> tf.Tensor:
        state, memory = model.encode(source)
        tokens = tf.fill([SENTENCES], BEGIN)

        def step(time: tf.Tensor, tokens: tf.Tensor, state: Any, written: Any) -> tuple[Any, ...]:
            logits, _, state = model.step(tokens, state, memory)
            tokens = tf.argmax(logits, -1, output_type=tf.int32)
            return time + 1, tokens, state, written.write(time, tokens)

        begin = (0, tokens, state, tf.TensorArray(tf.int32, TARGET))
        *_, written = tf.while_loop(lambda time, *_: time < TARGET, step, begin)
        return tf.transpose(written.stack())

    return tf.function(decode, autograph=False)


def again(model: Seq2Seq) -> Decode:
    """Decode by a full pass over the prefix for every token."""

    def decode(source: tf.Tensor) -> tf.Tensor:
        def step(time: tf.Tensor, prefix: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            logits, _ = model.forward(source, tf.pad(prefix, [[0, 0], [0, 1]]) + 4)
            last = tf.argmax(logits[:, -1], -1, output_type=tf.int32)
            return time + 1, tf.concat([prefix, last[:, None] - 4], 1)

        begin = (0, tf.zeros([SENTENCES, 0], tf.int32))
        shapes = (tf.TensorShape([]), tf.TensorShape([SENTENCES, None]))
        _, tokens = tf.while_loop(lambda time, _: time < TARGET, step, begin, shapes)
        return tokens

    return tf.function(decode, autograph=False)


def measure(ways: dict[str, Decode], source: tf.Tensor) -> dict[str, list[float]]:
    """Time every way in turn, after once to compile it."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(ROUNDS + 1):
        for name, decode in ways.items():
            began = time.perf_counter()
            decode(source).numpy()
            if number:
                times[name].append(time.perf_counter() - began)
    return times


def main() -> None:
    """Print every model."""
    ids = np.random.default_rng(1).integers(4, WORDS, (SENTENCES, SOURCE), dtype=np.int32)
    for name, settings in MODELS.items():
        model = Seq2Seq(RunConfig(**SIZE, **settings), WORDS, WORDS)
        times = measure({"step": cached(model), "again": again(model)}, tf.constant(ids))
        fast, slow = times["step"], times["again"]
        ratios = [b / a for a, b in zip(fast, slow, strict=True)]
        speed = SENTENCES * TARGET / statistics.median(fast)
        print(
            f"{name}: {speed:,.0f} target tokens a second, "
            f"{1000 * statistics.median(fast) / TARGET:.1f} ms a step of {SENTENCES}; "
            f"{statistics.median(slow) / statistics.median(fast):.2f} × as fast as the whole "
            f"prefix again ({min(ratios):.2f} to {max(ratios):.2f})"
        )


if __name__ == "__main__":
    main()

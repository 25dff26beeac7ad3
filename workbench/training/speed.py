"""How fast this machine trains, measured once in about a second, before there is a model."""

import time
from collections.abc import Callable
from functools import cache
from threading import Lock
from typing import Any

import tensorflow as tf

from workbench.config import Precision
from workbench.model.cells import LSTM, run
from workbench.model.estimate import Speed
from workbench.model.precision import product
from workbench.training import device

ROUNDS = 5  # of which the fastest counts: what else the machine does only makes it slower
SIDE = 512  # of the square matrices
NUMBERS = 4_000_000  # in the array that is moved: more than a processor's caches hold
POSITIONS = 32  # of the sentence that a small LSTM reads

_one_at_a_time = Lock()  # two measurements at once would halve each other


def measure(precision: Precision = "float32") -> Speed:
    """Measure products, memory and recurrent positions; a second call knows the answer.

    Raises:
        SettingsError: no device at hand computes in this precision.
    """
    device.check_precision(precision)
    with _one_at_a_time:
        return _measured(precision)


@cache
def _measured(precision: Precision) -> Speed:
    device.prepare(deterministic=False)
    square, array = tf.ones([SIDE, SIDE]), tf.ones([NUMBERS])
    return Speed(
        products=2 * SIDE**3 / _seconds(lambda: product(square, square, precision)),
        memory=3 * 4 * NUMBERS / _seconds(lambda: array + array),  # two are read, one is written
        positions=POSITIONS / _seconds(_sentence()),
    )


def _seconds(work: Callable[[], Any]) -> float:
    """Return what `work` takes at its fastest, its first call, which prepares it, left out."""
    times = []
    for _ in range(ROUNDS + 1):
        began = time.perf_counter()
        tf.reshape(work(), [-1])[0].numpy()  # waits for a GPU
        times.append(time.perf_counter() - began)
    return min(times[1:])


def _sentence() -> Callable[[], Any]:
    """Return a function that reads a sentence with a small LSTM, forwards and backwards."""
    cell = LSTM(8, 8, seed=0)
    inputs = tf.ones([16, POSITIONS, 8])
    mask = tf.ones([16, POSITIONS], tf.bool)

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]  # TensorFlow ships no types
    def read() -> Any:
        with tf.GradientTape() as tape:
            outputs, _ = run(cell, inputs, mask, cell.initial_state(16))
            total = tf.reduce_sum(outputs)
        return tape.gradient(total, cell.recurrent_kernel.value)

    return read

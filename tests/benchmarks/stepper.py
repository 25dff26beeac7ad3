"""What a click in the stepper costs: force, ban, branch or edit attention, then new candidates.

Models have 8,000 words on both sides; the source has 50 tokens. Each operation is measured at
prefixes of 1, 10 and 40 tokens, in turn, and undone. The aim is a p95 of 50 ms, whatever the
length of the prefix.
"""

import statistics
import time
from collections.abc import Callable

import numpy as np

from workbench.model import quiet  # noqa: F401, before any other import of TensorFlow

# isort: split
from workbench.config import RunConfig, SearchSettings
from workbench.data.corpus import Pair
from workbench.data.encoding import Codec
from workbench.interventions import Scale
from workbench.model.seq2seq import Seq2Seq
from workbench.search.compiled_step import CompiledStep
from workbench.search.stepper import Stepper

WORDS, SOURCE, PREFIXES, ROUNDS, AIM = 8000, 50, (1, 10, 40), 40, 50.0
MODELS = {
    "2-layer LSTM-512": {"units": 512, "embedding": 512, "layers": 2},
    "4-layer Transformer-256": {
        "encoder": "transformer", "decoder": "transformer", "units": 256, "embedding": 256,
        "layers": 4, "heads": 4,
    },
}  # fmt: skip


def codec() -> Codec:
    """Return tokenizers of the words w4 to w7999 on both sides."""
    text = " ".join(f"w{number}" for number in range(4, WORDS))
    return Codec.train([Pair(text, text)], RunConfig())


def operations(stepper: Stepper, size: int) -> dict[str, Callable[[], object]]:
    """Return what is measured at the current node; it is undone after each."""
    words = iter(stepper.candidates(20 * ROUNDS))
    return {
        "force": lambda: stepper.force(next(words).token),
        "ban": lambda: stepper.ban(next(words).token),
        "branch": lambda: (stepper.branch(f"{size}"), stepper.advance()),
        "edit one layer": lambda: stepper.edit_attention(Scale(layer=0, positions=(3,), factor=9)),
        "edit all layers": lambda: stepper.edit_attention(Scale(positions=(3,), factor=9)),
    }


def measure(stepper: Stepper, size: int) -> dict[str, list[float]]:
    """Return milliseconds of every operation with the candidates after it, at a new prefix."""
    stepper.go(0)
    rank = np.random.default_rng(size).integers(4, WORDS, size)
    stepper.force_text(" ".join(f"w{number}" for number in rank))
    times: dict[str, list[float]] = {name: [] for name in operations(stepper, size)}
    todo = operations(stepper, size)
    for _ in range(ROUNDS):
        for name, operate in todo.items():
            place = stepper.current.id
            began = time.perf_counter()
            operate()
            stepper.candidates(20)
            times[name].append(1000 * (time.perf_counter() - began))
            while stepper.current.id != place or stepper.current.name or stepper.current.banned:
                stepper.undo()
    return times


def main() -> None:
    """Print p50 and p95 of every model, prefix and operation."""
    words = codec()
    text = " ".join(f"w{number}" for number in range(100, 100 + SOURCE - 1))  # and the end symbol
    for name, settings in MODELS.items():
        model = Seq2Seq(RunConfig(**settings), words.source.size, words.target.size)
        step = CompiledStep(model.encode, model.step)
        stepper = Stepper(step, words, text, SearchSettings())
        measure(stepper, 2)  # compiles, and is forgotten
        worst = 0.0
        for size in PREFIXES:
            for operation, times in measure(stepper, size).items():
                p95 = statistics.quantiles(times, n=20)[-1]
                worst = max(worst, p95)
                print(
                    f"{name}, prefix {size:2}, {operation:15}: p50 {statistics.median(times):5.1f} "
                    f"ms, p95 {p95:5.1f} ms"
                )
        print(f"{name}: worst p95 {worst:.1f} ms, aim {AIM:.0f} ms")


if __name__ == "__main__":
    main()

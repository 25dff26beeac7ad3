"""What it costs to put the whole search on record: the same beam search with it and without.

Beam 5, sentences of 30 source tokens, 30 target tokens each, whatever the untrained models would
end with, 8,000 words. One sentence alone, as a person translates it, and 32 at once. Both ways are
compiled and measured in turn, A B A B, in one process.
"""

import statistics
import time

from workbench.model import quiet  # noqa: F401, before any other import of TensorFlow

# isort: split
import numpy as np

from workbench.config import RunConfig
from workbench.data.corpus import Pair
from workbench.data.encoding import Codec
from workbench.data.tokenizer import END
from workbench.model.seq2seq import Seq2Seq
from workbench.model.storage import build_model
from workbench.search.batch import BatchSearch
from workbench.search.translate import Translator

WORDS, LENGTH, ROUNDS, BAR = 8000, 30, 15, 1.2
MODELS = {
    "LSTM, 2 layers of 512": {"units": 512, "embedding": 512, "layers": 2},
    "Transformer, 4 layers of 256": {
        "encoder": "transformer", "decoder": "transformer", "units": 256, "embedding": 256,
        "layers": 4, "heads": 4,
    },
}  # fmt: skip
SEARCH = {"beam_width": 5, "max_decode_length": LENGTH}


def endless(model: Seq2Seq) -> Seq2Seq:
    """Let a model never end a sentence."""
    bias = model.output_bias.numpy()
    bias[END] = -1e4
    model.output_bias.assign(bias)
    return model


def sentences(count: int) -> list[Pair]:
    """Return sentences of words drawn evenly."""
    drawn = np.random.default_rng(1).integers(0, WORDS - 4, (count, LENGTH))
    return [Pair(" ".join(f"w{word}" for word in row), "") for row in drawn]


def measure(translate: Translator, config: RunConfig, pairs: list[Pair]) -> list[list[float]]:
    """Return the seconds without record and with it, after once to compile each."""
    times: list[list[float]] = [[], []]
    for number in range(ROUNDS + 1):
        for record in (False, True):
            began = time.perf_counter()
            found = translate(pairs, config, config.beam_width, record)
            if number:
                times[record].append(time.perf_counter() - began)
            assert all(len(each.best.tokens) == LENGTH for each in found)
    return times


def main() -> None:
    """Print every model."""
    every = Pair(*[" ".join(f"w{word}" for word in range(WORDS - 4))] * 2)
    for name, settings in MODELS.items():
        config = RunConfig(**settings, **SEARCH)
        codec = Codec.train([every], config)
        model = endless(build_model(config, codec))
        translate = Translator(BatchSearch(model.encode, model.step), codec)
        for count in (1, 32):
            without, whole = measure(translate, config, sentences(count))
            ratios = [b / a for a, b in zip(without, whole, strict=True)]
            ratio = statistics.median(whole) / statistics.median(without)
            print(
                f"{name}, {count} at once: {1000 * statistics.median(without):,.0f} ms without, "
                f"{1000 * statistics.median(whole):,.0f} ms with the record: {ratio:.2f} × "
                f"({min(ratios):.2f} to {max(ratios):.2f}); bar {BAR} × for one"
            )


if __name__ == "__main__":
    main()

"""What reading the source backwards is worth to a deep LSTM (Sutskever et al. 2014, section 3.3).

Their reason is the distance between a word and its translation: without attention the beginning
of a monotone sentence is the farthest away. The corpus `dates` has both orders. A date that is
written year first is translated from left to right, and reversal should help; in one whose year
stands last the target, an ISO date, begins where the source ends, and it should do harm. Both
are measured, on equally many pairs, with two layers read in one direction and no attention.

All runs on one thread: two orders × two seeds × forwards and backwards.
"""

import statistics
import tempfile
import time
from pathlib import Path

import tensorflow as tf

from workbench.config import RunConfig
from workbench.data.catalogue import build
from workbench.data.corpus import Pair
from workbench.session import Session

PAIRS, SEEDS, STEPS = 2_400, (1, 2), 300
SETTINGS = RunConfig(
    source_tokens="char", target_tokens="char", lowercase=True, layers=2, units=64, embedding=32,
    bidirectional=False, attention="none", dropout=0.0, batch_size=64, epochs=100,
    max_steps=STEPS, evaluate_every=STEPS, validation_sentences=1, probe_sentences=0,
    beam_width=1, max_decode_length=12, live=False,
)  # fmt: skip
FIGURES = {"loss": "nats a character", "exact_match": "exact match"}


def written(year_first: bool) -> list[Pair]:
    """Return dates that have all four digits of the year first, or last."""
    pairs = [pair for split in build("dates").splits.values() for pair in split]
    fits = str.startswith if year_first else str.endswith
    return [pair for pair in pairs if fits(pair.source, pair.target[:4])][:PAIRS]


def measure(corpus: Path, backwards: bool, seed: int) -> dict[str, float]:
    """Train once and return the figures of the test split."""
    with tempfile.TemporaryDirectory() as folder:
        session = Session(
            SETTINGS, corpus=str(corpus), reverse_source=backwards, seed=seed,
            run_directory=f"{folder}/run",
        )  # fmt: skip
        session.train()
        return session.evaluate("test")[0].figures


def compare(corpus: Path) -> None:
    """Print every figure forwards and backwards: the mean, the smallest and the largest."""
    found = {
        name: [measure(corpus, backwards, seed) for seed in SEEDS]
        for name, backwards in (("forwards", False), ("backwards", True))
    }
    for figure, title in FIGURES.items():
        for name, runs in found.items():
            values = [run[figure] for run in runs]
            spread = f"{min(values):.3f} to {max(values):.3f}, {len(values)} seeds"
            print(f"  {title}, {name}: {statistics.mean(values):.3f} ({spread})", flush=True)


def main() -> None:
    """Print what reversal does to dates whose year stands first, and last."""
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        for name, year_first in (("first", True), ("last", False)):
            pairs = written(year_first)
            corpus = Path(folder) / f"{name}.tsv"
            corpus.write_text("".join(f"{pair.source}\t{pair.target}\n" for pair in pairs))
            print(f"year {name}, {len(pairs)} pairs, {STEPS} steps", flush=True)
            compare(corpus)
    print(f"{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()

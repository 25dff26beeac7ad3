"""What the comparison page of 200 runs costs: seconds to write, megabytes, seconds to open.

The runs are made up: 400 lines of metrics each, an evaluation every 20 steps, four watched
sentences; some failed. The first writing imports Optuna and makes Vega's script, the second finds
all that ready and the runs unchanged, as in a sweep. A page is open once the table and every
chart are there, in a browser that was started before. Aims: written in 5 s, open in 2 s, 5 MB.
"""

import json
import math
import random
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from playwright.sync_api import sync_playwright

from workbench.config import RunConfig
from workbench.reports.comparison import write_index
from workbench.runs import RunDirectory

sys.path.append(str(Path(__file__).parents[1] / "browser"))
from conftest import ARGUMENTS

RUNS, STEPS, EVERY, OPENINGS = 200, 400, 20, 5
SENTENCES = {
    "the old dog sleeps near the house .": "le vieux chien dort près de la maison .",
    "marie gives the black cat a fish .": "marie donne un poisson au chat noir .",
    "we do not see the small bird .": "nous ne voyons pas le petit oiseau .",
    "the horse that paul bought runs .": "le cheval que paul a acheté court .",
}


def make(folder: Path, number: int, draw: random.Random) -> RunDirectory:
    """Write the directory of a run that never was."""
    run = RunDirectory(folder / f"experiment-phrases-{number:08x}")
    run.path.mkdir()
    encoder, units = draw.choice(["lstm", "gru", "cnn"]), draw.choice([64, 128, 256])
    rate, dropout = 10 ** draw.uniform(-3.5, -1.7), draw.choice([0.0, 0.1, 0.3])
    config = RunConfig(encoder=encoder, units=units, learning_rate=rate, dropout=dropout,
                       seed=draw.randint(1, 3))  # fmt: skip
    level = 8 * math.log2(units / 16) - 6 * abs(math.log10(rate) + 2.5) + draw.gauss(0, 2)
    ended = draw.random() < 0.92
    lines = [_line(step, level, rate, draw) for step in range(1, (STEPS if ended else 150) + 1)]
    run.metrics.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    texts = [_sentence(source, target, draw) for source, target in SENTENCES.items()]
    document = json.dumps({str(lines[-1]["step"] // EVERY * EVERY): texts}).encode()
    np.savez_compressed(run.probes, texts=np.frombuffer(document, dtype=np.uint8))
    figures = lines[-1]["evaluation"]["figures"] if ended else {}
    error = {"type": "ResourceExhaustedError", "message": "out of memory", "number": 5}
    run.update(status="ok" if ended else "failed", config=config.model_dump(), parameters={},
               error=None if ended else error, validation=figures, test=figures,
               wall_seconds=draw.uniform(30, 90))  # fmt: skip
    run.page.write_text("<h1>report</h1>", encoding="utf-8")
    return run


def _line(step: int, level: float, rate: float, draw: random.Random) -> dict:
    loss = 6 * math.exp(-step / 100) + (70 - level) / 40 + draw.gauss(0, 0.03)
    bleu = max(0.0, level * (1 - math.exp(-step / 120)))
    figures = {"loss": loss, "perplexity": math.exp(loss), "token_accuracy": bleu / 75,
               "exact_match": bleu / 120, "bleu": bleu, "chrf": bleu + 15,
               "character_error_rate": 1 - bleu / 90, "word_error_rate": 1 - bleu / 95}  # fmt: skip
    evaluation = {"split": "validation", "figures": figures, "sentences": 500}
    return {"step": step, "epoch": step // 50, "loss": loss, "learning_rate": rate,
            "gradient_norm": 1.0, "tokens": 600, "tokens_per_second": 9e3, "seconds": step / 10,
            "total_steps": STEPS, "evaluation": None if step % EVERY else evaluation,
            "best": step % EVERY == 0}  # fmt: skip


def _sentence(source: str, target: str, draw: random.Random) -> dict:
    words = [
        word if draw.random() < 0.7 else draw.choice(target.split()) for word in target.split()
    ]
    return {"source": source, "reference": target, "text": " ".join(words)}


def opened(page_file: Path) -> list[float]:
    """Return the seconds until table and charts are there, for each of several openings."""
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    seconds = []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        for _ in range(OPENINGS + 1):
            page = chromium.new_page()
            begun = time.perf_counter()
            page.goto(page_file.as_uri())
            page.wait_for_function("() => !document.querySelector('.chart:not(.drawn)')")
            assert page.locator("#table tbody tr").count() == RUNS
            seconds.append(time.perf_counter() - begun)
            page.close()
        chromium.close()
    return seconds[1:]  # the first one starts the browser's processes


def main() -> None:
    """Print what it costs."""
    with tempfile.TemporaryDirectory() as name:
        folder, draw = Path(name), random.Random(1)
        runs = [make(folder, number, draw) for number in range(RUNS)]
        for what in ("first", "again"):
            begun = time.perf_counter()
            path = write_index(folder, runs, title=f"{RUNS} runs")
            print(f"{RUNS} runs written, {what}: {time.perf_counter() - begun:.1f} s")
        print(f"size: {path.stat().st_size / 1e6:.2f} MB")
        seconds = opened(path)
        print(f"opened: median {statistics.median(seconds):.2f} s, "
              f"{min(seconds):.2f} to {max(seconds):.2f} s of {len(seconds)}")  # fmt: skip


if __name__ == "__main__":
    main()

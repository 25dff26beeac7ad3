"""Run what takes minutes and write what came out to FIGURES.md: `make figures`.

Each figure is one headless report of `notebooks/experiment.ipynb`. Name some to run only those:
`make figures ARGS="phrases scan-simple"`. A figure that falls short is written as it is.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from workbench.environment import git_commit, processor
from workbench.runs import RunDirectory

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
DATA = ROOT.parent / "shared" / "data"
PAGE = HERE / "FIGURES.md"
HEAD = """# Figures measured

Written by `make figures`, one line a run; the newest line of a figure is the last. Minutes are
wall time of the whole report, kernel start and evaluation included.

| figure | measured | bar | minutes | seed | settings | machine | commit |
|---|---|---|---|---|---|---|---|
"""

Scores = dict[str, float]


@dataclass(frozen=True)
class Figure:
    """A run, what to read off its test scores, and what it is held against."""

    name: str
    settings: dict[str, object]
    read: Callable[[Scores], str]
    bar: str


def exact(scores: Scores) -> str:
    return f"exact match {100 * scores['exact_match']:.2f} %"


def words_wrong(scores: Scores) -> str:
    return (f"word error rate {100 * (1 - scores['exact_match']):.2f} %, "
            f"phone error rate {100 * scores['word_error_rate']:.2f} %")  # fmt: skip


def bleu_and_alignment(scores: Scores) -> str:
    return (f"BLEU {scores['bleu']:.2f}, AER {scores['alignment_error_rate']:.3f}, "
            f"the diagonal's {scores['diagonal_error_rate']:.3f}")  # fmt: skip


def bleu(scores: Scores) -> str:
    return f"BLEU {scores['bleu']:.2f}, chrF {scores['chrf']:.2f}"


SCAN = {
    "corpus": "scan", "units": 128, "embedding": 64, "learning_rate": 0.001, "epochs": 30,
    "monitor": "exact_match",
}  # fmt: skip
G2P = {
    "source_tokens": "char", "target_tokens": "word", "units": 256, "dropout": 0.3,
    "batch_size": 32, "epochs": 25, "learning_rate": 0.002, "label_smoothing": 0.1,
    "monitor": "exact_match",
}  # fmt: skip


def g2p(language: str) -> dict[str, object]:
    files = {"train_file": "train", "validation_file": "dev", "test_file": "test"}
    return G2P | {name: DATA / f"g2p/{language}_{part}.tsv" for name, part in files.items()}


FIGURES = [
    Figure("phrases", {}, bleu_and_alignment,
           "BLEU ≥ 95, AER ≤ 0.15, the diagonal's ≥ 0.4"),
    Figure("scan-simple", SCAN | {"split": "simple"}, exact,
           "≥ 99 %; 99.8 % (Lake & Baroni 2018)"),
    Figure("scan-length", SCAN | {"split": "length"}, exact,
           "13.8 % best overall model, 20.8 % best of the split (Lake & Baroni 2018)"),
    Figure("scan-addprim_jump", SCAN | {"split": "addprim_jump"}, exact,
           "0.08 % best overall model, 1.2 % best of the split (Lake & Baroni 2018)"),
    Figure("g2p-hungarian", g2p("hun"), words_wrong,
           "≤ 6.67 % n-gram; LSTM 5.33 % (Gorman et al. 2020)"),
    Figure("g2p-romanian", g2p("rum"), words_wrong,
           "≤ 11.56 % n-gram; LSTM 10.67 % (Gorman et al. 2020)"),
    Figure("g2p-icelandic", g2p("ice"), words_wrong,
           "≤ 17.56 % n-gram; LSTM 10.00 % (Gorman et al. 2020)"),
    Figure("tatoeba", {"corpus": DATA / "tatoeba/deu-eng.tsv", "lowercase": True, "dropout": 0.3,
                       "source_tokens": "bpe", "target_tokens": "bpe", "source_vocabulary": 2000,
                       "target_vocabulary": 2000, "epochs": 30},
           bleu, "none published for this split"),
]  # fmt: skip


def measure(figure: Figure) -> str:
    """Run the report and return its line of the page."""
    settings = figure.settings | {"name": figure.name}
    parameters = [word for name, value in settings.items() for word in ("-p", name, str(value))]
    done = subprocess.run(
        [sys.executable, "-m", "workbench.cli", "report", "notebooks/experiment.ipynb",
         "--force", "--json", *parameters],
        cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    run = RunDirectory(ROOT / json.loads(done.stdout)["run"])
    record = run.read()
    shown = {name: Path(str(value)).name for name, value in figure.settings.items()}
    told = ", ".join(f"{name} {value}" for name, value in shown.items()) or "all defaults"
    machine = f"{processor()}, {record['cores']} cores"
    cells = [figure.name, figure.read(record["test"]), figure.bar,
             f"{record['wall_seconds'] / 60:.1f}", record["seed"], told, machine,
             (git_commit(ROOT) or "")[:16]]  # fmt: skip
    return "| " + " | ".join(map(str, cells)) + " |\n"


def main(names: list[str]) -> None:
    """Measure the named figures, or all, and add their lines to the page."""
    unknown = set(names) - {figure.name for figure in FIGURES}
    if unknown:
        known = ", ".join(figure.name for figure in FIGURES)
        sys.exit(f"unknown figures {', '.join(sorted(unknown))}; expected some of {known}")
    if not PAGE.exists():
        PAGE.write_text(HEAD, encoding="utf-8")
    for figure in FIGURES:
        if not names or figure.name in names:
            line = measure(figure)
            with PAGE.open("a", encoding="utf-8") as page:
                page.write(line)
            print(line, end="", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])

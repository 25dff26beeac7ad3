"""What a report costs beside the work that it reports: seconds, measured in turn.

A plain process loads the corpus, builds, trains, evaluates, scores and translates as
`notebooks/experiment.ipynb` does and writes the run; `workbench report` does so in a notebook and
adds its charts, the executed notebook and the page. The difference is the overhead; TensorFlow's
import and the training are in both. Aim: 6 s.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "experiment.ipynb"
SETTINGS = {"corpus": "phrases", "train_limit": "2000", "epochs": "1"}
ROUNDS = 5
WORK = """
import sys
from workbench import RunConfig, Session
from workbench.metrics import sentence_chrf
from workbench.runs import RunDirectory

directory, settings = sys.argv[1], dict(it.split("=") for it in sys.argv[2:])
session = Session(RunConfig(run_directory=directory, live=False, **settings))
session.load()
session.build()
session.train()
evaluation, translations = session.evaluate("test")
validation, _ = session.evaluate("validation", limit=500)
session.record(test=evaluation.figures, validation=validation.figures)
pairs = session.encoded["test"].pairs
scores = sentence_chrf([it.text for it in translations], [pair.target for pair in pairs])
session.score_all(pairs[:4])
session.translate(pairs[scores.index(min(scores))].source)
session.save()
"""


def plain(folder: Path) -> list[str]:
    """Return the command that does the work."""
    given = [f"{name}={value}" for name, value in SETTINGS.items()]
    return [sys.executable, "-c", WORK, str(folder), *given]


def reported(folder: Path) -> list[str]:
    """Return the command that does it in a report."""
    given = [part for name, value in SETTINGS.items() for part in ("-p", name, value)]
    return [sys.executable, "-m", "workbench", "report", str(NOTEBOOK), *given, "-o", str(folder)]


def seconds(command: list[str]) -> float:
    """Return how long a command runs that must end well."""
    begun = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - begun


def main() -> None:
    """Print both and their difference."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pairs = []
        for number in range(ROUNDS + 1):  # the first fills caches and is not counted
            each = (seconds(plain(folder / f"a{number}")), seconds(reported(folder / f"b{number}")))
            print(f"plain {each[0]:.1f} s, report {each[1]:.1f} s", flush=True)
            pairs.append(each)
    more = [report - work for work, report in pairs[1:]]
    print(f"overhead: median {statistics.median(more):.1f} s, "
          f"{min(more):.1f} to {max(more):.1f} s of {len(more)}")  # fmt: skip


if __name__ == "__main__":
    main()

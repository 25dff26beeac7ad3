"""How much sooner two jobs do eight equal single-threaded runs than one job: aim 1.7 times.

Each sweep starts anew; one job and two jobs take turns, and the ratio of each pair is printed.
"""

import io
import statistics
import sys
import tempfile
import time
from pathlib import Path

from workbench.reports.sweep import Options, run_sweep

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "swept.ipynb"
SPACE = """
parameters: {units: [64]}
seeds: 8
fixed: {epochs: 12, train_limit: 2000, checkpoint_every: 500}  # the notebook's own: every 2 steps
"""
PAIRS = 2


def seconds(space: Path, folder: Path, jobs: int) -> float:
    """Return the wall time of a sweep with so many jobs of one thread each."""
    began = time.perf_counter()
    swept = run_sweep(
        NOTEBOOK, space, options=Options(output=folder, jobs=jobs, threads=1), stream=io.StringIO()
    )
    assert swept.exit_code == 0, swept.message
    return time.perf_counter() - began


def main() -> None:
    """Print the ratio of every pair, and their median."""
    ratios = []
    with tempfile.TemporaryDirectory() as place:
        space = Path(place) / "space.yaml"
        space.write_text(SPACE)
        for pair in range(PAIRS):
            one, two = (seconds(space, Path(place) / f"{pair}-{jobs}", jobs) for jobs in (1, 2))
            ratios.append(one / two)
            print(f"one job {one:.1f} s, two jobs {two:.1f} s, ratio {ratios[-1]:.2f}", flush=True)
    print(f"ratio: median {statistics.median(ratios):.2f} "
          f"({min(ratios):.2f} to {max(ratios):.2f})")  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())

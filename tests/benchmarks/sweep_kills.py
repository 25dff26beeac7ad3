"""Kill a sweep at random moments, again and again: no run may be lost, or done twice.

Half of the time the sweep's process group is killed (its runs must notice that it is gone), half
of the time every process below it as well, at once. Then the same command goes on to the end, and
every figure is compared with those of a sweep that nobody disturbed. Ends with 1 where one differs.

    python tests/benchmarks/sweep_kills.py                      # with real runs: half an hour
    python tests/benchmarks/sweep_kills.py --stand-in tests/reports/stand_in.py --longest 1.5
"""

import argparse
import contextlib
import io
import os
import random
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path

import psutil

from workbench.reports import jobs, plan
from workbench.reports.sweep import Options, run_sweep
from workbench.runs import RunDirectory

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "swept.ipynb"
SPACE = "parameters: {units: [6, 8]}\nseeds: 2\nobjective: validation.bleu\n"


def begin(space: Path, folder: Path) -> int:
    """Start a sweep in a process group of its own; return its process."""
    process = os.fork()  # what was imported need not be imported again
    if process:
        return process
    os.setpgid(0, 0)
    code = 3
    try:
        swept = run_sweep(NOTEBOOK, space, options=Options(output=folder, jobs=2),
                          after_run=lambda _: None, stream=io.StringIO())  # fmt: skip
        code = swept.exit_code
    except Exception:
        traceback.print_exc()
    finally:
        os._exit(code)


def kill(process: int, everything: bool) -> None:
    """Kill the process group of a sweep; with `everything` also all that it has started."""
    below = psutil.Process(process).children(recursive=True) if everything else []
    os.killpg(process, signal.SIGKILL)
    for each in below:
        with contextlib.suppress(psutil.NoSuchProcess):
            each.kill()
    os.waitpid(process, 0)


def finish(space: Path, folder: Path) -> int:
    """Let a sweep come to its end; return its exit code."""
    return os.waitstatus_to_exitcode(os.waitpid(begin(space, folder), 0)[1])


def figures(folder: Path) -> dict[str, object]:
    """Return name, status and figures of every run."""
    found = {}
    for path in sorted((folder / "runs").iterdir()):
        record = RunDirectory(path).read()
        ends = (path / "ends").read_text() if (path / "ends").exists() else "ok\n"
        found[path.name] = (record["status"], record.get("validation"), ends)
    return found


def main() -> int:
    """Disturb one sweep, leave another in peace, compare them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--longest", type=float, default=60, help="seconds until a kill")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--stand-in", help="a script that takes the place of `workbench report`")
    words = parser.parse_args()
    if words.stand_in:
        jobs.COMMAND = (str(Path(words.stand_in).absolute()),)
        plan.preflight = lambda _: "fingerprint"
    print(f"seed {words.seed}", flush=True)
    draw = random.Random(words.seed)
    with tempfile.TemporaryDirectory() as place:
        space, disturbed, calm = (Path(place) / name for name in ("space.yaml", "one", "other"))
        space.write_text(SPACE)
        early = 0
        for number in range(words.kills):
            process = begin(space, disturbed)
            time.sleep(draw.uniform(0, words.longest))
            everything = draw.random() < 0.5
            early += os.waitpid(process, os.WNOHANG)[0] == 0 and (kill(process, everything) is None)
            done = sum(RunDirectory(path).status == "ok" for path in disturbed.glob("runs/*"))
            print(f"kill {number + 1}, everything: {everything}, runs done: {done}", flush=True)
        codes = finish(space, disturbed), finish(space, calm)
        one, other = figures(disturbed), figures(calm)
        same = one == other and codes == (0, 0)
        good = same and len(one) == 4 and all(run[0] == "ok" for run in one.values())
        print(f"{early} kills met a living sweep; exit codes {codes}; every run there once, ok, "
              f"with equal figures: {good}")  # fmt: skip
        if not good:
            print(one, other, sep="\n")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())

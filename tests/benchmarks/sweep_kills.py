"""Kill a sweep at random moments, again and again: no run may be lost, or done twice.

A quarter of the moments are counted from the start of the sweep, the others from the first step
that one of its runs takes, so that there is something to lose. Half of the time the sweep's process
group is killed (its runs must notice that it is gone), half of the time every process below it as
well, at once. Then the same command goes on to the end, and every figure of every step and the
weights are compared with those of a sweep that nobody disturbed. Ends with 1 where one differs, or
where a kill met a sweep that was at its end.

    python tests/benchmarks/sweep_kills.py            # with real runs, for a quarter of an hour
    python tests/benchmarks/sweep_kills.py --stand-in tests/reports/stand_in.py --longest 1
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
from workbench.reports.figures import compare
from workbench.reports.sweep import Options, run_sweep
from workbench.runs import RunDirectory

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "swept.ipynb"
SPACE = """
parameters: {{units: [6, 8]}}
seeds: {seeds}
objective: validation.bleu
fixed: {{max_steps: 40}}
"""
SLOW, QUICK = "0.045", "0.005"  # seconds of a stand-in's step while it is disturbed, and after


def begin(space: Path, folder: Path) -> int:
    """Start a sweep in a process group of its own; return its process."""
    process = os.fork()  # what was imported need not be imported again
    if process:
        return process
    os.setpgid(0, 0)
    code = 3
    try:
        swept = run_sweep(NOTEBOOK, space, options=Options(output=folder, jobs=2),
                          stream=io.StringIO())  # fmt: skip
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


def stepped_since(began: float, folder: Path, process: int) -> bool:
    """Wait until a run has taken a step; return False where the sweep ended before."""
    while os.waitpid(process, os.WNOHANG)[0] == 0:
        if any(path.stat().st_mtime > began for path in folder.glob("runs/*/metrics.jsonl")):
            return True
        time.sleep(0.02)
    return False


def disturb(space: Path, folder: Path, draw: random.Random, longest: float) -> bool:
    """Begin the sweep and kill it at a random moment; say whether it was under way then."""
    process, began = begin(space, folder), time.time()
    from_start, everything = draw.random() < 0.25, draw.random() < 0.5
    seconds = draw.uniform(0, longest)
    lives = from_start or stepped_since(began, folder, process)
    time.sleep(seconds)
    lives = lives and os.waitpid(process, os.WNOHANG)[0] == 0
    if lives:
        kill(process, everything)
    done = sum(RunDirectory(path).status == "ok" for path in folder.glob("runs/*"))
    print(f"killed: {lives}, everything: {everything}, runs done: {done}", flush=True)
    return lives


def finish(space: Path, folder: Path) -> int:
    """Let a sweep come to its end; return its exit code."""
    return os.waitstatus_to_exitcode(os.waitpid(begin(space, folder), 0)[1])


def runs_in(folder: Path) -> dict[str, RunDirectory]:
    """Return the runs of a sweep by their names."""
    return {path.name: RunDirectory(path) for path in sorted((folder / "runs").iterdir())}


def faults(disturbed: Path, calm: Path, count: int) -> list[str]:
    """Return what of the disturbed sweep is not as it is in the other, a line each."""
    one, other = runs_in(disturbed), runs_in(calm)
    found = [] if one.keys() == other.keys() and len(one) == count else [f"{[*one]}, {[*other]}"]
    for name, run in one.items():
        ends = (run.path / "ends").read_text() if (run.path / "ends").exists() else "ok\n"
        if run.status != "ok" or ends != "ok\n":
            found.append(f"{name}: {run.status}, ended {ends!r}")
        figures = compare(run, other.get(name, run))
        found += [f"{name}: {each}" for each in figures if each.equal is False]
        if not {"weights", "loss", "validation.bleu"} <= {each.name for each in figures}:
            found.append(f"{name}: lacks figures")
    page = (disturbed / "index.html").read_text("utf-8")
    found += [f"index.html lacks {name}" for name in one if name not in page]
    if "Waiting" in page or f"<dt>Finished</dt><dd>{count}</dd>" not in page:
        found.append("index.html does not say that all have finished")
    return found


def main() -> int:
    """Disturb one sweep, leave another in peace, compare them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--runs", type=int, default=24, help="more than are done between kills")
    parser.add_argument("--longest", type=float, default=6, help="seconds until a kill")
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
        space.write_text(SPACE.format(seeds=words.runs // 2))
        os.environ["STAND_IN_SECONDS"] = SLOW
        met = sum(disturb(space, disturbed, draw, words.longest) for _ in range(words.kills))
        os.environ["STAND_IN_SECONDS"] = QUICK
        codes = finish(space, disturbed), finish(space, calm)
        wrong = faults(disturbed, calm, words.runs // 2 * 2)
        good = not wrong and codes == (0, 0) and met == words.kills
        told = f"{met} of {words.kills} kills met a sweep under way; exit codes {codes}"
        print(f"{told}; every run there once, ok, with equal figures and weights: {good}")
        print(*wrong[:20], sep="\n")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())

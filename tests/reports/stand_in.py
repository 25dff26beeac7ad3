"""Takes the place of `workbench report` in tests of sweeps: it writes what a run writes, and learns
nothing. A step is a hash of the one before, so that the last figure tells whether any step was
left out or taken twice, whatever happened in between.
"""

import argparse
import hashlib
import json
import os
import signal
import sys
import time

from workbench.background import interrupt_without
from workbench.files import write_text
from workbench.runs import RunDirectory

STEPS, EVERY = 12, 3  # steps of a run, steps to a checkpoint
SECONDS = float(os.environ.get("STAND_IN_SECONDS", "0.02"))  # of a step


def step_after(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()


def figure_of(state: str) -> float:
    return int(state[:6], 16) / 16**6 * 100


def checkpoint(run: RunDirectory) -> tuple[int, str] | None:
    files = sorted(run.checkpoints.glob("step-*"))
    return (int(files[-1].name[5:]), files[-1].read_text()) if files else None


def forget_lines_after(run: RunDirectory, step: int) -> None:
    """What a kill left of steps behind the checkpoint is done again."""
    if run.metrics.exists():
        lines = run.metrics.read_text().splitlines(keepends=True)
        write_text(run.metrics, "".join(x for x in lines if json.loads(x)["step"] <= step))


def train(run: RunDirectory, parameters: dict[str, str]) -> None:
    start = json.dumps(parameters, sort_keys=True)
    step, state = checkpoint(run) or (0, step_after(start))
    forget_lines_after(run, step)
    steps, pause = int(parameters.get("max_steps", STEPS)), float(parameters.get("wait", SECONDS))
    while step < steps:
        time.sleep(pause)
        step, state = step + 1, step_after(state)
        evaluation = None
        if step % EVERY == 0:
            write_text(run.checkpoints / f"step-{step:08}", state)
            bleu = float(parameters.get("bleu", figure_of(state)))
            evaluation = {"split": "validation", "figures": {"bleu": bleu}, "sentences": 1}
        line = {"step": step, "total_steps": steps, "loss": 1 / step, "evaluation": evaluation,
                "best": evaluation is not None}  # fmt: skip
        with run.metrics.open("a") as stream:
            stream.write(json.dumps(line) + "\n")
    bleu = float(parameters.get("bleu", figure_of(state)))
    run.update(validation={"bleu": bleu}, recorded=["validation"], weights=state)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("-o", dest="output")
    parser.add_argument("-p", dest="given", nargs=2, action="append", default=[])
    parser.add_argument("--follower", type=int)
    parser.add_argument("--timeout", type=float)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("notebook")
    words = parser.parse_args()
    parameters = dict(words.given)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    interrupt_without(words.follower)
    run = RunDirectory(words.output)
    if run.record.exists() != words.resume or run.status in ("running", "ok"):
        print(f"workbench: {run}: is {run.status}", file=sys.stderr)
        return 2
    run.path.mkdir(parents=True, exist_ok=True)
    run.begin(hash=run.path.name.rpartition("-")[2], parameters=parameters,
              threads=os.environ.get("TF_NUM_INTRAOP_THREADS"),
              gpu=os.environ.get("CUDA_VISIBLE_DEVICES"))  # fmt: skip
    with (run.path / "begins").open("a") as stream:  # for whom, each time
        stream.write(f"{words.follower}\n")
    try:
        if parameters.get("word") == "fail":
            raise ValueError("told to fail")
        train(run, parameters)
    except KeyboardInterrupt:
        run.update(status="stopped")
        return 1
    except ValueError as error:
        run.update(status="failed", error={"type": "ValueError", "message": str(error)})
        print(f"workbench: {run}: failed: {error}", file=sys.stderr)
        return 1
    run.update(status="ok")  # from here on it is done: a kill before lets it be done again
    with (run.path / "ends").open("a") as stream:
        stream.write("ok\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""A sweep that is killed at random moments, and one whose machines are lost."""

import random
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
STAND_IN = Path(__file__).parent / "stand_in.py"


def test_twenty_kills_lose_nothing_and_do_nothing_twice():
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    script = ROOT / "tests" / "benchmarks" / "sweep_kills.py"
    done = subprocess.run(
        [sys.executable, str(script), "--stand-in", str(STAND_IN), "--longest", "1", "--runs", "12",
         "--seed", str(seed)],
        capture_output=True, text=True, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "20 of 20 kills met a sweep under way" in done.stdout
    assert "with equal figures and weights: True" in done.stdout

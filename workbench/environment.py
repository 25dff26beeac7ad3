"""What a run ran on: versions, commit, processor. The GPU's part is in `training/device.py`."""

import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

PACKAGES = ("seq2seq-workbench", "tensorflow", "keras", "numpy", "sentencepiece", "sacrebleu",
            "papermill", "altair")  # fmt: skip
THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")  # if limited
VISIBLE = "CUDA_VISIBLE_DEVICES"  # the GPUs that a process may use
STILLS_ELSEWHERE = "WORKBENCH_STILLS_ELSEWHERE"  # set where another process draws the PNGs
BEGUN = "WORKBENCH_RUNS_BEGUN"  # the file in which a process tells what run directories it began

GPU_ORDER = {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"}  # CUDA counts GPUs as NVML and nvidia-smi do


def describe() -> dict[str, Any]:
    """Return versions, git commit, system, processor and the limits of this process, plainly."""
    return {
        "versions": {"python": platform.python_version(), **_versions()},
        "commit": git_commit(Path.cwd()),
        "system": f"{platform.system()} {platform.release()}",
        "processor": processor(),
        "cores": cores(),
        "threads": {name: os.environ[name] for name in THREADS if name in os.environ},
        "visible_devices": os.environ.get(VISIBLE),
        "memory_bytes": psutil.virtual_memory().total,
    }


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor() -> str:
    """Return the processor's name as the system gives it."""
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def git_commit(directory: Path) -> str | None:
    """Return the commit checked out in `directory`, `+changes` added where files differ."""

    def git(*words: str) -> str:
        done = subprocess.run(
            ["git", *words], cwd=directory, capture_output=True, text=True, timeout=10, check=True
        )
        return done.stdout.strip()

    try:
        return git("rev-parse", "HEAD") + ("+changes" if git("status", "--porcelain") else "")
    except (OSError, subprocess.SubprocessError):
        return None


def resources() -> dict[str, float]:
    """Return the processor seconds and the peak memory of this process so far."""
    process = psutil.Process()
    times = process.cpu_times()
    return {"cpu_seconds": times.user + times.system, "peak_memory_bytes": _peak_memory(process)}


def energy(joules: float) -> str:
    """Write an energy: joules, kilojoules, or kilowatt-hours from a tenth of one on."""
    if joules >= 3.6e5:
        return f"{joules / 3.6e6:.2f} kWh"
    return f"{joules / 1000:.1f} kJ" if joules >= 1000 else f"{joules:.0f} J"


def _peak_memory(process: psutil.Process) -> float:
    if sys.platform == "win32":
        return float(process.memory_info().peak_wset)
    import resource  # there is none on Windows

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(peak if sys.platform == "darwin" else peak * 1024)  # bytes there, KiB elsewhere


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found

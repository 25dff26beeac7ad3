"""What training takes of the machine over time: processor, memory, GPUs, energy."""

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil

from workbench.environment import cores
from workbench.files import write_text
from workbench.records import GpuReading, Progress, Reading
from workbench.training.nvml import Gpu

SHORTEST = 1.0  # seconds between two readings at least
SHARE = 1000  # and at least this part of the time that has passed: a day has some 5500 readings
TOO_SHORT = 0.1  # seconds over which shares of processor time, counted in hundredths, mean little
PATIENCE = 2.0  # seconds that the end waits for a reading that hangs in a driver


class Usage:
    """A sink that reads the machine in a thread of its own and writes `usage.jsonl`.

    The thread ends with training. A disk that is full ends it before; training goes on.
    """

    def __init__(
        self,
        path: Path,
        gpus: Sequence[Gpu] = (),
        shortest: float = SHORTEST,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin to read; what is in `path` is gone on with."""
        known = read_usage(path)
        write_text(path, "".join(map(_line, known)))  # without a line cut short
        self._before = known[-1] if known else Reading(0.0, 0, 0.0, 0.0, 0)
        self._step = self._before.step
        self._path, self._gpus, self._clock, self._shortest = path, gpus, clock, shortest
        self._meter, self._began, self._latest = _Meter(clock), clock(), 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="read the machine", daemon=True)
        self._thread.start()

    def write(self, progress: Progress) -> None:
        """Take note of the step."""
        self._step = progress.step

    def close(self) -> None:
        """Take a last reading and end the thread."""
        self._ended.set()
        self._thread.join(PATIENCE)

    def _run(self) -> None:
        try:
            with self._path.open("a", encoding="utf-8", buffering=1) as stream:
                while not self._ended.wait(self._pause()):
                    stream.write(_line(self._read()))
                if not self._latest or self._passed() - self._latest > TOO_SHORT:
                    stream.write(_line(self._read()))
        except (OSError, psutil.Error):
            return  # a chart the less

    def _pause(self) -> float:
        return max(self._shortest, self._passed() / SHARE)

    def _passed(self) -> float:
        return self._clock() - self._began

    def _read(self) -> Reading:
        self._latest = self._passed()
        taken = [gpu.joules or 0.0 for gpu in self._before.gpus] + [0.0] * len(self._gpus)
        read = (gpu.read(self._latest) for gpu in self._gpus)
        gpus = tuple(
            gpu if gpu.joules is None else gpu._replace(joules=gpu.joules + before)
            for gpu, before in zip(read, taken, strict=False)
        )
        seconds = self._before.seconds + self._latest
        return Reading(seconds, self._step, *self._meter.read(), gpus)


class _Meter:
    """Shares of processor time since the last look, and memory."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock, self._process = clock, psutil.Process()
        self._cores = cores()
        self._look()

    def read(self) -> tuple[float, float, int]:
        """Return the machine's share, that of this process, and its memory in bytes."""
        before, busy, whole = self._at
        before_own = self._own
        self._look()
        now, busy_now, whole_now = self._at
        return (
            min(max((busy_now - busy) / max(whole_now - whole, 1e-9), 0.0), 1.0),
            max((self._own - before_own) / max((now - before) * self._cores, 1e-9), 0.0),
            int(self._process.memory_info().rss),
        )

    def _look(self) -> None:
        times = psutil.cpu_times()
        whole = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
        idle = times.idle + getattr(times, "iowait", 0.0)
        own = self._process.cpu_times()
        self._at, self._own = (self._clock(), whole - idle, whole), own.user + own.system


def read_usage(path: Path) -> tuple[Reading, ...]:
    """Read `usage.jsonl`; a last line cut short by a crash is left out."""
    return tuple(_readings(path)) if path.exists() else ()


def in_sum(readings: Sequence[Reading]) -> dict[str, Any]:
    """Return means and maxima over the readings, as `run.json` keeps them; energy in joules."""
    if not readings:
        return {}
    last = readings[-1]
    return {
        "readings": len(readings),
        "seconds": last.seconds,
        **{name: _spread(getattr(one, name) for one in readings)
           for name in ("machine", "process", "memory")},
        "gpus": [
            {
                "name": gpu.name,
                **{name: _spread(getattr(one.gpus[number], name)
                                 for one in readings if number < len(one.gpus))
                   for name in ("utilisation", "memory", "watts")},
                "joules": gpu.joules,
            }
            for number, gpu in enumerate(last.gpus)
        ],
    }  # fmt: skip


def _spread(values: Iterable[float | None]) -> dict[str, float] | None:
    """Return mean and maximum of what is known."""
    known = [value for value in values if value is not None]
    return {"mean": sum(known) / len(known), "max": max(known)} if known else None


def _line(reading: Reading) -> str:
    fields = reading._asdict() | {"gpus": [gpu._asdict() for gpu in reading.gpus]}
    return json.dumps(fields) + "\n"


def _readings(path: Path) -> Iterator[Reading]:
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            fields = json.loads(line)
            gpus = tuple(GpuReading(**gpu) for gpu in fields.pop("gpus"))
            yield Reading(**fields, gpus=gpus)
        except (ValueError, TypeError, KeyError, AttributeError):
            return

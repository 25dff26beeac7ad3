"""What the driver of NVIDIA's GPUs tells of them (NVML), without TensorFlow.

Whatever a card, a partition of one or an old driver does not tell is None.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cached_property
from typing import Any

import pynvml

from workbench.records import GpuReading


class Gpu:
    """One GPU, and the energy that it has taken since it was first read."""

    def __init__(self, handle: Any) -> None:
        """Stand for a GPU by NVML's handle."""
        self._handle = handle
        self._energy = 0.0  # joules, where the driver does not count them
        self._read_at: float | None = None
        self._watts: float | None = None
        self._counted = self._told(pynvml.nvmlDeviceGetTotalEnergyConsumption)  # mJ

    @cached_property
    def name(self) -> str:
        """Its name, such as `NVIDIA H200`."""
        name = self._told(pynvml.nvmlDeviceGetName) or "GPU"
        return name.decode() if isinstance(name, bytes) else str(name)

    @property
    def memory_bytes(self) -> int | None:
        """How much memory it has."""
        memory = self._told(pynvml.nvmlDeviceGetMemoryInfo)
        return int(memory.total) if memory else None

    def read(self, seconds: float) -> GpuReading:
        """Return what it is doing at a moment, `seconds` after any other."""
        rates = self._told(pynvml.nvmlDeviceGetUtilizationRates)
        memory = self._told(pynvml.nvmlDeviceGetMemoryInfo)
        milliwatts = self._told(pynvml.nvmlDeviceGetPowerUsage)
        watts = None if milliwatts is None else milliwatts / 1000
        return GpuReading(
            self.name,
            rates.gpu / 100 if rates else None,
            int(memory.used) if memory else None,
            watts,
            self._joules(seconds, watts),
        )

    def _joules(self, seconds: float, watts: float | None) -> float | None:
        """Return the driver's count, or the area below the power by the trapezoidal rule."""
        counted = self._told(pynvml.nvmlDeviceGetTotalEnergyConsumption)
        if counted is not None and self._counted is not None:
            return float(counted - self._counted) / 1000
        if watts is None:
            return None
        if self._watts is not None and self._read_at is not None:
            self._energy += (seconds - self._read_at) * (watts + self._watts) / 2
        self._read_at, self._watts = seconds, watts
        return self._energy

    def _told(self, query: Callable[[Any], Any]) -> Any:
        with suppress(pynvml.NVMLError):
            return query(self._handle)
        return None


def gpus() -> tuple[Gpu, ...]:
    """Return the GPUs that this process may use; none where there is no driver."""
    try:
        pynvml.nvmlInit()
        return tuple(Gpu(handle) for handle in _visible())
    except pynvml.NVMLError:
        return ()


def driver() -> dict[str, str]:
    """Return the version of the driver, and that of the CUDA which came with it, as it runs."""
    found = {}
    with suppress(pynvml.NVMLError):
        pynvml.nvmlInit()
        version = pynvml.nvmlSystemGetDriverVersion()
        found["driver"] = version.decode() if isinstance(version, bytes) else str(version)
        number = _cuda_of_the_driver()  # 12040 is 12.4
        found["driver_cuda"] = f"{number // 1000}.{number % 1000 // 10}"
    return found


def _cuda_of_the_driver() -> int:
    """Ask the library that runs; where it is not found, what NVML itself knows of."""
    with suppress(pynvml.NVMLError):
        return int(pynvml.nvmlSystemGetCudaDriverVersion_v2())
    return int(pynvml.nvmlSystemGetCudaDriverVersion())


def _visible() -> Iterator[Any]:
    """Yield the handles of what CUDA_VISIBLE_DEVICES names, up to a name that is none, as CUDA.

    Numbers are those of the PCI bus, by which CUDA counts as well: `device.py` tells it to, unless
    the user has told it otherwise in CUDA_DEVICE_ORDER.
    """
    names = os.environ.get("CUDA_VISIBLE_DEVICES")
    if names is None:
        for number in range(pynvml.nvmlDeviceGetCount()):
            yield pynvml.nvmlDeviceGetHandleByIndex(number)
        return
    for name in filter(None, map(str.strip, names.split(","))):
        try:
            if name.lstrip("-").isdecimal():
                yield pynvml.nvmlDeviceGetHandleByIndex(int(name))
            else:
                yield pynvml.nvmlDeviceGetHandleByUUID(name.encode())
        except pynvml.NVMLError:
            return

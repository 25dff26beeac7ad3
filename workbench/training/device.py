"""What TensorFlow runs on, and the switches that must be set before it does."""

import os
from typing import Any

import tensorflow as tf

from workbench.config import Precision
from workbench.environment import GPU_ORDER
from workbench.errors import SettingsError
from workbench.training import nvml

for _name, _value in GPU_ORDER.items():  # CUDA reads it when it is first asked for a GPU
    os.environ.setdefault(_name, _value)


def prepare(deterministic: bool) -> None:
    """Let GPU memory grow as needed, and ask for the same figures at every run.

    Determinism is a switch of the whole process; it cannot be turned off again.
    """
    for gpu in tf.config.list_physical_devices("GPU"):
        try:
            tf.config.experimental.set_memory_growth(gpu, True)
        except RuntimeError:
            break  # the GPU is in use already, with whatever was set first
    if deterministic:
        tf.config.experimental.enable_op_determinism()


def check_precision(precision: Precision) -> None:
    """Refuse numbers that the device at hand cannot compute with at any useful speed.

    Raises:
        SettingsError: float16 without a GPU.
    """
    if precision == "float16" and not tf.config.list_physical_devices("GPU"):
        raise SettingsError(
            "precision is float16 and there is no GPU: choose bfloat16, which runs anywhere"
        )


def describe() -> dict[str, Any]:
    """Return the GPUs with their details, or the fact that there is none, as plain values.

    `cuda` and `cudnn` are what TensorFlow was built with, `driver_cuda` what the driver runs.
    """
    found = tf.config.list_physical_devices("GPU")
    if not found:
        return {"device": "CPU"}
    build = tf.sysconfig.get_build_info()
    details: list[dict[str, Any]] = [
        {name: str(value) for name, value in one.items()}
        for one in map(tf.config.experimental.get_device_details, found)
    ]
    for one, gpu in zip(details, nvml.gpus(), strict=False):
        one["memory_bytes"] = gpu.memory_bytes
    return {
        "device": "GPU",
        "gpus": details,
        "cuda": str(build.get("cuda_version", "")),
        "cudnn": str(build.get("cudnn_version", "")),
        **nvml.driver(),
    }


def watched_gpus() -> tuple[nvml.Gpu, ...]:
    """Return the GPUs that training uses, to be read meanwhile."""
    return nvml.gpus() if tf.config.list_physical_devices("GPU") else ()


def peak_gpu_memory() -> dict[str, int]:
    """Return the most bytes in use at once on every GPU so far."""
    names = [gpu.name.removeprefix("/device:") for gpu in tf.config.list_logical_devices("GPU")]
    return {name: int(tf.config.experimental.get_memory_info(name)["peak"]) for name in names}


def forget_peak_gpu_memory() -> None:
    """Let `peak_gpu_memory` count from now on."""
    for name in peak_gpu_memory():
        tf.config.experimental.reset_memory_stats(name)

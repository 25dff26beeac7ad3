import importlib
import json
import os
from types import SimpleNamespace

import pytest
import tensorflow as tf

from workbench.training import device, nvml


@pytest.fixture
def gpus(monkeypatch):
    """Two GPUs as TensorFlow would report them."""
    names = ["/physical_device:GPU:0", "/physical_device:GPU:1"]
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda _: names)
    return names


def test_without_a_gpu(monkeypatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda _: [])
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda _: [])
    assert device.describe() == {"device": "CPU"}
    assert device.peak_gpu_memory() == {}


def test_gpus_are_described_as_plain_values(gpus, monkeypatch):
    details = {"device_name": "NVIDIA H200", "compute_capability": (9, 0)}
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda _: details)
    monkeypatch.setattr(tf.sysconfig, "get_build_info", lambda: {"cuda_version": "12.5.1"})
    described = device.describe()
    assert json.loads(json.dumps(described)) == described
    assert described["device"] == "GPU"
    assert described["gpus"] == 2 * [{"device_name": "NVIDIA H200", "compute_capability": "(9, 0)"}]
    assert described["cuda"] == "12.5.1"
    assert described["cudnn"] == ""


def test_gpus_come_with_their_memory_and_their_driver(gpus, monkeypatch):
    details = {"device_name": "NVIDIA H200"}
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda _: details)
    cards = [SimpleNamespace(memory_bytes=141 * 2**30), SimpleNamespace(memory_bytes=None)]
    monkeypatch.setattr(nvml, "gpus", lambda: tuple(cards))
    monkeypatch.setattr(nvml, "driver", lambda: {"driver": "570.86", "driver_cuda": "12.8"})
    described = device.describe()
    assert [gpu["memory_bytes"] for gpu in described["gpus"]] == [141 * 2**30, None]
    assert (described["driver"], described["driver_cuda"]) == ("570.86", "12.8")
    assert device.watched_gpus() == tuple(cards)


def test_gpus_that_tensorflow_does_not_see_are_not_watched(monkeypatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda _: [])
    monkeypatch.setattr(nvml, "gpus", lambda: pytest.fail("asked for"))
    assert device.watched_gpus() == ()


def test_peak_memory_is_forgotten(monkeypatch):
    forgotten = []
    monkeypatch.setattr(device, "peak_gpu_memory", lambda: {"GPU:0": 7, "GPU:1": 8})
    monkeypatch.setattr(tf.config.experimental, "reset_memory_stats", forgotten.append)
    device.forget_peak_gpu_memory()
    assert forgotten == ["GPU:0", "GPU:1"]


def test_peak_memory_of_every_gpu(monkeypatch):
    logical = [tf.config.LogicalDevice("/device:GPU:0", "GPU")]
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda _: logical)
    monkeypatch.setattr(
        tf.config.experimental, "get_memory_info", lambda _: {"current": 1, "peak": 7}
    )
    assert device.peak_gpu_memory() == {"GPU:0": 7}


@pytest.mark.parametrize(("given", "wanted"), [(None, "PCI_BUS_ID"), ("FASTEST_FIRST",) * 2])
def test_cuda_counts_gpus_as_the_driver_does_unless_told_otherwise(monkeypatch, given, wanted):
    monkeypatch.delenv("CUDA_DEVICE_ORDER", raising=False)
    if given:
        monkeypatch.setenv("CUDA_DEVICE_ORDER", given)
    importlib.reload(device)
    assert os.environ["CUDA_DEVICE_ORDER"] == wanted


@pytest.mark.parametrize("deterministic", [False, True])
def test_memory_grows_and_determinism_is_asked_for(gpus, monkeypatch, deterministic):
    grown, asked = [], []
    experimental = tf.config.experimental
    monkeypatch.setattr(experimental, "set_memory_growth", lambda gpu, _: grown.append(gpu))
    monkeypatch.setattr(experimental, "enable_op_determinism", lambda: asked.append(True))
    device.prepare(deterministic)
    assert grown == gpus
    assert asked == [True] * deterministic


def test_a_gpu_already_in_use_stays_as_it_is(gpus, monkeypatch):
    def refuse(gpu, on):
        raise RuntimeError("Physical devices cannot be modified after being initialized")

    monkeypatch.setattr(tf.config.experimental, "set_memory_growth", refuse)
    device.prepare(deterministic=False)

import json

import pytest
import tensorflow as tf

from workbench.training import device


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


def test_peak_memory_of_every_gpu(monkeypatch):
    logical = [tf.config.LogicalDevice("/device:GPU:0", "GPU")]
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda _: logical)
    monkeypatch.setattr(
        tf.config.experimental, "get_memory_info", lambda _: {"current": 1, "peak": 7}
    )
    assert device.peak_gpu_memory() == {"GPU:0": 7}


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

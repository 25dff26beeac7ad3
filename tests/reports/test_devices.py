import sys
from types import SimpleNamespace

import psutil
import pytest

from workbench.reports.devices import Devices, thread_limits, threads_each, visible_gpus


class NVMLError(Exception):
    pass


def driver(count):
    """A driver that knows of so many GPUs; None: there is no driver."""

    def initialize():
        if count is None:
            raise NVMLError("Driver Not Loaded")

    return SimpleNamespace(
        nvmlInit=initialize, nvmlDeviceGetCount=lambda: count, nvmlShutdown=lambda: None,
        NVMLError=NVMLError,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("environment", "count", "gpus"),
    [
        ({}, 3, ("0", "1", "2")),
        ({}, 0, ()),
        ({}, None, ()),
        ({"CUDA_VISIBLE_DEVICES": "2, GPU-5f"}, 8, ("2", "GPU-5f")),
        ({"CUDA_VISIBLE_DEVICES": ""}, 8, ()),
        ({"CUDA_VISIBLE_DEVICES": "-1"}, 8, ()),
        ({"CUDA_VISIBLE_DEVICES": "1,-1,0"}, 8, ("1",)),
    ],
    ids=str,
)
def test_gpus_that_may_be_used(monkeypatch, environment, count, gpus):
    monkeypatch.setitem(sys.modules, "pynvml", driver(count))
    assert visible_gpus(environment) == gpus


def test_each_run_gets_the_gpu_with_the_fewest_runs():
    devices = Devices(("0", "1"))
    with devices.lent() as first, devices.lent() as second:
        assert [first, second] == [{"CUDA_VISIBLE_DEVICES": "0"}, {"CUDA_VISIBLE_DEVICES": "1"}]
        with devices.lent() as third:
            assert third == {"CUDA_VISIBLE_DEVICES": "0"}
    with devices.lent() as again:
        assert again == {"CUDA_VISIBLE_DEVICES": "0"}


def test_without_a_gpu_nothing_is_said():
    with Devices(()).lent() as variables:
        assert variables == {}


@pytest.mark.parametrize(("cores", "jobs", "threads"), [(8, 2, 4), (8, 3, 2), (2, 5, 1)])
def test_runs_share_the_cores(monkeypatch, cores, jobs, threads):
    monkeypatch.setattr(psutil.Process, "cpu_affinity", lambda _: list(range(cores)),
                        raising=False)  # fmt: skip
    assert threads_each(jobs) == threads


def test_limits_of_threads():
    assert thread_limits(None) == {}
    assert thread_limits(2) == {
        "TF_NUM_INTRAOP_THREADS": "2", "TF_NUM_INTEROP_THREADS": "2", "OMP_NUM_THREADS": "2",
    }  # fmt: skip

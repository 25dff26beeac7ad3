import os
import subprocess
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


def gpu(lent):
    return lent.variables["CUDA_VISIBLE_DEVICES"]


def test_each_run_gets_the_gpu_with_the_fewest_runs(tmp_path):
    devices = Devices(("0", "1"), tmp_path)
    with devices.lent() as first, devices.lent() as second:
        assert (gpu(first), gpu(second)) == ("0", "1")
        with devices.lent() as third, devices.lent() as fourth:
            assert (gpu(third), gpu(fourth)) == ("0", "1")
    with devices.lent() as again:
        assert gpu(again) == "0"


def test_a_run_counts_gpus_as_the_driver_does_unless_told_otherwise(tmp_path, monkeypatch):
    monkeypatch.delenv("CUDA_DEVICE_ORDER", raising=False)
    with Devices(("1",), tmp_path).lent() as lent:
        assert lent.variables == {"CUDA_VISIBLE_DEVICES": "1", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
    monkeypatch.setenv("CUDA_DEVICE_ORDER", "FASTEST_FIRST")
    with Devices(("1",), tmp_path).lent() as lent:
        assert lent.variables["CUDA_DEVICE_ORDER"] == "FASTEST_FIRST"


def test_of_two_uses_the_first_may_end_first(tmp_path):
    """Then a GPU with one use left is not taken for one with none."""
    devices = Devices(("0", "MIG/1"), tmp_path)
    one, two, three = devices.lent(), devices.lent(), devices.lent()
    assert [gpu(each.__enter__()) for each in (one, two, three)] == ["0", "MIG/1", "0"]
    one.__exit__(None, None, None)
    two.__exit__(None, None, None)
    with devices.lent() as again:
        assert gpu(again) == "MIG/1"
    three.__exit__(None, None, None)


def test_processes_of_a_machine_lend_together(tmp_path):
    def worker():
        process = subprocess.Popen(
            [sys.executable, "-c", LEND, str(tmp_path)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=os.environ | {"CUDA_VISIBLE_DEVICES": "0,1"},
        )  # fmt: skip
        return process, process.stdout.readline().strip()

    workers = [worker(), worker()]
    assert [gpu for _, gpu in workers] == ["0", "1"]
    workers[0][0].kill()  # its GPU is free at once
    workers[0][0].wait()
    workers.append(worker())
    assert workers[2][1] == "0"
    for process, _ in workers:
        process.kill()
        process.communicate()


LEND = """
import sys
from pathlib import Path
from workbench.reports.devices import Devices, visible_gpus
with Devices(visible_gpus(), Path(sys.argv[1])).lent() as lent:
    print(lent.variables["CUDA_VISIBLE_DEVICES"], flush=True)
    input()
"""


def test_without_a_gpu_nothing_is_said():
    with Devices(()).lent() as lent:
        assert (lent.variables, lent.locks) == ({}, ())


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

"""A real scheduler of Dask and two real workers on this machine; their runs are stand-ins."""

import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from workbench.errors import SettingsError
from workbench.reports import executors, plan
from workbench.reports.sweep import Options, run_sweep
from workbench.runs import RunDirectory

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "swept.ipynb"
WORKER = f"""
import sys
from workbench.reports import jobs
jobs.COMMAND = ({str(Path(__file__).parent / "stand_in.py")!r},)
from distributed.cli.dask_worker import main
main(sys.argv[1:])
"""
SCHEDULER = "from distributed.cli.dask_scheduler import main; main()"


@pytest.fixture
def cluster(tmp_path):
    """Yield the scheduler's address and the processes of the two workers."""
    processes = []

    def start(code, *words):
        command = [sys.executable, "-c", code, *words]
        processes.append(subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL))
        return processes[-1]

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    start(SCHEDULER, "--host", address, "--no-dashboard", "--no-show")
    workers = [start(WORKER, address, "--no-nanny", "--nthreads", "1", "--no-dashboard")
               for _ in range(2)]  # fmt: skip
    yield address, workers
    for process in processes:
        process.kill()
        process.wait()


def test_runs_of_a_worker_that_is_killed_are_done_by_another(cluster, tmp_path, monkeypatch):
    address, workers = cluster
    monkeypatch.setattr(plan, "preflight", lambda _: "fingerprint")
    monkeypatch.chdir(tmp_path)
    wait_for(address, 2)
    Path("space.yaml").write_text(
        "parameters: {units: [2, 4, 6, 8, 10, 12]}\nobjective: validation.bleu\n"
        "fixed: {max_steps: 60}"
    )

    def kill_one(runs):
        if len(runs) >= 3 and workers[0].poll() is None:
            workers[0].kill()

    swept = run_sweep(NOTEBOOK, Path("space.yaml"), options=Options(scheduler=address),
                      after_run=kill_one)  # fmt: skip
    assert workers[0].poll() is not None
    assert (swept.exit_code, len(swept.trials)) == (0, 6)
    runs = [RunDirectory(swept.folder / trial.runs[0].run) for trial in swept.trials]
    assert len({run.path for run in runs}) == 6
    assert {(run.status, (run.path / "ends").read_text()) for run in runs} == {("ok", "ok\n")}


def wait_for(address, count):
    """Wait until so many workers have told the scheduler of themselves."""
    from distributed import Client

    end = time.monotonic() + 120
    while True:
        try:
            executors._check_scheduler(address)
            break
        except SettingsError:
            assert time.monotonic() < end, "the scheduler does not start"
    with Client(address, set_as_default=False) as client:
        client.wait_for_workers(count, timeout=120)


@pytest.mark.parametrize("listens", [False, True])
def test_a_scheduler_that_is_not_there_or_is_something_else(tmp_path, monkeypatch, listens):
    monkeypatch.setattr(executors, "SECONDS", 1)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{other.getsockname()[1]}"
        if listens:
            other.listen()
        with (
            pytest.raises(SettingsError, match=f"scheduler {address}: is not there: "),
            executors.cluster(address, None, tmp_path),
        ):
            pytest.fail("there is no scheduler")


def test_without_distributed(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with (
        pytest.raises(SettingsError, match=r"pip install 'seq2seq-workbench\[cluster\]'"),
        executors.cluster("tcp://127.0.0.1:1", None, tmp_path),
    ):
        pytest.fail("there is no Dask")

"""A real scheduler of Dask and two real workers on this machine; their runs are stand-ins."""

import json
import socket
import subprocess
import sys
import threading
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
        "fixed: {max_steps: 120}"
    )

    victim, held = workers[0], []

    def kill_in_the_middle():
        held.append(in_hand_of(victim.pid))
        victim.kill()

    killer = threading.Thread(target=kill_in_the_middle)
    killer.start()
    swept = run_sweep(NOTEBOOK, Path("space.yaml"), options=Options(scheduler=address),
                      after_run=lambda _: None)  # fmt: skip
    killer.join()
    assert (swept.exit_code, len(swept.trials)) == (0, 6)
    runs = [RunDirectory(swept.folder / trial.runs[0].run) for trial in swept.trials]
    assert len({run.path for run in runs}) == 6
    assert {*Path(swept.folder, "runs").iterdir()} == {run.path for run in runs}
    assert {(run.status, (run.path / "ends").read_text()) for run in runs} == {("ok", "ok\n")}
    again = {run.path: begins_of(run) for run in runs if len(begins_of(run)) > 1}
    assert again == {held[0].path: [str(victim.pid), str(workers[1].pid)]}
    for run in runs:  # no step was left out or taken twice
        steps = [json.loads(line)["step"] for line in run.metrics.read_text().splitlines()]
        assert steps == [*range(1, 121)]


def begins_of(run):
    """The processes for which a run was begun, one after the other."""
    return (run.path / "begins").read_text().split()


def in_hand_of(worker):
    """Wait until a run is done and a worker is in the midst of another; return that."""
    end = time.monotonic() + 60
    while True:
        runs = [RunDirectory(path.parent) for path in Path.cwd().glob("sweeps/*/runs/*/run.json")]
        if any(run.status == "ok" for run in runs):
            for run in runs:
                lines = run.metrics.read_text().count("\n") if run.metrics.exists() else 0
                if 3 <= lines < 90 and begins_of(run)[-1] == str(worker):
                    return run
        assert time.monotonic() < end, "the worker has nothing in hand"
        time.sleep(0.02)


def wait_for(address, count):
    """Wait until so many workers have told the scheduler of themselves."""
    from distributed import Client

    end = time.monotonic() + 120
    while True:
        try:
            executors.check_scheduler(address)
            break
        except SettingsError:
            assert time.monotonic() < end, "the scheduler does not start"
    with Client(address, set_as_default=False) as client:
        client.wait_for_workers(count, timeout=120)


@pytest.mark.parametrize("listens", [False, True])
def test_a_scheduler_that_is_not_there_or_is_something_else(monkeypatch, listens):
    monkeypatch.setattr(executors, "SECONDS", 1)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{other.getsockname()[1]}"
        if listens:
            other.listen()
        with pytest.raises(SettingsError, match=f"scheduler {address}: is not there: "):
            executors.check_scheduler(address)


def test_without_distributed(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(SettingsError, match=r"pip install 'seq2seq-workbench\[cluster\]'"):
        executors.check_scheduler("tcp://127.0.0.1:1")


def test_a_scheduler_without_a_worker(cluster):
    address, workers = cluster
    for worker in workers:
        worker.kill()
    end, said = time.monotonic() + 120, ""
    while "has no worker" not in said:
        assert time.monotonic() < end, said or "a worker does not go"
        try:
            executors.check_scheduler(address)
        except SettingsError as error:
            said = str(error)
    assert said == f"scheduler {address}: has no worker; start some: dask worker {address}"

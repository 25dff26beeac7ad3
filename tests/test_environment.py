import json
import platform
import shutil
import subprocess
import sys
import types
from importlib.metadata import version
from pathlib import Path

import psutil
import pytest

from workbench import environment


def test_it_is_plain_values():
    described = environment.describe()
    assert json.loads(json.dumps(described)) == described
    assert described["versions"]["python"] == platform.python_version()
    assert described["versions"]["numpy"] == version("numpy")
    assert described["cores"] >= 1
    assert described["memory_bytes"] == psutil.virtual_memory().total
    assert platform.system() in described["system"]
    assert described["processor"]


def test_limits_of_the_process_are_told(monkeypatch):
    for name in environment.THREADS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv(environment.VISIBLE, raising=False)
    described = environment.describe()
    assert (described["threads"], described["visible_devices"]) == ({}, None)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    described = environment.describe()
    assert (described["threads"], described["visible_devices"]) == ({"OMP_NUM_THREADS": "2"}, "1")


def test_a_package_that_is_not_there_has_no_version(monkeypatch):
    monkeypatch.setattr(environment, "PACKAGES", ("numpy", "no-such-package"))
    assert environment.describe()["versions"].keys() == {"python", "numpy"}


def test_cores_are_counted_where_affinity_is_unknown(monkeypatch):
    monkeypatch.delattr("os.sched_getaffinity", raising=False)
    monkeypatch.setattr("os.cpu_count", lambda: 64)
    assert environment.describe()["cores"] == 64


@pytest.mark.parametrize(
    ("joules", "written"),
    [(0.4, "0 J"), (999.0, "999 J"), (12_345.0, "12.3 kJ"), (3.6e6, "1.00 kWh")],
)
def test_an_energy_is_written_in_the_unit_that_fits(joules, written):
    assert environment.energy(joules) == written


@pytest.mark.parametrize(
    ("information", "name"),
    [("processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\n", "Some CPU @ 2 GHz"),
     ("CPU part\t: 0xd0c\n", "arm"), (None, "arm")],
)  # fmt: skip
def test_the_processor_by_name(monkeypatch, tmp_path, information, name):
    file = tmp_path / "cpuinfo"
    if information:
        file.write_text(information)
    monkeypatch.setattr(environment, "Path", lambda _: file)
    monkeypatch.setattr("platform.processor", lambda: "arm")
    assert environment.processor() == name


@pytest.fixture
def repository(tmp_path):
    if shutil.which("git") is None:
        pytest.skip("git absent")

    def git(*words):
        identity = ["-c", "user.name=n", "-c", "user.email=e", "-c", "commit.gpgsign=false"]
        done = subprocess.run(
            ["git", *identity, *words], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    git("init", "-q")
    return tmp_path, git


def test_the_commit_and_whether_files_differ_from_it(repository):
    path, git = repository
    assert environment.git_commit(path) is None  # no commit yet
    (path / "a").write_text("1")
    git("add", "a")
    git("commit", "-q", "--no-verify", "-m", "one")
    head = git("rev-parse", "HEAD")
    assert environment.git_commit(path) == head
    (path / "a").write_text("2")
    assert environment.git_commit(path) == f"{head}+changes"


def test_no_repository_or_no_git_has_no_commit(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert environment.git_commit(tmp_path) is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert environment.git_commit(Path.cwd()) is None


def test_resources_of_this_process():
    before = environment.resources()
    assert before["peak_memory_bytes"] > 10 * 2**20  # an interpreter with psutil
    total = sum(number * number for number in range(300_000))
    after = environment.resources()
    assert total
    assert after["cpu_seconds"] >= before["cpu_seconds"] > 0
    assert after["peak_memory_bytes"] >= before["peak_memory_bytes"]


@pytest.mark.parametrize(("system", "peak"), [("linux", 7 * 1024), ("darwin", 7), ("win32", 9)])
def test_peak_memory_in_the_units_of_the_system(monkeypatch, system, peak):
    usage = types.SimpleNamespace(ru_maxrss=7)
    resource = types.SimpleNamespace(RUSAGE_SELF=0, getrusage=lambda _: usage)
    memory = types.SimpleNamespace(peak_wset=9)
    process = types.SimpleNamespace(
        memory_info=lambda: memory,
        cpu_times=lambda: types.SimpleNamespace(user=1.0, system=0.5),
    )
    monkeypatch.setitem(sys.modules, "resource", resource)
    monkeypatch.setattr(psutil, "Process", lambda: process)
    monkeypatch.setattr(sys, "platform", system)
    assert environment.resources() == {"cpu_seconds": 1.5, "peak_memory_bytes": peak}

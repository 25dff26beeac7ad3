"""Tiny notebooks, one for each way a run can go."""

import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

from workbench.reports.parameters import read_notebook

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"


@pytest.fixture(scope="session")
def path_of():
    """Return where a tiny notebook lies."""
    return lambda name: NOTEBOOKS / f"{name}.ipynb"


@pytest.fixture(scope="session")
def load(path_of):
    """Read a tiny notebook."""
    return lambda name: read_notebook(path_of(name))


@pytest.fixture
def postgres():
    """The address of an empty database of a real server."""
    tools = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not tools:
        pytest.skip("no PostgreSQL server on this machine")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    root = os.geteuid() == 0  # as whom it refuses to run
    me = ["runuser", "-u", "postgres", "--"] if root else []
    with tempfile.TemporaryDirectory() as home:
        if root:
            shutil.chown(home, "postgres")
        there, control = f"{home}/data", [*me, str(tools[-1] / "pg_ctl"), "-D", f"{home}/data"]
        flags = f"-p {port} -c listen_addresses=127.0.0.1 -k {home} -c fsync=off"
        quiet = {"check": True, "stdout": subprocess.DEVNULL, "cwd": home}
        subprocess.run(
            [*me, str(tools[-1] / "initdb"), "-D", there, "-U", "me", "-A", "trust"], **quiet
        )
        subprocess.run([*control, "-o", flags, "-l", f"{home}/log", "-w", "start"], **quiet)
        try:
            yield f"postgresql://me@127.0.0.1:{port}/postgres"
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], **quiet)

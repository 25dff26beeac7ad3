import signal
import subprocess
import sys
import threading

import pytest

from workbench.locks import TakenError, held, is_taken, waited_for

HOLD = """
import subprocess, sys, time
from pathlib import Path
from workbench.locks import held
with held(Path(sys.argv[1]), "process of the test") as lock:
    if sys.argv[2:]:
        child = subprocess.Popen([sys.executable, "-c", "input()"], pass_fds=(lock,))
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """Start a process that holds the lock; yield what starts it."""
    started = []

    def start(*words):
        command = [sys.executable, "-c", HOLD, str(tmp_path / "lock"), *words]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        assert process.stdout.readline() == "held\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def test_one_after_the_other(tmp_path):
    for note in ("a long first note", "second"):
        with held(tmp_path / "deep" / "lock", note):
            assert (tmp_path / "deep" / "lock").read_text() == note
            with pytest.raises(TakenError, match=note), held(tmp_path / "deep" / "lock"):
                pytest.fail("the lock was held twice")


def test_a_lock_dies_with_its_process(tmp_path, holder):
    process = holder()
    with pytest.raises(TakenError, match="process of the test"), held(tmp_path / "lock"):
        pytest.fail("the lock was held twice")
    process.kill()
    process.wait()
    with held(tmp_path / "lock"):
        pass


def test_a_process_that_inherits_the_lock_holds_it(tmp_path, holder):
    process = holder("with a child")
    process.kill()
    process.wait()
    with pytest.raises(TakenError), held(tmp_path / "lock"):
        pytest.fail("the child holds the lock")
    process.stdin.close()  # the child ends
    process.stdout.read()
    with held(tmp_path / "lock"):
        pass


def test_a_lock_is_asked_for_and_waited_for(holder, tmp_path):
    lock = tmp_path / "lock"
    assert not is_taken(lock)
    process = holder()
    assert is_taken(lock)
    threading.Timer(0.3, process.kill).start()
    with waited_for(lock):
        assert process.wait() == -signal.SIGKILL
        assert is_taken(lock)

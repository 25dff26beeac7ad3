import signal
import subprocess
import sys
import textwrap
import threading

import pytest

from workbench import background
from workbench.background import in_background, on_interrupt, when_parent_dies


def test_work_is_done_in_a_thread_of_its_own():
    seen = []
    in_background(lambda: seen.append(threading.current_thread()), stop=seen.clear).result(10)
    assert seen[0] is not threading.current_thread()


def test_what_work_raises_is_the_futures():
    def fail():
        raise ValueError("no luck")

    with pytest.raises(ValueError, match="no luck"):
        in_background(fail, stop=lambda: None).result(10)


def test_when_the_interpreter_ends_work_is_told_to_stop_and_may_save():
    program = """
        import threading
        from workbench.background import in_background

        told, begun = threading.Event(), threading.Event()

        def work():
            begun.set()
            told.wait(10)
            print("saved", flush=True)

        in_background(work, told.set)
        begun.wait(10)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert done.stdout == "saved\n"


@pytest.mark.parametrize("fails", [False, True])
def test_when_the_parent_dies_the_last_word_is_said_and_the_process_ends(monkeypatch, fails):
    ended, said = threading.Event(), []
    parents = iter([7, 7])
    monkeypatch.setattr(background.os, "getppid", lambda: next(parents, 1))
    monkeypatch.setattr(background.os, "_exit", lambda _: ended.set())
    monkeypatch.setattr(background.psutil, "pid_exists", lambda _: True)
    monkeypatch.setattr(background.time, "sleep", lambda _: None)
    monkeypatch.setattr(threading, "excepthook", lambda _: None)

    def act():
        said.append("killed")
        if fails:
            raise OSError("disk full")

    when_parent_dies(7, act)
    assert ended.wait(10)
    assert said == ["killed"]


def test_the_first_interrupt_is_heard_and_the_second_strikes():
    heard = []
    with on_interrupt(lambda: heard.append("stop")):
        signal.raise_signal(signal.SIGINT)
        assert heard == ["stop"]
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert heard == ["stop"]


def test_afterwards_interrupts_are_what_they_were():
    before = signal.getsignal(signal.SIGINT)
    with on_interrupt(lambda: None):
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before


def test_in_another_thread_nothing_changes():
    before = signal.getsignal(signal.SIGINT)

    def work():
        with on_interrupt(lambda: None):
            assert signal.getsignal(signal.SIGINT) is before

    in_background(work, stop=lambda: None).result(10)

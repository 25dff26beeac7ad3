import os
import signal
import subprocess
import sys
import textwrap
import threading

import pytest

from workbench import background
from workbench.background import Worker, on_interrupt, when_parent_dies


@pytest.fixture
def worker():
    worker = Worker("test")
    yield worker
    worker.close()


def test_work_is_done_in_a_thread_of_its_own_in_order(worker):
    seen = []
    futures = [worker.submit(lambda n=n: seen.append((n, worker.is_current))) for n in range(5)]
    futures[-1].result(10)
    assert seen == [(n, True) for n in range(5)]
    assert not worker.is_current


def test_what_work_raises_is_the_futures_and_the_thread_lives_on(worker):
    def fail():
        raise ValueError("no luck")

    with pytest.raises(ValueError, match="no luck"):
        worker.submit(fail).result(10)
    assert worker.do(lambda: "next") == "next"


def test_work_within_work_is_done_at_once(worker):
    assert worker.do(lambda: worker.do(lambda: worker.is_current))


def test_a_long_task_lets_others_through_between_its_steps(worker):
    begun, asked, seen = threading.Event(), threading.Event(), []

    def long():
        begun.set()
        asked.wait(10)
        worker.serve()
        seen.append("long")

    ending = worker.submit(long)
    begun.wait(10)
    worker.submit(lambda: (worker.serve(wait=True), seen.append("one")))  # does not wait: see serve
    worker.submit(lambda: seen.append("two"))
    asked.set()
    ending.result(10)
    assert seen == ["one", "two", "long"]


def test_serving_may_wait(worker):
    begun, seen = threading.Event(), []

    def long():
        begun.set()
        worker.serve(wait=True)
        seen.append("long")

    ending = worker.submit(long)
    begun.wait(10)
    assert not seen
    worker.submit(lambda: seen.append("short"))
    ending.result(10)
    assert seen == ["short", "long"]


def test_closing_ends_the_thread_even_while_a_task_serves():
    worker, begun = Worker("test"), threading.Event()
    threads = []

    def long():
        threads.append(threading.current_thread())
        begun.wait(10)
        worker.serve(wait=True)

    ending = worker.submit(long)
    worker.close()
    begun.set()
    ending.result(10)
    threads[0].join(10)
    assert not threads[0].is_alive()


def test_an_interrupt_ends_the_waiting_and_what_has_not_begun(worker):
    begun, released, seen = threading.Event(), threading.Event(), []
    worker.submit(lambda: (begun.set(), released.wait(10)))
    begun.wait(10)
    timer = threading.Timer(0.2, os.kill, [os.getpid(), signal.SIGINT])
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        worker.do(lambda: seen.append("too late"))
    released.set()
    worker.do(lambda: None)
    assert not seen


def test_when_the_interpreter_ends_work_is_told_to_stop_and_may_save():
    program = """
        import threading
        from workbench.background import Worker, before_exit

        told, begun = threading.Event(), threading.Event()

        def work():
            with before_exit(told.set):
                begun.set()
                told.wait(10)
                print("saved", flush=True)

        Worker("test").submit(work)
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


def test_in_another_thread_nothing_changes(worker):
    before = signal.getsignal(signal.SIGINT)

    def work():
        with on_interrupt(lambda: None):
            assert signal.getsignal(signal.SIGINT) is before

    worker.do(work)

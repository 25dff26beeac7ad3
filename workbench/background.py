"""Work in a thread of its own, interrupts, and an eye on the process that started this one."""

import atexit
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager

import psutil

PATIENCE = 10.0  # seconds that ending the interpreter waits for work that was told to stop


def in_background(work: Callable[[], None], stop: Callable[[], None]) -> Future[None]:
    """Run `work` in a thread of its own.

    When the interpreter ends first, as a notebook's kernel may at any time, `stop` is called
    and `work` gets a moment to come to its end and save what it has.
    """
    future: Future[None] = Future()

    def run() -> None:
        try:
            work()
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(None)
        finally:
            atexit.unregister(end)

    def end() -> None:
        stop()
        thread.join(PATIENCE)

    thread = threading.Thread(target=run, name="training", daemon=True)
    atexit.register(end)
    thread.start()
    return future


@contextmanager
def on_interrupt(act: Callable[[], None]) -> Iterator[None]:
    """Let the first interrupt (Ctrl-C, the stop button) call `act` and nothing else.

    Without this an interrupt strikes anywhere, or, in a cell that awaits, not before the next
    `await`. A second interrupt does what it would have done. In a thread that cannot be
    interrupted nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)

    def interrupt(*_: object) -> None:
        signal.signal(signal.SIGINT, before)
        act()

    signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def when_parent_dies(parent: int, act: Callable[[], None]) -> None:
    """Call `act` and end this process once `parent`, which started it, is gone."""

    def watch() -> None:
        while os.getppid() == parent and psutil.pid_exists(parent):
            time.sleep(0.2)
        try:
            act()
        finally:
            os._exit(1)

    threading.Thread(target=watch, name="watch the parent", daemon=True).start()

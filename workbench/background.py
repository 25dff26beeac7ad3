"""Work in a thread of its own, interrupts, endings, and an eye on the parent process."""

import atexit
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from queue import SimpleQueue
from typing import TypeVar

import psutil

T = TypeVar("T")

PATIENCE = 10.0  # seconds that ending the interpreter waits for work that was told to stop


class Worker:
    """One thread that does what it is asked, one thing after the other.

    A long task may call `serve` between two of its steps: what was asked for meanwhile is then
    done there. The thread begins with the first task and ends with `close`.
    """

    def __init__(self, name: str) -> None:
        """Prepare a thread called `name`."""
        self._name = name
        self._tasks: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._serving = False

    @property
    def is_current(self) -> bool:
        """Whether the caller runs in this thread."""
        return threading.current_thread() is self._thread

    def submit(self, work: Callable[[], T]) -> "Future[T]":
        """Ask for `work` and return at once; the future brings what it returns or raises."""
        future: Future[T] = Future()

        def task() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = work()
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(result)

        self._tasks.put(task)
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
        return future

    def do(self, work: Callable[[], T]) -> T:
        """Have `work` done and return its result; in this thread itself, do it at once.

        An interrupt (Ctrl-C) ends the waiting, and the work too where it has not begun.
        """
        if self.is_current:
            return work()
        future = self.submit(work)
        try:
            return future.result()
        except KeyboardInterrupt:
            future.cancel()
            raise

    def serve(self, wait: bool = False) -> None:
        """Do what was asked for since; with `wait`, first wait until something is.

        To be called by a task of this worker. What is done here does not serve in its turn.
        """
        if self._serving:
            return
        self._serving = True
        try:
            while wait or not self._tasks.empty():
                task = self._tasks.get()
                if task is None:  # the end is near: leave the word for `_run`
                    self._tasks.put(None)
                    return
                task()
                wait = False
        finally:
            self._serving = False

    def close(self) -> None:
        """End the thread after what was asked for so far."""
        self._tasks.put(None)

    def _run(self) -> None:
        while task := self._tasks.get():
            task()
            del task  # it may hold whoever asked, who may want to be gone


@contextmanager
def before_exit(stop: Callable[[], None]) -> Iterator[None]:
    """Let the block come to its end when the interpreter ends, as a kernel may at any time.

    `stop` is called then, and the block gets a moment to save what it has.
    """
    ended = threading.Event()

    def end() -> None:
        stop()
        ended.wait(PATIENCE)

    atexit.register(end)
    try:
        yield
    finally:
        ended.set()
        atexit.unregister(end)


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


def interrupt_without(parent: int) -> None:
    """Interrupt this process, as Ctrl-C does, once `parent`, which started it, is gone."""

    def watch() -> None:
        while os.getppid() == parent and psutil.pid_exists(parent):
            time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=watch, name="watch who follows", daemon=True).start()

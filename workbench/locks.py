"""Locks that die with their process, however it ends; on a shared disk they hold between machines.

They are the operating system's own locks on a file. What stands in the file, and that it is there,
means nothing: a file left by a process that was killed is free.
"""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MOMENT = 0.02  # seconds between two attempts


class TakenError(Exception):
    """Another process holds the lock; the message is what that process left in the file."""


@contextmanager
def held(path: Path, note: str = "") -> Iterator[int]:
    """Hold the lock `path` during the block, and leave `note` in it for whoever asks meanwhile.

    Yields: its descriptor; a process that inherits it holds the lock as well, until it ends.

    Raises:
        TakenError: another process holds it.
        OSError: the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            _lock(descriptor)
        except OSError:
            raise TakenError(os.read(descriptor, 200).decode(errors="replace").strip()) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, note.encode())
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def waited_for(path: Path) -> Iterator[int]:
    """Hold the lock `path` as `held` does, after whoever holds it; for what takes a moment."""
    while True:
        try:
            with held(path) as lock:
                yield lock
                return
        except TakenError:
            time.sleep(MOMENT)


def is_taken(path: Path) -> bool:
    """Say whether a process holds the lock; who asks must keep others from asking meanwhile."""
    try:
        with held(path):
            return False
    except TakenError:
        return True


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        os.lseek(descriptor, 2**30, os.SEEK_SET)  # beyond the note, which others shall read
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        os.lseek(descriptor, 0, os.SEEK_SET)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

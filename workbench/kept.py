"""What takes seconds to make and is always the same, kept in the user's cache folder."""

from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import platformdirs

from workbench.files import replacing

MOST = 100_000_000  # bytes in the folder; what was not used for longest goes first


def folder() -> Path:
    """Return where it is kept; whoever deletes that folder loses seconds and nothing else."""
    return Path(platformdirs.user_cache_path("seq2seq-workbench"))


def kept(name: str, of: object, make: Callable[[], str]) -> str:
    """Return what `make` makes, from the folder where it was made before.

    A file that was damaged is made anew; a folder that cannot be written is done without.

    Args:
        name: what it is, as a file name begins.
        of: all that it depends on, with a `repr` that is the same in every process.
        make: makes it.
    """
    path = folder() / f"{name}-{sha256(repr(of).encode()).hexdigest()[:16]}"
    with suppress(OSError):
        digest, _, content = path.read_bytes().partition(b"\n")
        if digest.decode(errors="replace") == sha256(content).hexdigest():
            path.touch()
            return content.decode()
    text = make()
    with suppress(OSError):
        content = text.encode()
        with replacing(path) as beside:
            beside.write_bytes(sha256(content).hexdigest().encode() + b"\n" + content)
        _make_room(path.parent)
    return text


def _make_room(folder: Path) -> None:
    files = [(path.stat(), path) for path in folder.iterdir() if path.is_file()]
    there = sum(state.st_size for state, _ in files)
    for state, path in sorted(files, key=lambda file: file[0].st_mtime):
        if there <= MOST:
            return
        path.unlink(missing_ok=True)
        there -= state.st_size

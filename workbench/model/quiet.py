"""Import TensorFlow without the dozen lines that it writes to standard error.

They are written by its libraries while they load, before any log level counts, and would stand
in every report and beside every one-line error. Set `TF_CPP_MIN_LOG_LEVEL` to see them all.
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

LEVEL = "TF_CPP_MIN_LOG_LEVEL"


@contextmanager
def held_back() -> Iterator[None]:
    """Keep what is written to file descriptor 2 back; write it after all when the block fails."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as written:
        os.dup2(written.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(kept, 2)
            written.seek(0)
            os.write(2, written.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)


if LEVEL not in os.environ:
    os.environ[LEVEL] = "3"  # later messages are held back by this; errors still raise
    with held_back():
        import tensorflow  # noqa: F401

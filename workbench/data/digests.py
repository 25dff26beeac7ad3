"""What the files that a run reads held: a changed byte is a changed digest."""

import hashlib
from pathlib import Path

from workbench.config import RunConfig
from workbench.data.loading import corpus_files
from workbench.data.readers import parallel_paths

MODEL = ("model.weights.h5", "model/model.weights.h5")  # of a saved model, of a run


def file_digests(config: RunConfig) -> dict[str, str]:
    """Return path, as the settings have it, and SHA-256 of every file that they name.

    Those are the corpora and, where the run adapts another, the weights of that one.
    """
    named = [part for file in corpus_files(config) for part in parallel_paths(file) or [file]]
    adapted = [f"{config.adapt_from}/{name}" for name in MODEL] if config.adapt_from else []
    return {name: file_digest(Path(name)) for name in [*named, *adapted] if Path(name).is_file()}


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file's bytes in hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()

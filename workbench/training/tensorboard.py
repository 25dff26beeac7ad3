"""TensorBoard: curves, the model's diagram, and the vocabularies for its projector.

`tensorboard --logdir runs` or `%tensorboard --logdir runs` reads it. The event files are written
by TensorBoard's own writer: TensorFlow's keeps quiet about a disk that is full.
"""

import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from tensorboard.backend.event_processing.event_accumulator import SCALARS, EventAccumulator
from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from workbench.charts.diagram import model_diagram
from workbench.charts.export import to_png
from workbench.data.tokenizer import Tokenizer
from workbench.files import replacing, write_text
from workbench.records import Progress
from workbench.training.logs import Log, Logged, rows_of, scalars

FLUSH = 5  # seconds after which what was written can be seen
ENTRY = """embeddings {{
  tensor_name: "{side} vocabulary"
  tensor_path: "{side}.tsv"
  metadata_path: "{side}_tokens.tsv"
}}
"""  # of the file that its projector reads, in the text form of protocol buffers
MOST = 10_000  # tokens of a vocabulary, the first ones, which are the most frequent


class TensorBoard(Log):
    """`tensorboard/` of a run directory."""

    def __init__(self, logged: Logged) -> None:
        """Go on after the step of `logged`: later events are of steps that were lost."""
        self._logged, self._path = logged, logged.directory / "tensorboard"
        self._writer = EventFileWriter(str(self._path), flush_secs=FLUSH)
        start = SessionLog(status=SessionLog.START)  # readers forget what has this step or later
        self._add(logged.step + 1 if logged.step else 0, session_log=start)
        if not logged.step:
            self._draw(to_png(model_diagram(logged.blocks)))

    def write(self, progress: Progress) -> None:
        """See `Sink.write`."""
        values = [
            Summary.Value(tag=name, simple_value=value) for name, value in scalars(progress).items()
        ]
        self._add(progress.step, summary=Summary(value=values))

    def close(self) -> None:
        """Write the embeddings as training leaves them, and end."""
        try:
            self._write_embeddings()
        finally:
            self._writer.close()

    def _draw(self, diagram: bytes) -> None:
        image = Summary.Image(
            encoded_image_string=diagram, colorspace=4,
            width=int.from_bytes(diagram[16:20], "big"),  # where a PNG says it
            height=int.from_bytes(diagram[20:24], "big"),
        )  # fmt: skip
        self._add(0, summary=Summary(value=[Summary.Value(tag="model", image=image)]))

    def _add(self, step: int, **what: Any) -> None:
        self._writer.add_event(Event(step=step, wall_time=time.time(), **what))

    def _write_embeddings(self) -> None:
        codec, entries = self._logged.codec, []
        for side, tokenizer in (("source", codec.source), ("target", codec.target)):
            table = getattr(self._logged.model, f"{side}_embedding", None)
            if table is not None:  # a model of the user's own keeps it where it likes
                vectors = np.asarray(table)[:MOST]
                _write_vectors(self._path / f"{side}.tsv", vectors)
                _write_tokens(self._path / f"{side}_tokens.tsv", tokenizer, len(vectors))
                entries.append(ENTRY.format(side=side))
        if entries:
            write_text(self._path / "projector_config.pbtxt", "".join(entries))


def open_log(logged: Logged) -> TensorBoard:
    """Open the log of a run."""
    return TensorBoard(logged)


def find_program() -> None:
    """Let `%tensorboard` start the program of this Python, which need not be on the PATH."""
    found = [Path(sys.executable).with_name(name) for name in ("tensorboard", "tensorboard.exe")]
    for program in filter(Path.is_file, found):
        os.environ.setdefault("TENSORBOARD_BINARY", str(program))


def read_scalars(path: Path) -> dict[str, list[tuple[int, float]]]:
    """Return step and value of every scalar in the event files of `path`, by their names.

    Steps that training took again after a stop are there once.
    """
    every = {SCALARS: 0}  # all of them, none left out at random
    events = EventAccumulator(str(path), size_guidance=every).Reload()
    return {
        name: [(one.step, one.value) for one in events.Scalars(name)]
        for name in sorted(events.Tags()["scalars"])
    }


def _write_vectors(path: Path, vectors: Any) -> None:
    with replacing(path) as beside:
        np.savetxt(beside, vectors, fmt="%.5g", delimiter="\t")


def _write_tokens(path: Path, tokenizer: Tokenizer, count: int) -> None:
    write_text(path, "".join(f"{row}\n" for row in rows_of(tokenizer.tokens(range(count)))))

"""Checkpoints: all that training needs to go on at the very step, written whole or not at all."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from workbench.errors import RunError
from workbench.files import replacing, write_json
from workbench.model.seq2seq import Seq2Seq

KEPT = 2  # the last one, and the one before in case the disk damages the last


@dataclass(frozen=True)
class Position:
    """Where training stands between two steps.

    Attributes:
        step: optimizer steps done; epoch and batch: the next batch to train on.
        seconds: training time so far, over all resumptions.
        best: the best monitored figure and best_step where it was reached, if any.
        waited: evaluations since then.
    """

    step: int = 0
    epoch: int = 0
    batch: int = 0
    seconds: float = 0.0
    best: float | None = None
    best_step: int = 0
    waited: int = 0


Weights = list[np.ndarray]


class Checkpoints:
    """A directory of checkpoints, `step-00000500` and so on.

    Each holds the model's weights, the best weights so far, the optimizer's variables and
    the position; nothing in it is code, and loading it runs none.
    """

    def __init__(self, directory: Path) -> None:
        """Use `directory`, which need not exist yet."""
        self.directory = directory

    @property
    def steps(self) -> list[int]:
        """The steps that have a checkpoint, in order."""
        found = self.directory.glob("step-*")
        return sorted(int(path.name.removeprefix("step-")) for path in found)

    def save(
        self,
        position: Position,
        model: Seq2Seq,
        optimizer: keras.optimizers.Optimizer,
        best: Weights,
    ) -> None:
        """Write a checkpoint for `position` and drop those no longer kept."""
        with replacing(self._path(position.step)) as beside:
            beside.mkdir()
            _save_arrays(beside / "model.npz", model.get_weights())
            _save_arrays(beside / "best.npz", best)
            _save_arrays(beside / "optimizer.npz", [v.numpy() for v in optimizer.variables])
            write_json(beside / "position.json", asdict(position))
        for step in self.steps[:-KEPT]:
            self._remove(step)

    def restore(
        self, model: Seq2Seq, optimizer: keras.optimizers.Optimizer
    ) -> tuple[Position, Weights]:
        """Load the last checkpoint into `model` and `optimizer`.

        Returns: the position to go on from, and the best weights so far.

        Raises:
            RunError: no checkpoint is there, or it belongs to a model of another shape.
        """
        if not self.steps:
            raise RunError(f"{self.directory}: expected a checkpoint, found none")
        path = self._path(self.steps[-1])
        weights = _load_arrays(path / "model.npz")
        here, there = ([w.shape for w in some] for some in (model.get_weights(), weights))
        if here != there:
            raise RunError(f"{path}: its weights are {there}, the model's are {here}")
        model.set_weights(weights)
        for variable, value in zip(
            optimizer.variables, _load_arrays(path / "optimizer.npz"), strict=True
        ):
            variable.assign(value)
        position = Position(**json.loads((path / "position.json").read_text("utf-8")))
        return position, _load_arrays(path / "best.npz")

    def _path(self, step: int) -> Path:
        return self.directory / f"step-{step:08}"

    def _remove(self, step: int) -> None:
        path = self._path(step)
        for file in path.iterdir():
            file.unlink()
        path.rmdir()


def _save_arrays(path: Path, arrays: Weights) -> None:
    named: dict[str, Any] = {f"{index:04}": array for index, array in enumerate(arrays)}
    np.savez(path, **named)


def _load_arrays(path: Path) -> Weights:
    with np.load(path, allow_pickle=False) as arrays:
        return [arrays[name] for name in sorted(arrays.files)]

"""Checkpoints: all that training needs to go on at the very step, written whole or not at all."""

import json
import shutil
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import chain
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
        owed: the fields of the last `Progress` where its evaluation is still to be made.
    """

    step: int = 0
    epoch: int = 0
    batch: int = 0
    seconds: float = 0.0
    best: float | None = None
    best_step: int = 0
    waited: int = 0
    owed: dict[str, Any] | None = None


Weights = list[np.ndarray]

_DAMAGED = (OSError, EOFError, ValueError, TypeError, KeyError, zipfile.BadZipFile)


class Checkpoints:
    """A directory of checkpoints, `step-00000500` and so on.

    Each holds the model's weights, the best weights so far, those of the last evaluations where
    they are to be averaged, the optimizer's variables (with float16 the scale of the loss among
    them) and the position; nothing in it is code, and loading it runs none.

    Of the older ones, which training does not need any more, `weights-00000400.npz` and so on
    hold the model's weights, spread over the whole training, for who wants to look back.
    """

    def __init__(self, directory: Path, keep: int = 0) -> None:
        """Use `directory`, which need not exist yet; `keep` is how many older weights stay."""
        self.directory, self.keep = directory, keep

    @property
    def steps(self) -> list[int]:
        """The steps that training can go on from, in order."""
        found = self.directory.glob("step-*")
        return sorted(int(path.name.removeprefix("step-")) for path in found)

    @property
    def moments(self) -> list[int]:
        """The steps whose weights are there, in order."""
        return sorted({*self.steps, *self._older})

    @property
    def _older(self) -> list[int]:
        found = self.directory.glob("weights-*.npz")
        return sorted(int(path.stem.removeprefix("weights-")) for path in found)

    def save(
        self,
        position: Position,
        model: Seq2Seq,
        optimizer: keras.optimizers.Optimizer,
        best: Weights,
        recent: Sequence[Weights] = (),
    ) -> None:
        """Write a checkpoint for `position` and drop those no longer kept."""
        with replacing(self._path(position.step)) as beside:
            beside.mkdir()
            _save_arrays(beside / "model.npz", model.get_weights())
            _save_arrays(beside / "best.npz", best)
            _save_arrays(beside / "optimizer.npz", [v.numpy() for v in optimizer.variables])
            _save_arrays(beside / "recent.npz", list(chain.from_iterable(recent)))
            write_json(beside / "position.json", asdict(position))
        for step in self.steps[:-KEPT]:
            self._retire(step)
        for step in thinned(self._older, self.keep):
            self._weights(step).unlink()

    def restore(
        self, model: Seq2Seq, optimizer: keras.optimizers.Optimizer
    ) -> tuple[Position, Weights, list[Weights]]:
        """Load the last checkpoint that can be read into `model` and `optimizer`.

        Returns: the position to go on from, the best weights so far, and those of the last
        evaluations, oldest first, as far as they were kept.

        Raises:
            RunError: none is there or can be read, or it belongs to other settings.
        """
        damage = ""
        for path in map(self._path, reversed(self.steps)):
            try:
                position = Position(**json.loads((path / "position.json").read_text("utf-8")))
                weights, best, variables = (
                    _load_arrays(path / f"{name}.npz") for name in ("model", "best", "optimizer")
                )
                recent = _load_recent(path / "recent.npz", len(weights))
            except _DAMAGED as error:
                damage += f"; {path.name} is damaged: {error}"
                continue
            _check_shapes(path, "weights", weights, model.get_weights())
            _check_shapes(path, "optimizer variables", variables, optimizer.variables)
            model.set_weights(weights)
            for variable, value in zip(optimizer.variables, variables, strict=True):
                variable.assign(value)
            return position, best, recent
        raise RunError(f"{self.directory}: expected a checkpoint, found none{damage}")

    def restore_weights(self, step: int, model: Seq2Seq) -> None:
        """Load the weights that `model` had at `step`.

        Raises:
            RunError: there is no such checkpoint, it cannot be read, or is of another model.
        """
        known = self.moments
        if step not in known:
            told = ", ".join(map(str, known)) or "none"
            raise RunError(f"{self.directory}: expected a checkpoint ({told}), got step {step}")
        path = self._path(step)
        path = path / "model.npz" if path.exists() else self._weights(step)
        try:
            weights = _load_arrays(path)
        except _DAMAGED as error:
            raise RunError(f"{path}: is damaged: {error}") from None
        _check_shapes(path, "weights", weights, model.get_weights())
        model.set_weights(weights)

    def _path(self, step: int) -> Path:
        return self.directory / f"step-{step:08}"

    def _weights(self, step: int) -> Path:
        return self.directory / f"weights-{step:08}.npz"

    def _retire(self, step: int) -> None:
        """Leave of a checkpoint its weights; it is no checkpoint any more before a file is gone."""
        if self._path(step).is_symlink():  # whoever made it: what it leads to is none of ours
            self._path(step).unlink()
            return
        old = self.directory / ".retired"
        shutil.rmtree(old, ignore_errors=True)  # left by a killed process
        self._path(step).replace(old)
        if self.keep and (old / "model.npz").exists():
            (old / "model.npz").replace(self._weights(step))
        shutil.rmtree(old)


def thinned(steps: Sequence[int], keep: int) -> list[int]:
    """Return which of `steps`, in order, to drop so that `keep` stay, spread evenly.

    Each time that one goes which is closest to the one before it. Where steps come one after the
    other, this doubles the gaps, from the first on, whenever there is no more room.
    """
    left = list(steps)
    while len(left) > max(keep, 0):
        left.pop(1 + int(np.argmin(np.diff(left))) if len(left) > 1 else 0)
    return sorted({*steps} - {*left})


def _check_shapes(path: Path, what: str, saved: Sequence[Any], wanted: Sequence[Any]) -> None:
    there, here = ([tuple(array.shape) for array in arrays] for arrays in (saved, wanted))
    if there != here:
        first = next(((t, h) for t, h in zip(there, here, strict=False) if t != h), None)
        t, h = first or (f"{len(there)} of them", len(here))
        raise RunError(
            f"{path}: its {what} do not fit the settings: {t} there, {h} here; "
            "go on with the settings it was written with, or choose another run directory"
        )


def _save_arrays(path: Path, arrays: Weights) -> None:
    named: dict[str, Any] = {f"{index:04}": array for index, array in enumerate(arrays)}
    np.savez(path, **named)


def _load_arrays(path: Path) -> Weights:
    with path.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
        return [arrays[name] for name in sorted(arrays.files, key=int)]


def _load_recent(path: Path, size: int) -> list[Weights]:
    """Load the weights of some evaluations, `size` arrays each; older versions kept none."""
    arrays = _load_arrays(path) if path.exists() else []
    return [arrays[first : first + size] for first in range(0, len(arrays), size)]

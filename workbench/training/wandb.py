"""Weights & Biases: the same curves there, and the settings.

It writes to `wandb/` in the run directory and asks nothing of any other machine, unless the
environment says WANDB_MODE=online. `wandb sync` sends later what was written without.
"""

import os

import wandb

from workbench.records import Progress
from workbench.training.logs import Log, Logged, scalars

PROJECT = "seq2seq-workbench"  # unless the environment says WANDB_PROJECT


class Wandb(Log):
    """A run of Weights & Biases."""

    def __init__(self, logged: Logged) -> None:
        """Begin a run there, or go on with the one of the same name."""
        mode = os.environ.get("WANDB_MODE", "offline")
        if mode == "offline":  # a fault of its own would be told to its makers
            os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        known = logged.known.get("wandb")
        self._run = wandb.init(
            project=os.environ.get("WANDB_PROJECT", PROJECT),
            name=logged.directory.name,
            dir=str(logged.directory),
            config=logged.config.model_dump(),
            id=known,
            resume="allow" if known and mode == "online" else None,
            reinit="create_new",  # beside others of this process
            settings=wandb.Settings(mode=mode, console="off", silent=True),
        )
        self.called = self._run.id

    def write(self, progress: Progress) -> None:
        """See `Sink.write`."""
        self._run.log(scalars(progress), step=progress.step)

    def close(self) -> None:
        """See `Sink.close`."""
        self._run.finish(exit_code=int(self.failed))


def open_log(logged: Logged) -> Wandb:
    """Open the log of a run."""
    return Wandb(logged)

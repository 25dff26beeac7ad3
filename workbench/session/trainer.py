"""A session's training as a whole: begun in `run.json`, waited with, saved, and how it ended."""

import os
from collections.abc import Callable, Mapping
from typing import Any

from workbench.background import before_exit, when_parent_dies
from workbench.config import RunConfig
from workbench.data.encoding import EncodedPairs
from workbench.errors import RunError, on_one_line
from workbench.model.seq2seq import Seq2Seq
from workbench.model.storage import weights_digest
from workbench.runs import RunDirectory
from workbench.session.recorded import RecordedTraining
from workbench.training.checkpoint import Checkpoints
from workbench.training.control import Control
from workbench.training.loop import LossNotFiniteError
from workbench.training.workers import follow

KILLED = {
    "status": "killed",
    "error": {"type": "Killed", "message": "the process that ran the notebook was killed"},
}


class Trainer:
    """Takes the trainings of one session to their end, in the session's thread.

    Attributes:
        complete: whether the latest came to its end, so that another finds no step to do.
        derailed: what is wrong with the one that is paused, if its loss is no number.
        back_to: where that one goes on from: not the step at which it was paused.
    """

    def __init__(self, control: Control, tell: Callable[[str, str], None]) -> None:
        """Train under `control`; `tell` hears of `state` and `error` as they change."""
        self._control, self._tell = control, tell
        self._watching = False
        self.complete = False
        self.derailed = self.back_to = ""

    def lead(
        self,
        training: RecordedTraining,
        facts: Callable[[], Mapping[str, Any]],
        save: Callable[[], object],
    ) -> None:
        """Train to the end, and let the run directory tell how it went.

        `facts` returns what `run.json` says before the first step; `save` writes the model.
        """
        directory = training.directory
        owned = directory.runner == "parent"  # it began this run and will end it
        try:
            if not owned:
                directory.begin(config=training.config.model_dump())
            directory.update(**facts())
            if owned:
                self._watch_the_runner(directory)
            with before_exit(self._control.stop):
                status = self._drive(training)
                save()
                directory.update(weights=weights_digest(training.model))
            if not owned:
                directory.update(status=status)
            self._tell("state", "trained")
        except BaseException as error:
            self._failed(error)
            if not owned:
                directory.update(**_ending(error))
            raise

    def follow(self, model: Seq2Seq, pairs: EncodedPairs, config: RunConfig) -> None:
        """Train as another worker says, who keeps the record."""
        try:
            follow(model, pairs, config)
        except BaseException as error:
            self._failed(error)
            raise
        self._tell("state", "trained")

    def _failed(self, error: BaseException) -> None:
        self._tell("error", on_one_line(error))
        self._tell("state", "failed")

    def _watch_the_runner(self, directory: RunDirectory) -> None:
        """Let the run be known as killed if the process is that began it."""
        if not self._watching:
            self._watching = True
            when_parent_dies(os.getppid(), lambda: directory.update(**KILLED))

    def _drive(self, training: RecordedTraining) -> str:
        """Train; where a loss is not a number, let a person go on from the last checkpoint."""
        config = training.config
        while True:
            try:
                self.complete = training()
                return "stopped" if self._control.stopped else "ok"
            except LossNotFiniteError as error:
                if not config.live or config.strategy == "multi_worker":
                    raise  # the other workers have gone home
                self._tell("error", str(error))
                if not self._control.stopped:
                    self._wait_on_the_rails(str(error), training.directory)
                if self._control.stopped:
                    return "stopped"

    def _wait_on_the_rails(self, wrong: str, directory: RunDirectory) -> None:
        """Pause until a person goes on from the last checkpoint, or stops; say so all the while."""
        steps = Checkpoints(directory.checkpoints).steps
        self.back_to = f"step {steps[-1]}" if steps else "the start"
        last = ", the last checkpoint" if steps else ""
        self.derailed = f"{wrong}; resume goes on from {self.back_to}{last}"
        self._tell("error", self.derailed)
        try:
            self._control.pause()
            self._control.between()
        finally:
            self.back_to = self.derailed = ""
            self._tell("error", "")


def check_ours(directory: RunDirectory, identity: Callable[[], str]) -> None:
    """Refuse to train in the directory of another run; `identity` tells ours from others.

    Raises:
        RunError: another process is at it, or it holds checkpoints of other settings or data.
    """
    if directory.runner == "other":
        raise RunError(
            f"{directory}: another process is at it; wait for it, or choose another run_directory"
        )
    known = directory.read().get("identity") if directory.record.exists() else None
    if known is None or not Checkpoints(directory.checkpoints).steps:
        return
    if known != identity():
        raise RunError(
            f"{directory}: holds checkpoints of other settings or data; choose another "
            "run_directory, or remove it"
        )


def _ending(error: BaseException) -> dict[str, Any]:
    """Return what `run.json` says of a training that `error` has ended."""
    kind, message = type(error).__name__, " ".join(str(error).split())
    status = "stopped" if isinstance(error, KeyboardInterrupt) else "failed"
    return {"status": status, "error": {"type": kind, "message": message}}

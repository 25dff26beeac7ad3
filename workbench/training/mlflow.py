"""MLflow: the same curves there, and the settings as parameters.

It writes to `mlruns/` in the run directory, or to what the environment names in
MLFLOW_TRACKING_URI. A metric there cannot be taken back: what came after the checkpoint at which
a run goes on stands there twice.
"""

import os
import time

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # importing it would tell its makers

from mlflow import MlflowClient
from mlflow.entities import Metric, Param

from workbench.records import Progress
from workbench.training.logs import Log, Logged, scalars

EXPERIMENT = "seq2seq-workbench"  # unless the environment says MLFLOW_EXPERIMENT_NAME
MOST = 500  # metrics that wait to be written; MLflow takes 1000 at once
PARAMETERS = 100  # of a run that MLflow takes at once


class MLflow(Log):
    """A run of MLflow."""

    def __init__(self, logged: Logged) -> None:
        """Begin a run there, or go on with the one of the same name."""
        self._client = MlflowClient(_store(logged))
        self._waiting: list[Metric] = []
        known = logged.known.get("mlflow")
        if known:
            self._client.update_run(known, status="RUNNING")
            self.called = known
        else:
            self.called = self._begun(logged)

    def write(self, progress: Progress) -> None:
        """See `Sink.write`."""
        now = int(time.time() * 1000)
        self._waiting += [
            Metric(name, value, now, progress.step) for name, value in scalars(progress).items()
        ]
        if progress.evaluation or len(self._waiting) >= MOST:
            self._flush()

    def close(self) -> None:
        """See `Sink.close`."""
        self._flush()
        self._client.set_terminated(self.called, "FAILED" if self.failed else "FINISHED")

    def _flush(self) -> None:
        if self._waiting:
            self._client.log_batch(self.called, metrics=self._waiting)
            self._waiting = []

    def _begun(self, logged: Logged) -> str:
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", EXPERIMENT)
        there = self._client.get_experiment_by_name(name)
        experiment = there.experiment_id if there else self._client.create_experiment(name)
        run = str(self._client.create_run(experiment, run_name=logged.directory.name).info.run_id)
        settings = [Param(name, str(value)) for name, value in logged.config.model_dump().items()]
        for start in range(0, len(settings), PARAMETERS):
            self._client.log_batch(run, params=settings[start : start + PARAMETERS])
        return run


def open_log(logged: Logged) -> MLflow:
    """Open the log of a run."""
    return MLflow(logged)


def _store(logged: Logged) -> str:
    """Return where MLflow shall write."""
    if uri := os.environ.get("MLFLOW_TRACKING_URI"):
        return uri
    os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")  # else it insists on a database
    return (logged.directory / "mlruns").resolve().as_uri()

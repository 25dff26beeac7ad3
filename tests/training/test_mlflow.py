"""MLflow takes seconds to import: it is imported where it is used."""

import pytest


@pytest.fixture
def open_log(monkeypatch):
    """Without a server in the environment; what our module sets there is gone afterwards."""
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    from workbench.training.mlflow import open_log

    return open_log


def test_a_run_its_end_and_its_going_on(open_log, logged, progress, config):
    from mlflow import MlflowClient

    log = open_log(logged())
    for step in (1, 2):
        log.write(progress(step))
    log.failed = True
    log.close()
    client = MlflowClient((logged().directory / "mlruns").as_uri())
    run = client.get_run(log.called)
    assert run.info.status == "FAILED"
    assert run.info.run_name == "the run"
    assert run.data.params["units"] == str(config.units)
    assert len(run.data.params) == len(config.model_dump())

    again = open_log(logged(step=2, mlflow=log.called))
    assert client.get_run(log.called).info.status == "RUNNING"
    again.write(progress(3, figures={"bleu": 12.5}))
    losses = client.get_metric_history(log.called, "training/loss")  # an evaluation writes
    assert [(one.step, one.value) for one in losses] == [(1, 1.0), (2, 0.5), (3, 1 / 3)]
    assert client.get_run(log.called).data.metrics["validation/bleu"] == 12.5
    again.close()
    assert client.get_run(again.called).info.status == "FINISHED"


def test_a_server_of_the_users_own(open_log, logged, monkeypatch, tmp_path):
    from mlflow.exceptions import MlflowException

    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "elsewhere").as_uri())
    log = open_log(logged())
    log.close()
    assert (tmp_path / "elsewhere").is_dir()
    assert not (logged().directory / "mlruns").exists()
    with pytest.raises(MlflowException):
        open_log(logged(step=2, mlflow="0" * 32))

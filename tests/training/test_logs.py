import sys
import threading
import types
from pathlib import Path

import pytest

from workbench.config import LOGS, RunConfig
from workbench.errors import RunError, SettingsError
from workbench.records import Evaluation, Progress
from workbench.training import logs as module
from workbench.training.logs import Log, Logged, Logs, check_logs, rows_of, scalars


def progress(step, **more):
    return Progress(step, 0, 1.5, 0.1, 2.5, 9, 90.0, 0.1 * step, 10, **more)


class Told(Log):
    """A log that remembers what it was told, and fails where it is asked to."""

    def __init__(self, fails_at=None, called=""):
        self.fails_at, self.called, self.steps, self.closed = fails_at, called, [], False

    def write(self, progress):
        if progress.step == self.fails_at:
            raise OSError(28, "No space\nleft on device")
        self.steps.append(progress.step)

    def close(self):
        self.closed = True


@pytest.fixture
def opened(monkeypatch):
    """Open `Logs` of fake logs; the names are those of real ones."""

    def open_all(fakes, known=()):
        for name, fake in fakes.items():
            ours = types.ModuleType(f"fake_{name}")
            ours.open_log = fake if callable(fake) else lambda _, fake=fake: fake
            monkeypatch.setitem(sys.modules, ours.__name__, ours)
            monkeypatch.setitem(module.MODULES, name, (ours.__name__, "sys"))
        config = RunConfig(log_to=",".join(fakes))
        return Logs(Logged(Path("run"), config, None, None, (), 0, dict(known)))

    return open_all


def test_every_name_of_the_setting_has_a_module():
    assert tuple(module.MODULES) == LOGS


def test_figures_have_one_name_everywhere():
    evaluation = Evaluation("validation", {"loss": 2.0, "bleu": 30.0})
    assert scalars(progress(3)) == {
        "training/loss": 1.5,
        "training/learning_rate": 0.1,
        "training/gradient_norm": 2.5,
        "training/tokens_per_second": 90.0,
    }
    both = scalars(progress(4, evaluation=evaluation))
    assert both["validation/loss"] == 2.0
    assert both["validation/bleu"] == 30.0


def test_tokens_that_would_break_a_table_are_spelt_out():
    assert rows_of(("chat", "\t", "\n", " ", "a\u2028b", "")) == [
        "chat", "'\\t'", "'\\n'", "' '", "'a\\u2028b'", "''",
    ]  # fmt: skip


def test_a_package_that_is_not_there_is_named_with_the_command(monkeypatch):
    monkeypatch.setitem(module.MODULES, "wandb", ("workbench.training.wandb", "no_such_package"))
    check_logs("")
    check_logs("tensorboard")
    with pytest.raises(SettingsError) as error:
        check_logs("tensorboard, wandb")
    assert "wandb is not installed: pip install 'seq2seq-workbench[wandb]'" in str(error.value)


def test_all_are_told_and_closed(opened):
    first, second = Told(called="abc"), Told()
    with opened({"tensorboard": first, "mlflow": second}) as logs:
        assert logs.called == {"tensorboard": "abc"}
        for step in (1, 2, 3):
            logs.write(progress(step))
    for log in (first, second):
        assert (log.steps, log.closed, log.failed) == ([1, 2, 3], True, False)
    assert logs.dropped == {}


def test_a_log_that_fails_is_dropped_and_the_others_go_on(opened):
    bad, good = Told(fails_at=2), Told()
    with opened({"wandb": bad, "mlflow": good}) as logs:
        for step in (1, 2, 3):
            logs.write(progress(step))
    assert (bad.steps, good.steps) == ([1], [1, 2, 3])
    reason = "OSError: [Errno 28] No space left on device"
    assert logs.dropped == {"wandb": reason}
    assert logs.lost() == [("wandb", reason)]
    assert logs.lost() == []


def test_a_log_that_hangs_holds_up_neither_a_step_nor_the_end(opened, monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 0.05)
    let_go = threading.Event()

    class Hanging(Told):
        def write(self, _):
            let_go.wait(20)

    with opened({"wandb": Hanging()}) as logs:
        logs.write(progress(1))
        logs.write(progress(2))
    assert "took more than" in logs.dropped["wandb"]
    let_go.set()


def test_a_log_knows_that_training_failed(opened):
    log = Told()
    with pytest.raises(RunError), opened({"mlflow": log}):
        raise RunError("out of memory")
    assert (log.closed, log.failed) == (True, True)


def test_one_that_cannot_be_opened_is_an_error_and_the_others_are_closed(opened):
    first = Told()

    def refuse(_):
        raise ValueError("no such\nserver")

    with pytest.raises(RunError) as error:
        opened({"tensorboard": first, "mlflow": refuse})
    assert str(error.value) == (
        "mlflow cannot be opened: ValueError: no such server; mend that, or take it out of log_to"
    )
    assert first.closed

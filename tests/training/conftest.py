"""What a log outside is told of the small model of `tests/conftest.py`."""

import pytest

from workbench.records import Block, Evaluation, Progress
from workbench.training.logs import Logged


def _progress(step, loss=None, figures=None):
    evaluation = Evaluation("validation", figures) if figures else None
    loss = 1.0 / step if loss is None else loss
    return Progress(step, 0, loss, 0.1, 1.0, 9, 90.0, 0.1 * step, 10, evaluation=evaluation)


@pytest.fixture
def progress():
    return _progress


@pytest.fixture
def logged(tmp_path, config, model, codec):
    """Make what a log is told; `step` is where training goes on."""
    directory = tmp_path / "the run"
    directory.mkdir()

    def make(step=0, **known):
        blocks = (Block("source", "embedding", "B × S × 6", 7),)
        return Logged(directory, config, model, codec, blocks, step, known)

    return make

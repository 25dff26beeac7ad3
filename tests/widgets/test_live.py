import asyncio
from types import SimpleNamespace

import pytest

from workbench.records import Progress
from workbench.widgets import live as module
from workbench.widgets.figure import VEGA_LITE
from workbench.widgets.live import status, watch


class Session:
    """A session that trains for so many looks at its state, then has trained."""

    def __init__(self, looks, error=None):
        self.looks, self.error, self.stopped = looks, error, False
        self.history, self.progress = [], None

    @property
    def state(self):
        if self.looks == 0 or self.stopped:
            return "trained"
        self.looks -= 1
        step = len(self.history) + 1
        self.progress = Progress(step, 0, 1 / step, 0.1, 1.0, 5, 50.0, float(step), 9)
        self.history.append(self.progress)
        return "training"

    def stop(self):
        self.stopped = True

    async def wait(self):
        if self.error:
            raise self.error


@pytest.fixture
def shown(monkeypatch):
    """What was displayed, and every later state of it, in order."""
    monkeypatch.setattr(module, "SECONDS", 0)
    outputs = []

    def show(forms, raw, display_id):
        states = [forms]
        outputs.append(states)
        return SimpleNamespace(update=lambda forms, **_: states.append(forms))

    show.outputs = outputs
    return show


def test_headless_there_is_one_still_figure(shown):
    asyncio.run(watch(Session(0), show=shown))
    line, figure = shown.outputs
    assert "image/png" in figure[-1]
    assert line[-1] == {"text/plain": "waiting for the first step"}


def test_live_the_curve_grows_and_ends_as_a_still_figure(shown):
    asyncio.run(watch(Session(3), show=shown))
    line, figure = shown.outputs
    assert len(figure) == 5
    points = [str(forms[VEGA_LITE]).count("'step'") for forms in figure]
    assert points == sorted(points)
    assert points[-1] > points[0]
    assert ["image/png" in forms for forms in figure] == [False] * 4 + [True]
    assert line[-1]["text/plain"].startswith("step 3 of 9")


def test_interrupting_the_cell_stops_training(shown, monkeypatch):
    async def interrupt(seconds):
        raise KeyboardInterrupt

    session = Session(100)
    monkeypatch.setattr(module.asyncio, "sleep", interrupt)
    coroutine = watch(session, show=shown)
    with pytest.raises(StopIteration):  # a coroutine's own way to say that it is done
        coroutine.send(None)
    assert session.stopped
    assert "image/png" in shown.outputs[1][-1]


def test_an_error_in_training_is_raised(shown):
    with pytest.raises(RuntimeError, match="out of memory"):
        asyncio.run(watch(Session(1, RuntimeError("out of memory")), show=shown))


def test_status_says_how_far_and_how_long():
    progress = Progress(30, 1, 0.5, 1e-3, 1.0, 100, 1234.5, 60.0, 120)
    assert status(progress) == (
        "step 30 of 120 · epoch 2 · loss 0.5000 · 1,234 tokens/s · 1:00 spent · 3:00 left at most"
    )
    assert "left" not in status(Progress(120, 1, 0.5, 1e-3, 1.0, 100, 1.0, 60.0, 120))

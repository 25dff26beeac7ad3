from types import SimpleNamespace

import pytest
import traitlets

from workbench.config import RunConfig
from workbench.records import Progress
from workbench.widgets.choices import Choices
from workbench.widgets.status import Status, told

STEP = Progress(30, 1, 0.5, 1e-3, 1.0, 100, 1234.5, 60.0, 120)


def session(state="built", **changed):
    plain = {"error": "", "busy": "", "stale": (), "progress": None, "config": RunConfig(epochs=8)}
    return SimpleNamespace(state=state, **plain | changed)


@pytest.mark.parametrize(
    ("session", "tone", "text"),
    [
        (session("empty"), "quiet", "No data yet"),
        (session("data"), "quiet", "The data are loaded. Next: build"),
        (session("built"), "quiet", "The model is built. Next: start"),
        (session("training"), "quiet", "Training begins."),
        (session("training", progress=STEP), "quiet", "Training, epoch 2 of 8."),
        (session("paused"), "quiet", "Training is paused."),
        (session("trained"), "good", "The model is trained."),
        (session("failed", error="loss is not a number"), "error", "loss is not a number"),
        (session(busy="reading the corpus"), "quiet", "Reading the corpus …"),
        (session(stale=("units", "layers")), "warning", "was built: units, layers. Build"),
    ],
)
def test_it_says_what_goes_on_and_what_to_do_next(session, tone, text):
    said = told(session, Choices())
    assert said[0] == tone
    assert text in said[1]


def test_what_is_wrong_comes_first_then_notices_then_the_rest():
    choices = Choices(notice=("good", "Saved."))
    assert told(session(busy="building"), choices) == ("good", "Saved.")
    assert told(session(error="out of memory"), choices) == ("error", "out of memory")
    choices.notice = ("error", "nothing is training")
    assert told(session(error="out of memory"), choices) == ("error", "nothing is training")


def test_every_step_is_no_news():
    steps = [Progress(n, 0, 1 / n, 0.1, 1.0, 5, 50.0, float(n), 9) for n in (1, 2, 3)]
    assert len({told(session("training", progress=step), Choices()) for step in steps}) == 1


def test_text_and_tone_travel_together(said):
    line = Status()
    line.comm.said.clear()
    line.say("error", "out of memory")
    [(_, data, _)] = line.comm.said
    assert data["state"] == {"tone": "error", "text": "out of memory"}
    line.comm.said.clear()
    line.say("error", "out of memory")
    assert line.comm.said == []
    with pytest.raises(traitlets.TraitError):
        line.say("shrill", "out of memory")

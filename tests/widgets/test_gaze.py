from concurrent.futures import Future

import pytest
import traitlets

from workbench.errors import RunError, WorkbenchError
from workbench.widgets.gaze import Gaze


class Session(traitlets.HasTraits):
    """Keeps what is asked for, with the futures that tests fulfil."""

    def __init__(self):
        super().__init__()
        self.asked = []

    def request(self, *question):
        self.asked.append((question, Future()))
        return self.asked[-1][1]


@pytest.fixture
def session():
    return Session()


@pytest.fixture
def gaze(session):
    return Gaze.of(session)


def test_a_question_is_asked_once_and_answered_when_it_is(session, gaze):
    about = object()
    assert gaze.answer(session, about, "score", "a", "y") is None
    assert gaze.answer(session, about, "score", "a", "y") is None
    [(question, future)] = session.asked
    assert question == ("score", "a", "y")
    heard = []
    gaze.observe(lambda change: heard.append(change.new), "answers")
    future.set_result("the answer")
    assert gaze.answer(session, about, "score", "a", "y") == "the answer"
    assert heard == [{question: "the answer"}]


def test_several_questions_stand_beside_each_other(session, gaze):
    about = object()
    for command in ("score", "self_attention"):
        gaze.answer(session, about, command)
    for number, (_, future) in enumerate(session.asked):
        future.set_result(number)
    assert gaze.answers == {("score",): 0, ("self_attention",): 1}


def test_of_another_translation_everything_is_asked_again(session, gaze):
    first, second = object(), object()
    gaze.answer(session, first, "score")
    gaze.answer(session, second, "score")
    late, now = (future for _, future in session.asked)
    late.set_result("of weights that are no more")
    assert gaze.answer(session, second, "score") is None
    now.set_result("fresh")
    assert gaze.answer(session, second, "score") == "fresh"


def test_why_there_is_no_answer_is_one(session, gaze, monkeypatch):
    about = object()
    gaze.answer(session, about, "score")
    session.asked[0][1].set_exception(WorkbenchError("too\nlong"))
    assert gaze.answer(session, about, "score") == "too long"

    def refuse(*_):
        raise RunError("there is no model")

    monkeypatch.setattr(session, "request", refuse, raising=False)
    assert gaze.answer(session, about, "self_attention") == "there is no model"


def test_what_was_called_off_is_no_answer(session, gaze):
    about = object()
    gaze.answer(session, about, "score")
    session.asked[0][1].cancel()
    assert gaze.answers == {}


def test_an_answer_can_be_waited_for(session, gaze, monkeypatch):
    done = Future()
    done.set_result(7)
    monkeypatch.setattr(session, "request", lambda *_: done, raising=False)
    assert gaze.answer(session, object(), "score", wait=True) == 7

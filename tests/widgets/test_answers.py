from concurrent.futures import Future

import pytest
import traitlets

from workbench.errors import WorkbenchError
from workbench.widgets.answers import then
from workbench.widgets.choices import QUIET, Choices


@pytest.fixture
def choices():
    return Choices.of(traitlets.HasTraits())


def test_an_answer_is_used(choices):
    asked, seen = Future(), []
    then(asked, choices, seen.append)
    asked.set_result(3)
    assert (seen, choices.notice) == ([3], QUIET)


@pytest.mark.parametrize("end", [Future.cancel, lambda f: f.set_exception(ValueError("no"))])
def test_where_there_is_none_nothing_is_done(choices, end):
    asked, seen = Future(), []
    then(asked, choices, seen.append)
    end(asked)
    assert (seen, choices.notice) == ([], QUIET)


def test_what_is_wrong_with_its_use_is_a_notice(choices, caplog):
    def refuse(_):
        raise WorkbenchError("training is under way")

    asked = Future()
    then(asked, choices, refuse)
    asked.set_result(3)
    assert choices.notice == ("error", "training is under way")
    assert not caplog.records


def test_a_reason_that_no_session_tells_becomes_the_notice(choices):
    asked, seen = Future(), []
    then(asked, choices, seen.append, told=False)
    asked.set_exception(WorkbenchError("another model"))
    assert (seen, choices.notice) == ([], ("error", "another model"))


@pytest.mark.parametrize(
    "end", [Future.cancel, lambda f: f.set_exception(ValueError("no")), lambda f: f.set_result(3)]
)
def test_what_comes_after_is_done_whatever_comes(choices, end):
    asked, seen = Future(), []
    then(asked, choices, lambda _: 1 / 0, lambda: seen.append("after"))
    end(asked)
    assert seen == ["after"]

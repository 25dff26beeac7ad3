"""Work that is done in turns, and the word for it."""

import threading

import pytest

from workbench.background import Worker
from workbench.session.worked import Turns, worked


class Office:
    """Has its work done by a thread of its own."""

    def __init__(self):
        self.said, self.worker = [], Worker("office")
        self._turns = Turns(self.worker, self.said.append)

    @worked("counting")
    def count(self, number, step=1):
        """Count up."""
        return number + step, threading.current_thread().name

    @worked("adding up")
    def add_up(self, numbers):
        return sum(self.count(number)[0] for number in numbers)

    @worked("failing")
    def fail(self):
        raise ValueError("no luck")


@pytest.fixture
def office():
    office = Office()
    yield office
    office.worker.close()


def test_a_method_is_done_by_the_thread_which_says_what_it_is_at(office):
    assert office.count(2, step=3) == (5, "office")
    assert office.said == ["counting", ""]
    assert (Office.count.__name__, Office.count.__doc__) == ("count", "Count up.")


def test_what_is_done_for_something_else_counts_as_that(office):
    assert office.add_up([1, 2]) == 5
    assert set(office.said) == {"adding up", ""}
    assert (office.said[0], office.said[-1]) == ("adding up", "")


def test_after_an_error_it_is_at_nothing_any_more(office):
    with pytest.raises(ValueError, match="no luck"):
        office.fail()
    assert office.said == ["failing", ""]

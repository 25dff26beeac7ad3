import threading
import time

import pytest

from workbench.background import Worker
from workbench.training.control import Control, Stopped


@pytest.fixture
def worker():
    worker = Worker("test")
    yield worker
    worker.close()


@pytest.fixture
def told():
    return []


@pytest.fixture
def control(worker, told):
    return Control(worker, told.append)


def train(worker, control, steps=4):
    """Take `steps` steps in the worker, if nothing stops them; return the future of their count."""

    def work():
        for taken in range(1, steps + 1):
            control.stepped()
            if control.stopped:
                return taken
        return steps

    return worker.submit(work)


def test_without_a_word_training_goes_on(worker, control, told):
    control.begin()
    assert train(worker, control).result(10) == 4
    assert told == ["training"]


def test_a_pause_lasts_until_training_is_to_go_on(worker, control, told):
    control.begin(1)
    training = train(worker, control)
    while told[-1] != "paused":
        time.sleep(0.001)
    assert not training.done()
    assert worker.submit(lambda: "answered").result(10) == "answered"
    worker.submit(control.resume)
    assert training.result(10) == 4
    assert told == ["training", "paused", "training"]


def test_a_pause_may_be_asked_for_at_any_time(worker, control, told):
    control.begin()
    asked = threading.Event()

    def work():
        asked.wait(10)
        control.between()
        return "went on"

    training = worker.submit(work)
    worker.submit(control.pause)
    asked.set()
    while told[-1] != "paused":
        time.sleep(0.001)
    worker.submit(control.resume)
    assert training.result(10) == "went on"


def test_so_many_steps_and_no_more(worker, control, told):
    control.begin(2)
    training = train(worker, control, steps=5)
    while told[-1] != "paused":
        time.sleep(0.001)
    worker.do(lambda: control.resume(1))
    while told[-1] != "paused":
        time.sleep(0.001)
    worker.submit(control.resume)
    assert training.result(10) == 5
    assert told == ["training", "training", "paused", "training", "paused", "training"]


def test_stop_ends_training_and_a_pause_too(worker, control):
    control.begin(1)
    training = train(worker, control, steps=3)
    control.stop()
    assert training.result(10) == 1
    control.begin()
    assert not control.stopped


def test_an_evaluation_ends_at_once_when_training_is_to_stop(worker, control):
    control.begin()
    worker.do(control.between_batches)
    control.stop()
    with pytest.raises(Stopped):
        worker.do(control.between_batches)


def test_the_clock_stands_still_in_a_pause_and_for_other_work(worker, control):
    control.begin(0)
    threading.Timer(0.1, lambda: worker.submit(lambda: time.sleep(0.1))).start()
    threading.Timer(0.3, lambda: worker.submit(control.resume)).start()

    def timed():
        began, clock = time.perf_counter(), control.clock()
        control.between()
        return time.perf_counter() - began, control.clock() - clock

    wall, counted = worker.submit(timed).result(10)
    assert wall >= 0.25
    assert counted < 0.02

import os

import psutil
import pytest
import traitlets

from workbench.widgets.memory import SECONDS, Memory


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def memory(clock):
    return Memory(clock)


def test_a_sample_is_what_the_process_takes(memory):
    memory.sample(3)
    [(step, size)] = memory.samples
    assert step == 3
    assert size == pytest.approx(psutil.Process(os.getpid()).memory_info().rss, rel=0.1)


def test_samples_are_taken_now_and_then(memory, clock):
    memory.sample(1)
    memory.sample(2)  # at once
    clock.now += SECONDS
    memory.sample(3)
    clock.now += SECONDS
    memory.sample(3)  # nothing was trained meanwhile
    assert [step for step, _ in memory.samples] == [1, 3]


def test_a_training_that_begins_anew_has_samples_of_its_own(memory, clock):
    memory.sample(9)
    before = memory.samples
    clock.now += SECONDS
    memory.sample(1)
    assert [step for step, _ in memory.samples] == [1]
    assert [step for step, _ in before] == [9]  # whoever draws sees that it is another list


def test_all_panels_of_a_session_share_the_samples():
    class Session(traitlets.HasTraits):
        pass

    one, other = Session(), Session()
    assert Memory.of(one) is Memory.of(one)
    assert Memory.of(one) is not Memory.of(other)

import gc
import logging
import threading
import time
import weakref
from itertools import pairwise

import pytest
import traitlets

from workbench.widgets import ticker as module
from workbench.widgets.choices import Choices
from workbench.widgets.ticker import Ticker


class Session(traitlets.HasTraits):
    progress = traitlets.Int(0)
    error = traitlets.Unicode("")
    busy = traitlets.Unicode("")


@pytest.fixture
def session():
    return Session()


@pytest.fixture
def ticker(session):
    return Ticker.of(session)


def test_a_session_has_one_ticker(session, ticker):
    assert Ticker.of(session) is ticker
    assert Ticker.of(Session()) is not ticker


def test_changes_are_painted_together_ten_times_a_second_and_the_last_always_is(session, ticker):
    painted = []
    ticker.on("error", lambda: painted.append((time.monotonic(), session.error)))
    end = time.monotonic() + 0.55
    while time.monotonic() < end:
        session.error += "!"
        time.sleep(0.001)
    assert ticker.settle()
    times, values = zip(*painted, strict=True)
    assert 2 <= len(painted) <= 7
    assert min(b - a for a, b in pairwise(times)) >= 0.1
    assert values[-1] == session.error


def test_what_comes_with_every_step_waits_unless_something_else_is_news(
    session, ticker, monkeypatch
):
    monkeypatch.setitem(module.PACED, "progress", 0.4)
    painted = []
    ticker.on(["progress", "error"], lambda: painted.append((time.monotonic(), session.progress)))
    begun = time.monotonic()
    session.progress = 1
    while not painted:
        session.progress += 1
        time.sleep(0.001)
    assert painted[0][0] - begun >= 0.4
    assert painted[0][1] > 2
    session.progress += 1
    session.error = "stopped"
    begun = time.monotonic()
    while len(painted) < 2:
        time.sleep(0.001)
    assert painted[1][0] - begun < 0.4
    assert painted[1][1] == session.progress


def test_busy_for_a_moment_is_not_painted_before_it_is_over(session, ticker):
    """Painting takes from the work itself: a stopped training would be saved later."""
    painted = []
    ticker.on(["busy", "error"], lambda: painted.append(session.busy))
    session.busy = "saving"
    time.sleep(0.02)
    session.busy = ""
    while not painted:
        time.sleep(0.001)
    assert painted == [""]


def test_all_is_settled_while_more_is_to_come(session, ticker, monkeypatch):
    monkeypatch.setitem(module.PACED, "progress", 60.0)
    painted = []

    def paint():
        painted.append(session.progress)
        session.progress += 1  # as a training does, whoever looks on

    ticker.on("progress", paint)
    session.progress = 1
    assert ticker.settle()
    assert painted == [1]


def test_only_the_traits_that_were_named_count(session, ticker):
    painted = []
    ticker.on(["error"], lambda: painted.append("error"))
    session.progress = 1
    assert ticker.settle()
    assert painted == []
    session.error = "out of memory"
    assert ticker.settle()
    assert painted == ["error"]


def test_another_source_can_be_looked_at(ticker):
    other, painted = Session(), []
    ticker.on("progress", lambda: painted.append(other.progress), source=other)
    other.progress = 4
    assert ticker.settle()
    assert painted == [4]


def test_painting_is_on_one_thread_which_is_neither_main_nor_the_worker(session, ticker):
    threads = []
    for _ in range(2):
        ticker.on("progress", lambda: threads.append(threading.current_thread()))
    worker = threading.Thread(target=lambda: session.set_trait("progress", 1))
    worker.start()
    worker.join()
    assert ticker.settle()
    assert threads[0] is threads[1]
    assert threads[0] not in (threading.main_thread(), worker)


def test_a_mistake_in_one_painting_is_logged_and_the_others_go_on(session, ticker, caplog):
    painted = []

    def wrong():
        raise RuntimeError("no such widget")

    ticker.on("progress", wrong)
    ticker.on("progress", lambda: painted.append(session.progress))
    with caplog.at_level(logging.ERROR):
        for step in (1, 2):
            session.progress = step
            assert ticker.settle()
    assert painted == [1, 2]
    assert "no such widget" in caplog.text
    tone, text = Choices.of(session).notice
    assert (tone, text.split(";")[0]) == ("error", "RuntimeError: no such widget")


def test_the_thread_ends_when_idle_and_comes_back(session, ticker, monkeypatch):
    monkeypatch.setattr(module, "IDLE", 0.01)
    painted = []
    ticker.on("progress", lambda: painted.append(session.progress))
    session.progress = 1
    assert ticker.settle()
    thread = ticker._thread
    thread.join(2)
    assert not thread.is_alive()
    session.progress = 2
    assert ticker.settle()
    assert painted == [1, 2]


def test_costly_painting_leaves_time_for_training(session, ticker):
    begun, ended = [], []

    def costly():
        begun.append(time.monotonic())
        end = time.thread_time() + 0.06
        while time.thread_time() < end:
            pass
        ended.append(time.monotonic())
        session.error = ("!" + session.error)[:3]

    ticker.on("error", costly)
    session.error = "!"
    assert ticker.settle()
    pauses = [b - e for b, e in zip(begun[1:], ended, strict=False)]
    assert len(pauses) == 2
    assert min(pauses) >= 0.24


def test_what_is_off_is_not_painted(session, ticker):
    painted = []

    def paint():
        painted.append(session.progress)

    ticker.on("progress", paint)
    ticker.off(paint)
    session.progress = 1
    assert ticker.settle()
    assert painted == []


def test_what_takes_too_long_is_told(session, ticker):
    go_on = threading.Event()
    ticker.on("progress", go_on.wait)
    session.progress = 1
    assert not ticker.settle(0.05)
    go_on.set()
    assert ticker.settle()


def test_a_session_that_nobody_holds_is_forgotten():
    session = Session()
    Ticker.of(session).on("progress", lambda: None)
    gone = weakref.ref(session)
    del session
    gc.collect()
    assert gone() is None

"""What is asked without waiting: of any worker first, then of a session."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sessions import live

from workbench.background import Worker
from workbench.data.corpus import Pair
from workbench.errors import RunError, WorkbenchError
from workbench.session import Session
from workbench.session.requests import Requests


@pytest.fixture
def desk():
    """Requests to a worker, and what was told of them."""
    worker, told = Worker("desk"), []
    yield Requests(worker, told.append), worker, told
    worker.close()


def test_a_request_is_awaited_until_it_has_begun(desk):
    requests, worker, told = desk
    gate, seen = threading.Event(), []
    worker.submit(gate.wait)
    requests.admit("train", lambda _: "")
    done = requests.submit("train", lambda: 1, lambda: seen.append(requests.awaited) or 2)
    assert requests.awaited == {"train"}
    gate.set()
    assert done.result(10) == 2
    assert (seen, told) == ([frozenset()], [])


def test_what_is_refused_is_not_awaited(desk):
    requests, _, _ = desk
    with pytest.raises(RunError, match=r"^load: not now$"):
        requests.admit("load", "{}: not now".format)
    assert requests.awaited == frozenset()


def test_of_two_quick_requests_the_second_sees_the_first(desk):
    requests, _, _ = desk

    def refusal(command):
        reason = "twice" if command in requests.awaited else ""
        time.sleep(0.02)  # in which another thread would like to be asked
        return reason

    def ask(_):
        try:
            requests.admit("build", refusal)
        except RunError as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(4) as threads:
        assert sorted(threads.map(ask, range(4))) == ["", "twice", "twice", "twice"]


def test_what_fails_is_told_and_raised_and_not_awaited_any_more(desk):
    requests, _, told = desk

    def fail():
        raise RunError("no\nluck")

    for begin, go_on in ((fail, None), (int, fail)):
        requests.admit("save", lambda _: "")
        with pytest.raises(RunError, match="luck"):
            requests.submit("save", begin, go_on).result(10)
        assert told.pop() == "no luck"
        assert requests.awaited == frozenset()


def test_what_is_taken_back_is_not_awaited_any_more(desk):
    requests, worker, _ = desk
    gate = threading.Event()
    worker.submit(gate.wait)
    requests.admit("save", lambda _: "")
    assert requests.submit("save", int).cancel()
    assert requests.awaited == frozenset()
    gate.set()


# Of a session ------------------------------------------------------------------------------------


@pytest.fixture
def waiting():
    """Keep the session's thread from its work until it is let go."""
    gates = []

    def waiting(session):
        gates.append(threading.Event())
        session._worker.submit(gates[-1].wait)
        return gates[-1].set

    yield waiting
    for gate in gates:
        gate.set()


def test_what_is_requested_is_done_later_and_its_errors_are_told(cheap):
    session = live(cheap, max_steps=3)
    busy = []
    session.observe(lambda change: busy.append(change["new"]), "busy")
    session.request("build").result(60)
    assert session.state == "built"
    assert busy == ["building the model", ""]
    with pytest.raises(WorkbenchError):
        session.request("evaluate", "nowhere").result(60)
    assert "expected a split" in session.error
    session.request("train").result(60)
    assert (session.state, session.error) == ("trained", "")
    asyncio.run(session.wait())


def test_two_quick_starts_are_one_training(cheap, waiting):
    session = live(cheap, max_steps=3)
    let_go = waiting(session)
    session.request("train")
    for again in ("train", "advance", "build"):
        with pytest.raises(RunError, match="training is about to begin; wait for it"):
            session.request(again)
    let_go()
    asyncio.run(session.wait())
    assert (session.state, len(session.history), session.error) == ("trained", 3, "")
    assert session.refusal("train") == session.refusal("advance") == ""


def test_a_start_while_another_reads_the_data_is_refused(cheap, monkeypatch):
    session, refused = live(cheap, max_steps=3), []
    load = Session.load

    def loaded(self):
        refused.append(session.refusal("train"))
        return load(self)

    monkeypatch.setattr(Session, "load", loaded)
    session.request("train").result(60)
    assert refused[0] == "training is about to begin; wait for it"
    assert session.state == "trained"


def test_a_start_that_was_taken_back_or_failed_does_not_hold_up_the_next(cheap, waiting, tmp_path):
    session = live(cheap)
    let_go = waiting(session)
    assert session.request("train").cancel()
    assert session.refusal("train") == ""
    let_go()
    broken = Session(cheap, corpus=str(tmp_path / "nowhere.tsv"))
    refused = []
    broken.observe(lambda _: refused.append(broken.refusal("train")), "error")
    assert broken.request("train").exception(60)
    assert refused[-1] == broken.refusal("train") == ""


def test_a_second_quick_build_is_refused(cheap, waiting):
    session = live(cheap)
    let_go = waiting(session)
    first = session.request("build")
    with pytest.raises(RunError, match="the model is about to be built; wait for it"):
        session.request("build")
    let_go()
    assert first.result(60) is session.model
    assert "built already" in session.refusal("build")


def test_before_there_is_a_model_a_request_is_refused_and_a_method_makes_one(cheap, waiting):
    session = live(cheap)
    asked = {
        "translate": ["cat"], "stepper": ["cat"], "score": ["cat", "chat"], "evaluate": [],
        "self_attention": ["cat", "chat"], "diagnose": [], "attribute": [Pair("cat", "chat")],
        "wanted_attention": ["cat", (), "chat"], "states": [], "over_time": ["cat"], "save": [],
    }  # fmt: skip
    for command, given in asked.items():
        with pytest.raises(RunError, match="there is no model yet: build or train one first"):
            session.request(command, *given)
    assert session.state == "empty"
    let_go = waiting(session)
    session.request("build")
    coming = session.request("translate", "cat")
    let_go()
    assert coming.result(60).hypotheses
    assert all(session.refusal(command) == "" for command in asked)
    assert Session(cheap).diagnose("test", 2).each


def test_what_waits_for_a_model_that_cannot_be_made_is_refused_in_its_turn(
    cheap, waiting, tmp_path
):
    session = Session(cheap, corpus=str(tmp_path / "nowhere.tsv"))
    let_go = waiting(session)
    session.request("build")
    coming = session.request("save")
    let_go()
    with pytest.raises(RunError, match="there is no model yet"):
        coming.result(60)


def test_a_request_that_fails_leaves_the_thread_alive(tmp_path, config):
    session = Session(config, corpus=str(tmp_path / "nowhere.tsv"))
    with pytest.raises(WorkbenchError):
        session.request("train").result(60)
    assert "nowhere.tsv" in session.error
    assert session.state == "empty"
    assert session.request("load").exception(60)

import threading
from types import SimpleNamespace

import pytest

from workbench.charts.frame import notice
from workbench.charts.tables import Table
from workbench.widgets import keepsake as module
from workbench.widgets.keepsake import Keepsake

TABLE = Table(("a",), ((1,),), "A table")


class Publisher:
    """What ipykernel publishes outputs with, as far as it is used."""

    topic, pub_socket = b"display_data", "the socket"

    def __init__(self):
        self.parent_header, self.session, self.sent = {"msg_id": "first cell"}, self, []

    def msg(self, kind, content, parent):
        return {"kind": kind, "parent": parent["msg_id"], **content}

    def send(self, socket, message, ident):
        assert (socket, ident) == (self.pub_socket, self.topic)
        self.sent.append(message)


@pytest.fixture(autouse=True)
def pause(monkeypatch):
    monkeypatch.setattr(module, "PAUSE", 0.0)


@pytest.fixture
def publisher(monkeypatch):
    publisher = Publisher()
    monkeypatch.setattr(module, "get_ipython", lambda: SimpleNamespace(display_pub=publisher))
    return publisher


def show(keepsake, *things):
    keepsake.show(lambda: things)
    drawn()


def drawn():
    for thread in threading.enumerate():
        if thread.name == "workbench keepsake":
            thread.join(60)


def test_figures_follow_below_the_cell_that_showed_the_panel(publisher):
    keepsake = Keepsake()
    publisher.parent_header = {"msg_id": "a later cell"}
    show(keepsake, notice("Title", "nothing"), TABLE)
    assert [message["kind"] for message in publisher.sent] == ["display_data"] * 4
    assert {message["parent"] for message in publisher.sent} == {"first cell"}
    mark, chart, again, table = (message["data"] for message in publisher.sent)
    assert (mark, again) == (module.mark("", 0), module.mark("", 1))
    assert "run the cell" in mark["text/plain"]
    assert chart["image/png"].startswith("iVBORw0KGgo")  # base64 of a PNG's signature
    assert "A table" in table["text/plain"]


def test_later_figures_take_the_place_of_earlier_ones(publisher):
    keepsake = Keepsake()
    show(keepsake, TABLE, TABLE)
    show(keepsake, Table(("b",), ((2,),), "Another"))
    first, second, again, gone = (
        it for it in publisher.sent if "wb-kept" not in it["data"].get("text/html", "")
    )
    assert again["kind"] == gone["kind"] == "update_display_data"
    assert again["transient"] == first["transient"] != second["transient"] == gone["transient"]
    assert "Another" in again["data"]["text/plain"]
    assert gone["data"] == {"text/plain": ""}


def test_of_several_that_come_while_one_is_drawn_the_last_is_drawn(publisher):
    keepsake, drawing, go = Keepsake(), threading.Event(), threading.Event()
    made = []

    def slow():
        drawing.set()
        assert go.wait(10)
        return [TABLE]

    keepsake.show(slow)
    assert drawing.wait(10)
    for number in range(3):
        keepsake.show(lambda number=number: made.append(number) or [TABLE])
    go.set()
    drawn()
    assert made == [2]


def test_nothing_is_drawn_while_more_comes(publisher, monkeypatch):
    monkeypatch.setattr(module, "PAUSE", 0.5)
    keepsake, made = Keepsake(), []
    for number in range(3):
        keepsake.show(lambda number=number: made.append(number) or [TABLE])
        assert not publisher.sent
    drawn()
    assert made == [2]


def test_pages_loaded_later_are_told_of_the_latest_figures(publisher, said):
    keepsake = Keepsake("the panel")
    later = keepsake._later
    assert later.panel == "the panel"
    mounted = later._handle_custom_msg
    mounted({"mounted": True}, [])
    show(keepsake, TABLE, TABLE)
    assert said(later) == []  # the page that ran the cell has them
    mounted({"mounted": True}, [])
    show(keepsake, TABLE)
    told = [message["figures"] for message, _ in said(later)]
    assert [len(figures) for figures in told] == [2, 2]
    assert told[1][1] == {"text/plain": ""}
    first, second = (mark["text/html"] for mark in said(later)[0][0]["marks"])
    assert first == f'<span class="wb-kept" data-panel="the panel">{module.HINT}</span>'
    assert second == '<span class="wb-kept" data-panel="the panel"></span>'
    keepsake.close()


@pytest.mark.parametrize("shell", [None, SimpleNamespace(display_pub=SimpleNamespace())])
def test_without_a_kernel_nothing_is_drawn(shell, monkeypatch):
    monkeypatch.setattr(module, "get_ipython", lambda: shell)
    Keepsake().show(lambda: pytest.fail("asked for figures"))
    assert not [each for each in threading.enumerate() if each.name == "workbench keepsake"]

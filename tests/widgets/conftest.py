"""A page that only listens: what widgets say to it is kept."""

import comm
import pytest
from by_hand_session import HandSession
from comm.base_comm import BaseComm

from workbench.widgets.decode_panel import DecodePanel
from workbench.widgets.ticker import Ticker


class Listening(BaseComm):
    """Keeps (kind of message, data, buffers) in `said`."""

    def __init__(self, **opening):
        self.said = []
        super().__init__(**opening)

    def publish_msg(self, msg_type, data=None, _=None, buffers=None, **__):
        self.said.append((msg_type, data, buffers or []))


@pytest.fixture
def said(monkeypatch):
    """Return what a widget, made from now on, has said to its page: its own messages only."""
    monkeypatch.setattr(comm, "create_comm", Listening)

    def said(widget):
        return [
            (data["content"], buffers)
            for kind, data, buffers in widget.comm.said
            if kind == "comm_msg" and data["method"] == "custom"
        ]

    return said


class Hand:
    """A Decode panel that takes a sentence apart over a step in NumPy."""

    def __init__(self, make_stepper):
        self.session = HandSession(make_stepper)
        self.panel = DecodePanel(self.session)
        self.stepping, self.choices = self.panel.stepping, self.panel.choices
        self.begin("small cat and dog")

    def begin(self, text):
        self.stepping.begin(text)
        self.settle()

    def settle(self):
        assert Ticker.of(self.session).settle()

    def press(self, button):
        assert not button.disabled
        button.click()
        self.settle()

    def tell(self, widget, **message):
        """Say to the kernel what the page says when a person uses a widget."""
        widget._handle_custom_msg(message, [])
        self.settle()

    @property
    def stepper(self):
        return self.session.taken_apart

    @property
    def prefix(self):
        return self.stepper.current.decoded.prefix

    @property
    def status(self):
        return self.panel._status.tone, self.panel._status.text


@pytest.fixture
def hand(make_stepper):
    hand = Hand(make_stepper)
    yield hand
    hand.panel.close()

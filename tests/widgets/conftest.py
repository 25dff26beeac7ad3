"""A page that only listens: what widgets say to it is kept."""

import comm
import pytest
from comm.base_comm import BaseComm


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

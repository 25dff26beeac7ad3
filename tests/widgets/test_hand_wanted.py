import numpy as np
import pytest

from workbench.interventions import SetRow
from workbench.records import WantedAttention


@pytest.fixture
def part(hand):
    return hand.panel._hand.wanted


@pytest.fixture
def answer(hand):
    own = hand.stepper.current.decoded.attention
    found = own.copy()
    found[1, 0] = [0, 0, 1, 0, 0]
    sought = np.array([[False, False], [True, False]])
    nats, each = np.float32([-3, -3, -1]), np.zeros((2, 2), np.float32)
    return WantedAttention(
        ("small", "cat", "and", "dog", "<end>"), (), "chien", own, found, sought, -1, nats,
        nats - 1, -nats, each, each,
    )  # fmt: skip


def test_the_answer_is_drawn_where_it_was_asked_for(hand, part, answer):
    assert "wb-hidden" in part.box._dom_classes
    hand.stepping.wanted = (0, answer)
    hand.settle()
    assert "wb-hidden" not in part.box._dom_classes
    assert "produced chien" in part._chart._specification["title"]["text"]
    hand.stepper.advance()
    hand.settle()
    assert "wb-hidden" in part.box._dom_classes


def test_what_was_found_is_read_in_its_place(hand, part, answer):
    hand.stepping.wanted = (0, answer)
    hand.settle()
    hand.press(part.box.children[1].children[0])
    assert hand.stepper.interventions() == (SetRow(layer=1, head=0, weights=(0, 0, 1, 0, 0)),)

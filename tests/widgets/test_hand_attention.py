import numpy as np
import pytest

from workbench.interventions import Mask, Paste, Scale, SetCell, Sharpen
from workbench.widgets.choices import MAXIMUM, MEAN


@pytest.fixture
def part(hand):
    return hand.panel._hand.attention


def button(part, name, box=None):
    found = []
    waiting = [box or part.box]
    while waiting:
        widget = waiting.pop()
        found += [widget] if getattr(widget, "description", "") == name else []
        waiting += getattr(widget, "children", ())
    return found[0]


def mark(hand, part, *positions):
    for position in positions:
        hand.tell(part.strip, do="mark", position=position)


def test_the_weights_of_a_layer_and_a_head_or_their_mean(hand, part):
    own = hand.stepper.current.decoded.attention
    assert part.strip.shown["tokens"] == ["small", "cat", "and", "dog", "<end>"]
    assert part.strip.shown["weights"] == pytest.approx(own.mean((0, 1)).tolist(), abs=1e-4)
    hand.choices.layer, hand.choices.head = 1, 0
    hand.settle()
    assert part.strip.shown["weights"] == pytest.approx(own[1, 0].tolist(), abs=1e-4)
    hand.choices.layer, hand.choices.head = MAXIMUM, MEAN  # as another panel may have it
    hand.settle()
    assert part.strip.shown["weights"] == pytest.approx(own.mean((0, 1)).tolist(), abs=1e-4)


def test_a_slider_sets_a_cell_and_undo_takes_it_back(hand, part):
    hand.choices.layer, hand.choices.head = 1, 0
    hand.tell(part.strip, do="set", position=2, weight=0.7)
    assert hand.stepper.interventions() == (SetCell(layer=1, head=0, position=2, weight=0.7),)
    assert part.strip.shown["weights"][2] == pytest.approx(0.7)
    assert sum(part.strip.shown["weights"]) == pytest.approx(1, abs=1e-3)
    plain = hand.stepper.node(0).decoded.attention
    assert part.strip.shown["own"] == pytest.approx(plain[1, 0].tolist(), abs=1e-4)
    hand.press(hand.panel._hand._tools["undo"])
    assert part.strip.shown["own"] == []
    np.testing.assert_array_equal(hand.stepper.current.decoded.attention, plain)


@pytest.mark.parametrize(
    ("name", "edit"),
    [
        ("Mask", Mask(positions=(1, 3))),
        ("Scale", Scale(positions=(1, 3), factor=3)),
        ("Sharpen", Sharpen(temperature=0.25)),
    ],
)
def test_what_is_marked_is_edited(hand, part, name, edit):
    hand.stepping.factor, hand.stepping.temperature = 3.0, 0.25
    mark(hand, part, 3, 0, 1, 0)
    assert part.strip.shown["marked"] == [1, 3]
    assert "Marked: cat, dog." in part._told.value
    hand.press(button(part, name))
    assert hand.stepper.interventions() == (edit,)


def test_another_step_is_pasted(hand, part):
    hand.stepper.advance()
    hand.stepper.advance()
    hand.stepping.other_step = 2
    hand.press(button(part, "Paste"))
    [edit] = hand.stepper.current.decoded.edits
    assert edit == Paste(prefix=hand.prefix, other=hand.prefix[:1])
    hand.stepping.other_step = 4
    hand.press(button(part, "Paste"))
    assert hand.status == ("error", "expected a step from 1 to 3 to paste from, got 4")


def test_rows_that_sum_to_nothing_are_a_message(hand, part):
    before = hand.stepper.nodes
    mark(hand, part, 0, 1, 2, 3, 4)
    hand.press(button(part, "Mask"))
    assert "nothing would be read" in hand.status[1]
    assert hand.stepper.nodes == before
    hand.tell(part.strip, do="set", position=99, weight=0.5)
    assert "expected a source position from 0 to 4, got 99" in hand.status[1]


def test_no_mark_is_a_message(hand, part):
    hand.press(button(part, "Mask"))
    assert "no source token is marked" in hand.status[1]


def test_a_source_token_is_replaced_and_left_out(hand, part):
    hand.stepper.force("chien")
    mark(hand, part, 1)
    hand.press(button(part, "Replace"))
    assert "type the source token" in hand.status[1]
    hand.stepping.replacement = "brid"
    hand.press(button(part, "Replace"))
    assert "did you mean 'bird'?" in hand.status[1]
    hand.stepping.replacement = "bird"
    hand.press(button(part, "Replace"))
    assert hand.stepper.current.decoded.source.text == "small bird and dog"
    assert hand.prefix == ("chien",)
    assert part.strip.shown["tokens"][1] == "bird"
    assert part.strip.shown["marked"] == []  # they were of another source
    for _ in range(3):
        mark(hand, part, 0)
        hand.press(button(part, "Leave out"))
    assert part.strip.shown["tokens"] == ["dog", "<end>"]
    mark(hand, part, 0)
    hand.press(button(part, "Leave out"))
    assert "the source would be empty" in hand.status[1]
    assert hand.stepper.current.decoded.source.text == "dog"


def test_one_token_is_replaced_at_a_time(hand, part):
    mark(hand, part, 0, 1)
    hand.press(button(part, "Leave out"))
    assert hand.status[1] == "expected one marked source token, got 2"


def test_a_model_without_attention_says_so(hand, part, make_stepper):
    hand.session.make = lambda text: make_stepper(text, make_stepper.plain)
    hand.begin("small cat")
    assert "wb-hidden" in part._seen._dom_classes
    assert part._none.value == "This model has no attention to show."


def test_an_edit_past_the_end_is_a_message(hand, part):
    hand.stepper.force("<end>")
    hand.settle()
    assert "the sentence has ended" in part._none.value.lower()
    hand.tell(part.strip, do="set", position=0, weight=0.5)
    assert "nothing follows its end symbol" in hand.status[1]

import pytest

from workbench.inspection.diagnosis import diagnose
from workbench.widgets.hand_cost import cost, verdict


@pytest.fixture
def part(hand):
    return hand.panel._hand.cost


def scored(hand, reference):
    """Score a reference by the stepper itself, in place of the model."""
    hand.stepper.go(0)
    hand.stepper.force_text(reference)
    hand.stepper.force("<end>")
    return hand.stepper.translation()


def test_a_step_costs_what_it_lacks_of_the_likeliest(hand, part):
    assert part._cost.value == "Nothing is written yet."
    first = hand.stepper.current.decoded
    likeliest = first.following[first.best()]
    last = hand.stepper.candidates(6)[-1]
    hand.stepper.force(last.token)
    hand.settle()
    one = last.log_probability - likeliest
    assert f"{last.token} cost Δ log p {one:.2f}; all".replace("-", "−") in cost(hand.stepping.now)
    hand.stepper.advance()
    told = cost(hand.stepping.now)
    assert f"cost Δ log p 0.00; all steps together {one:.2f},".replace("-", "−") in told


def test_with_a_reference_it_says_whose_error_it_is(hand, part):
    reference = scored(hand, "chien et chat")
    hand.session.score = lambda *_: reference
    hand.session.codec = None
    hand.stepping.reference = "chien et chat"
    ask = part.box.children[2].children[1]
    hand.press(ask)
    found = diagnose(hand.stepper.beam(0), reference)
    assert hand.stepping.diagnosis.fault == found.fault == "model"
    assert part._verdict.value.startswith("Model error: the reference scores −")
    assert "the reference left the beam at step 2, et" in part._verdict.value
    assert "Diagnosis: model error" in part._table.value


def test_without_a_reference_it_asks_for_one(hand, part):
    hand.press(part.box.children[2].children[1])
    assert "there is no reference" in hand.status[1]


def test_a_reference_that_is_found_has_no_error(hand):
    best = hand.stepper.beam()
    assert verdict(diagnose(best, best)) == "The search finds the reference."

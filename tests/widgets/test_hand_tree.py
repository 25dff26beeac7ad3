import pytest


@pytest.fixture
def part(hand):
    return hand.panel._hand.tree


def keys(part, **fates):
    states = part.tree.shown["states"]
    return [each["key"] for each in states if all(each[k] == v for k, v in fates.items())]


def test_every_state_is_drawn_and_a_click_goes_there(hand, part):
    hand.stepper.finish()
    hand.settle()
    assert keys(part) == [str(id) for id in hand.stepper.nodes]
    hand.tell(part.tree, do="go", key="1")
    assert hand.stepper.current.id == 1
    assert keys(part, here=True) == ["1"]


def test_the_beam_shows_what_it_pruned_and_a_click_goes_on_from_there(hand, part):
    hand.press(part._beam)
    record = hand.stepping.found.translation.beam
    lost = keys(part, fate="pruned")
    assert lost
    hand.stepping.pruned = False
    hand.settle()
    assert keys(part, fate="pruned") == []
    hand.stepping.pruned = True
    hand.settle()
    candidate = record.candidates[int(lost[-1].removeprefix("beam "))]
    hand.tell(part.tree, do="go", key=lost[-1])
    assert hand.prefix[-1] == candidate.token
    assert len(hand.prefix) == candidate.step + 1
    assert hand.stepper.hypothesis().log_probability == pytest.approx(
        candidate.log_probability, abs=1e-5
    )
    hand.stepper.undo()
    assert hand.prefix == ()


def test_a_branch_gets_a_name_once(hand, part):
    hand.stepper.advance()
    hand.stepping.name = "mine"
    name = next(each for each in part.box.children[-1].children if each.description == "Name")
    hand.press(name)
    assert hand.stepper.current.name == "mine"
    assert "mine" in part.tree.shown["states"][1]["end"]
    hand.stepper.go(0)
    hand.settle()
    hand.press(name)
    assert "there is a branch 'mine' already" in hand.status[1]


def test_a_branch_is_deleted_but_never_all_of_it(hand, part):
    assert part._delete.disabled
    hand.stepper.advance()
    hand.settle()
    hand.press(part._delete)
    assert (hand.prefix, len(hand.stepper.nodes)) == ((), 1)


def test_a_state_that_is_gone_is_a_message(hand, part):
    for key in ("99", "beam 3", "beam x", "", "-1"):
        hand.tell(part.tree, do="go", key=key)
        assert "not there any more" in hand.status[1]

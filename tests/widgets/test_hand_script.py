import json

import pytest

from workbench.interventions import read_interventions


@pytest.fixture
def part(hand):
    return hand.panel._hand.script


def test_the_list_is_there_to_be_copied_and_replays_the_same(hand, part):
    hand.stepper.ban(hand.stepper.candidates(1)[0].token)
    hand.stepper.force("chien")
    hand.settle()
    assert part._count.value == "2 on this way"
    assert read_interventions(part._copy.text) == hand.stepper.interventions()
    whole = hand.stepper.finish()
    hand.begin("small cat and dog")
    hand.stepping.script = part._copy.text if part._copy.text != "[]" else hand.stepping.script
    hand.press(part._fold._content.children[0].children[1].children[0])
    assert hand.stepper.current.decoded.prefix == whole.best.tokens


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("", "there is nothing to replay"),
        ("{", "expected interventions as JSON"),
        ('[{"kind": "row", "weights": [0, 0]}]', "item 1"),
        ('[{"kind": "row", "weights": [1, -1]}]', "item 1"),
        ('[{"kind": "force", "token": "chein"}]', "did you mean 'chien'?"),
        ('[{"kind": "force", "prefix": ["oiseau", "oiseau"], "token": "chien"}]', "item 1"),
    ],
)
def test_a_list_that_does_not_fit_says_why_and_leaves_the_tree(hand, part, script, told):
    before = hand.stepper.nodes
    hand.stepping.script = script
    hand.press(part._fold._content.children[0].children[1].children[0])
    assert hand.status[0] == "error"
    assert told in hand.status[1]
    assert hand.stepper.nodes == before


def test_the_list_becomes_a_setting(hand, part):
    hand.stepper.force("chien")
    hand.settle()
    hand.press(part.box.children[2].children[0])
    assert json.loads(hand.session.draft.interventions) == [{"kind": "force", "token": "chien"}]
    assert hand.status[0] == "good"

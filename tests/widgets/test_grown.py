import numpy as np
import pytest
from fake_step import FakeStep

from workbench.widgets.grown import candidate_of, states


@pytest.fixture
def drawn(hand):
    """A function that returns the states by key."""

    def drawn(pruned=True):
        settings = hand.session.draft
        return {
            each.key: each for each in states(
                hand.stepping.now, hand.stepping.found, pruned, settings
            )
        }  # fmt: skip

    return drawn


def way(states, key):
    tokens = []
    while states[key].parent is not None:
        tokens.append(states[key].token)
        key = states[key].parent
    return tokens[::-1]


def search(hand):
    hand.press(hand.panel._hand.tree._beam)
    return hand.stepping.found.translation


def test_a_beams_hypotheses_are_the_ways_to_its_ends(hand, drawn, make_stepper, codec):
    step = FakeStep(codec.source.size, codec.target.size, seed=32)  # all three end
    hand.session.make = lambda text: make_stepper(text, step)
    hand.begin("small cat and dog")
    found = search(hand)
    shown = drawn()
    ends = {tuple(way(shown, key)) for key, each in shown.items() if each.ended}
    assert {one.tokens for one in found.hypotheses} <= ends
    [best] = [each for each in shown.values() if "best" in each.end]
    assert tuple(way(shown, best.key)) == found.best.tokens


def test_what_was_grown_is_not_drawn_twice(hand, drawn):
    found = search(hand)
    ghosts = len(drawn())
    hand.stepper.write(found.best.tokens)
    hand.settle()
    assert len(drawn()) == ghosts
    ways = [tuple(way(drawn(), key)) for key in drawn()]
    assert len(ways) == len(set(ways))


def test_a_search_from_further_on_hangs_below_the_way_to_it(hand, drawn):
    hand.stepper.force("chien")
    hand.tell(hand.panel._hand.attention.strip, do="set", position=0, weight=0.9)
    place = hand.stepper.current.id
    search(hand)
    shown = drawn()
    assert all(way(shown, key)[0] == "chien" for key in shown if key.startswith("beam"))
    first = next(each for each in shown.values() if each.key.startswith("beam"))
    assert first.parent == str(place)


def test_no_more_pruned_than_the_beam_is_wide(hand, drawn):
    search(hand)
    shown = drawn()
    steps = [len(way(shown, key)) for key, each in shown.items() if each.fate == "pruned"]
    assert max(steps.count(step) for step in steps) == 3
    assert not [each for each in drawn(pruned=False).values() if each.fate == "pruned"]


def test_the_probability_is_that_of_the_token_alone(hand, drawn):
    search(hand)
    hand.stepper.finish()
    hand.settle()
    for key, each in drawn().items():
        if not key.startswith("beam") and each.parent is not None:
            logs = hand.stepper.node(int(key)).decoded.log_probabilities
            assert each.probability == pytest.approx(np.exp(logs[-1]))


def test_keys_lead_back_to_candidates(hand):
    found = search(hand)
    assert candidate_of("beam 3", hand.stepping.found) is found.beam.candidates[3]
    for key in ("3", "beam 9999", "beam -1", "beam x"):
        assert candidate_of(key, hand.stepping.found) is None


def test_a_search_whose_node_was_deleted_is_not_drawn(hand, drawn):
    hand.stepper.advance()
    search(hand)
    assert len(drawn()) > 2
    hand.stepper.delete()
    hand.settle()
    assert list(drawn()) == ["0"]


def test_what_was_done_is_told(hand, drawn):
    hand.stepper.ban(hand.stepper.candidates(1)[0].token)
    hand.stepper.force("chien")
    hand.tell(hand.panel._hand.attention.strip, do="set", position=0, weight=0.9)
    assert [each.done for each in drawn().values()] == [
        "1 banned", "forced", "forced, attention edited"
    ]  # fmt: skip

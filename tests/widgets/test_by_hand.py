from html import escape

from workbench.charts.tables import Table
from workbench.widgets.by_hand import still_by_hand
from workbench.widgets.decode_panel import BY_HAND, SEARCHED, DecodePanel


def tool(hand, name):
    return hand.panel._hand._tools[name]


def test_stepping_on_back_to_the_end_and_undoing_it(hand):
    assert tool(hand, "back").disabled
    assert tool(hand, "undo").disabled
    hand.press(tool(hand, "advance"))
    hand.press(tool(hand, "advance"))
    two = hand.prefix
    hand.press(tool(hand, "back"))
    assert hand.prefix == two[:1]
    hand.press(tool(hand, "finish"))
    whole = hand.prefix
    assert len(whole) == 8 or whole[-1] == "<end>"
    hand.press(tool(hand, "undo"))
    assert hand.prefix == two[:1]
    hand.press(tool(hand, "redo"))
    assert hand.prefix == whole


def test_two_copies_stay_the_same(hand):
    other = DecodePanel(hand.session)
    hand.tell(hand.panel._hand.choices.list, do="force", token=hand.stepper.candidates(4)[3].token)
    hand.tell(other._hand.attention.strip, do="mark", position=1)
    one, two = hand.panel._hand, other._hand
    for part in ("choices.list", "tree.tree", "attention.strip"):
        group, name = part.split(".")
        assert getattr(getattr(one, group), name).shown == getattr(getattr(two, group), name).shown
    assert one.attention.strip.shown["marked"] == [1]
    assert one._written.value == two._written.value
    hand.stepping.typed = "chien"
    hand.settle()
    assert other._hand.choices.box.children[3].children[0].value == "chien"
    other._shown.value = SEARCHED
    hand.settle()
    assert hand.panel._shown.value == SEARCHED
    other.close()


def test_the_panel_shows_the_search_or_the_hand(hand):
    assert hand.panel._shown.value == BY_HAND
    assert "wb-hidden" in hand.panel._searched._dom_classes
    hand.panel._shown.value = SEARCHED
    hand.settle()
    assert "wb-hidden" in hand.panel._hand.box._dom_classes


def test_nothing_taken_apart_is_said(hand):
    hand.session.taken_apart = None
    hand.settle()
    assert "wb-hidden" in hand.panel._hand._all._dom_classes
    assert "wb-hidden" not in hand.panel._hand._nothing._dom_classes
    assert still_by_hand(hand.stepping, hand.session.draft) == []


def test_what_a_token_says_is_text(hand, make_stepper):
    hand.stepper.force("<end>")
    hand.settle()
    assert escape("<end>") in hand.panel._hand._written.value
    assert "<end>" not in hand.panel._hand._written.value
    assert "&lt;end&gt; cost" in hand.panel._hand.cost._cost.value


def test_no_model_and_training_under_way_are_messages(hand):
    for state, told in (("training", "training is under way"), ("empty", "no model yet")):
        hand.session.state = state
        hand.choices.text = "small cat"
        hand.panel._take_apart_button.click()
        hand.settle()
        assert told in hand.status[1]
    hand.session.state = "training"
    hand.press(tool(hand, "advance"))
    assert "pause it or stop it first" in hand.status[1]
    assert hand.prefix == ()


def test_headless_it_leaves_tree_candidates_attention_and_interventions(hand):
    hand.stepper.force("chien")
    hand.settle()
    tree, candidates, attention, interventions = still_by_hand(hand.stepping, hand.session.draft)
    assert tree.to_dict()["title"]["text"] == "Decoding states"
    assert isinstance(candidates, Table)
    assert len(candidates.rows) == 10
    assert "small cat and dog" in attention.to_dict()["description"]
    assert interventions.rows == ((1, "force", '{"token":"chien"}'),)
    assert hand.panel.still()[-1].rows == interventions.rows

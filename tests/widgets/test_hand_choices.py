import pytest


@pytest.fixture
def part(hand):
    return hand.panel._hand.choices


def listed(part):
    return [row["token"] for row in part.list.shown["rows"]]


def test_the_candidates_stand_there_with_the_models_own_probabilities(hand, part):
    own = [one for one in hand.stepper.candidates(12) if one.token not in ("<pad>", "<begin>")]
    assert [(row["token"], row["share"]) for row in part.list.shown["rows"]] == [
        (one.token, round(one.probability, 4)) for one in own[:10]
    ]
    assert part.list.shown["legend"] == "Candidates at step 1"
    assert part.list.shown["chosen"] == own[0].token


def test_one_is_chosen_and_forced(hand, part):
    token = listed(part)[3]
    hand.tell(part.list, do="choose", token=token)
    assert part.list.shown["chosen"] == token
    assert hand.prefix == ()
    hand.press(part._buttons["force"])
    assert hand.prefix == (token,)
    assert part.list.shown["chosen"] == listed(part)[0]  # of the next step


def test_enter_forces_and_delete_bans(hand, part):
    first, second = listed(part)[:2]
    hand.tell(part.list, do="ban", token=first)
    assert part.list.shown["rows"][0]["banned"]
    assert part.list.shown["chosen"] == second
    hand.tell(part.list, do="force", token=second)
    assert hand.prefix == (second,)
    assert [item.kind for item in hand.stepper.interventions()] == ["ban", "force"]


def test_what_is_banned_can_be_unbanned(hand, part):
    hand.press(part._buttons["ban"])
    [banned] = [row["token"] for row in part.list.shown["rows"] if row["banned"]]
    assert part.list.shown["chosen"] == listed(part)[1]  # the likeliest that may be written
    hand.tell(part.list, do="choose", token=banned)
    hand.press(part._buttons["ban"])
    assert not any(row["banned"] for row in part.list.shown["rows"])


def test_expanding_grows_branches_and_stays(hand, part):
    hand.press(part._buttons["expand"])
    nodes = hand.stepper.nodes
    assert [nodes[child].decoded.prefix[-1] for child in nodes[0].children] == listed(part)[:3]
    assert hand.stepper.current.id == 0
    hand.stepper.undo()  # all three at once
    assert len(hand.stepper.nodes) == 1


@pytest.mark.parametrize(
    ("typed", "prefix"),
    [("chien", ("chien",)), ("le", ()), ("chien et chat", ("chien", "et", "chat"))],
)
def test_what_is_typed_is_written(hand, part, typed, prefix):
    hand.stepping.typed = typed
    hand.press(part._write)
    assert hand.prefix == prefix


def test_an_unknown_token_offers_the_nearest_and_leaves_the_tree(hand, part):
    before = hand.stepper.nodes
    hand.stepping.typed = "chein"
    hand.press(part._write)
    assert hand.status == (
        "error",
        "expected a token of the target vocabulary, got 'chein'; did you mean 'chien'?",
    )
    assert hand.stepper.nodes == before


def test_nothing_typed_and_a_list_that_is_gone_are_messages(hand, part):
    hand.press(part._write)
    assert "nothing to write" in hand.status[1]
    hand.tell(part.list, do="force", token="<b>")
    assert "not listed here any more" in hand.status[1]
    assert hand.prefix == ()


def test_behind_the_end_there_is_nothing_to_choose(hand, part):
    hand.stepper.force("<end>")
    hand.settle()
    assert part.list.shown["rows"] == []
    assert all(button.disabled for button in (*part._buttons.values(), part._write, part._why))


def test_what_attention_would_have_produced_it_is_asked_of_the_session(hand, part):
    hand.choices.layer, hand.choices.head = 1, -1
    token = listed(part)[2]
    hand.tell(part.list, do="choose", token=token)
    hand.press(part._why)
    assert hand.session.asked[-1][0] == (
        "wanted_attention", "small cat and dog", (), token, 1, None, 0
    )  # fmt: skip

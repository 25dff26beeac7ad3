import pytest

from workbench.charts.state_layout import Place, State, nats, places, share, thinned
from workbench.charts.state_tree import state_tree

#   start ─ a ─ b ─ <end>
#             └ c
#         └ d (pruned)
STATES = (
    State("0", None, "start", yours=True),
    State("1", "0", "a", 0.5, yours=True),
    State("2", "1", "b", 0.25, best=True),
    State("3", "2", "<end>", 0.9, best=True, ended=True, end="−1.10 · best"),
    State("4", "1", "c", 0.2, here=True, yours=True, end="yours", done="forced"),
    State("beam 7", "0", "d", 0.0001, "pruned"),
)


def test_first_children_go_on_in_their_parents_row():
    assert places(STATES) == {
        "0": Place(0, 0), "1": Place(1, 0), "2": Place(2, 0), "3": Place(3, 0),
        "4": Place(2, 1), "beam 7": Place(1, 2),
    }  # fmt: skip


def test_a_second_source_is_a_tree_below_the_first():
    states = (*STATES, State("8", None, "start"), State("9", "8", "e"))
    assert (places(states)["8"], places(states)["9"]) == (Place(0, 3), Place(1, 3))


def test_ten_thousand_states_are_laid_out_however_deep():
    chain = [State("0", None, "start"), *(State(str(n), str(n - 1), "x") for n in range(1, 10_000))]
    assert places(chain)["9999"] == Place(9_999, 0)


def test_a_state_is_told_in_words():
    assert [state.words for state in STATES[3:]] == [
        "<end> 90.0%, −1.10 · best", "c 20.0%, forced, yours, you are here", "d <0.1%, pruned",
    ]  # fmt: skip
    assert (share(0.0004), share(0.0006), nats(-1.234), nats(-0.001)) == (
        "<0.1%", "0.1%", "−1.23", "0.00"
    )  # fmt: skip


def test_what_is_left_of_a_large_tree_is_your_way_the_ends_and_what_is_new():
    many = [State(f"x{number}", "0", "x") for number in range(100)]
    states = [*STATES[:5], *many]
    kept = thinned(states, 8)
    assert [state.key for state in kept] == ["0", "1", "2", "3", "4", "x97", "x98", "x99"]
    assert thinned(states, 200) == states


def test_what_is_kept_keeps_the_way_to_it():
    chain = [State("0", None, "start"), *(State(str(n), str(n - 1), "x") for n in range(1, 50))]
    assert thinned(chain, 10) == chain[:10]


def test_it_is_drawn_with_each_state_where_it_belongs(spec):
    seen = spec(state_tree(STATES))
    points = [row for rows in seen.rows("state") for row in rows]
    assert {(row["step"], row["row"]) for row in points} == {
        (place.step, place.row) for place in places(STATES).values()
    }
    edges = [row for rows in seen.rows("to_row") for row in rows]
    assert len(edges) == len(STATES) - 1
    assert (
        "5 grown by hand, 1 of a search. a b <end> (−1.10 · best); a c (yours)"
        in (seen.json["description"])
    )


def test_without_states_it_says_so(spec):
    assert "no translation is taken apart" in spec(state_tree(())).json["description"]


@pytest.mark.parametrize("kind", ["pruned", "grown", "yours"])
def test_every_kind_is_drawn_in_its_own_style(spec, kind):
    state = {"pruned": STATES[5], "grown": STATES[2], "yours": STATES[1]}[kind]
    way = {each.key: each for each in STATES}
    states = [STATES[0], *([way["1"]] if state.parent == "1" else []), state]
    seen = spec(state_tree(states))
    styles = {"pruned": "muted", "grown": "main", "yours": "accent"}
    assert f"'style': '{styles[kind]}'" in str(seen.json["layer"])

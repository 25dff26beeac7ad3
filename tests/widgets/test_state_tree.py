from workbench.charts.state_layout import SHOWN, State
from workbench.widgets.state_tree import StateTree


def test_states_travel_with_their_places_and_only_when_they_change():
    tree = StateTree()
    heard = []
    tree.observe(lambda change: heard.append(change.name))
    states = [State("0", None, "start"), State("1", "0", "a", 0.5, here=True, done="forced")]
    for _ in range(2):
        tree.show(states)
    assert heard == ["shown"]
    assert tree.shown["states"][1] == {
        "key": "1", "parent": "0", "step": 1, "row": 0, "token": "a", "fate": "grown",
        "here": True, "yours": False, "best": False, "ended": False, "end": "", "done": True,
        "words": "a 50.0%, forced, you are here",
    }  # fmt: skip
    tree.close()


def test_of_a_large_tree_it_tells_how_much_is_left_out():
    tree = StateTree()
    tree.show([State("0", None, "start"), *(State(f"x{n}", "0", "x") for n in range(SHOWN + 9))])
    assert (len(tree.shown["states"]), tree.shown["left_out"]) == (SHOWN, 10)
    tree.close()

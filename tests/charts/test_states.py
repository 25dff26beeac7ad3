import numpy as np
import pytest

from workbench.charts.states import DOTS, neighbours_table, state_map, unit_bars
from workbench.records import Neighbour, Place, Projection, States


def make_states(sentences=2, left_out=0):
    """Make states of `a b` → `x`, as often as asked for; unit 1 counts the states."""
    places = [
        Place(side, sentence, position, token)
        for sentence in range(sentences)
        for side, tokens in (("encoder", "ab"), ("decoder", "x"))
        for position, token in enumerate(tokens)
    ]
    vectors = np.zeros((len(places), 2), np.float32)
    vectors[:, 1] = np.arange(len(places))
    return States(vectors, tuple(places), (("a b", "x"),) * sentences, left_out)


def projected(states, **changes):
    values = {"method": "pca", "explained": (0.5, 0.25)} | changes
    return Projection(states, states.vectors, **values)


def test_every_dot_knows_its_token_and_its_sentence(spec):
    seen = spec(state_map(projected(make_states(left_out=7))))
    (rows,) = seen.rows("x", "y")
    assert [(r["y"], r["token"], r["side"], r["position"], r["sentence"]) for r in rows[:3]] == [
        (0, "a", "encoder", 1, "a b"), (1, "b", "encoder", 2, "a b"), (2, "x", "decoder", 1, "x"),
    ]  # fmt: skip
    assert {"PCA 1 (50% of the variance)", "PCA 2 (25% of the variance)"} <= set(seen.texts())
    subtitle = "4 of the encoder, 2 of the decoder, from 2 sentences; 7 sentences were left out"
    assert subtitle in seen.texts()


def test_dots_by_position_and_axes_of_umap(spec):
    projection = projected(make_states(), method="umap", explained=())
    seen = spec(state_map(projection, "position"))
    assert {"UMAP 1", "UMAP 2", "token number"} <= set(seen.texts())
    (dots,) = seen.marks("point")
    assert dots["encoding"]["color"]["field"] == "position"


def test_of_very_many_states_some_are_drawn(spec):
    count = DOTS // 3 + 1
    seen = spec(state_map(projected(make_states(count))))
    (rows,) = seen.rows("x", "y")
    assert len(rows) == -(-3 * count // 2)
    assert "one in 2 is drawn" in seen.json["description"]


def test_a_unit_over_both_sides_of_a_sentence(spec):
    seen = spec(unit_bars(make_states(), 1, sentence=1))
    source, target = seen.rows("activation")
    assert [(row["token"], row["activation"]) for row in source] == [("a", 3), ("b", 4)]
    assert [(row["token"], row["activation"]) for row in target] == [("x", 5)]
    assert seen.json["description"] == "Unit 1 of 2 over a b → x: a +3.00, b +4.00, x +5.00."


@pytest.mark.parametrize(("unit", "sentence", "message"), [
    (2, 0, "a unit from 0 to 1, got 2"), (-1, 0, "a unit from 0 to 1, got -1"),
    (0, 2, "a sentence from 0 to 1, got 2"),
])  # fmt: skip
def test_there_is_no_such_unit_or_sentence(unit, sentence, message):
    with pytest.raises(ValueError, match=message):
        unit_bars(make_states(), unit, sentence)


def test_neighbours_with_their_sentences():
    table = neighbours_table([Neighbour(3, 0.125, Place("decoder", 4, 0, "x"), "a b", "x")])
    assert table.rows == (("0.1250", "x", "decoder", 1, "a b", "x"),)
    assert table.caption == "The 1 nearest states by cosine distance"

import numpy as np
import pytest

from workbench.charts.attention import (
    attention_grid,
    attention_map,
    attention_weights,
    in_words,
    sight_map,
)
from workbench.charts.heatmap import TOKENS
from workbench.charts.sight import across, within_encoder

EYE = np.eye(3)[None, None]  # [L, H, T, S] for two words and the end symbol on each side


def weights(seen):
    (rows,) = seen.rows("weight")
    return [row["weight"] for row in rows]


def links(seen):
    return {(row["source"], row["target"], row["link"])
            for rows in seen.rows("link") for row in rows}  # fmt: skip


def test_the_map_shows_the_weights(translation, spec):
    seen = spec(attention_map(translation("a b", "x y", EYE)))
    assert weights(seen) == [1, 0, 0, 0, 1, 0, 0, 0, 1]
    assert {"a", "b", "x", "y", "<end>", "a b → x y"} <= set(seen.texts())


def test_layers_and_heads_are_chosen_or_averaged(translation):
    some = np.arange(2 * 3 * 2 * 2, dtype=np.float32).reshape(2, 3, 2, 2)
    hypothesis = translation("a", "x", some).best
    np.testing.assert_allclose(attention_weights(hypothesis), [[10, 11], [12, 13]])
    np.testing.assert_allclose(attention_weights(hypothesis, layer=1), [[16, 17], [18, 19]])
    np.testing.assert_allclose(attention_weights(hypothesis, head=2), [[14, 15], [16, 17]])
    np.testing.assert_allclose(attention_weights(hypothesis, 1, 2), [[20, 21], [22, 23]])


def test_the_title_says_which_layer_and_head(translation, spec):
    several = translation("a", "x", np.full((2, 3, 2, 2), 0.5))
    title = spec(attention_map(several, layer=1)).json["title"]["text"]
    assert title == "Attention: layer 1, mean of 3 heads"
    assert spec(attention_map(translation("a", "x"))).json["title"]["text"] == "Attention"


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"layer": 1}, "expected a layer from 0 to 0, got 1"),
        ({"head": -1}, "expected a head from 0 to 0, got -1"),
        ({"hypothesis": 1}, "expected one of 1 hypotheses, counted from 0, got 1"),
    ],
)
def test_what_is_not_there_cannot_be_drawn(translation, choice, message):
    with pytest.raises(ValueError, match=message):
        attention_map(translation("a", "x"), **choice)


def test_the_description_says_where_each_token_looks(translation, spec):
    description = spec(attention_map(translation("a b", "x y", EYE))).json["description"]
    assert description == (
        "Attention of a b → x y. "
        "Each target token looks most: x at a (1.00); y at b (1.00); <end> at <end> (1.00)."
    )


def test_gold_is_drawn_where_tokens_are_words(translation, spec):
    known = translation("a b", "x y", EYE, reference="x y", sure=[(0, 1)], possible=[(1, 0)])
    assert links(spec(attention_map(known))) == {
        ("0:a", "1:y", "sure"), ("1:b", "0:x", "possible"),
    }  # fmt: skip


@pytest.mark.parametrize("reference", [None, "x z", "x y z"])
def test_gold_of_another_sentence_is_not_drawn(translation, spec, reference):
    known = translation("a b", "x y", EYE, reference=reference, sure=[(0, 1)])
    assert links(spec(attention_map(known))) == set()


def test_gold_follows_the_words_of_the_tokens(translation, spec):
    pieces = translation(
        "ab", "x y", EYE, reference="x y", sure=[(0, 1)],
        source_tokens=("▁a", "b", "<end>"), source_words=(0, 0, -1),
    )  # fmt: skip
    assert links(spec(attention_map(pieces))) == {("0:▁a", "1:y", "sure"), ("1:b", "1:y", "sure")}


def test_gold_is_not_drawn_where_words_are_not_known(translation, spec):
    unknown = translation("a b", "x y", EYE, reference="x y", sure=[(0, 1)], source_words=())
    assert links(spec(attention_map(unknown))) == set()


def test_long_sentences_say_what_is_left_out(translation, spec):
    long = translation(" ".join(["a"] * (TOKENS + 2)), "x")
    assert f"the first {TOKENS} tokens of {TOKENS + 3}" in spec(attention_map(long)).texts()


def test_a_model_without_attention(translation, spec):
    none = translation("a", "x", np.zeros((0, 0, 2, 2)))
    assert "the model has no attention" in spec(attention_map(none)).texts()
    assert "the model has no attention" in spec(attention_grid([none])).texts()
    assert "no sentence was translated" in spec(attention_grid([])).texts()


def test_the_grid_shows_every_sentence(translation, spec):
    pairs = [("a b", "x y"), ("c", "z"), ("d e", "u v")]
    seen = spec(attention_grid([translation(*pair) for pair in pairs]))
    assert seen.json["columns"] == 2
    assert [view["title"]["text"] for view in seen.json["concat"]] == ["a b", "c", "d e"]
    assert [len(rows) for rows in seen.rows("weight")] == [9, 4, 9]
    assert seen.json["description"] == "Attention of 3 translations: a b → x y; c → z; d e → u v."
    assert len({parameter["name"] for parameter in seen.json["params"]}) == 3


def test_long_sentences_stand_below_each_other(translation, spec):
    seen = spec(attention_grid([translation("a " * 19, "x"), translation("c", "z")]))
    assert seen.json["columns"] == 1
    assert seen.size()[0] <= 720


def test_the_largest_of_layers_and_heads_can_be_drawn(translation, spec):
    some = np.zeros((2, 2, 2, 2), np.float32)
    some[1, 0, 0, 0] = some[0, 1, 1, 1] = 0.5
    seen = spec(attention_map(translation("a", "x", some), layer="maximum", head="maximum"))
    assert weights(seen) == [0.5, 0, 0, 0.5]
    title = seen.json["title"]["text"]
    assert title == "Attention: maximum of 2 layers, maximum of 2 heads"


def test_a_side_that_reads_itself(spec):
    seen = spec(sight_map(within_encoder("a b", ("a", "b", "<end>"), EYE.astype("f"))))
    assert seen.json["title"]["text"] == "Self-attention of the encoder"
    assert seen.json["description"] == (
        "Self-attention of the encoder of a b. "
        "Each token looks most: a at a (1.00); b at b (1.00); <end> at <end> (1.00)."
    )


def test_the_words_are_those_of_the_chosen_layer(translation):
    some = np.stack([EYE[0], EYE[0, :, ::-1]])
    sight = across(translation("a b", "x y", some))
    assert in_words(sight, layer=1).startswith(
        "Attention: layer 1 of a b → x y. Each target token looks most: x at <end> (1.00)"
    )


def test_most_of_the_mass_stands_out(translation, spec):
    some = np.array([[[[0.5, 0.3, 0.2], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6]]]])
    sight = across(translation("a b", "x y", some))
    (rows,) = spec(sight_map(sight, mass=True)).rows("weight")
    assert [row["kept"] for row in rows] == [
        True, True, False,
        False, True, False,
        True, False, True,
    ]  # fmt: skip
    assert "kept" not in spec(sight_map(sight)).rows("weight")[0][0]


def test_a_map_may_have_room_for_more_tokens(translation, spec):
    long = across(translation(" ".join(["a"] * 99), "x"))
    seen = spec(sight_map(long, tokens=100))
    assert len(weights(seen)) == 2 * 100
    assert not [text for text in seen.texts() if text.startswith("the first")]

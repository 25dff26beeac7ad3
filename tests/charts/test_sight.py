import csv
import io

import numpy as np
import pytest

from workbench.charts.sight import (
    Sight,
    across,
    as_csv,
    as_table,
    choose,
    gold_links,
    top_mass,
    within_decoder,
    within_encoder,
)

SOME = np.arange(2 * 3 * 2 * 2, dtype=np.float32).reshape(2, 3, 2, 2)  # [L, H, R, C]


def test_layers_and_heads_are_chosen_averaged_or_the_largest_taken():
    np.testing.assert_allclose(choose(SOME), [[10, 11], [12, 13]])
    np.testing.assert_allclose(choose(SOME, 1, 2), [[20, 21], [22, 23]])
    np.testing.assert_allclose(choose(SOME, "maximum", 0), [[12, 13], [14, 15]])
    np.testing.assert_allclose(choose(SOME, None, "maximum"), [[14, 15], [16, 17]])
    np.testing.assert_allclose(choose(SOME, "maximum", "maximum"), SOME[1, 2])


@pytest.mark.parametrize(("layer", "head", "name"), [(2, 0, "layer"), (0, -1, "head")])
def test_what_is_not_there_cannot_be_chosen(layer, head, name):
    with pytest.raises(ValueError, match=f"expected a {name} from 0 to"):
        choose(SOME, layer, head)


@pytest.mark.parametrize(
    ("row", "kept"),
    [
        ([0.5, 0.25, 0.25], [1, 1, 0]),  # .5 + .25 are just enough
        ([0.1, 0.74, 0.16], [0, 1, 1]),  # .74 lacks a little
        ([0.75, 0.25, 0.0], [1, 0, 0]),
        ([0.25, 0.25, 0.25, 0.25], [1, 1, 1, 0]),  # of equal ones the first
        ([0.0, 0.0], [0, 0]),  # a row that reads nothing
        ([0.2, 0.2], [1, 1]),  # the share is of what there is: .3 of .4
        ([1.0], [1]),
    ],
)
def test_the_fewest_cells_that_hold_three_quarters_of_a_row(row, kept):
    assert top_mass(np.array([row], np.float32)).tolist() == [[bool(one) for one in kept]]


def test_rows_are_weighed_each_by_itself():
    weights = np.array([[0.9, 0.1], [0.1, 0.9], [0.5, 0.5]], np.float32)
    assert top_mass(weights).tolist() == [[True, False], [False, True], [True, True]]
    assert top_mass(weights, share=0.4).tolist() == [[True, False], [False, True], [True, False]]


def test_rounding_takes_no_cell_too_many():
    weights = np.full((1, 4), np.float32(0.1))
    weights[0, 0] = 0.9  # .9 of 1.2 is three quarters, but not in binary
    assert top_mass(weights).tolist() == [[True, False, False, False]]


def test_across_is_what_a_hypothesis_reads_of_the_source(translation):
    known = translation("a b", "x y", reference="x y", sure=[(0, 1)], possible=[(1, 0)])
    sight = across(known)
    assert (sight.rows, sight.columns) == (("x", "y", "<end>"), ("a", "b", "<end>"))
    assert sight.text == "a b → x y"
    assert set(sight.links) == {(0, 1, "sure"), (1, 0, "possible")}
    assert sight.chosen(0, 0).shape == (3, 3)


def test_gold_is_that_of_the_chosen_hypothesis(translation):
    known = translation("a b", "x y", reference="x z", sure=[(0, 1)])
    other = translation("a b", "x z").best
    both = type(known)(
        known.source, known.source_tokens, (known.best, other), "x z", known.gold,
        source_words=known.source_words,
    )  # fmt: skip
    assert gold_links(both) == ()
    assert gold_links(both, 1) == ((0, 1, "sure"),)


def test_a_decoder_reads_what_it_has_written_from_the_begin_symbol_on():
    sight = within_decoder("x y", ("x", "y", "<end>"), SOME)
    assert sight.rows == ("x", "y", "<end>")
    assert sight.columns == ("<begin>", "x", "y")
    assert within_encoder("a", ("a", "<end>"), SOME).columns == ("a", "<end>")


def sight():
    weights = np.array([[[[0.125, 0.875], [0.5, 0.5]]]], np.float32)
    return Sight("Attention", "a → x", ("x", '"y",'), ("a", "b"), weights)


def test_the_table_names_the_strongest_first():
    table = as_table(sight(), sight().chosen())
    assert table.columns == ("token", "reads most", "then")
    assert table.rows == (("x", "b 0.88", "a 0.12"), ('"y",', "a 0.50", "b 0.50"))
    assert table.caption == "Attention: what each token reads"


def test_the_table_names_at_most_three():
    wide = Sight("Attention", "t", ("x",), tuple("abcd"), np.full((1, 1, 1, 4), 0.25, np.float32))
    assert len(as_table(wide, wide.chosen()).columns) == 4


def test_csv_holds_every_cell():
    lines = list(csv.reader(io.StringIO(as_csv(sight(), sight().chosen()))))
    assert lines[0] == ["row", "token", "column", "reads", "weight"]
    assert lines[1:3] == [["0", "x", "0", "a", "0.125"], ["0", "x", "1", "b", "0.875"]]
    assert lines[4] == ["1", '"y",', "1", "b", "0.5"]
    assert len(lines) == 5

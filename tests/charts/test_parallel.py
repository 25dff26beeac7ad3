import pytest

from workbench.charts.overlay import faintness, many
from workbench.charts.parallel import MOST, importance_bars, parallel_coordinates


def places(chart, spec):
    (rows,) = spec(chart).rows("run", "axis", "place")
    return {(row["run"], row["axis"]): row["place"] for row in rows}


def ticks(chart, spec):
    (rows,) = spec(chart).rows("axis", "place", "label")
    return {(row["axis"], row["label"]): row["place"] for row in rows}


def test_numbers_lie_between_their_ends_wide_ones_by_their_logarithm(spec):
    parameters = {"units": [32, 64, 96], "rate": [1e-4, 1e-2, 1e-3]}
    chart = parallel_coordinates(["a", "b", "c"], parameters, "bleu", [10.0, 30.0, None])
    found = places(chart, spec)
    assert [found[name, "units"] for name in "abc"] == [0, 0.5, 1]
    assert [found[name, "rate"] for name in "abc"] == pytest.approx([0, 1, 0.5])
    assert (found["a", "bleu"], found["b", "bleu"]) == (0, 1)
    assert ("c", "bleu") not in found  # it did not end well
    assert ticks(chart, spec)["units", "64"] == 0.5


def test_the_good_end_of_the_objective_is_above(spec):
    chart = parallel_coordinates(["a", "b"], {"x": [1, 2]}, "loss", [1.0, 2.0], lower=True)
    assert (places(chart, spec)["a", "loss"], places(chart, spec)["b", "loss"]) == (1, 0)


def test_words_are_spread_in_order(spec):
    chart = parallel_coordinates(
        ["a", "b", "c"], {"encoder": ["lstm", "gru", True]}, "", [None] * 3
    )
    found = places(chart, spec)
    assert [found[name, "encoder"] for name in "bac"] == pytest.approx([0.5, 5 / 6, 1 / 6])


def test_more_axes_than_can_be_read_are_told_of(spec):
    parameters = {f"p{i}": [1, 2] for i in range(MOST + 3)}
    words = spec(parallel_coordinates(["a", "b"], parameters, "", [None, None])).json["description"]
    assert "3 more parameters are not drawn" in words


def test_where_nothing_differs_that_is_said(spec):
    for chart in (parallel_coordinates(["a"], {"x": [1]}, "", [None]),
                  parallel_coordinates(["a", "b"], {}, "", [None, None])):  # fmt: skip
        assert "no parameter differs between the runs" in spec(chart).texts()


def test_what_mattered_most_stands_first(spec):
    chart = importance_bars({"seed": 0.25, "units": 0.75}, "validation BLEU")
    (rows,) = spec(chart).rows("parameter", "share")
    assert [row["parameter"] for row in rows] == ["units", "seed"]
    assert spec(chart).json["description"].endswith("units 75%; seed 25%.")
    assert "nothing is known yet" in spec(importance_bars({}, "x")).texts()


def test_many_runs_are_faint_and_the_chosen_have_a_look_and_a_name(spec):
    lines = {f"r{i}": [(1, 2.0 + i), (2, 1.0 + i)] for i in range(40)}
    chart = many(lines, chosen=["r3", "r1"])
    texts = spec(chart).texts()
    assert {"r3", "r1"} <= set(texts)
    assert "r2" not in texts
    faint = next(one for one in spec(chart).marks("line") if one["mark"]["style"] == "faint")
    assert faint["mark"]["opacity"] == faintness(40) == 0.3
    assert faintness(1) > faintness(100) > 0
    assert "of 40 runs over their steps. At the end: r3 4; r1 2." in spec(chart).json["description"]
    assert "no run has recorded it" in spec(many({"a": []})).texts()

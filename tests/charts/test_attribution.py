from dataclasses import replace

import numpy as np
import pytest

from workbench.charts.attribution import attribution_bars, attribution_grid, attribution_table
from workbench.records import Attribution

SCORES = [[3, -1, 1], [-0.5, -0.25, 0], [0, 0, 1]]


@pytest.fixture
def one(translation):
    pair = translation("a b", "x y", reference="x y", sure=[(0, 1)], possible=[(1, 0)])
    return Attribution(
        "integrated_gradients", pair, np.array(SCORES, np.float32), np.float32([-1, -2, -3]),
        np.float32([-4, -1.25, -3.5]), np.array([8, 40, 24], np.int32), 0.25,
    )  # fmt: skip


def test_each_method_has_its_map_of_shares_with_the_gold_links(one, spec):
    other = replace(one, method="attention", scores=one.scores + 1, alignment_error_rate=None)
    seen = spec(attribution_grid([one, other]))
    maps = seen.rows("source", "target", "weight")
    assert [len(rows) for rows in maps] == [9, 9]
    assert [row["weight"] for row in maps[0]] == [0.75, 0, 0.25, 0, 0, 0, 0, 0, 1]
    links = seen.rows("link")[0]
    assert {(row["source"], row["target"], row["link"]) for row in links} == {
        ("0:a", "1:y", "sure"), ("1:b", "0:x", "possible"),
    }  # fmt: skip
    assert {"integrated gradients, AER 25.0%", "attention", "share"} <= set(seen.texts())
    assert "x from a, y from a, <end> from <end>" in seen.json["description"]


def test_the_bars_keep_the_signs_and_tell_what_they_add_up_to(one, spec):
    seen = spec(attribution_bars(one, 1))
    (rows,) = seen.rows("score")
    assert [(row["token"], row["score"]) for row in rows] == [
        ("a", -0.5), ("b", -0.25), ("<end>", 0),
    ]  # fmt: skip
    assert "sum -0.750; the output gains -0.750 from the baseline on" in seen.texts()
    assert "Integrated gradients for y: a -0.500, b -0.250" in seen.json["description"]
    plain = spec(attribution_bars(replace(one, method="attention", baselines=None), 0))
    assert {"sum +3.000", "share"} <= set(plain.texts())


def test_there_is_no_such_token(one):
    with pytest.raises(ValueError, match="one of 3 tokens, counted from 0, got 3"):
        attribution_bars(one, 3)


def test_the_table_tells_what_completeness_lacks(one):
    plain = replace(one, method="occlusion", baselines=None, points=None, alignment_error_rate=None)
    table = attribution_table([one, plain])
    assert table.rows == (
        ("integrated gradients", "25.0%", "100.00%", 40), ("occlusion", None, None, None),
    )  # fmt: skip


def test_no_method(spec):
    assert "no method was applied" in spec(attribution_grid([])).texts()

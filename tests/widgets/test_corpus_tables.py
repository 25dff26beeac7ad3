import numpy as np

from workbench.data.corpus import Pair
from workbench.data.encoding import EncodedPairs
from workbench.records import BadLine
from workbench.widgets.corpus_tables import (
    LISTED,
    LONGEST,
    PAGE,
    bad_line_table,
    figures_of_splits,
    sample_table,
)


def ids(*sentences):
    return [np.array([*sentence, 3], np.int32) for sentence in sentences]


def test_figures_of_each_split():
    train = EncodedPairs(ids([5, 6], [1, 7, 8, 9]), ids([5], [1]), ((), ()))
    test = EncodedPairs(ids([5]), ids([6, 7]), ((),))
    table = figures_of_splits("mine", {"train": train, "test": test})
    assert table.rows == (
        ("train", "2", "3.0", "4", "16.7%", "1.0", "1", "50.0%"),
        ("test", "1", "1.0", "1", "0.0%", "2.0", "2", "0.0%"),
    )
    assert "mine" in table.caption


def test_a_page_of_pairs_is_numbered_from_one():
    pairs = [Pair(f"s{n}", f"t{n}") for n in range(PAGE + 3)]
    table = sample_table(pairs, PAGE, "train")
    assert table.columns == ("pair", "source", "target")
    assert table.rows == tuple((n + 1, f"s{n}", f"t{n}") for n in range(PAGE, PAGE + 3))
    assert table.caption == f"Pairs 9 to 11 of {PAGE + 3} in train"


def test_pairs_from_files_show_their_lines_long_ones_are_cut():
    table = sample_table([Pair("a" * 999, "<b>", origin="x.tsv:7"), Pair("b", "c")], 0, "test")
    assert table.columns[-1] == "line"
    assert [row[-1] for row in table.rows] == ["x.tsv:7", ""]
    assert len(table.rows[0][1]) == LONGEST
    assert "&lt;b&gt;" in table.to_html()


def test_bad_lines_are_listed_with_where_and_why():
    bad = BadLine("x.tsv", 3, "expected text on both sides, found an empty target")
    table = bad_line_table([bad])
    assert table.rows == (("x.tsv:3", bad.reason),)
    assert table.caption == "1 lines were left out"
    many = bad_line_table([bad] * (LISTED + 1))
    assert len(many.rows) == LISTED
    assert many.caption == "101 lines were left out, the first 100 of them"

from html.parser import HTMLParser

import pytest

from workbench.charts.tables import Table, best_and_worst, figures_table, settings_table
from workbench.records import Evaluation

NASTY = "</td><script>alert('x')</script>&amp; \"q\""


class Reader(HTMLParser):
    """Reads a table back as a person would see it."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.rows, self.caption, self._texts = [], [], "", []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self._texts = []
        if tag == "tr":
            self.rows.append([])

    def handle_data(self, data):
        self._texts.append(data)

    def handle_endtag(self, tag):
        text = "".join(self._texts)
        if tag in ("td", "th"):
            self.rows[-1].append(text)
        elif tag == "caption":
            self.caption = text


def test_html_says_what_the_table_holds():
    read = Reader(Table(("name", "n"), (("a", 1), ("b", None), (NASTY, 2.5)), NASTY).to_html())
    assert read.rows == [["name", "n"], ["a", "1"], ["b", ""], [NASTY, "2.5"]]
    assert read.caption == NASTY
    known = {"table", "caption", "thead", "tbody", "tr", "th", "td"}
    assert {tag for tag, _ in read.tags} == known


def test_html_heads_have_a_scope_and_numbers_stand_right():
    read = Reader(Table(("name", "n"), (("a", "97.3%"), ("b", "-1,002.5")), "c").to_html())
    heads = [attributes for tag, attributes in read.tags if tag == "th"]
    assert [head["scope"] for head in heads] == ["col", "col"]
    assert [head["style"] for head in heads] == ["text-align:left", "text-align:right"]


def test_text_is_in_columns():
    table = Table(("name", "n"), (("alpha", 1), ("b", 12.34567)), "Two")
    assert table.to_text() == "Two\nname       n\nalpha      1\nb      12.35"


def test_a_table_without_rows():
    assert Table(("a", "b"), (), "None").to_text() == "None\na  b"
    assert Reader(Table(("a", "b"), (), "None").to_html()).rows == [["a", "b"]]


def test_a_row_must_be_complete():
    with pytest.raises(ValueError, match="expected 2 cells in a row, got 1"):
        Table(("a", "b"), (("x",),), "c")


def test_the_best_come_first_and_the_worst_last(translation):
    some = [translation(f"s{i}", f"t{i}", reference=f"r{i}") for i in range(10)]
    scores = [50, 90, 10, 70, 20, 60, 40, 30, 80, 0]
    table = best_and_worst(some, scores, count=2)
    assert table.columns == ("chrF", "source", "reference", "translation")
    assert table.rows == (
        ("90.0", "s1", "r1", "t1"),
        ("80.0", "s8", "r8", "t8"),
        ("10.0", "s2", "r2", "t2"),
        ("0.0", "s9", "r9", "t9"),
    )
    assert table.caption == "The 2 best and the 2 worst of 10 translations, by chrF"


def test_few_translations_are_listed_once(translation):
    some = [translation("a", "x"), translation("b", "y")]
    table = best_and_worst(some, [0, 1], "exact_match")
    assert [row[0] for row in table.rows] == ["100.0%", "0.0%"]
    assert table.caption == "All 2 translations, best first, by exact match"
    assert best_and_worst([], []).rows == ()


def test_as_many_scores_as_translations(translation):
    with pytest.raises(ValueError, match="got 2 scores, 1 translations"):
        best_and_worst([translation("a", "x")], [1, 2])


def test_figures_stand_in_rows_and_splits_in_columns():
    table = figures_table([
        Evaluation("validation", {"bleu": 90.04, "loss": 0.5}, 500),
        Evaluation("test", {"bleu": 88.0, "exact_match": 0.5}, 1200),
    ])  # fmt: skip
    assert table.columns == ("figure", "validation (500 sentences)", "test (1,200 sentences)")
    assert table.rows == (
        ("loss (nats a token)", "0.500", None),
        ("exact match", None, "50.0%"),
        ("BLEU", "90.0", "88.0"),
    )
    assert figures_table([Evaluation("test", {})]).columns == ("figure", "test")  # not counted


def test_changed_settings_are_marked():
    table = settings_table({"units": 64, "live": True, "name": ""}, {"units"})
    assert table.rows == (("units", "64", "yes"), ("live", "True", ""), ("name", "", ""))

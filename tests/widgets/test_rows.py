import altair as alt
import numpy as np
import pytest

from workbench.charts.frame import inline
from workbench.widgets.rows import Cells, plain, split

ROWS, OTHERS = [{"x": 1}, {"x": 2}], [{"x": 3}]


def bars(rows, **options):
    data = alt.InlineData(values=rows, **options) if options else inline(rows)
    return alt.Chart(data).mark_bar().encode(x="x:Q")


def test_rows_without_a_name_are_numbered_in_the_order_of_the_parts():
    specification = alt.hconcat(bars(ROWS), bars(OTHERS)).to_dict()
    assert split(specification) == {"rows_0": ROWS, "rows_1": OTHERS}
    assert [part["data"] for part in specification["hconcat"]] == [
        {"name": "rows_0"},
        {"name": "rows_1"},
    ]
    assert "datasets" not in specification


def test_other_rows_make_the_same_specification():
    first, second = (alt.hconcat(bars(rows), bars([])).to_dict() for rows in (ROWS, OTHERS))
    split(first)
    split(second)
    assert first == second


def test_names_are_kept_and_empty_rows_too():
    specification = alt.layer(bars(ROWS, name="all"), bars([], name="new"), bars(OTHERS)).to_dict()
    assert split(specification) == {"all": ROWS, "new": [], "rows_2": OTHERS}


def test_parts_with_the_same_rows_share_them():
    shared = inline(ROWS)
    chart = alt.hconcat(alt.Chart(shared).mark_bar(), alt.Chart(shared).mark_line())
    specification = chart.to_dict()
    assert split(specification) == {"rows_0": ROWS}


def test_data_that_are_made_on_the_page_stay_in_the_specification():
    generated = {"sequence": {"start": 0, "stop": 3}}
    specification = {"data": generated, "mark": "bar"}
    assert split(specification) == {}
    assert specification["data"] == generated


def test_numbers_become_what_json_holds():
    rows = [{"a": np.float32(0.5), "b": np.int64(3), "c": float("nan"), "d": "x", "e": np.inf}]
    assert plain(rows) == [{"a": 0.5, "b": 3, "c": None, "d": "x", "e": None}]
    assert type(plain(rows)[0]["b"]) is int


def test_cells_are_bytes_by_row():
    cells = Cells.of(np.array([[0, 0.5, 1], [-1, 2, np.nan]]), "abc", "de")
    assert cells == Cells(("a", "b", "c"), ("d", "e"), bytes([0, 128, 255, 0, 255, 0]))


def test_a_matrix_must_fit_its_labels():
    with pytest.raises(ValueError, match=r"expected a matrix of 2 × 3 for the labels, got 3 × 2"):
        Cells.of(np.zeros((3, 2)), "abc", "de")

import pytest

from workbench.data.readers import read_pairs
from workbench.errors import DataError


def read(folder, text, name="a.csv", **choices):
    (folder / name).write_text(text, encoding="utf-8")
    return [(pair.source, pair.target) for pair in read_pairs(folder / name, **choices)[0]]


def message(folder, text, name="a.csv", **choices):
    with pytest.raises(DataError) as error:
        read(folder, text, name, **choices)
    return str(error.value).removeprefix(f"{folder}/")


@pytest.mark.parametrize(
    ("text", "choices", "expected"),
    [
        ("en,de\na,b\n", {}, [("en", "de"), ("a", "b")]),  # no telling that it is a header
        ("en,de\na,b\n", {"source_column": "en"}, [("a", "b")]),
        ("id,de,en\n1,b,a\n", {"source_column": "EN", "target_column": "de"}, [("a", "b")]),
        ("Source,Target\na,b\n", {}, [("a", "b")]),
        ("id,target,source\n1,b,a\n", {}, [("a", "b")]),
        ("id,target,source\n1,b,a\n", {"source_column": "1"}, [("1", "b")]),
        ("x,y,z\nq,r,s\n", {"source_column": "3", "target_column": "1"}, [("z", "x"), ("s", "q")]),
        ("x,y,z\n", {"target_column": "3"}, [("x", "z")]),
        ("id,en,de\n1,a,b\n", {"source_column": "2", "target_column": "de"}, [("a", "b")]),
    ],
)
def test_columns_and_headers(tmp_path, text, choices, expected):
    assert read(tmp_path, text, **choices) == expected
    assert read(tmp_path, text.replace(",", "\t"), "a.tsv", **choices) == expected


def test_quotes_mean_nothing_in_tsv(tmp_path):
    text = '"a\t"b"\n""\t\'\n'
    assert read(tmp_path, text, "a.tsv") == [('"a', '"b"'), ('""', "'")]


def test_a_cell_may_span_lines_and_origins_say_where_it_starts(tmp_path):
    (tmp_path / "a.csv").write_bytes(b'"a\nb",c\n\xff\n"d\n\ne","f"\ng,h\n')
    pairs, bad = read_pairs(tmp_path / "a.csv", skip_bad_lines=True)
    assert [(pair.source, pair.origin.rpartition(":")[2]) for pair in pairs] == [
        ("a b", "1"),
        ("d e", "4"),
        ("g", "7"),
    ]
    assert [one.line for one in bad] == [3]


def test_a_quote_that_is_never_closed_is_no_single_bad_line(tmp_path):
    told = message(tmp_path, 'a,b\n"c,d\ne,f\n', skip_bad_lines=True)
    assert told.startswith("a.csv:2: expected a closing quote, found the end of the file; ")


def test_a_cell_without_end_is_a_bad_line(tmp_path):
    told = message(tmp_path, "a,b\n" + "x" * 200_000 + ",c\n")
    assert told.startswith("a.csv:2: expected CSV, found an error: field larger than")


@pytest.mark.parametrize(
    ("choices", "expected"),
    [
        ({"source_column": "eng"}, "a.csv:1: expected a header with a column 'eng', found 'en', "
         "'de'; did you mean 'en'?"),
        ({"target_column": "3"}, "a.csv:1: expected a column number from 1 to 2, got 3"),
        ({"target_column": "0"}, "a.csv:1: expected a column number from 1 to 2, got 0"),
        ({"target_column": "1"}, "a.csv:1: source and target are both column 1; "
         "choose two with source_column and target_column"),
    ],
)  # fmt: skip
def test_columns_that_do_not_exist(tmp_path, choices, expected):
    assert message(tmp_path, "en,de\na,b\n", **choices) == expected


def test_a_header_alone_holds_no_pairs(tmp_path):
    assert "found none; the file is empty or all header" in message(tmp_path, "source,target\n")


def test_the_first_good_line_settles_the_columns(tmp_path):
    assert read(tmp_path, "odd\na,b\nc,d\n", skip_bad_lines=True) == [("a", "b"), ("c", "d")]

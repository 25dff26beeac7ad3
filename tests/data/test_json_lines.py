import pytest

from workbench.data.readers import read_pairs
from workbench.errors import DataError

NESTED = '{"translation": {"en": "a", "de": "b", "fr": "c"}, "id": "7"}\n'


def read(folder, text, **choices):
    (folder / "a.jsonl").write_text(text, encoding="utf-8")
    return [(pair.source, pair.target) for pair in read_pairs(folder / "a.jsonl", **choices)[0]]


@pytest.mark.parametrize(
    ("text", "choices", "expected"),
    [
        ('{"target": "b", "x": "c", "source": "a"}', {}, ("a", "b")),
        ('{"target": "b", "x": "c", "source": "a"}', {"target_column": "x"}, ("a", "c")),
        ('{"n": 1, "q": "a", "r": null, "s": "b"}', {}, ("a", "b")),
        ('{"q": "a", "s": "b"}', {"source_column": "s"}, ("b", "a")),
        ('{"q": "a", "s": "b"}', {"target_column": "q"}, ("b", "a")),
        (NESTED, {}, ("a", "b")),
        (NESTED, {"source_column": "de", "target_column": "en"}, ("b", "a")),
        (NESTED, {"target_column": "fr"}, ("a", "c")),
    ],
)
def test_keys(tmp_path, text, choices, expected):
    assert read(tmp_path, text, **choices) == [expected]


def test_the_first_object_settles_the_keys(tmp_path):
    text = '{"q": "a", "s": "b"}\n{"x": "c", "s": "d", "q": "e"}\n'
    assert read(tmp_path, text) == [("a", "b"), ("e", "d")]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"q": "c", "s": }', "expected JSON, found Expecting value at character 17"),
        ('["c", "d"]', 'expected a JSON object, found \'["c", "d"]\''),
        ("[" * 100_000, "expected a flat JSON object, found endless nesting"),
        ('{"q": "c", "S": "d"}', "expected the key 's', found 'q', 'S'"),
        ("{}", "expected the key 'q', found none"),
        ('{"q": "c", "s": 3}', "expected text under 's', found '3'"),
        ('{"q": "c", "s": "\\ud800"}', "expected Unicode text under 's'"),
        ('{"q": "c\\u0000", "s": "d"}', "expected Unicode text under 'q'"),
        ('{"q": "", "s": "d"}', "expected text on both sides, found an empty source"),
        ("", "expected JSON, found Expecting value at character 1"),
    ],
)
def test_a_bad_line_is_an_error_or_skipped(tmp_path, line, reason):
    text = f'{{"q": "a", "s": "b"}}\n{line}\n{{"q": "e", "s": "f"}}\n'
    with pytest.raises(DataError) as error:
        read(tmp_path, text)
    assert str(error.value).startswith(f"{tmp_path}/a.jsonl:2: {reason}")
    assert str(error.value).endswith("`workbench data check` lists them all")
    assert read(tmp_path, text, skip_bad_lines=True) == [("a", "b"), ("e", "f")]


def test_no_two_texts(tmp_path):
    with pytest.raises(DataError, match=r"a\.jsonl:1: expected two keys with text, found q;"):
        read(tmp_path, '{"q": "a", "n": 1}')


def test_a_misspelt_key_is_answered_with_the_nearest(tmp_path):
    with pytest.raises(DataError, match=r"the key 'sorce', .* did you mean 'source'"):
        read(tmp_path, '{"source": "a", "target": "b"}', source_column="sorce")

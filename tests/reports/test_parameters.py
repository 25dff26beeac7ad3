import nbformat
import pytest

from workbench.config import RunConfig
from workbench.errors import SettingsError
from workbench.reports.parameters import (
    converted,
    default_parameters,
    read_notebook,
    read_parameters,
    read_settings_file,
)


def notebook(source, tags=("parameters",)):
    cell = nbformat.v4.new_code_cell(source, metadata={"tags": list(tags)})
    return nbformat.v4.new_notebook(cells=[cell])


def test_texts_become_values_of_their_setting():
    offered = notebook("corpus: str = 'scan'\nlive: bool = True")
    given = {"learning_rate": "1e-2", "units": "64", "swap": "true", "source_column": "2"}
    chosen = read_parameters(offered, given)
    expected = {"learning_rate": 0.01, "units": 64, "swap": True, "source_column": "2"}
    assert chosen.given == expected
    assert [type(value) for value in chosen.given.values()] == [float, int, bool, str]
    assert chosen.config == RunConfig(corpus="scan", **expected)


def test_given_wins_over_the_notebook_and_the_notebook_over_the_default():
    offered = notebook("units: int = 64\nlayers: int = 2")
    config = read_parameters(offered, {"layers": 3}).config
    assert (config.units, config.layers, config.embedding) == (64, 3, RunConfig().embedding)


def test_the_notebook_s_own_parameters_take_the_type_of_their_default():
    offered = notebook("words: list = []\nshare: float = 0.5\nnote: str = ''\nmore: bool = False")
    given = {"words": '["a", "b"]', "share": "1e-3", "note": "12", "more": "yes"}
    chosen = read_parameters(offered, given)
    assert chosen.given == {"words": ["a", "b"], "share": 0.001, "note": "12", "more": True}
    assert chosen.extras == chosen.given
    assert read_parameters(offered, {}).extras["share"] == 0.5


@pytest.mark.parametrize(
    ("value", "default", "expected"),
    [
        ("3", 1, 3),
        (3, 1.0, 3.0),
        (7, "", "7"),
        ("[1, 2]", None, [1, 2]),
        (None, None, None),
        ('{"a": 1}', {}, {"a": 1}),
        ([1], [], [1]),
        ("off", True, False),
    ],
)
def test_converted(value, default, expected):
    result = converted("name", value, default)
    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(
    ("value", "default"),
    [("x", 1), ("1.5", 1), ("maybe", True), (True, 1), ("[1", []), ('"a"', {}), ([1], "")],
)
def test_a_value_of_another_type_is_refused(value, default):
    with pytest.raises(SettingsError, match=r"^name: expected .*, got "):
        converted("name", value, default)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"unit": 1}, "unknown parameter 'unit'; did you mean 'units'"),
        ({"noise_level": 1}, "unknown parameter 'noise_level'; did you mean 'noise'"),
        ({"units": "many"}, "units: expected an integer from 1 to 4096, got 'many'"),
        ({"noise": "much"}, "noise: expected float, got 'much'"),
        ({"live": "true"}, "live: a report runs without a person"),
    ],
)
def test_what_cannot_work_is_refused(given, message):
    with pytest.raises(SettingsError, match=message):
        read_parameters(notebook("noise: float = 0.1"), given)


def test_live_off_is_what_a_report_does_anyway():
    assert read_parameters(notebook("live: bool = True"), {"live": "false"}).given == {
        "live": False
    }


def test_comments_and_all_literals_can_be_read():
    source = "# first\na: int = -1  # help\nb = None\nc: list = [\n    1,  # one\n]\n"
    assert default_parameters(notebook(source)) == {"a": -1, "b": None, "c": [1]}


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("a = 1\nb = len('x')", r"line 2: expected `name: type = literal  # help`, got \"b = len"),
        ("import os", "line 1: expected"),
        ("a: int", "line 1: expected"),
        ("a, b = 1, 2", "line 1: expected"),
        ("a = 1\na = ", "line 2: invalid syntax"),
    ],
)
def test_an_unreadable_parameters_cell_is_refused(source, message):
    with pytest.raises(SettingsError, match=message):
        default_parameters(notebook(source))


def test_a_notebook_without_parameters_is_refused():
    with pytest.raises(SettingsError, match="tag the cell"):
        read_parameters(notebook("a = 1", tags=()), {})


def test_settings_files(tmp_path):
    (tmp_path / "a.yaml").write_text("units: 64\nword: hello\n")
    (tmp_path / "a.json").write_text('{"units": 64, "word": "hello"}')
    expected = {"units": 64, "word": "hello"}
    assert read_settings_file(tmp_path / "a.yaml") == expected
    assert read_settings_file(tmp_path / "a.json") == expected


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.json", "{", "a.json: cannot read parameters: Expecting"),
        ("a.yaml", "a: [", "a.yaml: cannot read parameters: "),
        ("a.yaml", "- 1", "a.yaml: expected names with values, got list"),
        ("none.yaml", None, "none.yaml: cannot read parameters: No such file"),
    ],
)
def test_bad_settings_files(tmp_path, name, text, message):
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(SettingsError, match=message):
        read_settings_file(tmp_path / name)


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"a": 1}', '{"nbformat": 4}', "\udcff"])
def test_what_is_no_notebook_is_refused(tmp_path, text):
    path = tmp_path / "a.ipynb"
    if text is not None:
        path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(SettingsError, match=r"a\.ipynb: expected a notebook: "):
        read_notebook(path)


def test_a_notebook_is_read_with_what_papermill_needs(path_of):
    document = read_notebook(path_of("works"))
    assert all("tags" in cell.metadata for cell in document.cells)
    assert default_parameters(document)["word"] == "hello"

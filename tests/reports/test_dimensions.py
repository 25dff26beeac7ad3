import math

import pytest

from workbench.errors import SettingsError
from workbench.reports.dimensions import Choice, Range, read_dimension

OFFERED = {"units": 128, "word": "hello", "share": 0.5, "sizes": [1, 2], "on": False, "count": 5}


def read(name, raw):
    return read_dimension(name, raw, OFFERED)


@pytest.mark.parametrize(
    ("name", "raw", "values"),
    [
        ("units", [64, "128"], (64, 128)),
        ("units", 32, (32,)),
        ("learning_rate", ["1e-3", 0.01], (0.001, 0.01)),  # YAML reads 1e-3 as a text
        ("bidirectional", [True, False], (True, False)),
        ("encoder", ["lstm", "gru"], ("lstm", "gru")),
        ("word", ["a", 5], ("a", "5")),
        ("sizes", [[1], [2, 3]], ("[1]", "[2, 3]")),
    ],
    ids=str,
)
def test_lists(name, raw, values):
    assert read(name, raw) == Choice(values)
    assert read(name, raw).grid() == values


@pytest.mark.parametrize(
    ("name", "raw", "grid"),
    [
        ("units", {"low": 1, "high": 4}, (1, 2, 3, 4)),
        ("units", {"low": 32, "high": 100, "step": 32}, (32, 64, 96)),
        ("units", {"low": 1, "high": 100, "log": True, "count": 3}, (1, 10, 100)),
        ("units", {"low": 1, "high": 3, "count": 9}, (1, 2, 3)),  # each once
        ("dropout", {"low": 0, "high": 0.5, "step": 0.1}, (0, 0.1, 0.2, 0.3, 0.4, 0.5)),
        ("dropout", {"low": 0.1, "high": 0.3, "count": 2}, (0.1, 0.3)),
        ("learning_rate", {"low": "1e-4", "high": "1e-2", "log": True, "count": 3},
         (1e-4, 1e-3, 1e-2)),
        ("share", {"low": 0.5, "high": 0.5, "count": 1}, (0.5,)),
    ],
    ids=str,
)  # fmt: skip
def test_grids_of_ranges(name, raw, grid):
    assert read(name, raw).grid() == grid


def test_a_range_of_every_number_makes_no_grid():
    with pytest.raises(SettingsError, match="a grid needs the range's step, or a count"):
        read("dropout", {"low": 0, "high": 0.5}).grid()
    with pytest.raises(SettingsError, match="at most 10000 values, got 49901; raise the step"):
        Range(100, 50_000, None, False, None, True).grid()


@pytest.mark.parametrize(
    ("name", "raw", "reason"),
    [
        ("units", [], "expected values, got an empty list"),
        ("units", [64, 64], "every value once"),
        ("units", [64, "many"], "expected an integer from 1 to 4096, got 'many'"),
        ("units", [0], "expected an integer from 1 to 4096, got 0"),
        ("encoder", ["lsmt"], "expected one of rnn, lstm"),
        ("sizes", ["x"], "expected list, got 'x'"),
        ("units", {"low": 5, "high": 4}, "from 5 to 4 is empty"),
        ("units", {"low": 5, "hihg": 9}, "unknown key 'hihg'; did you mean 'high'?"),
        ("units", {"low": 5}, "high: expected an integer, found none"),
        ("units", {"low": 5.5, "high": 9}, "low: expected an integer, got 5.5"),
        ("units", {"low": 5, "high": 9999}, "expected an integer from 1 to 4096, got 9999"),
        ("units", {"low": 5, "high": 9, "step": 0}, "expected a step above 0, got 0"),
        ("units", {"low": 5, "high": 9, "step": 0.5}, "step: expected an integer, got 0.5"),
        ("units", {"low": 5, "high": 9, "log": "yes"}, "log: expected true or false, got 'yes'"),
        ("units", {"low": 5, "high": 9, "log": True, "step": 2}, "without a step"),
        ("dropout", {"low": 0, "high": 0.5, "log": True}, "a low above 0"),
        ("units", {"low": 5, "high": 9, "count": 0}, "count: expected an integer from 1"),
        ("share", {"low": math.nan, "high": 9}, "low: expected a number, got nan"),
        ("share", {"low": 0, "high": 10**400}, "high: expected a number, got 1000"),
        ("share", {"low": -1e308, "high": 1e308}, "too wide to compute with"),
        ("share", {"low": 1e-320, "high": 1e300, "log": True}, "too wide for log"),
        ("share", {"low": 0, "high": 1, "step": 1e-320}, "a step of 1e-320 is too small"),
        ("count", {"low": 0, "high": 2**60}, "high: expected an integer, got 11529"),
        ("share", {"low": True, "high": 9}, "low: expected a number, got True"),
        ("encoder", {"low": 1, "high": 2}, "this parameter is none: list its values"),
        ("on", {"low": 0, "high": 1}, "this parameter is none: list its values"),
    ],
    ids=str,
)
def test_what_is_refused(name, raw, reason):
    with pytest.raises(SettingsError, match=reason):
        read(name, raw)


class Trial:
    """Remembers what a sampler is asked for."""

    def suggest_int(self, *words, **options):
        return (*words, options)

    suggest_float = suggest_categorical = suggest_int


def test_what_the_sampler_is_told():
    whole = read("units", {"low": 8, "high": 33, "step": 8})
    assert whole.suggest(Trial(), "units") == ("units", 8, 32, {"step": 8, "log": False})
    part = read("learning_rate", {"low": 1e-4, "high": 1e-2, "log": True})
    assert part.suggest(Trial(), "rate") == ("rate", 1e-4, 1e-2, {"step": None, "log": True})
    assert Choice(("a", "b")).suggest(Trial(), "word") == ("word", ("a", "b"), {})

import pytest

from workbench.errors import DataError, RunError, SettingsError, WorkbenchError, nearest


@pytest.mark.parametrize(
    ("name", "known", "expected"),
    [
        ("scna", ["scan", "dates"], "; did you mean 'scan'?"),
        ("addprim-jump", ("simple", "addprim_jump"), "; did you mean 'addprim_jump'?"),
        ("zebra", ["scan", "dates"], ""),
        ("scan", [], ""),
    ],
)
def test_nearest_names_the_closest_or_nothing(name, known, expected):
    assert nearest(name, known) == expected


def test_nearest_takes_any_iterable():
    assert nearest("unit", dict.fromkeys(["units", "layers"])) == "; did you mean 'units'?"
    assert nearest("unit", (name for name in ["units"])) == "; did you mean 'units'?"


@pytest.mark.parametrize("kind", [DataError, RunError, SettingsError])
def test_one_except_clause_catches_all_bad_input(kind):
    with pytest.raises(WorkbenchError, match=r"^what came$"):
        raise kind("what came")

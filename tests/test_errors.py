import re

import pytest

from workbench.errors import (
    DataError,
    RunError,
    SettingsError,
    WorkbenchError,
    nearest,
    on_one_line,
)


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


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (RunError("taken;\nchoose another"), r"taken; choose another"),
        (RunError(), r"RunError; a fault of the workbench, .*"),
        (ValueError("no\nluck"), r"ValueError: no luck; a fault of the workbench, .* goes on; .*"),
        (MemoryError(), r"MemoryError; memory ran out: try a smaller batch_size .*"),
        (OSError(28, "No space left"), r"OSError: .* No space left; see whether the disk has .*"),
        (KeyboardInterrupt(), r"KeyboardInterrupt"),
    ],
)
def test_what_went_wrong_is_one_line_with_what_to_do(error, expected):
    assert re.fullmatch(expected, on_one_line(error))

"""Which of many runs are looked for, and in which order: as the script of the page does it."""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from workbench.overview.columns import Column
from workbench.overview.summary import Summary

RUN, STATUS = "run", "status"  # the columns that every table has
Passes = Callable[[int], bool]

_COMPARISON = re.compile(r"([^<>=!]+)(>=|<=|!=|=|>|<)(.+)")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq, "!=": operator.ne, ">": operator.gt, "<": operator.lt,
    ">=": operator.ge, "<=": operator.le,
}  # fmt: skip


def found(runs: Mapping[str, Summary], columns: Sequence[Column], query: str) -> list[str]:
    """Return the names of the runs that pass every word of `query`, in the order of `runs`.

    A word must stand in a row; `units>=128`, `lr<0.01` or `encoder=gru` compare a column, which
    may be called by its last part or its initials.
    """
    rows = [
        " ".join((name, run.status, *(column.texts[place] for column in columns))).lower()
        for place, (name, run) in enumerate(runs.items())
    ]
    every = [*columns, _statuses(runs)]
    tests = [_test(word, rows, every) for word in query.split()]
    return [name for place, name in enumerate(runs) if all(passes(place) for passes in tests)]


def in_order(
    runs: Mapping[str, Summary], columns: Sequence[Column], name: str, rising: bool
) -> list[str]:
    """Return the names of all runs by the column `name`; those without a value come last.

    A column that there is not leaves them as they stand.
    """
    values: Mapping[str, Sequence[Any]] = {
        RUN: list(runs), STATUS: [run.status for run in runs.values()],
        **{column.name: column.values for column in columns},
    }  # fmt: skip
    pairs = list(zip(runs, values.get(name, [None] * len(runs)), strict=True))
    known = [pair for pair in pairs if pair[1] is not None]
    known.sort(key=lambda pair: _sort_key(pair[1]), reverse=not rising)
    return [run for run, _ in known] + [run for run, value in pairs if value is None]


def _statuses(runs: Mapping[str, Summary]) -> Column:
    statuses = tuple(run.status for run in runs.values())
    return Column(STATUS, STATUS, STATUS, statuses, statuses)


def _test(word: str, rows: Sequence[str], columns: Sequence[Column]) -> Passes:
    parts = _COMPARISON.fullmatch(word)
    column = _called(parts[1], columns) if parts else None
    if parts is None or column is None:
        return lambda place: word.lower() in rows[place]
    return lambda place: _matches(column.values[place], parts[2], parts[3])


def _called(name: str, columns: Sequence[Column]) -> Column | None:
    """Return the column `name`, else the first with such a last part, or such initials."""
    wanted = name.lower()
    same = [column for column in columns if column.name.lower() == wanted]
    like = [column for column in columns if wanted in _calls(column.name.lower())]
    return next(iter(same + like), None)


def _calls(name: str) -> set[str]:
    words = re.split(r"[._]", name)
    return {*words, name.partition(".")[2], "".join(word[:1] for word in name.split("_"))}


def _matches(value: Any, sign: str, wanted: str) -> bool:
    if value is None:
        return sign == "!="
    if _is_number(value):
        try:
            return _COMPARE[sign](value, float(wanted))
        except ValueError:
            pass  # it is compared as a text
    return _COMPARE[sign](str(value).lower(), wanted.lower())


def _sort_key(value: Any) -> tuple[Any, ...]:
    """Return numbers before texts, and texts so that `run-9` comes before `run-10`."""
    if _is_number(value):
        return (0, value)
    parts = re.split(r"(\d+)", str(value).lower())
    return (1, tuple((part.isdecimal(), int(part) if part.isdecimal() else part)
                     for part in parts if part))  # fmt: skip


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)

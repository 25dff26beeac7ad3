"""Rows of tables: separated by tabs (TSV), commas (CSV) or the three bars of word aligners.

Columns 1 and 2 are taken unless others are chosen. The first line is a header where a column
is chosen by name, or where it names columns `source` and `target`; otherwise it is data. Every
line has as many columns as the first, at least two.
"""

import csv
from collections.abc import Iterator
from typing import NamedTuple

from workbench.data.text import Row, TextFile, start, tidy
from workbench.errors import DataError, nearest

Cells = Iterator[tuple[int, list[str]]]
BARS = "|||"


class _Layout(NamedTuple):
    """What the first line settles: the width, and the two columns counted from 0."""

    line: int
    width: int
    source: int
    target: int
    has_header: bool


def tab_separated(file: TextFile) -> Cells:
    """Yield line number and cells; quotes mean nothing."""
    return ((number, text.split("\t")) for number, text in file.lines)


def bar_separated(file: TextFile) -> Cells:
    """Yield line number and cells of `source ||| target`, as fast_align and Moses write it."""
    return ((number, text.split(BARS)) for number, text in file.lines)


def comma_separated(file: TextFile) -> Cells:
    """Yield the line on which a record starts, and its cells, quoted as in RFC 4180.

    Semicolons separate where the first line has some and no comma. A quoted cell may span lines.
    """
    consumed: list[int] = []

    def texts() -> Iterator[str]:
        for number, text in file.lines:
            consumed.append(number)
            yield text + "\n"

    first = file.lines[0][1]
    delimiter = ";" if ";" in first and "," not in first else ","
    records = csv.reader(texts(), delimiter=delimiter, strict=True)
    while True:
        consumed.clear()
        try:
            cells = next(records)
        except StopIteration:
            return
        except csv.Error as error:
            if str(error) == "unexpected end of data":  # skipping would hide all lines since
                raise DataError(
                    f"{file.path}:{consumed[0]}: expected a closing quote, found the end of the "
                    "file; close it, or double a quote that is meant as text"
                ) from None
            file.reject(consumed[0], f"expected CSV, found an error: {error}")
        else:
            yield consumed[0], cells


def table_rows(file: TextFile, cells: Cells, columns: tuple[str, str]) -> Iterator[Row]:
    """Take two columns, each chosen by name or number from 1, or empty, out of `cells`."""
    layout = None
    for line, row in cells:
        if layout is None:
            if len(row) < 2:
                found = f"found {len(row)}: {start(' '.join(row))}"
                hint = "(parallel files are given as a.en,a.de)"
                file.reject(line, f"expected at least 2 columns, {found} {hint}")
                continue
            layout = _layout(f"{file.path}:{line}", line, row, columns)
            if layout.has_header:
                continue
        if len(row) == layout.width:
            yield Row(line, row[layout.source], row[layout.target])
        else:
            expected = f"expected {layout.width} columns as in line {layout.line}"
            file.reject(line, f"{expected}, found {len(row)}")


def _layout(where: str, line: int, cells: list[str], columns: tuple[str, str]) -> _Layout:
    names = [tidy(cell).casefold() for cell in cells]
    usual = {"source", "target"} <= set(names)
    chosen = [
        column or default
        for column, default in zip(
            columns, ("source", "target") if usual else ("1", "2"), strict=True
        )
    ]
    source, target = (_index(where, column, names) for column in chosen)
    if source == target:
        raise DataError(
            f"{where}: source and target are both column {source + 1}; "
            "choose two with source_column and target_column"
        )
    named = not all(column.isdecimal() for column in chosen)
    return _Layout(line, len(cells), source, target, has_header=named or usual)


def _index(where: str, column: str, names: list[str]) -> int:
    name = tidy(column).casefold()
    if column.isdecimal():
        if not 1 <= int(column) <= len(names):
            raise DataError(
                f"{where}: expected a column number from 1 to {len(names)}, got {column}"
            )
        return int(column) - 1
    if name not in names:
        raise DataError(
            f"{where}: expected a header with a column {column!r}, "
            f"found {', '.join(map(repr, names))}{nearest(name, names)}"
        )
    return names.index(name)

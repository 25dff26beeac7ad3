"""Sentence pairs from files, plain or gzip.

- **TSV** (`.tsv`, `.tab`, `.txt` and any other name) and **CSV** (`.csv`): see `tables.py`.
- **JSON Lines** (`.jsonl`, `.ndjson`): see `json_lines.py`.
- **Three bars**: `source ||| target` in the first line, whatever the file's name.
- **Parallel texts**: two files of one sentence a line, given as `train.en,train.de`.
- **SCAN** (Lake & Baroni 2018): a first line `IN: … OUT: …`, whatever the file's name.

White space is tidied: one blank between words. Blank lines at the end count only in parallel
texts; elsewhere in a file they are bad lines.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from workbench.data.corpus import Pair
from workbench.data.json_lines import json_rows
from workbench.data.tables import (
    BARS,
    bar_separated,
    comma_separated,
    tab_separated,
    table_rows,
)
from workbench.data.text import BadLines, Row, TextFile, decode, exists, raw_lines, start, tidy
from workbench.errors import DataError
from workbench.records import BadLine

_COMMAND = re.compile(r"\s*IN:(.*?)\bOUT:(.*)")


def read_pairs(
    path: str | Path,
    *,
    target_path: str | Path | None = None,
    source_column: str = "",
    target_column: str = "",
    swap: bool = False,
    skip_bad_lines: bool = False,
) -> tuple[tuple[Pair, ...], tuple[BadLine, ...]]:
    """Read the sentence pairs of a file, or of two parallel files.

    Args:
        path: one file, or two parallel ones as `train.en,train.de`.
        target_path: the second of two parallel files, instead of the comma.
        source_column: name, or number from 1, of the source's column or key.
        target_column: the same for the target.
        swap: exchange source and target.
        skip_bad_lines: collect what cannot be read instead of raising an error.

    Returns:
        The pairs with `origin` as `file:line`, and the lines left out, in their order.

    Raises:
        DataError: `file:line`, what was expected, what was found and what to do.
    """
    bad = BadLines(skip_bad_lines)
    columns = (source_column, target_column)
    files = (str(path), str(target_path)) if target_path else parallel_paths(str(path))
    rows = _parallel(*files, columns, bad) if files else _single(str(path), columns, bad)
    pairs = tuple(_pairs(files[0] if files else str(path), rows, swap, bad))
    if not pairs:
        why = (
            f"the first bad line: {bad.lines[0]}"
            if bad.lines
            else "the file is empty or all header"
        )
        raise DataError(f"{path}: expected sentence pairs, found none; {why}")
    return pairs, tuple(sorted(bad.lines, key=lambda it: (it.line, it.file)))


def parallel_paths(path: str) -> tuple[str, str] | None:
    """Return the two files that `a.en,a.de` names, or None where `path` is a single file."""
    source, comma, target = path.partition(",")
    return (source, target) if comma and not exists(path) else None


def _pairs(file: str, rows: Iterator[Row], swap: bool, bad: BadLines) -> Iterator[Pair]:
    for row in rows:
        source, target = tidy(row.source), tidy(row.target)
        if source and target:
            sentences = (target, source) if swap else (source, target)
            yield Pair(*sentences, origin=f"{file}:{row.line}")
        else:
            empty = "source" if target else "target" if source else "source and target"
            bad.add(file, row.line, f"expected text on both sides, found an empty {empty}")


def _single(path: str, columns: tuple[str, str], bad: BadLines) -> Iterator[Row]:
    file = TextFile.read(path, bad)
    suffix = Path(path.removesuffix(".gz")).suffix.lower()
    if not file.lines:
        return iter(())
    if _COMMAND.fullmatch(file.lines[0][1]):
        return _commands(file)
    if suffix in (".jsonl", ".ndjson"):
        return json_rows(file, columns)
    first = file.lines[0][1]
    if suffix == ".csv":
        cells = comma_separated(file)
    elif BARS in first and "\t" not in first:
        cells = bar_separated(file)
    else:
        cells = tab_separated(file)
    return table_rows(file, cells, columns)


def _commands(file: TextFile) -> Iterator[Row]:
    for number, text in file.lines:
        if match := _COMMAND.fullmatch(text):
            yield Row(number, match[1], match[2])
        else:
            file.reject(number, f"expected IN: … OUT: …, found {start(text)}")


def _parallel(source: str, target: str, columns: tuple[str, str], bad: BadLines) -> Iterator[Row]:
    if any(columns):
        raise DataError(
            f"{source},{target}: parallel files have no columns to choose; "
            "leave source_column and target_column empty"
        )
    sides = [list(raw_lines(source)), list(raw_lines(target))]
    lengths = [len(side) for side in sides]
    if lengths[0] != lengths[1]:
        raise DataError(
            f"{target}: expected {lengths[0]} lines as in {source}, found {lengths[1]}; "
            "parallel files hold one sentence a line, in the same order"
        )
    for number, raws in enumerate(zip(*sides, strict=True), 1):
        texts = []
        for file, raw in zip((source, target), raws, strict=True):
            try:
                texts.append(decode(raw))
            except ValueError as error:
                bad.add(file, number, str(error))
        if len(texts) == 2:
            yield Row(number, *texts)

"""Rows of JSON Lines: one object a line.

The keys are the chosen ones, else `source` and `target`, else the first two texts of the first
object. They may lie one level deeper, under `translation`, as in
`{"translation": {"en": "Go.", "de": "Geh."}}`.
"""

import json
from collections.abc import Iterator
from typing import Any

from workbench.data.text import Row, TextFile, start
from workbench.errors import nearest


def json_rows(file: TextFile, columns: tuple[str, str]) -> Iterator[Row]:
    """Take the texts under two keys, each chosen or empty, out of every object."""
    source, target = columns
    for number, text in file.lines:
        try:
            fields = _fields(text)
            source, target = _keys(fields, source, target)
            row = Row(number, _text(fields, source), _text(fields, target))
        except ValueError as error:
            file.reject(number, str(error))
        else:
            yield row


def _fields(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"expected JSON, found {error.msg} at character {error.colno}") from None
    except RecursionError:
        raise ValueError("expected a flat JSON object, found endless nesting") from None
    if not isinstance(value, dict):
        raise ValueError(f"expected a JSON object, found {start(text)}")
    nested = value.get("translation")
    return {**nested, **value} if isinstance(nested, dict) else value


def _keys(fields: dict[str, Any], source: str, target: str) -> tuple[str, str]:
    """Return the two keys, choosing those that are still empty."""
    texts = [key for key, value in fields.items() if isinstance(value, str)]
    usual = {"source", "target"} <= set(texts)

    def choose(default: str, other: str) -> str:
        return default if usual else next((key for key in texts if key != other), "")

    source = source or choose("source", target)
    target = target or choose("target", source)
    if not (source and target):
        raise ValueError(f"expected two keys with text, found {', '.join(texts) or 'none'}")
    return source, target


def _text(fields: dict[str, Any], key: str) -> str:
    if key not in fields:
        found = ", ".join(map(repr, fields)) or "none"
        raise ValueError(f"expected the key {key!r}, found {found}{nearest(key, fields)}")
    value = fields[key]
    if not isinstance(value, str):
        raise ValueError(f"expected text under {key!r}, found {start(json.dumps(value))}")
    if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise ValueError(f"expected Unicode text under {key!r}, found NUL or half a surrogate")
    return value

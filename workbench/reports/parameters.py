"""A notebook's parameters: what its `parameters` cell offers, and what a person chose.

The cell holds lines `name: type = literal  # help` and nothing else, so that it can be read
without running it. A name that is also a field of `RunConfig` is checked as that field; any
other belongs to the notebook alone and takes the type of its default.
"""

import ast
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import yaml
from nbformat import NotebookNode
from papermill.iorw import load_notebook_node
from pydantic import ConfigDict, TypeAdapter, ValidationError

from workbench.config import RunConfig, changed
from workbench.errors import SettingsError, WorkbenchError, nearest
from workbench.reports.stores import is_address, read_file

CELL = "parameters"  # the tag by which papermill knows the cell
_LENIENT = ConfigDict(coerce_numbers_to_str=True)


@dataclass(frozen=True)
class Parameters:
    """Checked values.

    Attributes:
        config: every setting: the notebook's defaults under what was given.
        given: what was given, in its own type.
        extras: value of every parameter that is the notebook's alone.
    """

    config: RunConfig
    given: dict[str, Any]
    extras: dict[str, Any]


def read_notebook(path: str | Path) -> NotebookNode:
    """Read a notebook, from a file or an address, as papermill wants it.

    Raises:
        SettingsError: there is none, or it is damaged.
        RunError: no bucket, wrong credentials or no answer at the address.
    """
    try:
        text = read_file(str(path)) if is_address(path) else Path(path).read_bytes()
        document = nbformat.reads(text.decode(), as_version=4)  # type: ignore[no-untyped-call]
        notebook: NotebookNode = load_notebook_node(document)
    except WorkbenchError:
        raise
    except (OSError, ValueError, KeyError, AttributeError, nbformat.ValidationError) as error:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())[:200]
        raise SettingsError(f"{path}: expected a notebook: {reason}") from None
    return notebook


def read_parameters(notebook: NotebookNode, given: Mapping[str, Any]) -> Parameters:
    """Check `given`, texts or values of the right type, against what `notebook` offers.

    Raises:
        SettingsError: an unknown name (the nearest known one is named), a value of the wrong
            type or out of range, a `parameters` cell that cannot be read.
    """
    offered = default_parameters(notebook)
    settings = {name: value for name, value in offered.items() if name in RunConfig.model_fields}
    known = {**settings, **offered, **RunConfig.model_fields}
    for name in given:
        if name not in known:
            raise SettingsError(f"unknown parameter {name!r}{nearest(name, known)}")
    chosen = {name: value for name, value in given.items() if name in RunConfig.model_fields}
    whole = changed(settings, chosen)
    config = RunConfig(**whole)
    if "live" in given and RunConfig(live=given["live"]).live:
        raise SettingsError("live: a report runs without a person before it; leave live out")
    extras = {
        name: converted(name, given[name], default) if name in given else default
        for name, default in offered.items()
        if name not in RunConfig.model_fields
    }
    values = {**config.model_dump(), **extras}
    brought = [name for name in settings if whole[name] != settings[name]]  # with a decoder
    names = dict.fromkeys([*given, *brought])
    return Parameters(config, {name: values[name] for name in names}, extras)


def read_settings_file(path: str | Path) -> dict[str, Any]:
    """Read names and values from a `.json`, `.yaml` or `.yml` file.

    Raises:
        SettingsError: there is none, or it holds no mapping.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
        values = json.loads(text) if str(path).endswith(".json") else yaml.safe_load(text)
    except (OSError, ValueError, yaml.YAMLError) as error:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise SettingsError(f"{path}: cannot read parameters: {reason}") from None
    if not isinstance(values, dict):
        raise SettingsError(f"{path}: expected names with values, got {type(values).__name__}")
    return {str(name): value for name, value in values.items()}


def default_parameters(notebook: NotebookNode) -> dict[str, Any]:
    """Return name and default of every parameter that `notebook` offers.

    Raises:
        SettingsError: there is no cell tagged `parameters`, or it holds something else.
    """
    cell = next((c for c in notebook.cells if CELL in c.metadata.get("tags", [])), None)
    if cell is None:
        raise SettingsError(
            "the notebook has no parameters: tag the cell that sets them with 'parameters'"
        )
    try:
        lines = ast.parse(cell.source).body
    except SyntaxError as error:
        raise SettingsError(f"parameters cell, line {error.lineno}: {error.msg}") from None
    return dict(_assignment(line) for line in lines)


def converted(name: str, value: Any, default: Any) -> Any:
    """Return `value`, maybe a text, in the type of `default`.

    Raises:
        SettingsError: it has another type.
    """
    if default is None:
        return yaml.safe_load(value) if isinstance(value, str) else value
    kind = type(default)
    adapter = TypeAdapter(kind, config=_LENIENT)
    try:
        if isinstance(value, str) and kind in (list, dict):
            return adapter.validate_json(value)
        if isinstance(value, bool) and kind is not bool:
            raise ValueError
        return adapter.validate_python(value)
    except (ValidationError, ValueError):
        raise SettingsError(f"{name}: expected {kind.__name__}, got {value!r}") from None


def _assignment(line: ast.stmt) -> tuple[str, Any]:
    match line:
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
            pass
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            pass
        case _:
            raise _unreadable(line)
    try:
        return name, ast.literal_eval(value)
    except ValueError:
        raise _unreadable(line) from None


def _unreadable(line: ast.stmt) -> SettingsError:
    return SettingsError(
        f"parameters cell, line {line.lineno}: expected `name: type = literal  # help`, "
        f"got {ast.unparse(line)!r}"
    )

"""Settings as a person would write them: only those that are not the default."""

import json
from collections.abc import Mapping
from typing import Any

from workbench.config import RunConfig, settings

WIDTH = 88  # characters of a line
GIVEN_BY_THE_RUNNER = {"live"}  # a report refuses it


def python_of(config: RunConfig) -> str:
    """Return the lines of Python that train a model with these settings."""
    arguments = [f"{name}={_literal(value)}" for name, value in _differing(config).items()]
    return f"from workbench import RunConfig, Session\n\n{_call(arguments)}\nsession.train()\n"


def parameters_of(config: RunConfig) -> str:
    """Return the lines of a notebook's `parameters` cell, each with its help."""
    known = {setting.name: setting for setting in settings()}
    chosen = _differing(config)
    lines = [
        f"{name}: {known[name].kind.__name__} = {_literal(value)}  # {known[name].help}\n"
        for name, value in chosen.items()
        if name not in GIVEN_BY_THE_RUNNER
    ]
    return "".join(lines) or "# all settings are the default ones\n"


def _differing(config: RunConfig) -> Mapping[str, Any]:
    """Return what is not the default, in the order in which a person meets the settings."""
    differences = config.differences()
    return {each.name: differences[each.name] for each in settings() if each.name in differences}


def _call(arguments: list[str]) -> str:
    line = f"session = Session(RunConfig({', '.join(arguments)}))"
    if len(line) <= WIDTH:
        return line
    inner = "".join(f"    {argument},\n" for argument in arguments)
    return f"session = Session(RunConfig(\n{inner}))"


def _literal(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)

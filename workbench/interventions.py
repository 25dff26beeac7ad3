"""What a person does to a translation while it is written, as data.

Every item says at which target prefix it acts; nothing in it knows the model. A list of them is
JSON, replays in the panel, in `session.translate(text, interventions=...)` and as the setting
`interventions` of a notebook:

    [{"kind": "force", "prefix": ["le"], "token": "chien"},
     {"kind": "mask", "prefix": [], "layer": 0, "positions": [2]}]

Shape letters: S source tokens.
"""

import json
from collections.abc import Iterable, Sequence
from os import PathLike
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from workbench.errors import InterventionError, nearest

Prefix = tuple[str, ...]  # target tokens, as `Hypothesis.tokens` has them
Position = Annotated[int, Field(ge=0)]
Weight = Annotated[float, Field(ge=0)]


class _Item(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    kind: str

    def __init__(self, **fields: Any) -> None:
        try:
            super().__init__(**fields)
        except ValidationError as error:
            raise InterventionError(_on_one_line(error)) from None


class EditSource(_Item):
    """Put another token at a position of the source; an empty one takes the position out.

    It holds for the whole translation. Positions are those of the source as the items before
    have left it, in the order in which the encoder reads.
    """

    kind: Literal["source"] = "source"
    position: Position
    token: str


class Force(_Item):
    """Write this token behind the prefix, whatever the model would choose."""

    kind: Literal["force"] = "force"
    prefix: Prefix = ()
    token: str


class Ban(_Item):
    """Do not write this token behind the prefix."""

    kind: Literal["ban"] = "ban"
    prefix: Prefix = ()
    token: str


class AttentionEdit(_Item):
    """Change what is read of the source before the token behind the prefix is written.

    `layer` and `head` count from 0; None is all of them. Rows sum to 1 afterwards.
    """

    prefix: Prefix = ()
    layer: Position | None = None
    head: Position | None = None


class SetRow(AttentionEdit):
    """Read with these weights [S]."""

    kind: Literal["row"] = "row"
    weights: tuple[Weight, ...]

    @field_validator("weights")
    @classmethod
    def _some(cls, weights: tuple[float, ...]) -> tuple[float, ...]:
        if not any(weights):
            raise ValueError("expected weights of which one at least is above 0")
        return weights


class SetCell(AttentionEdit):
    """Give one position this weight; the others share the rest as they did."""

    kind: Literal["cell"] = "cell"
    position: Position
    weight: Annotated[float, Field(ge=0, le=1)]


class Scale(AttentionEdit):
    """Multiply the weights of some positions."""

    kind: Literal["scale"] = "scale"
    positions: tuple[Position, ...]
    factor: Weight


class Mask(AttentionEdit):
    """Read nothing at some positions."""

    kind: Literal["mask"] = "mask"
    positions: tuple[Position, ...]


class Sharpen(AttentionEdit):
    """Raise the weights to the power 1 / temperature: below 1 sharper, above 1 flatter."""

    kind: Literal["sharpen"] = "sharpen"
    temperature: Annotated[float, Field(gt=0, le=1000)]


class Paste(AttentionEdit):
    """Read as the step behind another prefix does, under the items before this one."""

    kind: Literal["paste"] = "paste"
    other: Prefix


Intervention: TypeAlias = EditSource | Force | Ban | AttentionEdit
KINDS: dict[str, type[Intervention]] = {
    each.model_fields["kind"].default: each
    for each in (EditSource, Force, Ban, SetRow, SetCell, Scale, Mask, Sharpen, Paste)
}


def read_interventions(given: str | PathLike[str] | Iterable[Any]) -> tuple[Intervention, ...]:
    """Read interventions from JSON, from the path of a `.json` file, or from a list.

    A list may hold items, or mappings as JSON has them. Nothing, or an empty text, is no items.

    Raises:
        InterventionError: something is no intervention; the item is named by its number from 1.
    """
    if isinstance(given, str | PathLike):
        given = _parsed(_text(given))
    return tuple(_item(number, one) for number, one in enumerate(given, 1))


def to_json(items: Sequence[Intervention], indent: int | None = None) -> str:
    """Return items as JSON that `read_interventions` reads back unchanged."""
    plain = [item.model_dump(mode="json", exclude_defaults=True) for item in items]
    rows = [{"kind": item.kind, **row} for item, row in zip(items, plain, strict=True)]
    return json.dumps(rows, ensure_ascii=False, indent=indent)


def _text(given: str | PathLike[str]) -> str:
    text = str(given).strip()
    if not text.endswith(".json"):
        return text or "[]"
    try:
        return Path(text).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InterventionError(f"{text}: cannot read interventions: {error}") from None


def _parsed(text: str) -> list[Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise InterventionError(
            f"expected interventions as JSON or the path of a .json file, got {text[:60]!r}: "
            f"{' '.join(str(error).split())}"
        ) from None
    if not isinstance(found, list):
        raise InterventionError(f"expected a JSON list of interventions, got {text[:60]!r}")
    return found


def _item(number: int, given: Any) -> Intervention:
    if isinstance(given, _Item) and given.kind in KINDS:
        return cast(Intervention, given)
    kind = given.get("kind") if isinstance(given, dict) else given
    if not isinstance(kind, str) or kind not in KINDS:
        near = nearest(kind, KINDS) if isinstance(kind, str) else ""
        raise InterventionError(
            f"item {number}: expected a kind ({', '.join(KINDS)}), got {kind!r}{near}"
        )
    try:
        return KINDS[kind](**{str(name): value for name, value in given.items()})
    except InterventionError as error:
        raise InterventionError(f"item {number}: {error}") from None


def _on_one_line(error: ValidationError) -> str:
    told = []
    for problem in error.errors():
        name = ".".join(map(str, problem["loc"]))
        why = problem["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
        said = why if why.startswith("expected") else f"expected {why}"
        said = {"missing": "is missing", "extra_forbidden": "is not known"}.get(
            problem["type"], f"{said}, got {problem['input']!r}"
        )
        told.append(f"{name}: {said}")
    return "; ".join(told)

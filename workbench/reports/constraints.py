"""What must hold between the parameters of a run, in a sweep: `units % heads == 0`."""

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from workbench.errors import SettingsError, nearest

ALLOWED = (  # no call, no attribute, no power: nothing that acts, or takes for ever
    ast.Expression, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.BinOp,
    ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Compare, ast.cmpop,
    ast.IfExp, ast.Name, ast.Load, ast.Constant, ast.Tuple, ast.List,
)  # fmt: skip


@dataclass(frozen=True)
class Constraint:
    """An expression of Python over the names of parameters, which must be true."""

    text: str

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Say whether it is true of `values`.

        Raises:
            SettingsError: it cannot be computed.
        """
        try:
            return bool(eval(self.text, {"__builtins__": {}}, dict(values)))
        except (TypeError, ZeroDivisionError, OverflowError) as error:
            raise SettingsError(f"{self.text!r} cannot be computed: {error}") from None


def read_constraint(text: Any, names: Iterable[str]) -> Constraint:
    """Check an expression before anything is computed.

    Raises:
        SettingsError: it is no comparison of parameters and literals, or one is not known.
    """
    if not isinstance(text, str):
        raise SettingsError(f"expected a comparison of parameters, got {text!r}")
    known = list(names)
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError) as error:
        reason = getattr(error, "msg", error)
        raise SettingsError(
            f"expected a comparison of parameters, got {text!r}: {reason}"
        ) from None
    for node in ast.walk(tree):
        if not isinstance(node, ALLOWED):
            raise SettingsError(
                f"{text!r}: expected parameters, literals, arithmetic and comparisons, got "
                f"{ast.unparse(node)!r}"
            )
        if isinstance(node, ast.Name) and node.id not in known:
            raise SettingsError(f"{text!r}: unknown parameter {node.id!r}{nearest(node.id, known)}")
    return Constraint(text.strip())

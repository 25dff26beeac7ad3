"""What must hold between the parameters of a run, in a sweep: `units % heads == 0`.

Expressions are computed here, not by Python: only numbers are added or multiplied, so that no
text of a few letters takes all memory.
"""

import ast
import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from workbench.errors import SettingsError, nearest

LONGEST = 1000  # letters of an expression
ALLOWED = (  # no call, no attribute, no power: nothing that acts, or takes for ever
    ast.Expression, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.BinOp,
    ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Compare, ast.cmpop,
    ast.IfExp, ast.Name, ast.Load, ast.Constant, ast.Tuple, ast.List,
)  # fmt: skip
ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
    ast.Div: operator.truediv, ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod,
}  # fmt: skip
COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le,
    ast.Gt: operator.gt, ast.GtE: operator.ge, ast.Is: operator.is_, ast.IsNot: operator.is_not,
    ast.In: lambda one, many: one in many, ast.NotIn: lambda one, many: one not in many,
}  # fmt: skip


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
            return bool(_value(ast.parse(self.text, mode="eval").body, values))
        except (TypeError, ZeroDivisionError, OverflowError, RecursionError) as error:
            raise SettingsError(f"{self.text!r} cannot be computed: {error}") from None


def read_constraint(text: Any, names: Iterable[str]) -> Constraint:
    """Check an expression before anything is computed.

    Raises:
        SettingsError: it is no comparison of parameters and literals, or one is not known.
    """
    if not isinstance(text, str):
        raise SettingsError(f"expected a comparison of parameters, got {text!r}")
    if len(text) > LONGEST:
        raise SettingsError(f"expected at most {LONGEST} letters, got {len(text)}")
    known = list(names)
    for node in ast.walk(_parsed(text)):
        if not isinstance(node, ALLOWED):
            raise SettingsError(
                f"{text!r}: expected parameters, literals, arithmetic and comparisons, got "
                f"{ast.unparse(node)!r}"
            )
        if isinstance(node, ast.Name) and node.id not in known:
            raise SettingsError(f"{text!r}: unknown parameter {node.id!r}{nearest(node.id, known)}")
    return Constraint(text.strip())


def _parsed(text: str) -> ast.Expression:
    try:
        return ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = getattr(error, "msg", str(error)) or "too deep"
        raise SettingsError(
            f"expected a comparison of parameters, got {text!r}: {reason}"
        ) from None


def _value(node: ast.expr, values: Mapping[str, Any]) -> Any:
    """Compute a node as Python does, but that arithmetic is of numbers alone."""
    match node:
        case ast.Constant():
            return node.value
        case ast.Name():
            return values[node.id]
        case ast.Tuple() | ast.List():
            return [_value(each, values) for each in node.elts]
        case ast.IfExp():
            return _value(node.body if _value(node.test, values) else node.orelse, values)
        case ast.BoolOp():
            return _joined(node, values)
        case ast.UnaryOp(op=ast.Not()):
            return not _value(node.operand, values)
        case ast.UnaryOp():
            return -_number(_value(node.operand, values))
        case ast.BinOp():
            left, right = (_number(_value(each, values)) for each in (node.left, node.right))
            return ARITHMETIC[type(node.op)](left, right)
        case ast.Compare():
            return _compared(node, values)
    raise TypeError(f"got {ast.unparse(node)!r}")


def _joined(node: ast.BoolOp, values: Mapping[str, Any]) -> bool:
    choose = all if isinstance(node.op, ast.And) else any
    return choose(_value(each, values) for each in node.values)


def _compared(node: ast.Compare, values: Mapping[str, Any]) -> bool:
    left = _value(node.left, values)
    for compare, each in zip(node.ops, node.comparators, strict=True):
        right = _value(each, values)
        if not COMPARISONS[type(compare)](left, right):
            return False
        left = right
    return True


def _number(value: Any) -> int | float:
    if not isinstance(value, int | float):
        raise TypeError(f"expected numbers to compute with, got {value!r}")
    return value

"""How long a formula is to a reader, and how far it is from a textbook's style."""

from __future__ import annotations

from typing import Any

from diagrad.dimensions import is_scalar, is_vector
from diagrad.expression import Apply, Expression, Number, walk


def tokens(expression: Expression) -> int:
    """Names, numbers, operators and index letters, as a reader counts; brackets are free."""
    return sum(_own(node) for node in walk(expression))


def _own(node: Expression) -> int:
    if isinstance(node, Number):
        return (1 if node.value.denominator == 1 else 3) + (node.value < 0)
    if isinstance(node, Apply) and node.parameters:
        return 1 + sum(_parameter(p) for p in node.parameters)
    return 1


def _parameter(parameter: Any) -> int:
    if isinstance(parameter, str):
        return sum(c.isalpha() for c in parameter)
    return 0 if parameter is None else 1


def cost(expression: Expression) -> float:
    """Tokens plus style, in tokens: what a reader stumbles over costs a fraction of one."""
    return _inner_cost(expression) + _leading(expression)


def _inner_cost(node: Expression) -> float:
    """The cost without its beginning, kept with the node, which never changes."""
    kept: float | None = node.__dict__.get("_cost")
    if kept is None:
        operands = node.operands if isinstance(node, Apply) else ()
        kept = _own(node) + _stumble(node) + sum(_inner_cost(operand) for operand in operands)
        node.__dict__["_cost"] = kept
    return kept


def _leading(expression: Expression) -> float:
    return 0.6 if isinstance(expression, Apply) and expression.operation.name == "negate" else 0.0


def _stumble(node: Expression) -> float:
    if not isinstance(node, Apply):
        return 0.0
    match node.operation.name:
        case "T":
            inner = node.operands[0]
            if not isinstance(inner, Apply):
                return 0.25
            if inner.operation.name == "@":
                return 2.5
            if inner.operation.name in ("+", "-") and is_vector(inner.shape):
                return 0.3
            return 1.0 if any(is_scalar(operand.shape) for operand in inner.operands) else 0.2
        case "ones":
            return 2.0
        case "@":
            return sum(_stretched_sum(operand) for operand in node.operands)
        case "einsum":
            return 50.0
        case "sum" if node.parameters != (None,):
            return 1.5 * _products_in_disguise(node.operands[0])
        case "-" if isinstance(node.operands[0], Apply):
            return 0.3 if node.operands[0].operation.name == "negate" else 0.0
    return 0.0


def _stretched_sum(node: Expression) -> float:
    """A matrix plus a scalar, which no one writes as a factor of a matrix product, unless the
    matrix is plainly one of entries: 1 − H², 1 − V ⊘ U."""
    if not isinstance(node, Apply) or node.operation.name not in ("+", "-"):
        return 0.0
    if is_vector(node.shape) or not any(is_scalar(operand.shape) for operand in node.operands):
        return 0.0
    return 0.5 if any(_of_entries(operand) for operand in node.operands) else 3.0


def _of_entries(node: Expression) -> bool:
    algebra = ("+", "-", "negate", "T")
    return (
        isinstance(node, Apply) and node.operation.entrywise and node.operation.name not in algebra
    )


def _products_in_disguise(node: Expression) -> int:
    """How many terms of a sum stretch a vector over a matrix: summed up along an axis, each is a
    matrix product."""
    if not isinstance(node, Apply):
        return 0
    match node.operation.name:
        case "T" | "negate":
            return _products_in_disguise(node.operands[0])
        case "+" | "-":
            return sum(map(_term_in_disguise, node.operands))
    return 0


def _term_in_disguise(node: Expression) -> int:
    if isinstance(node, Apply) and node.operation.name == "*":
        return len({operand.shape for operand in node.operands}) > 1
    return _products_in_disguise(node)

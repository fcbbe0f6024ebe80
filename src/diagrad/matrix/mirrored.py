"""Whether a formula shows that it is symmetric: read backwards and transposed, it is itself."""

from __future__ import annotations

from typing import Any

from diagrad.dimensions import is_scalar
from diagrad.expression import Apply, Expression, Number, Symbol

Form = tuple[Any, ...]


def reads_symmetric(expression: Expression) -> bool:
    """Whether Aᵀ, written out, is A up to the order of summands and of elementwise factors."""
    return _form(expression, False) == _form(expression, True)


def _form(node: Expression, turned: bool) -> Form:
    """The expression, or its transpose, with transposes at the names and commuting parts in one
    order."""
    match node:
        case Number():
            return ("number", str(node.value))
        case Symbol():
            return ("name", node.name, turned and not is_scalar(node.shape))
        case Apply():
            return _applied(node, turned)
    raise AssertionError(node)


def _applied(node: Apply, turned: bool) -> Form:
    name = node.operation.name
    if name == "T":
        return _form(node.operands[0], not turned)
    if is_scalar(node.shape):
        turned = False
    if name == "@" and not any(is_scalar(operand.shape) for operand in node.operands):
        return ("@", *_chain(node, turned))
    if name in ("diag", "eye"):
        return (name, *(_form(operand, False) for operand in node.operands), node.parameters)
    if name == "kron":
        return (name, *(_form(operand, turned) for operand in node.operands))
    if name in ("ones", "zeros", "commutation"):
        return (name, node.parameters[::-1] if turned else node.parameters)
    parts = [_form(operand, turned) for operand in node.operands]
    if name in ("+", "*", "@"):
        return (name, *sorted(parts, key=repr))
    return (name, *parts, repr(node.parameters), turned and not node.operation.entrywise)


def _chain(node: Expression, turned: bool) -> list[Form]:
    """The factors of a chain of matrix products, in the order in which they stand."""
    if not isinstance(node, Apply) or node.operation.name != "@":
        return [_form(node, turned)]
    if any(is_scalar(operand.shape) for operand in node.operands):
        return [_form(node, turned)]
    first, second = node.operands
    if turned:
        return _chain(second, True) + _chain(first, True)
    return _chain(first, False) + _chain(second, False)

"""Sums whose terms stretch, written so that they are true as matrix algebra too.

NumPy adds a number to every entry of a matrix; in a book M + t means something else. Inside an
elementwise product or function 1 − A is understood entry by entry and stays; beside matrix products
and transposes the number becomes t 𝟏𝟏ᵀ. A name that stretches stays, as the bias in X W + b.
"""

from __future__ import annotations

from diagrad.dimensions import UNIT, Shape, is_scalar
from diagrad.expression import Apply, Expression, Symbol
from diagrad.matrix import make

ALGEBRA = frozenset({"@", "T", "eye", "diag", "+", "-", "negate"})


def explicit(expression: Expression) -> Expression:
    """The same value, with stretched terms of matrix sums repeated by products with ones."""
    return _explicit(expression, entrywise=False)


def _explicit(node: Expression, entrywise: bool) -> Expression:
    if not isinstance(node, Apply) or len(node.shape) > 2:
        return node
    inside = _is_entrywise(node, entrywise)
    operands = tuple(_explicit(operand, inside) for operand in node.operands)
    if node.operation.name in ("+", "-") and not entrywise and UNIT not in node.shape:
        operands = _stretched(operands, node.shape)
    same = all(a is b for a, b in zip(operands, node.operands, strict=True))
    return node if same else make.apply(node.operation, *operands, parameters=node.parameters)


def _is_entrywise(node: Apply, outside: bool) -> bool:
    """Whether what stands inside the node is read entry by entry."""
    if node.operation.name in ALGEBRA:
        return outside and node.operation.name != "@"
    scalars = any(is_scalar(operand.shape) for operand in node.operands)
    multiple = node.operation.name in ("*", "/") and scalars
    return outside if multiple else True


def _stretched(operands: tuple[Expression, ...], shape: Shape) -> tuple[Expression, ...]:
    full = [operand for operand in operands if operand.shape == shape]
    if full and not any(_is_algebra(operand) for operand in full):
        return operands
    return tuple(
        operand
        if isinstance(operand, Symbol) and not is_scalar(operand.shape)
        else make.filled(operand, shape)
        for operand in operands
    )


def _is_algebra(expression: Expression) -> bool:
    """Whether a matrix is written by matrix algebra, not as a function of entries."""
    if isinstance(expression, Apply):
        if expression.operation.name in ("*", "/") and is_scalar(expression.operands[1].shape):
            return _is_algebra(expression.operands[0])
        if expression.operation.name == "*" and is_scalar(expression.operands[0].shape):
            return _is_algebra(expression.operands[1])
        return expression.operation.name in ALGEBRA
    return isinstance(expression, Symbol)

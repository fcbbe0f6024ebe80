"""Making typed matrix expressions. Shapes come from the rooms: what misfits is refused."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeGuard

from diagrad.dimensions import UNIT, Shape, Size, is_scalar
from diagrad.expression import Apply, Expression, Number, number
from diagrad.operations import OPERATORS, WORDS
from diagrad.operations.choices import Compare
from diagrad.operations.room import Operation

ONE = number(1)


def apply(operation: Operation, *operands: Expression, parameters: tuple[Any, ...] = ()) -> Apply:
    shape = operation.shape([operand.shape for operand in operands], parameters)
    return Apply(shape, operation, operands, parameters)


def call(word: str, *operands: Expression, parameters: tuple[Any, ...] = ()) -> Apply:
    return apply(WORDS[word], *operands, parameters=parameters)


def is_one(expression: Expression) -> bool:
    return isinstance(expression, Number) and expression.value == 1


def is_condition(expression: Expression) -> TypeGuard[Apply]:
    """A comparison, which can stand in `where` only, and so takes no operation around it."""
    return isinstance(expression, Apply) and isinstance(expression.operation, Compare)


def plus(a: Expression, b: Expression) -> Expression:
    return apply(OPERATORS["+"], a, b)


def minus(a: Expression, b: Expression) -> Expression:
    return apply(OPERATORS["-"], a, b)


def negative(a: Expression) -> Expression:
    return apply(OPERATORS["negate"], a)


def times(a: Expression, b: Expression) -> Expression:
    if is_one(a):
        return b
    return a if is_one(b) else apply(OPERATORS["*"], a, b)


def product(factors: Iterable[Expression]) -> Expression:
    total: Expression = ONE
    for factor in factors:
        total = times(total, factor)
    return total


def over(a: Expression, b: Expression) -> Expression:
    return a if is_one(b) else apply(OPERATORS["/"], a, b)


def power(a: Expression, exponent: Expression) -> Expression:
    return a if is_one(exponent) else apply(OPERATORS["**"], a, exponent)


def matmul(a: Expression, b: Expression) -> Expression:
    """A B; of A (B C) the brackets are dropped, for a chain needs none."""
    if isinstance(b, Apply) and b.operation.name == "@" and not is_scalar(b.shape):
        first, second = b.operands
        together = OPERATORS["@"].shape([a.shape, first.shape], ())
        if not any(is_scalar(shape) for shape in (a.shape, first.shape, second.shape, together)):
            return apply(OPERATORS["@"], matmul(a, first), second)
    return apply(OPERATORS["@"], a, b)


def transposed(a: Expression) -> Expression:
    """Aᵀ; what it does not change, and (Aᵀ)ᵀ, is written without the sign."""
    if is_scalar(a.shape):
        return a
    if is_condition(a):
        return apply(a.operation, *(transposed(operand) for operand in a.operands))
    if isinstance(a, Apply):
        match a.operation.name:
            case "T":
                return a.operands[0]
            case "negate":
                return negative(transposed(a.operands[0]))
            case "diag" | "eye":
                return a
            case "ones" | "zeros":
                return call(a.operation.name, parameters=a.parameters[::-1])
    return apply(OPERATORS["T"], a)


def summed(a: Expression, axis: int | None) -> Expression:
    return call("sum", a, parameters=(axis,))


def ones(rows: Size, columns: Size) -> Expression:
    return ONE if rows == columns == UNIT else call("ones", parameters=(rows, columns))


def filled(value: Expression, shape: Shape) -> Expression:
    """A scalar, row or column repeated to a shape."""
    if value.shape == shape:
        return value
    if is_condition(value):
        first, second = value.operands
        return apply(value.operation, filled(first, shape), second)
    if isinstance(value, Number) and value.value == 0:
        return call("zeros", parameters=shape)
    if isinstance(value, Apply) and value.operation.name == "negate":
        return negative(filled(value.operands[0], shape))
    if is_scalar(value.shape) and isinstance(value, Apply) and value.operation.name == "/":
        above, below = value.operands
        return over(filled(above, shape), below)
    if is_scalar(value.shape):
        return times(value, ones(*shape))
    if value.shape[0] == UNIT:
        return matmul(ones(shape[0], UNIT), value)
    return matmul(value, ones(UNIT, shape[1]))


def digit(slower: Size, faster: Size, size: Size) -> Expression:
    """The matrix whose row i has a 1 at the digit of i that comes after `slower` and before
    `faster`: 𝟏 ⊗ I ⊗ 𝟏."""
    shown: Expression = call("eye", parameters=(size,))
    if slower != UNIT:
        shown = call("kron", ones(slower, UNIT), shown)
    return shown if faster == UNIT else call("kron", shown, ones(faster, UNIT))


def scaled(scalar: Expression, value: Expression) -> Expression:
    """A scalar times a value of any number of axes."""
    return Apply(value.shape, OPERATORS["*"], (scalar, value))

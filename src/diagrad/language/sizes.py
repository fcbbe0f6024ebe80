"""Sizes: whole numbers and integer polynomials of dimension names."""

from __future__ import annotations

import ast
from collections.abc import Callable

from diagrad.dimensions import Size
from diagrad.language.limits import (
    LARGEST_COEFFICIENT,
    LARGEST_DEGREE,
    MOST_SIZE_TERMS,
)
from diagrad.language.page import shortened
from diagrad.language.statements import Statement

Lookup = Callable[[ast.Name], Size]
WHOLE = "a size is a name, a positive whole number, or made of these by + - * **, as in H + 1"


def size(statement: Statement, node: ast.expr, lookup: Lookup) -> Size:
    """The size that a node says. Raises ProblemError where it is none, or never positive."""
    found = _polynomial(statement, node, lookup)
    if all(coefficient < 0 for _, coefficient in found.terms):
        words = statement.words(node)
        value = f", that is {shortened(str(found))}," if words != str(found) else ""
        raise statement.error(f"the size {shortened(words)}{value} is not positive", node)
    return found


def _polynomial(statement: Statement, node: ast.expr, lookup: Lookup) -> Size:
    match node:
        case ast.Name():
            return lookup(node)
        case ast.Constant():
            return _bounded(statement, node, Size.of(_whole(statement, node)))
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return Size.of(0) - _polynomial(statement, inner, lookup)
        case ast.UnaryOp(op=ast.UAdd(), operand=inner):
            return _polynomial(statement, inner, lookup)
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return _power(statement, node, _polynomial(statement, left, lookup), right)
        case ast.BinOp(left=left, op=(ast.Add() | ast.Sub() | ast.Mult()) as op, right=right):
            first = _polynomial(statement, left, lookup)
            second = _polynomial(statement, right, lookup)
            return _bounded(statement, node, _combined(op, first, second))
        case ast.BinOp(op=ast.Div()):
            message = "sizes are not divided: name the smaller size n and write 2*n for the larger"
            raise statement.error(message, node)
    raise statement.error(WHOLE, node)


def _combined(op: ast.operator, first: Size, second: Size) -> Size:
    match op:
        case ast.Add():
            return first + second
        case ast.Sub():
            return first - second
    return first * second


def _power(statement: Statement, node: ast.expr, base: Size, exponent: ast.expr) -> Size:
    power = _whole(statement, exponent) if isinstance(exponent, ast.Constant) else -1
    if not 0 <= power <= LARGEST_DEGREE:
        message = f"in a size, an exponent is a whole number from 0 to {LARGEST_DEGREE}"
        raise statement.error(message, exponent)
    value = Size.of(1)
    for _ in range(power):
        value = _bounded(statement, node, value * base)
    return value


def _whole(statement: Statement, node: ast.Constant) -> int:
    words = statement.words(node).replace("_", "")
    if words.isdigit():
        return int(words)
    message = f"a size is a whole number, not {statement.words(node)}"
    raise statement.error(message if words[0] in ".0123456789" else WHOLE, node)


def _bounded(statement: Statement, node: ast.expr, value: Size) -> Size:
    if any(abs(coefficient) > LARGEST_COEFFICIENT for _, coefficient in value.terms):
        message = f"numbers in a size go up to {LARGEST_COEFFICIENT}"
        raise statement.error(message, node)
    if any(len(monomial) > LARGEST_DEGREE for monomial, _ in value.terms):
        message = f"a size multiplies at most {LARGEST_DEGREE} dimensions"
        raise statement.error(message, node)
    if len(value.terms) > MOST_SIZE_TERMS:
        message = f"a size has at most {MOST_SIZE_TERMS} terms"
        raise statement.error(message, node)
    return value

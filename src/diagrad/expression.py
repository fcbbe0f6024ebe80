"""Typed expressions, exactly as written: no constructor simplifies.

Both what a user writes and the formulas that come out are such trees; one printer shows them and
one evaluator runs them. Every value is two-dimensional (a scalar is 1×1), except where `einsum`
gives more axes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeGuard

from diagrad.dimensions import SCALAR, Shape
from diagrad.errors import Span

if TYPE_CHECKING:
    from diagrad.operations.room import Operation


@dataclass(frozen=True)
class Expression:
    """A value with a shape; `span` is where it was written, None for what Diagrad made."""

    shape: Shape
    span: Span | None = field(default=None, compare=False, kw_only=True)


@dataclass(frozen=True)
class Number(Expression):
    """An exact rational constant."""

    value: Fraction


@dataclass(frozen=True)
class Symbol(Expression):
    """A name: `role` is "variable", "definition", "dimension" or "constant" (pi)."""

    name: str
    role: str


@dataclass(frozen=True)
class Apply(Expression):
    """An operation on operands; parameters are not values: an axis, sizes, labels."""

    operation: Operation
    operands: tuple[Expression, ...]
    parameters: tuple[Any, ...] = ()


def number(value: Fraction | int) -> Number:
    return Number(SCALAR, Fraction(value))


def walk(expression: Expression) -> Iterator[Expression]:
    """The expression and all its parts, outermost first."""
    stack = [expression]
    while stack:
        node = stack.pop()
        yield node
        if isinstance(node, Apply):
            stack.extend(reversed(node.operands))


def is_call(node: Expression | None, *names: str) -> TypeGuard[Apply]:
    """Whether a node is one of these operations."""
    return isinstance(node, Apply) and node.operation.name in names


def untransposed(expression: Expression) -> Expression:
    """A without the transpose of Aᵀ, where only the entries matter."""
    if isinstance(expression, Apply) and expression.operation.name == "T":
        return expression.operands[0]
    return expression

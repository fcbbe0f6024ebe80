"""Composite axes: the rows of `kron(A, B)` run over pairs of a row of A and a row of B.

In index notation such an axis is several labels, the slowest first, and products and transposes
need no more than that. Where a composite axis meets one that is not, or is composed otherwise, it
is made one plain axis: its index i is told by its digits, Σₐ_b T[a, b] D₀[i, a] D₁[i, b].
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from diagrad.dimensions import UNIT, Size
from diagrad.index.build import (
    Indexed,
    Label,
    Polynomial,
    as_polynomial,
    indexed,
    labels,
    matrix,
    separated,
    tensor,
)
from diagrad.index.term import Digit, Head
from diagrad.operations.room import Operation


def fitted(operation: Operation, operands: Sequence[Indexed]) -> list[Indexed]:
    """The operands with their composite axes made plain where the operation does not take them as
    they are."""
    if all(len(operand.rows) < 2 and len(operand.columns) < 2 for operand in operands):
        return list(operands)
    return list(operands) if _fit(operation, operands) else [plain(operand) for operand in operands]


def _fit(operation: Operation, operands: Sequence[Indexed]) -> bool:
    match "entries" if operation.entrywise else operation.composite:
        case "any":
            return True
        case "entries":
            return all(
                len({axes for axes in along if axes}) < 2
                for along in ([o.rows for o in operands], [o.columns for o in operands])
            )
        case "chain":
            first, second = operands
            scalar = not (first.tensor.axes and second.tensor.axes)
            return scalar or first.columns == second.rows
        case "factors":
            first, *others = operands
            fit = all(first.columns == other.rows for other in others)
            return fit and first.rows == first.columns and separated(first) is not None
        case "square":
            return all(operand.rows == operand.columns for operand in operands)
    return False


def plain(value: Indexed) -> Indexed:
    """The same value with one axis for its rows and one for its columns."""
    if len(value.rows) < 2 and len(value.columns) < 2:
        return value
    i, j = labels(value.rows), labels(value.columns)
    rows, row_digits = _numbered(i)
    columns, column_digits = _numbered(j)
    return matrix(rows, columns, value.tensor[i, j] * row_digits * column_digits)


def flat(head: Head, counts: Sequence[int]) -> Head:
    """A tensor whose axes come in parts, part k of counts[k] axes, with one axis for each part."""
    if max(counts, default=0) < 2:
        return head
    at = labels(head.axes)
    value = head[at]
    outer: list[Label] = []
    for part, count in enumerate(counts):
        start = sum(counts[:part])
        index, digits = _numbered(at[start : start + count])
        value, outer = value * digits, [*outer, *index]
    return tensor(outer, value)


def _numbered(digits: tuple[Label, ...]) -> tuple[tuple[Label, ...], Polynomial]:
    """One label for several, and the product that ties it to them."""
    if len(digits) < 2:
        return digits, as_polynomial(1)
    sizes = tuple(digit.size for digit in digits)
    index = Label(prod(sizes, start=UNIT))
    product = as_polynomial(1)
    for place, digit in enumerate(digits):
        product = product * indexed(Digit(sizes, place), (index, digit))
    return (index,), product


def around(head: Digit) -> tuple[Size, Size]:
    """The sizes of what is slower and of what is faster than the digit."""
    slower, faster = head.sizes[: head.place], head.sizes[head.place + 1 :]
    return prod(slower, start=UNIT), prod(faster, start=UNIT)


def is_composite(head: Head, shape: Sequence[Size]) -> bool:
    """Whether a value of this shape has more axes than rows and columns."""
    return len(head.axes) > sum(size != UNIT for size in shape)

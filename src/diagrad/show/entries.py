"""The entry of an array as a scalar expression: entry j of 1 − h is 1 − hⱼ, entry ij of Aᵀ is Aⱼᵢ.

What works entry by entry hands the labels on to its operands; an array that does not stays whole,
with the labels below it: (W h)ⱼ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeGuard

from diagrad.dimensions import SCALAR, UNIT, Shape, is_scalar
from diagrad.expression import Apply, Expression, number
from diagrad.matrix import make
from diagrad.operations.arithmetic import Entrywise, Negate, Power
from diagrad.operations.choices import Clip, Compare, Larger, Where
from diagrad.operations.elementwise import Elementwise

# One label for each axis of an array, "" along a unit axis.
Labels = tuple[str, ...]
ENTRY_BY_ENTRY = (Clip, Compare, Elementwise, Entrywise, Larger, Negate, Power, Where)


@dataclass(frozen=True)
class Entry(Expression):
    """The entry of an array at these labels; that of an identity matrix is δ."""

    array: Expression
    labels: str


def axis_labels(group: str, shape: Shape) -> Labels:
    """The labels of an operand of einsum, axis by axis; those of unit axes are not shown."""
    if len(group) < len(shape):
        group = (group or " ") * len(shape)
    return along(tuple(group), shape)


def along(labels: Sequence[str], shape: Shape) -> Labels:
    """The labels of the axes that are not stretched; a scalar, which has two, has none."""
    if is_scalar(shape):
        return ("", "")
    return tuple("" if size == UNIT else label for label, size in zip(labels, shape, strict=True))


def entry(array: Expression, labels: Labels) -> Expression:
    """The entry at these labels, pushed inside as far as operations work entry by entry."""
    if isinstance(array, Apply):
        pushed = _structural(array, labels) or _entry_by_entry(array, labels)
        if pushed:
            return pushed
    shown = "".join(along(labels, array.shape))
    return Entry(SCALAR, array, shown) if shown else array


def _structural(node: Apply, labels: Labels) -> Expression | None:
    """The entry of what only moves, repeats or fills in entries."""
    match node.operation.name:
        case "T":
            return entry(node.operands[0], labels[::-1])
        case "ones":
            return number(1)
        case "zeros":
            return number(0)
        case "eye":
            return Entry(SCALAR, node, "".join(labels)) if labels[0] else number(1)
        case "diag":
            i, j = labels
            on_diagonal = entry(node.operands[0], (i, i))
            delta = Entry(SCALAR, make.call("eye", parameters=(node.shape[0],)), i + j)
            return on_diagonal if i == j else make.times(on_diagonal, delta)
        case "diagonal":
            return entry(node.operands[0], (labels[0], labels[0]))
        case "outer":
            first, second = (
                entry(v, (at, at)) for v, at in zip(node.operands, labels, strict=True)
            )
            return make.times(first, second)
        case "@":
            return _product_without_sum(node.operands[0], node.operands[1], labels)
    return None


def _product_without_sum(A: Expression, B: Expression, labels: Labels) -> Expression | None:
    """Entry ij of s A, of a column times a row, of A diag(v) and of diag(v) B."""
    i, j = labels
    if any(is_scalar(operand.shape) for operand in (A, B)):
        at = along(labels, A.shape), along(labels, B.shape)
    elif A.shape[1] == UNIT:
        at = (i, ""), ("", j)
    elif _is_diagonal(B):
        (B,), at = B.operands, ((i, j), (j, j))
    elif _is_diagonal(A):
        (A,), at = A.operands, ((i, i), (i, j))
    else:
        return None
    return make.times(entry(A, at[0]), entry(B, at[1]))


def _is_diagonal(expression: Expression) -> TypeGuard[Apply]:
    return isinstance(expression, Apply) and expression.operation.name == "diag"


def _entry_by_entry(node: Apply, labels: Labels) -> Expression | None:
    if is_scalar(node.shape) or not isinstance(node.operation, ENTRY_BY_ENTRY):
        return None
    operands = tuple(entry(operand, along(labels, operand.shape)) for operand in node.operands)
    return Apply(SCALAR, node.operation, operands, node.parameters)

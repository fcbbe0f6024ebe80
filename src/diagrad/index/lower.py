"""From typed expressions to index form: every operation writes itself out by its elements."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from diagrad.dimensions import UNIT, Shape, Size
from diagrad.errors import Unsupported
from diagrad.expression import Apply, Expression, Number, Symbol
from diagrad.index.build import Indexed, extent, tensor
from diagrad.index.composite import fitted
from diagrad.index.term import Constant, Definition, Head, Variable, constant


def axes_of(shape: Shape) -> tuple[tuple[Size, ...], int]:
    """The axes of a value of this shape without unit axes, and how many of them are row axes."""
    rows, columns = ((size,) if size != UNIT else () for size in shape)
    return rows + columns, len(rows)


def lower(expression: Expression, heads: Mapping[str, Head], sizes: Mapping[str, Size]) -> Indexed:
    """The index form, not yet normal, with the axes that the operations give it: those of `kron`
    and `vec` are composite. `heads` are the variables and definitions by name, `sizes` the
    dimensions.

    Raises Unsupported where an operation cannot be written in index form yet.
    """
    return _Lowering(heads, sizes).of(expression)


class _Lowering:
    """Index forms of expressions, each part once."""

    def __init__(self, heads: Mapping[str, Head], sizes: Mapping[str, Size]) -> None:
        self._heads, self._sizes = heads, sizes
        self._done: dict[int, Indexed] = {}

    def of(self, node: Expression) -> Indexed:
        if id(node) not in self._done:
            self._done[id(node)] = self._value(node)
        return self._done[id(node)]

    def _value(self, node: Expression) -> Indexed:
        match node:
            case Number():
                return Indexed(constant(node.value), 0)
            case Symbol(role="dimension"):
                return Indexed(tensor((), extent(self._sizes[node.name])), 0)
            case Symbol(role="constant"):
                return Indexed(Constant(node.name), 0)
            case Symbol():
                head = self._heads[node.name]
                return Indexed(head, row_axes(head, node.shape))
            case Apply():
                operands = fitted(node.operation, [self.of(operand) for operand in node.operands])
                lowered = node.operation.elements(operands, node.parameters)
                _check_axes(node, lowered)
                return lowered
        raise AssertionError(node)


def row_axes(head: Head, shape: Shape) -> int:
    """How many axes of the head lie along the rows of a value of this shape."""
    rows = UNIT
    for count, size in enumerate(head.axes):
        if rows == shape[0]:
            return count
        rows = rows * size
    return len(head.axes)


def _check_axes(node: Apply, lowered: Indexed) -> None:
    if len(node.shape) != 2:
        return
    found = tuple(prod(axes, start=UNIT) for axes in (lowered.rows, lowered.columns))
    if found != node.shape or UNIT in lowered.tensor.axes:
        raise Unsupported(
            f"{node.operation.name} of these operands is not supported yet", node.span
        )


def variable(name: str, position: int, shape: Shape) -> Variable:
    return Variable(name, position, axes_of(shape)[0])


def definition(name: str, position: int, body: Head) -> Definition:
    return Definition(name, position, body)

"""What every operation of the language says about itself.

One operation, one room: its name and what it takes, its shape, its form in index notation, its
local derivative with the sentence that explains it, its value by NumPy, how each notation prints
it, and an example. The parser, the printer, the evaluator, the catalogue in the documentation and
the generic tests all read the rooms; nothing else needs to know that an operation exists.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np

from diagrad.dimensions import Shape, Size
from diagrad.expression import Apply, Expression
from diagrad.index.build import Indexed
from diagrad.index.term import Applied, Factor, Head, Sum

Array = np.ndarray[Any, np.dtype[Any]]

# How tightly a printed form binds, from loosest to tightest.
COMPARE, SUM, PRODUCT, CHAIN, SIGN, POWER, POSTFIX, ATOM = 10, 20, 30, 40, 50, 60, 70, 80
SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


Show = Callable[[Head, int | None, int | None], Expression]


class Form(NamedTuple):
    """How a notation prints an operation: a template with {0}, {1}, …, how tightly the whole binds,
    and how tightly each operand has to bind to stand there without brackets."""

    template: str
    binds: int = ATOM
    slots: tuple[int, ...] = ()


class Takes(NamedTuple):
    """What stands in the brackets of a call."""

    operands: tuple[str, ...] = ()
    sizes: tuple[str, ...] = ()
    axis: bool = False
    optional: int = 0
    subscripts: bool = False
    condition: bool = False


class ShapeError(ValueError):
    """Operands that do not fit. `{0}`, `{1}` in the message stand for one with its shape."""


class Operation:
    """Base of all rooms. Subclasses are stateless but for what tells two instances apart (see
    `identity`).

    `entrywise` says that the operation combines operands entry by entry, so that an operand may
    stretch.
    """

    name: str
    takes: Takes
    summary: str
    example: str
    because: str = ""
    source: str = ""
    operator: ClassVar[bool] = False
    analytic: bool = True
    entrywise: bool = True
    facts: frozenset[str] = frozenset()

    @property
    def identity(self) -> tuple[Any, ...]:
        """Tells operations apart in the structural order; no address, no name a user chose."""
        return (self.name,)

    def shape(self, shapes: Sequence[Shape], parameters: tuple[Any, ...]) -> Shape:
        """Shape of the value. Raises ShapeError."""
        raise NotImplementedError

    def elements(self, operands: Sequence[Indexed], parameters: tuple[Any, ...]) -> Indexed:
        """The value in index notation, entry by entry."""
        raise NotImplementedError

    def derivative(self, head: Applied, argument: int) -> Sum:
        """∂head/∂argument with the axes of the head, then those of the argument. Only operations
        whose index form keeps them as a head of their own have one; all others are sums of
        products, which need no rule."""
        raise NotImplementedError

    def simplified(self, head: Applied) -> Head | None:
        """A simpler head that is equal, or None."""
        return None

    def joined(self, head: Applied, other: Factor, argument: Head) -> Factor | None:
        """The head times another factor with the same labels, where that is one factor."""
        return None

    def complement(self, head: Applied) -> Head | None:
        """1 − head as one head, or None."""
        return None

    def written(self, head: Applied, row: int | None, column: int | None, show: Show) -> Expression:
        """The head as an expression whose rows run over its axis `row` and columns over `column`;
        `show` does the same for an argument. This is for operations entry by entry; the others have
        their own."""
        arguments = [show(argument, row, column) for argument in head.arguments]
        return applied(self, arguments)

    def evaluate(self, arrays: Sequence[Array], node: Apply, sizes: Mapping[str, int]) -> Array:
        """The value by NumPy. Every array has two last axes, rows and columns; axes before them are
        a batch.

        Where `analytic`, complex arrays are mapped by the analytic continuation.
        """
        raise NotImplementedError

    def form(self, notation: str, node: Apply) -> Form | None:
        """How a notation ("source", "unicode", "ascii", "latex") prints it; None for a call."""
        return None


def applied(
    operation: Operation, operands: Sequence[Expression], parameters: tuple[Any, ...] = ()
) -> Apply:
    """The operation on these operands, with the shape its room gives. Raises ShapeError."""
    shape = operation.shape([operand.shape for operand in operands], parameters)
    return Apply(shape, operation, tuple(operands), parameters)


def same_axes(operands: Sequence[Indexed]) -> tuple[tuple[Size, ...], tuple[Size, ...]]:
    """Row and column axes of values combined entry by entry, where a unit axis stretches."""
    rows: tuple[Size, ...] = next((a.rows for a in operands if a.rows), ())
    columns: tuple[Size, ...] = next((a.columns for a in operands if a.columns), ())
    return rows, columns


def together(shapes: Sequence[Shape], verb: str) -> Shape:
    """The broadcast shape of operands combined entry by entry. Raises ShapeError with the sizes
    that differ."""
    shape = shapes[0]
    for k, other in enumerate(shapes[1:], 1):
        for axis, (a, b) in enumerate(zip(shape, other, strict=True)):
            if a != b and a.number != 1 and b.number != 1:
                what = ("rows", "columns")[axis]
                raise ShapeError(
                    f"cannot {verb} {{0}} and {{{k}}} entry by entry: "
                    f"{a} {what} do not fit {b} {what}"
                )
        shape = tuple(b if a.number == 1 else a for a, b in zip(shape, other, strict=True))
    return shape


def need_square(shape: Shape, name: str) -> None:
    if shape[0] != shape[1]:
        raise ShapeError(f"{name} needs a square matrix, not {{0}}")


def entry(operand: Indexed, i: Any, j: Any) -> Any:
    """The entry at row labels i and column labels j; an operand stretches along unit axes."""
    return operand.tensor[i if operand.rows else (), j if operand.columns else ()]

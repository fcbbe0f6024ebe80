"""Sums, means and norms, of everything or along an axis that is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from diagrad.dimensions import SCALAR, UNIT, Shape, Size, is_scalar
from diagrad.expression import Apply, Expression, untransposed
from diagrad.index.build import Indexed, Label, Polynomial, extent, labels, matrix
from diagrad.index.term import Applied
from diagrad.operations.functions import function
from diagrad.operations.room import (
    CHAIN,
    SIGN,
    Array,
    Form,
    Operation,
    Show,
    Takes,
    Use,
    applied,
    is_name,
)
from diagrad.operations.saying import (
    bare,
    count,
    factor,
    from_above,
    handed_on,
    letters,
    of_value,
    of_variable,
    summed,
)

Axis = int | None


class Reduction(Operation):
    takes = Takes(operands=("A",), axis=True)
    entrywise, composite = False, "any"

    def shape(self, shapes: Sequence[Shape], parameters: tuple[Any, ...]) -> Shape:
        return reduced_shape(shapes[0], parameters[0])

    def elements(self, operands: Sequence[Indexed], parameters: tuple[Any, ...]) -> Indexed:
        (A,) = operands
        i, j = labels(A.rows), labels(A.columns)
        rows, columns = kept(i, j, parameters[0])
        over = tuple(k for k in (*i, *j) if k not in (*rows, *columns))
        return matrix(rows, columns, self.reduce(A.tensor[i, j], over, rows + columns))

    def reduce(self, a: Polynomial, over: tuple[Label, ...], kept: tuple[Label, ...]) -> Polynomial:
        """The summand, summed over the labels `over`, which are not among the output's."""
        raise NotImplementedError


class Total(Reduction):
    name = "sum"
    summary = "The sum of all entries, or along an axis."
    example = "sum(A, axis=0)"
    because = "a sum's derivative is the sum of the derivatives"

    def says(self, use: Use) -> str:
        return "" if not summed_over(use) else each_entry(use, "once", "1")

    def reduce(self, a: Polynomial, over: tuple[Label, ...], kept: tuple[Label, ...]) -> Polynomial:
        return a

    def evaluate(self, arrays: Sequence[Array], node: Apply, sizes: Mapping[str, int]) -> Array:
        total: Array = np.sum(arrays[0], axis=numpy_axis(node), keepdims=True)
        return total

    def form(self, notation: str, node: Apply) -> Form | None:
        one = {"unicode": "𝟏", "latex": r"\mathbf{{1}}"}.get(notation)
        if one is None:
            return None
        top = "ᵀ" if notation == "unicode" else r"^{{\top}}"
        axis = effective_axis(node)
        if axis == 0:
            return Form(f"{one}{top}{{by}}{{0}}", CHAIN, (CHAIN,))
        if axis == 1:
            return Form(f"{{0}}{{by}}{one}", CHAIN, (CHAIN,))
        sign = "∑({0})" if notation == "unicode" else r"\sum\left({0}\right)"
        return Form(sign, SIGN, (0,))


class Mean(Reduction):
    name = "mean"
    summary = "The mean of all entries, or along an axis."
    example = "mean(A, axis=1)"
    because = "a mean is a sum divided by the number of entries"

    def says(self, use: Use) -> str:
        if not summed_over(use):
            return ""
        pairs = zip(use.node.shape, use.node.operands[0].shape, strict=True)
        weight = f"1/{factor(count((size for kept, size in pairs if kept != size), use))}"
        return each_entry(use, f"with the weight {weight}", weight)

    def reduce(self, a: Polynomial, over: tuple[Label, ...], kept: tuple[Label, ...]) -> Polynomial:
        count = Size.of(1)
        for label in over:
            count = count * label.size
        return a / extent(count)

    def evaluate(self, arrays: Sequence[Array], node: Apply, sizes: Mapping[str, int]) -> Array:
        mean: Array = np.mean(arrays[0], axis=numpy_axis(node), keepdims=True)
        return mean

    def form(self, notation: str, node: Apply) -> Form | None:
        return named_reduction("mean", notation, node)


class Norm(Reduction):
    name = "norm"
    summary = (
        "The square root of the sum of squares: 2-norm of a vector, Frobenius norm of a matrix."
    )
    example = "norm(A)"
    because = "‖a‖ = (Σ aᵢ²)^½, so ∂‖a‖/∂aᵢ = aᵢ / ‖a‖; at a = 0 there is no derivative"

    def says(self, use: Use) -> str:
        value, own, squares = reduced(use, "{0}²")
        derivative = f"∂{value}/∂{own} = {own}/{value}"
        return f"{value} = √({squares}), so {derivative}; where {value} = 0 there is no derivative"

    analytic, curved, reuses_value = False, True, True

    def elements(self, operands: Sequence[Indexed], parameters: tuple[Any, ...]) -> Indexed:
        (A,) = operands
        i, j = labels(A.rows), labels(A.columns)
        squares = matrix(i, j, A.tensor[i, j] ** 2)
        total = Total().elements([squares], parameters)
        rows, columns = labels(total.rows), labels(total.columns)
        return matrix(rows, columns, total.tensor[rows, columns] ** 0.5)

    def evaluate(self, arrays: Sequence[Array], node: Apply, sizes: Mapping[str, int]) -> Array:
        norm: Array = np.sqrt(np.sum(arrays[0] ** 2, axis=numpy_axis(node), keepdims=True))
        return norm

    def form(self, notation: str, node: Apply) -> Form | None:
        if node.parameters[0] is not None:
            return named_reduction("norm", notation, node)
        sign = {"unicode": "‖{0}‖", "latex": r"\left\|{0}\right\|"}.get(notation)
        return Form(sign, slots=(0,)) if sign else None


class Norm1(Reduction):
    name = "norm1"
    summary = "The sum of absolute values."
    example = "norm1(A)"
    because = "‖a‖₁ = Σ |aᵢ|, so ∂‖a‖₁/∂aᵢ = sign aᵢ, taken to be 0 where aᵢ = 0"
    rule = "1-norm"

    def says(self, use: Use) -> str:
        value, own, absolute = reduced(use, "|{0}|")
        derivative = f"∂{value}/∂{own} = sign {own}"
        return f"{value} = {absolute}, so {derivative}, taken to be 0 where {own} = 0"

    analytic, curved = False, True

    def reduce(self, a: Polynomial, over: tuple[Label, ...], kept: tuple[Label, ...]) -> Polynomial:
        return function("abs")(a)

    def evaluate(self, arrays: Sequence[Array], node: Apply, sizes: Mapping[str, int]) -> Array:
        norm: Array = np.sum(np.abs(arrays[0]), axis=numpy_axis(node), keepdims=True)
        return norm

    def form(self, notation: str, node: Apply) -> Form | None:
        if node.parameters[0] is not None:
            return named_reduction("norm1", notation, node)
        sign = {"unicode": "‖{0}‖₁", "latex": r"\left\|{0}\right\|_1"}.get(notation)
        return Form(sign, slots=(0,)) if sign else None


class Whole(Operation):
    """A reduction that index notation keeps as one head.

    There its parameters are the positions of the axes that it runs along.
    """

    takes = Takes(operands=("A",), axis=True)
    entrywise = False
    curved = True

    def shape(self, shapes: Sequence[Shape], parameters: tuple[Any, ...]) -> Shape:
        return reduced_shape(shapes[0], parameters[0])

    def elements(self, operands: Sequence[Indexed], parameters: tuple[Any, ...]) -> Indexed:
        (A,) = operands
        rows, columns = tuple(range(A.row_axes)), tuple(range(A.row_axes, len(A.tensor.axes)))
        along = {None: rows + columns, 0: rows, 1: columns}[parameters[0]]
        if not along:
            return A
        kept = tuple(size for k, size in enumerate(A.tensor.axes) if k not in along)
        row_axes = sum(k not in along for k in rows)
        return Indexed(Applied(self, (A.tensor,), kept, along), row_axes)

    def written(self, head: Applied, row: int | None, column: int | None, show: Show) -> Expression:
        (z,) = head.arguments
        if not head.axes:
            shown = show(z, 0, 1) if len(z.axes) == 2 else show(z, None, 0)
            return applied(self, [untransposed(shown)], (None,))
        kept = next(k for k in range(len(z.axes)) if k not in head.parameters)
        (over,) = head.parameters
        place = (kept, over) if row is not None else (over, kept)
        return applied(self, [show(z, *place)], (1 if row is not None else 0,))


def others(at: Sequence[Any], along: Sequence[int]) -> tuple[Any, ...]:
    """The labels of a head's argument without those of the axes that it runs along."""
    return tuple(label for k, label in enumerate(at) if k not in along)


def line_of(use: Use) -> str:
    """What a reduction makes one entry of: each row, each column; nothing where it takes all."""
    axis = effective_axis(use.node)
    return "" if axis is None else ("column", "row")[axis]


def summed_over(use: Use) -> str:
    """The labels of the operand that a reduction sums over."""
    shape = use.node.operands[0].shape
    pairs = zip(use.node.shape, shape, letters(shape), strict=True)
    return "".join(letter for kept, size, letter in pairs if kept != size)


def each_entry(use: Use, how: str, weight: str) -> str:
    """Every entry enters its sum or mean alike."""
    shape = use.node.operands[0].shape
    value, own = of_value(use, letters(shape)), of_variable(use, letters(shape))
    if is_scalar(use.node.shape):
        of, name = bare(use.variable), use.node.operation.name
        if not is_name(use.value) and how == "once":
            how = f"once, with the weight {weight}"
        same = f"each entry of {of} enters the {name} {how}, so each gets the same derivative"
        return f"{same}: ∂{value}/∂{own} = {weight}" if is_name(use.value) else same
    axis = effective_axis(use.node)
    line, lines = ("column j", "rows") if axis == 0 else ("row i", "columns")
    number = use.size(shape[0] if axis == 0 else shape[1])
    scaled = "" if weight == "1" else f"{weight} · "
    same = f"{handed_on(use, letters(shape))} = {scaled}{from_above(use, letters(shape))}"
    return f"every entry of {line} enters {value} {how}: {same}, the same in all {number} {lines}"


def reduced(use: Use, term: str) -> tuple[str, str, str]:
    """An entry of a norm, one of its operand, and the sum of that entry's terms."""
    at = letters(use.node.operands[0].shape)
    own = of_variable(use, at)
    return of_value(use, at), own, summed(summed_over(use), term.format(own))


def named_reduction(name: str, notation: str, node: Apply) -> Form | None:
    axis = node.parameters[0]
    if notation == "latex":
        inner = "{0}" if axis is None else rf"{{0}},\ \text{{{{axis }}}}{axis}"
        return Form(rf"\operatorname{{{{{name}}}}}\left({inner}\right)", slots=(0,))
    return None


def reduced_shape(shape: Shape, axis: Axis) -> Shape:
    if axis is None:
        return SCALAR
    return (UNIT, shape[1]) if axis == 0 else (shape[0], UNIT)


def effective_axis(node: Apply) -> Axis:
    """The axis of a reduction that keeps something; None where a scalar comes out."""
    return node.parameters[0] if any(size != UNIT for size in node.shape) else None


def numpy_axis(node: Apply) -> int | tuple[int, int]:
    axis = node.parameters[0]
    return (-2, -1) if axis is None else axis - 2


def kept(
    i: tuple[Label, ...], j: tuple[Label, ...], axis: Axis
) -> tuple[tuple[Label, ...], tuple[Label, ...]]:
    """Row and column labels that a reduction along `axis` keeps."""
    if axis is None:
        return (), ()
    return ((), j) if axis == 0 else (i, ())


OPERATIONS: tuple[Operation, ...] = (Total(), Mean(), Norm(), Norm1())

"""Inverse, determinant and the solution of linear equations.

The derivatives are those of J. R. Magnus and H. Neudecker, Matrix Differential Calculus, chapter 8:
from A A⁻¹ = I comes dA⁻¹ = −A⁻¹ dA A⁻¹, and from the expansion of det A along a row Jacobi's
formula, d det A = det A tr(A⁻¹ dA).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from diagrad.dimensions import SCALAR, UNIT, Shape
from diagrad.expression import Apply, Expression, untransposed, walk
from diagrad.index.build import (
    Indexed,
    Polynomial,
    as_polynomial,
    extent,
    labels,
    matrix,
    separated,
    sum_of,
    tensor,
)
from diagrad.index.term import Applied, Head, Sum
from diagrad.operations import saying_linear
from diagrad.operations.functions import function, log
from diagrad.operations.products import Transpose
from diagrad.operations.room import (
    ATOM,
    POSTFIX,
    SIGN,
    Array,
    Form,
    Operation,
    ShapeError,
    Show,
    Takes,
    Use,
    applied,
    need_square,
)

MAGNUS = "J. R. Magnus and H. Neudecker, Matrix Differential Calculus, chapter 8"
STRUCTURE = frozenset({"symmetric", "spd", "orthogonal", "invertible", "diagonal"}) | frozenset(
    {"lower", "upper"}
)


class Inverse(Operation):
    entrywise, composite = False, "factors"
    name = "inv"
    takes = Takes(operands=("A",))
    summary = "The inverse of a square matrix; a singular one has none, which is NaN."
    example = "inv(S)"
    because = (
        "A A⁻¹ stays I, so dA A⁻¹ + A dA⁻¹ is 0 and dA⁻¹ is −A⁻¹ dA A⁻¹, the factors in this "
        "order; with G from above, that gives −A⁻ᵀ G A⁻ᵀ"
    )
    rule = "inverse"
    source = MAGNUS
    keeps = STRUCTURE
    curved, reuses_value = True, True

    def says(self, use: Use) -> str:
        return saying_linear.inverted(use)

    def shape(self, shapes: Sequence[Shape], parameters: tuple[Any, ...]) -> Shape:
        need_square(shapes[0], "inv")
        return shapes[0]

    def elements(self, operands: Sequence[Indexed], parameters: tuple[Any, ...]) -> Indexed:
        """(A ⊗ B)⁻¹ is A⁻¹ ⊗ B⁻¹ where A and B are square."""
        (A,) = operands
        if not A.tensor.axes:
            return Indexed(tensor((), A.tensor[()] ** -1), 0)
        i, j = labels(A.columns), labels(A.rows)
        product = as_polynomial(1)
        for place, part in enumerate(separated(A) or ()):
            product = product * inverse_of(part)[i[place], j[place]]
        return matrix(i, j, product)

    def derivative(self, head: Applied, argument: int) -> Sum:
        (A,) = head.arguments
        (i, j), (k, m) = labels(head.axes), labels(A.axes)
        return tensor((i, j, k, m), -head[i, k] * head[m, j])

    def written(self, head: Applied, row: int | None, column: int | None, show: Show) -> Expression:
        return of_shown(self, show(head.arguments[0], row, column))

    def evaluate(self, arrays: Sequence[Array], node: Apply, sizes: Mapping[str, int]) -> Array:
        return each(np.linalg.inv, arrays[0])

    def form(self, notation: str, node: Apply) -> Form | None:
        sign = {"unicode": "⁻¹", "latex": "^{{-1}}"}.get(notation)
        return Form("{0}" + sign, POSTFIX, (ATOM,)) if sign else None


class InverseTransposed(Operation):
    """A⁻ᵀ, as the transpose of an inverse prints. It is no word of the language."""

    name = "inverse transposed"
    takes = Takes(operands=("A",))

    def form(self, notation: str, node: Apply) -> Form:
        sign = "⁻ᵀ" if notation == "unicode" else r"^{{-\top}}"
        return Form("{0}" + sign, POSTFIX, (ATOM,))


class Determinant(Operation):
    entrywise, composite = False, "factors"
    name = "det"
    takes = Takes(operands=("A",))
    summary = (
        "The determinant of a square matrix. Its derivative is printed as det(A) A⁻ᵀ, which has "
        "no value where A is singular; what it stands for, the matrix of cofactors, has one."
    )
    example = "det(S)"
    because = (
        "expanded along row i, det A is Σⱼ Aᵢⱼ Cᵢⱼ, where the cofactor Cᵢⱼ has nothing of row i; "
        "so the derivative is the matrix of cofactors, and from A Cᵀ, which is det(A) I, that is "
        "det(A) A⁻ᵀ"
    )
    rule = "determinant (Jacobi's formula)"
    source = MAGNUS
    curved, reuses_value = True, True

    def says(self, use: Use) -> str:
        return saying_linear.determinant(use)

    def shape(self, shapes: Sequence[Shape], parameters: tuple[Any, ...]) -> Shape:
        need_square(shapes[0], self.name)
        return SCALAR

    def elements(self, operands: Sequence[Indexed], parameters: tuple[Any, ...]) -> Indexed:
        """det(A ⊗ B) = det(A)ᵖ det(B)ᵐ for A m×m and B p×p."""
        (A,) = operands
        total = as_polynomial(1)
        for part, others in with_others(A):
            total = total * (self.of(part) if others is None else self.of(part) ** others)
        return matrix((), (), total)

    def of(self, A: Head) -> Polynomial:
        """The value for a matrix of two axes, or for a scalar."""
        return Applied(self, (A,), ())[()] if A.axes else A[()]

    def derivative(self, head: Applied, argument: int) -> Sum:
        (A,) = head.arguments
        k, m = labels(A.axes)
        return tensor((k, m), head[()] * inverse_of(A)[m, k])

    def written(self, head: Applied, row: int | None, column: int | None, show: Show) -> Expression:
        """Of A or Aᵀ, whichever is shorter."""
        A = head.arguments[0]
        ways = (untransposed(show(A, *axes)) for axes in ((0, 1), (1, 0)))
        return applied(self, [min(ways, key=lambda shown: sum(1 for _ in walk(shown)))])

    def evaluate(self, arrays: Sequence[Array], node: Apply, sizes: Mapping[str, int]) -> Array:
        value: Array = np.linalg.det(arrays[0])
        return value[..., None, None]

    def form(self, notation: str, node: Apply) -> Form | None:
        return Form(r"\det\left({0}\right)", slots=(0,)) if notation == "latex" else None


class LogDeterminant(Determinant):
    name = "logdet"
    summary = "log|det A|, the logarithm of the determinant's absolute value, for a square matrix."
    example = "logdet(S)"
    because = (
        "the derivative of det A is det(A) A⁻ᵀ, and the logarithm divides by det A: what is left "
        "is A⁻ᵀ, whatever the sign of det A"
    )
    rule = "log-determinant"
    reuses_value = False

    def says(self, use: Use) -> str:
        return saying_linear.log_determinant(use)

    def elements(self, operands: Sequence[Indexed], parameters: tuple[Any, ...]) -> Indexed:
        """log|det(A ⊗ B)| = p log|det A| + m log|det B| for A m×m and B p×p."""
        (A,) = operands
        return matrix(
            (), (), sum_of(self.of(p) * (1 if n is None else n[()]) for p, n in with_others(A))
        )

    def of(self, A: Head) -> Polynomial:
        return Applied(self, (A,), ())[()] if A.axes else log(ABS(A[()]))

    def derivative(self, head: Applied, argument: int) -> Sum:
        (A,) = head.arguments
        k, m = labels(A.axes)
        return tensor((k, m), inverse_of(A)[m, k])

    def evaluate(self, arrays: Sequence[Array], node: Apply, sizes: Mapping[str, int]) -> Array:
        """The continuation of log|d| to complex d near a real one is log(±d)."""
        sign, value = np.linalg.slogdet(arrays[0])
        if np.iscomplexobj(sign):
            value = value + np.log(sign * np.sign(sign.real))
        return np.asarray(value)[..., None, None]

    def form(self, notation: str, node: Apply) -> Form | None:
        shown = {"unicode": "log|{0}|", "latex": r"\log\left|{0}\right|"}.get(notation)
        return Form(shown, SIGN, (0,)) if shown else None


class Solve(Operation):
    entrywise, composite = False, "factors"
    name = "solve"
    takes = Takes(operands=("A", "B"))
    summary = "The X with A X = B, which is A⁻¹ B, for a square A."
    example = "solve(S, A.T)"
    because = "the solution is A⁻¹ B: linear in B, and dA⁻¹ is −A⁻¹ dA A⁻¹"
    rule = "solution of linear equations"
    source = MAGNUS
    curved, reuses_value = True, True

    def says(self, use: Use) -> str:
        return saying_linear.solved(use)

    def shape(self, shapes: Sequence[Shape], parameters: tuple[Any, ...]) -> Shape:
        first, second = shapes
        need_square(first, "solve")
        if first[1] != second[0]:
            raise ShapeError(
                f"solve needs as many rows on the right as {{0}} has, {first[0]}; "
                f"{{1}} has {second[0]}"
            )
        return second

    def elements(self, operands: Sequence[Indexed], parameters: tuple[Any, ...]) -> Indexed:
        A, B = operands
        inverse = INV.elements([A], ())
        i, k, j = labels(inverse.rows), labels(inverse.columns), labels(B.columns)
        return matrix(i, j, inverse.tensor[i, k] * B.tensor[k, j])

    def evaluate(self, arrays: Sequence[Array], node: Apply, sizes: Mapping[str, int]) -> Array:
        A, B = arrays
        batch = np.broadcast_shapes(A.shape[:-2], B.shape[:-2])
        together = (np.broadcast_to(a, batch + a.shape[-2:]) for a in (A, B))
        return each(np.linalg.solve, *together)


def with_others(A: Indexed) -> Iterator[tuple[Head, Head | None]]:
    """The factors of a Kronecker product of square matrices, each with how many rows the others
    have together; the matrix alone where it is none."""
    parts = separated(A) or []
    for place, part in enumerate(parts):
        others = prod((n for k, n in enumerate(A.rows) if k != place), start=UNIT)
        yield part, tensor((), extent(others)) if len(parts) > 1 else None


def of_shown(operation: Operation, A: Expression) -> Expression:
    """An inverse of A, that of a transpose as a transpose: (Aᵀ)⁻¹ as A⁻ᵀ."""
    inner = untransposed(A)
    inverse = applied(operation, [inner])
    return inverse if inner is A else applied(TRANSPOSE, [inverse])


def inverse_of(A: Head) -> Head:
    return Applied(INV, (A,), A.axes[::-1])


def each(function: Callable[..., Any], *arrays: Array) -> Array:
    """A function of matrices; of a singular one, or one it does not exist for, NaN, and not for the
    whole batch."""
    try:
        return np.asarray(function(*arrays))
    except np.linalg.LinAlgError:
        if arrays[0].ndim == 2:
            regular = (np.eye(*a.shape, dtype=a.dtype) for a in arrays)
            return np.full_like(function(*regular), np.nan)
    return np.stack([each(function, *part) for part in zip(*arrays, strict=True)])


ABS, TRANSPOSE = function("abs"), Transpose()
INV, DET, LOGDET = Inverse(), Determinant(), LogDeterminant()
INVERSE_TRANSPOSED = InverseTransposed()
OPERATIONS: tuple[Operation, ...] = (INV, DET, LOGDET, Solve())

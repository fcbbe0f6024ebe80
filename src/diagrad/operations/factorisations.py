"""The pseudoinverse and the Cholesky factor, and the lower triangle that the latter's derivative
is written with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from diagrad.dimensions import Shape
from diagrad.expression import Apply, Expression
from diagrad.index.build import Indexed, delta, labels, matrix, tensor
from diagrad.index.term import Applied, Head, Sum, constant
from diagrad.operations import saying_linear
from diagrad.operations.linear_algebra import TRANSPOSE, each, inverse_of, of_shown
from diagrad.operations.room import (
    ATOM,
    POSTFIX,
    Array,
    Form,
    Operation,
    Show,
    Takes,
    Use,
    applied,
    need_square,
)

HALF = Fraction(1, 2)


class PseudoInverse(Operation):
    """A⁺, for A of constant rank near the point, as every matrix of full rank is."""

    entrywise = False
    name = "pinv"
    takes = Takes(operands=("A",))
    summary = (
        "The Moore-Penrose inverse A⁺ of a matrix of full rank: (AᵀA)⁻¹Aᵀ of a tall one, "
        "Aᵀ(AAᵀ)⁻¹ of a wide one. Where the rank changes it jumps and has no derivative."
    )
    example = "pinv(A)"
    because = (
        "A⁺ is told by A A⁺ A = A, A⁺ A A⁺ = A⁺ and the symmetry of A A⁺ and A⁺ A; differentiated "
        "at constant rank they give dA⁺ = −A⁺ dA A⁺ + A⁺ A⁺ᵀ dAᵀ (I − A A⁺) "
        "+ (I − A⁺ A) dAᵀ A⁺ᵀ A⁺"
    )
    rule = "pseudoinverse"
    source = (
        "G. H. Golub and V. Pereyra, The differentiation of pseudo-inverses and nonlinear least "
        "squares problems whose variables separate, SIAM J. Numer. Anal. 10, 1973"
    )
    analytic = False
    curved, reuses_value = True, True
    keeps = frozenset({"symmetric", "spd", "orthogonal", "diagonal"})

    def says(self, use: Use) -> str:
        return saying_linear.pseudoinverted(use)

    def shape(self, shapes: Sequence[Shape], parameters: tuple[Any, ...]) -> Shape:
        rows, columns = shapes[0]
        return (columns, rows)

    def elements(self, operands: Sequence[Indexed], parameters: tuple[Any, ...]) -> Indexed:
        """Of a vector v it is vᵀ/(vᵀ v)."""
        (A,) = operands
        i, j = labels(A.columns), labels(A.rows)
        if len(A.tensor.axes) < 2:
            k = labels(A.tensor.axes)
            squares = tensor((), A.tensor[k] ** 2)
            return matrix(i, j, A.tensor[j, i] * squares[()] ** -1)
        return matrix(i, j, Applied(self, (A.tensor,), A.columns + A.rows)[i, j])

    def derivative(self, head: Applied, argument: int) -> Sum:
        (A,) = head.arguments
        (i, j), (k, m) = labels(head.axes), labels(A.axes)
        (b,), (c,) = labels(A.axes[:1]), labels(A.axes[1:])
        left = tensor((k, j), A[k, c] * head[c, j])
        right = tensor((i, m), head[i, b] * A[b, m])
        rows = tensor((i, m), head[i, b] * head[m, b])
        columns = tensor((k, j), head[c, k] * head[c, j])
        return tensor(
            (i, j, k, m),
            -head[i, k] * head[m, j]
            + rows[i, m] * (delta(k, j) - left[k, j])
            + (delta(i, m) - right[i, m]) * columns[k, j],
        )

    def written(self, head: Applied, row: int | None, column: int | None, show: Show) -> Expression:
        return of_shown(self, show(head.arguments[0], row, column))

    def evaluate(self, arrays: Sequence[Array], node: Apply, sizes: Mapping[str, int]) -> Array:
        return each(np.linalg.pinv, arrays[0])

    def form(self, notation: str, node: Apply) -> Form | None:
        sign = {"unicode": "⁺", "latex": "^{{+}}"}.get(notation)
        return Form("{0}" + sign, POSTFIX, (ATOM,)) if sign else None


class Cholesky(Operation):
    entrywise = False
    name = "cholesky"
    takes = Takes(operands=("A",))
    summary = (
        "The lower triangular L with positive diagonal and L Lᵀ = (A + Aᵀ)/2, which has to be "
        "positive definite; otherwise it is NaN."
    )
    example = "cholesky(S @ S.T)"
    because = (
        "from L Lᵀ = S, the symmetric part, dL is L Φ(L⁻¹ dS L⁻ᵀ), where Φ takes the lower "
        "triangle and half of the diagonal: L⁻¹ dL is lower triangular and with its transpose "
        "makes L⁻¹ dS L⁻ᵀ"
    )
    rule = "Cholesky factor"
    source = "I. Murray, Differentiation of the Cholesky decomposition, arXiv:1602.07527, 2016"
    analytic = False
    facts = frozenset({"lower", "invertible"})
    curved, reuses_value = True, True

    def says(self, use: Use) -> str:
        return saying_linear.factored(use)

    def shape(self, shapes: Sequence[Shape], parameters: tuple[Any, ...]) -> Shape:
        need_square(shapes[0], "cholesky")
        return shapes[0]

    def elements(self, operands: Sequence[Indexed], parameters: tuple[Any, ...]) -> Indexed:
        (A,) = operands
        if not A.tensor.axes:
            return Indexed(tensor((), A.tensor[()] ** HALF), 0)
        i, j = labels(A.rows), labels(A.columns)
        return matrix(i, j, Applied(self, (A.tensor,), A.tensor.axes)[i, j])

    def derivative(self, head: Applied, argument: int) -> Sum:
        (A,) = head.arguments
        (i, j), (k, m) = labels(head.axes), labels(A.axes)
        (a,) = labels(head.axes[:1])
        inverse = inverse_of(head)
        below = head[i, a] * (lower_ones(head)[a, j] - HALF * delta(a, j))
        first = below * inverse[a, k] * inverse[j, m]
        second = below * inverse[a, m] * inverse[j, k]
        return tensor((i, j, k, m), HALF * first + HALF * second)

    def written(self, head: Applied, row: int | None, column: int | None, show: Show) -> Expression:
        lower = applied(self, [show(head.arguments[0], 0, 1)])
        return lower if row == 0 else applied(TRANSPOSE, [lower])

    def evaluate(self, arrays: Sequence[Array], node: Apply, sizes: Mapping[str, int]) -> Array:
        (A,) = arrays
        return each(np.linalg.cholesky, (A + np.swapaxes(A, -1, -2)) / 2)

    def form(self, notation: str, node: Apply) -> Form | None:
        shown = r"\operatorname{{chol}}\left({0}\right)"
        return Form(shown, slots=(0,)) if notation == "latex" else None


class LowerTriangle(Operation):
    """In index notation, A times `LowerOnes` entry by entry."""

    entrywise = False
    name = "tril"
    takes = Takes(operands=("A",))
    summary = "A square matrix with zeros above its diagonal."
    example = "tril(S)"
    because = "the entries on and below the diagonal stay, those above it are 0"
    rule = "lower triangle"

    def says(self, use: Use) -> str:
        return saying_linear.lower_part(use)

    def shape(self, shapes: Sequence[Shape], parameters: tuple[Any, ...]) -> Shape:
        need_square(shapes[0], "tril")
        return shapes[0]

    def elements(self, operands: Sequence[Indexed], parameters: tuple[Any, ...]) -> Indexed:
        (A,) = operands
        if not A.tensor.axes:
            return A
        i, j = labels(A.rows), labels(A.columns)
        return matrix(i, j, lower_ones(A.tensor)[i, j] * A.tensor[i, j])

    def evaluate(self, arrays: Sequence[Array], node: Apply, sizes: Mapping[str, int]) -> Array:
        return np.tril(arrays[0])


class LowerOnes(LowerTriangle):
    """The lower triangle of the matrix of ones: 1 where the row comes at or after the column. It is
    no word of the language."""

    name = "lower ones"
    facts = frozenset({"nonneg", "lower"})
    idempotent = True
    selects = "tril"

    def written(self, head: Applied, row: int | None, column: int | None, show: Show) -> Expression:
        lower = applied(TRIL, [show(head.arguments[0], 0, 1)])
        return lower if row == 0 else applied(TRANSPOSE, [lower])


def lower_ones(like: Head) -> Head:
    """The lower triangle of ones in the size of a square matrix."""
    return Applied(LOWER_ONES, (constant(1, like.axes),), like.axes)


PINV, CHOLESKY, TRIL, LOWER_ONES = PseudoInverse(), Cholesky(), LowerTriangle(), LowerOnes()
OPERATIONS: tuple[Operation, ...] = (PINV, CHOLESKY, TRIL)

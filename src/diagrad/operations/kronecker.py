"""The Kronecker product, vec, and the commutation matrix that joins them.

Their rows and columns are composite axes, so that in index notation all three only rename labels:
kron(A, B) has the rows (i, k) and the columns (j, l), vec(A) the rows (j, i), the slower index
first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from diagrad.dimensions import SCALAR, UNIT, Shape, is_scalar, is_vector
from diagrad.expression import Apply
from diagrad.index.build import Indexed, delta, labels, matrix
from diagrad.operations.room import (
    CHAIN,
    PRODUCT,
    Array,
    Form,
    Operation,
    Takes,
    Use,
    entry_text,
)
from diagrad.operations.saying import above, bare, factor, held, onward

# Looser than any product, so that in A B ⊗ C only the reading (A B) ⊗ C is left.
KRONECKER = PRODUCT - 1
KLATEX = "K_{{{sizes[0]},{sizes[1]}}}"
MAGNUS = "J. R. Magnus and H. Neudecker, Matrix Differential Calculus, chapters 2 and 3"


class Kron(Operation):
    entrywise, composite = False, "any"
    name = "kron"
    takes = Takes(operands=("A", "B"))
    summary = "The Kronecker product A ⊗ B: the block matrix with the blocks Aᵢⱼ B."
    example = "kron(A, row_n)"
    because = "block i,j of A ⊗ B is Aᵢⱼ B, which is linear in each factor"
    rule = "Kronecker product"
    source = MAGNUS

    def says(self, use: Use) -> str:
        A, B = use.node.operands
        if is_scalar(A.shape) or is_scalar(B.shape):
            return f"{held(use)}every entry is multiplied by {use.others[0]}"
        first, second = use.operands
        block = f"block i,j of {use.value} is {entry_text(bare(first), 'ij')} {factor(second)}"
        G = f"block i,j of {above(use)}"
        if use.operand == 0:
            own = onward(use, entry_text(bare(first), "ij"))
            return f"{held(use)}{block}, so {own} is the sum of all entries of {G} ∘ {second}"
        own = onward(use, first_of(second))
        weight = entry_text(bare(first), "ij")
        return f"{held(use)}{block}, so {own} is the sum over i, j of {weight} times {G}"

    def shape(self, shapes: Sequence[Shape], parameters: tuple[Any, ...]) -> Shape:
        (m, n), (p, q) = shapes
        return (m * p, n * q)

    def elements(self, operands: Sequence[Indexed], parameters: tuple[Any, ...]) -> Indexed:
        A, B = operands
        i, j, k, m = labels(A.rows), labels(A.columns), labels(B.rows), labels(B.columns)
        return matrix(i + k, j + m, A.tensor[i, j] * B.tensor[k, m])

    def evaluate(self, arrays: Sequence[Array], node: Apply, sizes: Mapping[str, int]) -> Array:
        A, B = arrays
        blocks = A[..., :, None, :, None] * B[..., None, :, None, :]
        rows, columns = A.shape[-2] * B.shape[-2], A.shape[-1] * B.shape[-1]
        return blocks.reshape(*blocks.shape[:-4], rows, columns)

    def form(self, notation: str, node: Apply) -> Form | None:
        sign = {"unicode": "⊗", "latex": r"\otimes"}.get(notation)
        return Form(f"{{0}} {sign} {{1}}", KRONECKER, (KRONECKER, CHAIN)) if sign else None


def first_of(text: str) -> str:
    """A value in a derivative: B, or (A B)."""
    return text if factor(text) == text else f"({text})"


class Vec(Operation):
    exact = True
    entrywise, composite = False, "any"
    name = "vec"
    takes = Takes(operands=("A",))
    summary = "The columns of a matrix, one below the other, as one column."
    example = "vec(A)"
    because = "vec only moves entries: Aᵢⱼ stands in column j of A, at place i"
    rule = "stacking columns"

    def says(self, use: Use) -> str:
        shape = use.node.operands[0].shape
        if is_scalar(shape):
            return ""
        if is_vector(shape):
            return f"{use.value} has the entries of {use.variable} in the same order"
        return (
            f"{use.value} has the entries of {use.variable}, column by column, so each entry gets "
            f"that of {above(use)} at its place"
        )

    def shape(self, shapes: Sequence[Shape], parameters: tuple[Any, ...]) -> Shape:
        rows, columns = shapes[0]
        return (rows * columns, UNIT)

    def elements(self, operands: Sequence[Indexed], parameters: tuple[Any, ...]) -> Indexed:
        (A,) = operands
        i, j = labels(A.rows), labels(A.columns)
        return matrix(j + i, (), A.tensor[i, j])

    def evaluate(self, arrays: Sequence[Array], node: Apply, sizes: Mapping[str, int]) -> Array:
        turned = np.swapaxes(arrays[0], -1, -2)
        return turned.reshape(*turned.shape[:-2], -1, 1)


class Commutation(Operation):
    entrywise, composite = False, "any"
    name = "commutation"
    takes = Takes(sizes=("m", "n"))
    summary = "The matrix K with K vec(A) = vec(Aᵀ) for every m×n matrix A."
    example = "commutation(m, n) @ vec(A)"
    because = "a constant has derivative 0; K only moves entries"
    rule = "constant"
    source = MAGNUS

    def shape(self, shapes: Sequence[Shape], parameters: tuple[Any, ...]) -> Shape:
        m, n = parameters
        return (m * n, m * n)

    def elements(self, operands: Sequence[Indexed], parameters: tuple[Any, ...]) -> Indexed:
        first, second = (() if size == UNIT else (size,) for size in parameters)
        i, j, k, m = labels(first), labels(second), labels(second), labels(first)
        return matrix(i + j, k + m, delta(i, m) * delta(j, k))

    def evaluate(self, arrays: Sequence[Array], node: Apply, sizes: Mapping[str, int]) -> Array:
        m, n = (size.evaluate(sizes) for size in node.parameters)
        return np.eye(m * n).reshape(n, m, m * n).swapaxes(0, 1).reshape(m * n, m * n)

    def form(self, notation: str, node: Apply) -> Form | None:
        if node.shape == SCALAR or notation not in ("unicode", "latex"):
            return None
        return Form("K({sizes[0]}, {sizes[1]})" if notation == "unicode" else KLATEX)


OPERATIONS: tuple[Operation, ...] = (Kron(), Vec(), Commutation())

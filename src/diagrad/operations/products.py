"""Matrix product, transpose, and the operations that only move or repeat entries.

All of these are sums of products in index notation, so none needs a derivative rule: the rule is
the product rule.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from diagrad.dimensions import SCALAR, UNIT, Shape, is_scalar, is_vector
from diagrad.expression import Apply
from diagrad.index.build import Indexed, delta, labels, matrix
from diagrad.index.term import constant
from diagrad.operations import saying_products
from diagrad.operations.arithmetic import is_entrywise_product, scaled
from diagrad.operations.room import (
    ATOM,
    CHAIN,
    POSTFIX,
    PRODUCT,
    Array,
    Form,
    Operation,
    ShapeError,
    Takes,
    Use,
    entry,
    need_square,
)
from diagrad.operations.saying import is_constant


class MatMul(Operation):
    entrywise, composite = False, "chain"
    name, operator = "@", True
    takes = Takes(operands=("A", "B"))
    summary = "The matrix product; with a scalar, the multiple."
    example = "A @ B.T"
    because = (
        "(A B)ᵢⱼ = Σₖ Aᵢₖ Bₖⱼ is linear in each factor; where G is the adjoint of A B, that of A "
        "is Σⱼ Gᵢⱼ Bₖⱼ, which is G Bᵀ, and that of B is Σᵢ Aᵢₖ Gᵢⱼ, which is Aᵀ G"
    )

    def says(self, use: Use) -> str:
        return saying_products.said(use)

    def rule_of(self, use: Use) -> str:
        return saying_products.rule(use)

    def shape(self, shapes: Sequence[Shape], parameters: tuple[Any, ...]) -> Shape:
        first, second = shapes
        if is_scalar(first) or is_scalar(second):
            return second if is_scalar(first) else first
        if first[1] != second[0]:
            raise ShapeError(
                "cannot multiply {0} by {1}: the inner dimensions "
                f"{first[1]} and {second[0]} differ"
            )
        return (first[0], second[1])

    def elements(self, operands: Sequence[Indexed], parameters: tuple[Any, ...]) -> Indexed:
        A, B = operands
        i, k = labels(A.rows), labels(A.columns)
        if not A.tensor.axes or not B.tensor.axes:
            rows, columns = labels(A.rows or B.rows), labels(A.columns or B.columns)
            return matrix(rows, columns, entry(A, rows, columns) * entry(B, rows, columns))
        j = labels(B.columns)
        return matrix(i, j, A.tensor[i, k] * B.tensor[k, j])

    def evaluate(self, arrays: Sequence[Array], node: Apply, sizes: Mapping[str, int]) -> Array:
        if any(is_scalar(operand.shape) for operand in node.operands):
            return arrays[0] * arrays[1]
        return arrays[0] @ arrays[1]

    def form(self, notation: str, node: Apply) -> Form:
        if notation in ("source", "ascii"):
            # (a * b) @ C needs no brackets for Python, but readers do.
            clear = PRODUCT + 1 if is_entrywise_product(node.operands[0]) else PRODUCT
            return Form("{0} @ {1}", PRODUCT, (clear, PRODUCT + 1))
        if any(is_scalar(operand.shape) for operand in node.operands):
            return scaled(node)
        return Form("{0}{by}{1}", CHAIN, (CHAIN, CHAIN + 1))


class Transpose(Operation):
    exact = True
    entrywise, composite = False, "any"
    name, operator = "T", True
    takes = Takes(operands=("A",))
    summary = "The transpose, A.T."
    example = "A.T"
    because = "transposing only renames the indices"
    rule = "transpose"

    def says(self, use: Use) -> str:
        return saying_products.turned(use)

    def shape(self, shapes: Sequence[Shape], parameters: tuple[Any, ...]) -> Shape:
        rows, columns = shapes[0]
        return (columns, rows)

    def elements(self, operands: Sequence[Indexed], parameters: tuple[Any, ...]) -> Indexed:
        (A,) = operands
        i, j = labels(A.rows), labels(A.columns)
        return matrix(j, i, A.tensor[i, j])

    def evaluate(self, arrays: Sequence[Array], node: Apply, sizes: Mapping[str, int]) -> Array:
        return np.swapaxes(arrays[0], -1, -2)

    def form(self, notation: str, node: Apply) -> Form:
        suffix = {"unicode": "ᵀ", "latex": r"^{{\top}}"}.get(notation, ".T")
        return Form("{0}" + suffix, POSTFIX, (ATOM,))


class Trace(Operation):
    entrywise, composite = False, "square"
    name = "trace"
    takes = Takes(operands=("A",))
    summary = "The sum of the main diagonal of a square matrix."
    example = "trace(S)"
    because = "tr A = Σᵢ Aᵢᵢ"

    def says(self, use: Use) -> str:
        return saying_products.traced(use)

    def shape(self, shapes: Sequence[Shape], parameters: tuple[Any, ...]) -> Shape:
        need_square(shapes[0], "trace")
        return SCALAR

    def elements(self, operands: Sequence[Indexed], parameters: tuple[Any, ...]) -> Indexed:
        (A,) = operands
        i = labels(A.rows)
        return matrix((), (), A.tensor[i, i])

    def evaluate(self, arrays: Sequence[Array], node: Apply, sizes: Mapping[str, int]) -> Array:
        trace: Array = np.trace(arrays[0], axis1=-2, axis2=-1)
        return trace[..., None, None]

    def form(self, notation: str, node: Apply) -> Form | None:
        return {
            "unicode": Form("tr({0})", slots=(0,)),
            "latex": Form(r"\operatorname{{tr}}\left({0}\right)", slots=(0,)),
        }.get(notation)


class Diag(Operation):
    exact = True
    entrywise, composite = False, "any"
    name = "diag"
    takes = Takes(operands=("v",))
    summary = "The square matrix with the entries of a row or column on its diagonal."
    example = "diag(row_n)"
    because = "diag(v)ᵢⱼ = vᵢ δᵢⱼ"
    rule = "diagonal matrix"

    def says(self, use: Use) -> str:
        return saying_products.on_diagonal(use)

    def shape(self, shapes: Sequence[Shape], parameters: tuple[Any, ...]) -> Shape:
        (v,) = shapes
        if not (is_vector(v) or is_scalar(v)):
            raise ShapeError(
                "diag needs a row or a column, not {0}; "
                "for the diagonal of a matrix there is diagonal(A)"
            )
        size = v[0] if v[1] == UNIT else v[1]
        return (size, size)

    def elements(self, operands: Sequence[Indexed], parameters: tuple[Any, ...]) -> Indexed:
        (v,) = operands
        i, j = labels(v.tensor.axes), labels(v.tensor.axes)
        return matrix(i, j, v.tensor[i] * delta(i, j))

    def evaluate(self, arrays: Sequence[Array], node: Apply, sizes: Mapping[str, int]) -> Array:
        v = arrays[0]
        flat = v.reshape(*v.shape[:-2], -1)
        return np.where(np.eye(flat.shape[-1], dtype=bool), flat[..., None], 0)

    def form(self, notation: str, node: Apply) -> Form | None:
        return {"latex": Form(r"\operatorname{{diag}}\left({0}\right)", slots=(0,))}.get(notation)


class Diagonal(Operation):
    exact = True
    entrywise, composite = False, "square"
    name = "diagonal"
    takes = Takes(operands=("A",))
    summary = "The main diagonal of a square matrix, as a column."
    example = "diagonal(S)"
    because = "diagonal(A)ᵢ = Aᵢᵢ"

    def says(self, use: Use) -> str:
        return saying_products.diagonal_of(use)

    def shape(self, shapes: Sequence[Shape], parameters: tuple[Any, ...]) -> Shape:
        need_square(shapes[0], "diagonal")
        return (shapes[0][0], UNIT)

    def elements(self, operands: Sequence[Indexed], parameters: tuple[Any, ...]) -> Indexed:
        (A,) = operands
        i = labels(A.rows)
        return matrix(i, (), A.tensor[i, i])

    def evaluate(self, arrays: Sequence[Array], node: Apply, sizes: Mapping[str, int]) -> Array:
        return np.diagonal(arrays[0], axis1=-2, axis2=-1)[..., None]

    def form(self, notation: str, node: Apply) -> Form | None:
        return {"latex": Form(r"\operatorname{{diagonal}}\left({0}\right)", slots=(0,))}.get(
            notation
        )


class Outer(Operation):
    entrywise, composite = False, "any"
    name = "outer"
    takes = Takes(operands=("u", "v"))
    summary = "The outer product u vᵀ of two vectors, each a row or a column."
    example = "outer(row_m, column_n)"
    because = "outer(u, v)ᵢⱼ = uᵢ vⱼ"
    rule = "outer product"

    def says(self, use: Use) -> str:
        u, v = use.node.operands
        if is_scalar(u.shape) or is_scalar(v.shape):
            return "" if is_constant(u) or is_constant(v) else saying_products.scaled_vector(use)
        return saying_products.outer(use)

    def shape(self, shapes: Sequence[Shape], parameters: tuple[Any, ...]) -> Shape:
        for k, shape in enumerate(shapes):
            if not (is_vector(shape) or is_scalar(shape)):
                raise ShapeError(f"outer needs rows or columns, not {{{k}}}")
        return (shapes[0][0] * shapes[0][1], shapes[1][0] * shapes[1][1])

    def elements(self, operands: Sequence[Indexed], parameters: tuple[Any, ...]) -> Indexed:
        u, v = operands
        i, j = labels(u.tensor.axes), labels(v.tensor.axes)
        return matrix(i, j, u.tensor[i] * v.tensor[j])

    def evaluate(self, arrays: Sequence[Array], node: Apply, sizes: Mapping[str, int]) -> Array:
        u, v = (a.reshape(*a.shape[:-2], -1) for a in arrays)
        return u[..., :, None] * v[..., None, :]


class Filled(Operation):
    """ones(m, n) and zeros(m, n)."""

    entrywise = False
    takes = Takes(sizes=("m", "n"))
    because = "a constant has derivative 0"
    rule = "constant"

    def __init__(self, name: str, value: int) -> None:
        self.name, self.value = name, value
        self.summary = f"The m×n matrix of {name}."
        self.example = f"A + {name}(m, n)"

    def shape(self, shapes: Sequence[Shape], parameters: tuple[Any, ...]) -> Shape:
        return parameters

    def elements(self, operands: Sequence[Indexed], parameters: tuple[Any, ...]) -> Indexed:
        rows, columns = (() if size == UNIT else (size,) for size in parameters)
        return Indexed(constant(self.value, rows + columns), len(rows))

    def evaluate(self, arrays: Sequence[Array], node: Apply, sizes: Mapping[str, int]) -> Array:
        return np.full([size.evaluate(sizes) for size in node.parameters], float(self.value))

    def form(self, notation: str, node: Apply) -> Form | None:
        if notation not in ("unicode", "latex") or self.value == 0:
            latex = rf"\mathbf{{{{{self.value}}}}}_{{{{{{sizes[0]}} \times {{sizes[1]}}}}}}"
            return Form(latex) if notation == "latex" else None
        one, top = ("𝟏", "ᵀ") if notation == "unicode" else (r"\mathbf{{1}}", r"^{{\top}}")
        rows, columns = (size == UNIT for size in node.parameters)
        if columns:
            return Form(one)
        return Form(one + top, POSTFIX) if rows else Form(f"{one} {one}{top}", CHAIN)


class Eye(Operation):
    entrywise = False
    name = "eye"
    takes = Takes(sizes=("n",))
    summary = "The n×n identity matrix."
    example = "S + eye(n)"
    because = "a constant has derivative 0; its entries are δᵢⱼ"
    rule = "constant"

    def shape(self, shapes: Sequence[Shape], parameters: tuple[Any, ...]) -> Shape:
        return (parameters[0], parameters[0])

    def elements(self, operands: Sequence[Indexed], parameters: tuple[Any, ...]) -> Indexed:
        axes = () if parameters[0] == UNIT else (parameters[0],)
        i, j = labels(axes), labels(axes)
        return matrix(i, j, delta(i, j))

    def evaluate(self, arrays: Sequence[Array], node: Apply, sizes: Mapping[str, int]) -> Array:
        return np.eye(node.parameters[0].evaluate(sizes))

    def form(self, notation: str, node: Apply) -> Form | None:
        return Form("I") if notation in ("unicode", "latex") else None


OPERATIONS: tuple[Operation, ...] = (
    MatMul(),
    Transpose(),
    Trace(),
    Diag(),
    Diagonal(),
    Outer(),
    Filled("ones", 1),
    Filled("zeros", 0),
    Eye(),
)

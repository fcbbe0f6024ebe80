"""Reasons for the derivative of a matrix product, case by case of its shapes."""

from __future__ import annotations

from collections.abc import Callable

from diagrad.dimensions import Shape, is_row, is_scalar, is_vector
from diagrad.operations.room import Use, entry_text, in_brackets
from diagrad.operations.saying import (
    Letters,
    above,
    above_times,
    bare,
    changed,
    factor,
    from_above,
    handed_on,
    held,
    is_transposed,
    of_operand,
    of_value,
    of_variable,
    onward,
    transposed,
)
from diagrad.operations.saying_arithmetic import multiplied, stays

AT_I, AT_J = ("i", "i"), ("j", "j")
IJ, IK, KJ = ("i", "j"), ("i", "k"), ("k", "j")


def kind(shapes: tuple[Shape, Shape]) -> str:
    """Which product it is: "multiple", "inner", "outer", "row", "column" (times or of a matrix),
    "matrix"."""
    first, second = shapes
    if is_scalar(first) or is_scalar(second):
        return "multiple"
    if is_vector(first) and is_vector(second):
        return "inner" if is_row(first) else "outer"
    if is_vector(first):
        return "row"
    return "column" if is_vector(second) else "matrix"


def said(use: Use) -> str:
    first, second = (operand.shape for operand in use.node.operands)
    return SENTENCES[kind((first, second))](use)


def inner(use: Use) -> str:
    a, b = of_operand(use, 0, AT_I), of_operand(use, 1, AT_I)
    lies, variable, as_it_lies = "row", use.variable, transposed(use.others[0])
    if is_transposed(variable):
        variable, as_it_lies = transposed(variable), use.others[0]
    if (use.operand == 1) != is_transposed(use.variable):
        lies = "column"
    other = of_operand(use, 1 - use.operand, AT_I)
    derivative = f"∂{in_brackets(use.value)}/∂{of_variable(use, AT_I)} = {other}"
    return (
        f"{held(use)}the product is the sum Σᵢ {a} {b}, so {derivative}: "
        f"as a {lies}, like {variable}, this is {as_it_lies}"
    )


def outer(use: Use) -> str:
    """uᵢ vⱼ, of a column and a row or of two vectors."""
    u, v = of_operand(use, 0, AT_I), of_operand(use, 1, AT_J)
    entry = f"{held(use)}entry i,j is {u} {v}"
    if not use.gradient:
        own, line, local = (u, "row i", v) if use.operand == 0 else (v, "column j", u)
        value = entry_text(bare(use.value), "ij")
        return f"{entry}, so {own} reaches all of {line}: ∂{value}/∂{own} = {local}"
    if use.operand == 0:
        collected = f"{handed_on(use, AT_I)} = Σⱼ {from_above(use, IJ)} · {v}"
        return f"{entry}, so {u} reaches all of row i: {collected}"
    collected = f"{handed_on(use, AT_J)} = Σᵢ {u} · {from_above(use, IJ)}"
    return f"{entry}, so {v} reaches all of column j: {collected}"


def column_row(use: Use) -> str:
    """A column times a row."""
    if not use.gradient:
        return outer(use)
    other, incoming = transposed(use.others[0]), above(use)
    product = f"{above_times(use)} {other}" if use.operand == 0 else f"{other} {incoming}"
    return f"{outer(use)}, which is {product}"


def scaled_vector(use: Use) -> str:
    """The outer product of a scalar and a vector, which may come out turned."""
    first, second = use.node.operands
    if not is_scalar(use.node.operands[use.operand].shape):
        return held(use) + stays(use.others[0])
    if is_scalar(first.shape) and is_scalar(second.shape):
        return multiplied(use)
    vector = of_operand(use, 1 - use.operand, AT_I)
    if not use.gradient:
        derivative = f"∂{of_value(use, AT_I)}/∂{in_brackets(use.variable)} = {vector}"
        return f"{held(use)}{use.variable} multiplies every entry: {derivative}"
    return (
        f"{held(use)}{use.variable} multiplies every entry, so {handed_on(use)} = "
        f"Σᵢ {from_above(use, AT_I)} · {vector}"
    )


def row(use: Use) -> str:
    """A row times a matrix."""
    x, W = use.operands
    if use.operand == 0:
        derivative = f"∂{of_value(use, AT_J)}/∂{of_variable(use, AT_I)} = {of_operand(use, 1, IJ)}"
        return (
            f"{held(use)}{_stands(use, AT_I, AT_J, IJ)}: {derivative}, "
            f"as a matrix (row j, column i) {transposed(W)}"
        )
    own, entry = of_variable(use, IJ), of_operand(use, 0, AT_I)
    derivative = f"∂{of_value(use, AT_J)}/∂{own} = {entry}"
    known = f"{held(use)}{own} reaches {of_value(use, AT_J)} alone: {derivative}"
    if not use.gradient:
        return known
    return (
        f"{known}, so {handed_on(use, IJ)} = {entry} · {from_above(use, AT_J)}, "
        f"a column times a row, the outer product {transposed(x)} {above(use)}"
    )


def _stands(use: Use, variable: Letters, value: Letters, other: Letters) -> str:
    """zⱼ contains the term hᵢ Wᵢⱼ; of a row times a matrix or a matrix times a column."""
    pair = of_variable(use, variable), of_operand(use, 1 - use.operand, other)
    term = " ".join(pair if use.operand == 0 else pair[::-1])
    return f"{of_value(use, value)} contains the term {term}"


def column(use: Use) -> str:
    """A matrix times a column."""
    W, x = use.operands
    if use.operand == 1:
        derivative = f"∂{of_value(use, AT_I)}/∂{of_variable(use, AT_J)} = {of_operand(use, 0, IJ)}"
        known = f"{held(use)}{_stands(use, AT_J, AT_I, IJ)}: {derivative}"
        if not use.gradient:
            return f"{known}, so the Jacobian is {W} itself"
        entry = of_operand(use, 0, IJ)
        collected = f"{handed_on(use, AT_J)} = Σᵢ {from_above(use, AT_I)} · {entry}"
        return f"{known}, so {collected}, the column {transposed(W)} {above(use)}"
    own, entry = of_variable(use, IJ), of_operand(use, 1, AT_J)
    derivative = f"∂{of_value(use, AT_I)}/∂{own} = {entry}"
    known = f"{held(use)}{own} reaches {of_value(use, AT_I)} alone: {derivative}"
    if not use.gradient:
        return known
    return (
        f"{known}, so {handed_on(use, IJ)} = {from_above(use, AT_I)} · {entry}, "
        f"a column times a row, the outer product {above_times(use)} {transposed(x)}"
    )


def matrices(use: Use) -> str:
    """By the pairing with the incoming derivative."""
    if not use.gradient:
        return _entries_of_product(use)
    A, B = (factor(text) for text in use.operands)
    change, incoming = changed(use), above(use)
    if use.operand == 0:
        moved, paired = f"{change} {B}", f"{above_times(use)} {transposed(use.operands[1])}"
        factors = f"{entry_text(change, 'ik')} {of_operand(use, 1, KJ)}"
    else:
        moved, paired = f"{A} {change}", f"{transposed(use.operands[0])} {incoming}"
        factors = f"{of_operand(use, 0, IK)} {entry_text(change, 'kj')}"
    of = incoming.partition("/∂")[0].removeprefix("∂")
    return (
        f"{held(use)}a change {change} changes {use.value} by {moved}, and {of} by "
        f"⟨{incoming}, {moved}⟩ = Σᵢⱼₖ {from_above(use, IJ)} · {factors} = ⟨{paired}, {change}⟩: "
        f"what stands beside {change} is {onward(use, in_brackets(use.variable))}"
    )


def _entries_of_product(use: Use) -> str:
    """Which entries one entry reaches, where no scalar is differentiated."""
    value = entry_text(bare(use.value), "ij")
    at, line, other = (IK, "row i", KJ) if use.operand == 0 else (KJ, "column j", IK)
    own, entry = of_variable(use, at), of_operand(use, 1 - use.operand, other)
    return f"{held(use)}{own} reaches all of {line} of {use.value}: ∂{value}/∂{own} = {entry}"


def turned(use: Use) -> str:
    if is_scalar(use.node.shape):
        return ""
    if is_vector(use.node.shape):
        lies, was = ("row", "column") if is_row(use.node.shape) else ("column", "row")
        return f"the transpose writes the {was} {use.variable} as a {lies} and changes no entry"
    moved = f"{entry_text(use.value, 'ij')} = {entry_text(use.variable, 'ji')}"
    if not use.gradient:
        return f"transposing only moves entries, {moved}"
    back = transposed(above(use))
    return f"transposing only moves entries, {moved}, and {back} moves them back"


def traced(use: Use) -> str:
    if is_scalar(use.node.operands[0].shape):
        return ""
    derivative = f"∂{in_brackets(use.value)}/∂{entry_text(bare(use.variable), 'ii')} = 1"
    return (
        f"the trace adds the diagonal entries, each once: {derivative}, "
        "and 0 off the diagonal, the identity matrix I"
    )


def on_diagonal(use: Use) -> str:
    if is_scalar(use.node.shape):
        return ""
    own, at = of_variable(use, AT_I), from_above(use, AT_I)
    only = f"{own} stands at the place i,i of {use.value} alone"
    placed = f"{only}, so {handed_on(use, AT_I)} = {at}"
    return f"{placed}: the diagonal of {above(use)}" if use.gradient else placed


def diagonal_of(use: Use) -> str:
    if is_scalar(use.node.shape):
        return ""
    own = onward(use, entry_text(bare(use.variable), "ii"))
    entries = f"only the diagonal of {use.variable} enters: {own} = {from_above(use, AT_I)}"
    matrix = f", the matrix diag({above(use)})" if use.gradient else ""
    return f"{entries}, and 0 off the diagonal{matrix}"


SENTENCES: dict[str, Callable[[Use], str]] = {
    "multiple": multiplied,
    "inner": inner,
    "outer": column_row,
    "row": row,
    "column": column,
    "matrix": matrices,
}
RULES = {"multiple": "scalar multiple", "inner": "inner product", "outer": "outer product"}


def rule(use: Use) -> str:
    first, second = (operand.shape for operand in use.node.operands)
    return RULES.get(kind((first, second)), "matrix product")

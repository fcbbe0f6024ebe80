"""Reasons for the derivatives of inverses, determinants and factors."""

from __future__ import annotations

from diagrad.dimensions import is_scalar, is_vector
from diagrad.operations.room import Use, entry_text, in_brackets, is_name
from diagrad.operations.saying import (
    above,
    above_times,
    bare,
    factor,
    held,
    onward,
    sign_of_change,
    transposed,
)


def differential(use: Use, text: str) -> str:
    """dX, or d(A B)."""
    inner = bare(text)
    return sign_of_change(use) + (inner if is_name(inner) else f"({inner})")


def own(use: Use) -> str:
    """The operand of the way, to stand in a product."""
    return factor(use.variable)


def whole(use: Use) -> str:
    """The derivative that goes on: ∂J/∂X."""
    return onward(use, in_brackets(bare(use.variable)))


def inverted(use: Use) -> str:
    if is_scalar(use.node.shape):
        return reciprocal(use)
    X, V = own(use), factor(use.value)
    dX, dV = differential(use, use.variable), differential(use, use.value)
    rule = (
        f"{X} {V} stays I, so {dX} {V} + {X} {dV} is 0 and {dV} is −{V} {dX} {V}, in this order, "
        "for matrices do not commute"
    )
    return rule + gone_over(use, dX, f"−{transposed(V)} {above_times(use)} {transposed(V)}")


def gone_over(use: Use, dX: str, pulled: str) -> str:
    """What a gradient makes of a differential, with what stands beside dX; it is one part of the
    derivative where the operand stands elsewhere, too."""
    if not use.gradient:
        return ""
    return f"; what stands left and right of {dX} goes over transposed, so {pulled} comes back"


def reciprocal(use: Use) -> str:
    x = in_brackets(use.variable)
    return f"∂{in_brackets(use.value)}/∂{x} = −1/{x}²"


def determinant(use: Use) -> str:
    if is_scalar(use.node.operands[0].shape):
        return f"the determinant of a 1×1 matrix is its entry, {use.variable}"
    X = bare(use.variable)
    entry, inverse = entry_text(X, "ij"), transposed(f"{in_brackets(X)}⁻¹")
    return (
        f"expanding along row i, {use.value} is the sum of the entries {entry} times their "
        f"cofactors, which have nothing of row i: so the derivative by {entry} is its cofactor; "
        f"the matrix of cofactors is {factor(use.value)} {inverse}, "
        f"for {X} times its transpose is {factor(use.value)} I"
    )


def log_determinant(use: Use) -> str:
    if is_scalar(use.node.operands[0].shape):
        x = in_brackets(use.variable)
        return f"∂{in_brackets(use.value)}/∂{x} = 1/{x}"
    X = bare(use.variable)
    det, inverse = f"det({X})", f"{in_brackets(X)}⁻ᵀ"
    return (
        f"the derivative of {det} is the matrix of its cofactors, {det} {inverse}; the logarithm "
        f"divides it by {det}, and {inverse} is left"
    )


def solved(use: Use) -> str:
    A, B = (factor(operand) for operand in use.operands)
    if is_scalar(use.node.operands[0].shape):
        return f"{held(use)}{use.value} is {B} divided by {A}"
    inverse = transposed(f"{in_brackets(bare(use.operands[0]))}⁻¹")
    if use.operand == 1:
        linear = f"{held(use)}{use.value} is the inverse of {A} times {B}, so it is linear in {B}"
        return f"{linear}: {whole(use)} is {inverse} {above(use)}" if use.gradient else linear
    dA, X = differential(use, use.operands[0]), factor(use.value)
    rule = (
        f"{held(use)}{A} {X} stays {B}, so {dA} {X} + {A} {differential(use, X)} is 0: "
        f"{differential(use, X)} is minus the inverse of {A} times {dA} {X}"
    )
    return rule + gone_over(use, dA, f"−{inverse} {above_times(use)} {transposed(X)}")


def pseudoinverted(use: Use) -> str:
    shape = use.node.operands[0].shape
    if is_scalar(shape):
        return reciprocal(use)
    if is_vector(shape):
        v = use.variable
        return f"{use.value} is {transposed(v)} divided by the sum of the squares of {v}"
    A, P = own(use), factor(use.value)
    dA = differential(use, use.variable)
    turned = f"{dA}ᵀ"
    first = f"−{P} {dA} {P}"
    second = f"{P} {transposed(P)} {turned} (I − {A} {P})"
    third = f"(I − {P} {A}) {turned} {transposed(P)} {P}"
    return (
        f"{A} {P} {A} stays {A} and {A} {P}, {P} {A} stay symmetric; at constant rank that gives "
        f"{first} + {second} + {third} for {differential(use, use.value)}: the inverse's rule, and "
        f"two parts for what {A} moves its column space and its row space"
    )


def factored(use: Use) -> str:
    if is_scalar(use.node.shape):
        return f"the factor of a number is its root: {use.value} is √({bare(use.variable)})"
    L, dL, dS = factor(use.value), differential(use, use.value), differential(use, use.variable)
    inverse = f"{in_brackets(bare(use.value))}⁻¹"
    return (
        f"{L} {transposed(L)} stays the symmetric part of {bare(use.variable)}, so {inverse} {dL} "
        f"and its transpose make {inverse} {dS} {transposed(inverse)}, of {dS} the symmetric part; "
        f"the first is lower triangular, so it is the lower triangle of that with half of the "
        "diagonal"
    )


def lower_part(use: Use) -> str:
    if is_scalar(use.node.shape):
        return ""
    return (
        f"{use.value} has the entries of {use.variable} on and below the diagonal, so these get "
        f"that of {above(use)} at their place, and those above it get 0"
    )

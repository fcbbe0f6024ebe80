"""Push-through: (a I + U V)⁻¹ U = U (a I + V U)⁻¹, written in the form that the problem has."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from diagrad.dimensions import Size
from diagrad.index.laws.inverses import inverted
from diagrad.index.relabel import occurrences
from diagrad.index.term import Applied, Delta, Factor, Head, Labels, Sum, Term
from diagrad.operations.linear_algebra import INV

if TYPE_CHECKING:
    from diagrad.index.context import Context


class Shifted(NamedTuple):
    """a I + c U V: the term with δ, and the product with U first; `inner` is the size between."""

    identity: Term
    product: Term
    U: Factor
    V: Factor
    inner: Size


def push_through(context: Context, term: Term) -> Term | None:
    """Σⱼ ((a I + c U V)⁻¹)ᵢⱼ Uⱼₗ = Σₖ Uᵢₖ ((a I + c V U)⁻¹)ₖₗ, where j stands nowhere else, towards
    the inverse that the problem has. As one exists, so does the other, for a ≠ 0."""
    for position, factor in enumerate(term.factors):
        C = inverted(context, factor.head) if factor.exponent == 1 else None
        shifted = shifted_product(C) if C is not None else None
        if shifted is None or factor.labels[0] == factor.labels[1]:
            continue
        other = other_inverse(context, shifted)
        if not _is_preferred(context, other, context.normal(factor.head)):
            continue
        for side in (1, 0):
            after = _pushed(term, position, shifted, other, side)
            if after is not None:
                return after
    return None


def shifted_product(C: Head) -> Shifted | None:
    """The parts of a matrix a I + c U V with two matrices U and V; None where it is no such sum."""
    if not isinstance(C, Sum) or len(C.terms) != 2 or len(C.axes) != 2:
        return None
    identity = next((t for t in C.terms if _is_identity(t)), None)
    product = next((t for t in C.terms if t is not identity and len(t.bound) == 1), None)
    if identity is None or product is None:
        return None
    matrices = [f for f in product.factors if f.labels]
    ends = {0: [f for f in matrices if 0 in f.labels], 1: [f for f in matrices if 1 in f.labels]}
    plain = all(f.exponent == 1 and sorted(f.labels) in ([-1, 0], [-1, 1]) for f in matrices)
    if len(matrices) != 2 or not plain or len(ends[0]) != 1 or len(ends[1]) != 1:
        return None
    return Shifted(identity, product, ends[0][0], ends[1][0], product.bound[0])


def _is_identity(term: Term) -> bool:
    labelled = [f for f in term.factors if f.labels]
    one = len(labelled) == 1 and isinstance(labelled[0].head, Delta)
    return one and labelled[0].exponent == 1 and not term.bound


def other_inverse(context: Context, shifted: Shifted) -> Head:
    """(a I + c V U)⁻¹."""
    scalars = [f for f in shifted.identity.factors if not f.labels]
    identity = Factor(Delta(shifted.inner), (0, 1))
    first = shifted.identity._replace(factors=(*scalars, identity))
    outer = shifted.U.head.axes[shifted.U.labels.index(0)]
    turned = {0: -1, 1: -1, -1: 0}
    V = shifted.V._replace(labels=tuple(turned[k] for k in shifted.V.labels))
    U = shifted.U._replace(labels=tuple({0: -1, -1: 1}[k] for k in shifted.U.labels))
    rest = [f for f in shifted.product.factors if not f.labels]
    second = shifted.product._replace(factors=(*rest, V, U), bound=(outer,))
    axes = (shifted.inner, shifted.inner)
    return context.normal(Applied(INV, (context.normal(Sum(axes, (first, second))),), axes))


def _is_preferred(context: Context, other: Head, this: Head) -> bool:
    """Whether the other inverse is one of the problem, and this is none, or comes later."""
    if other not in context.inverses:
        return False
    return this not in context.inverses or other.key < this.key


def _pushed(term: Term, position: int, shifted: Shifted, other: Head, side: int) -> Term | None:
    """U, or on side 0 V, taken to the other side of the inverse."""
    inverse = term.factors[position]
    j, i = inverse.labels[side], inverse.labels[1 - side]
    wanted = shifted.U if side == 1 else shifted.V
    met = occurrences(term).get(j, [])
    if j >= 0 or len(met) != 2:
        return None
    (place,) = (p for p in met if p != position)
    matrix = term.factors[place]
    axis = wanted.labels.index(1 - side)
    if matrix.head is not wanted.head or matrix.exponent != 1 or matrix.labels[axis] != j:
        return None
    far = matrix.labels[1 - axis]
    rest = tuple(f for p, f in enumerate(term.factors) if p not in met)
    moved = matrix._replace(labels=_at(axis, i, j))
    ends = (j, far) if side == 1 else (far, j)
    bound = list(term.bound)
    bound[-j - 1] = shifted.inner
    return term._replace(factors=(*rest, moved, Factor(other, ends)), bound=tuple(bound))


def _at(axis: int, label: int, inner: int) -> Labels:
    """The labels of a matrix with `label` on that axis."""
    return (label, inner) if axis == 0 else (inner, label)

"""Inverses: what stands inside comes out, in normal form."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from diagrad.dimensions import Size
from diagrad.index import knowledge
from diagrad.index.knowledge import permuted
from diagrad.index.laws.chains import Chain, chain_of
from diagrad.index.laws.powers import times
from diagrad.index.relabel import dropped, mapped
from diagrad.index.term import (
    Applied,
    Definition,
    Delta,
    Factor,
    Head,
    Sum,
    Term,
    constant,
    rational,
)
from diagrad.operations.linear_algebra import INV, inverse_of

if TYPE_CHECKING:
    from diagrad.index.context import Context


def inverted(context: Context, head: Head) -> Head | None:
    """The A of a head that is A⁻¹, also by the name of it; None where it is no inverse."""
    if isinstance(head, Definition) and not context.closed:
        head = head.body
    return head.arguments[0] if isinstance(head, Applied) and head.operation is INV else None


def inverse_of_inverse(context: Context, head: Applied) -> Head | None:
    """(A⁻¹)⁻¹ = A."""
    return inverted(context, head.arguments[0]) if head.operation is INV else None


def inverse_of_orthogonal(context: Context, head: Applied) -> Head | None:
    """Q⁻¹ = Qᵀ for orthogonal Q."""
    if head.operation is INV and knowledge.has(context, head.arguments[0], "orthogonal"):
        return permuted(head.arguments[0], (1, 0))
    return None


def inverse_of_diagonal(context: Context, head: Applied) -> Head | None:
    """diag(v)⁻¹ = diag(1/v), and I⁻¹ = I. As the left side exists, no entry of v is 0."""
    v = diagonal_of(head.arguments[0]) if head.operation is INV else None
    if v is None:
        return None
    return Sum(head.axes, (Term(1, (Factor(Delta(v.axes[0]), (0, 1)), Factor(v, (0,), -1))),))


def diagonal_of(A: Head) -> Sum | None:
    """The v of diag(v), for a product with δ; None where A is no such thing."""
    if not isinstance(A, Sum) or len(A.terms) != 1:
        return None if not isinstance(A, Delta) else constant(1, A.axes[:1])
    (term,) = A.terms
    for position, factor in enumerate(term.factors):
        if isinstance(factor.head, Delta) and set(factor.labels) == {0, 1}:
            rest = dropped(term, position)
            return Sum(A.axes[:1], (rest._replace(factors=mapped(rest.factors, {1: 0})),))
    return None


def inverse_of_multiple(context: Context, head: Applied) -> Head | None:
    """(c diag(u) A diag(v))⁻¹ = c⁻¹ diag(v)⁻¹ A⁻¹ diag(u)⁻¹ and (Aᵀ)⁻¹ = (A⁻¹)ᵀ, for a sum A. As
    the left side exists, neither c nor an entry of u or v is 0. A sign stays inside: it is as the
    user has it."""
    A = head.arguments[0]
    if head.operation is not INV or not isinstance(A, Sum) or len(A.terms) < 2:
        return None
    c, common, primitive, order = context.group(A)
    if any(len(set(f.labels)) > 1 for f in common):
        return None
    if abs(c) == 1 and not common and order == (0, 1):
        return None
    link = Factor(primitive, order)
    return reciprocal(context, head.axes, Chain(c, common, (link,), ()))


def inverse_of_product(context: Context, head: Applied) -> Head | None:
    """(c A diag(v) B)⁻¹ = c⁻¹ B⁻¹ diag(v)⁻¹ A⁻¹ for square A and B, and (Aᵀ)⁻¹ = (A⁻¹)ᵀ. As the
    left side exists, so do all inverses on the right."""
    A = head.arguments[0]
    if head.operation is not INV or not isinstance(A, Sum) or len(A.terms) != 1:
        return None
    chain = chain_of(A)
    if chain is None:
        return None
    return _turned(context, A) if chain.is_whole else reciprocal(context, head.axes, chain)


def reciprocal(context: Context, axes: tuple[Size, ...], chain: Chain) -> Head:
    """The inverse of a chain: what stood at the rows stands at the columns."""
    number = {0: 1, 1: 0} | {cut: -k - 1 for k, cut in enumerate(chain.cuts)}
    under = tuple(f._replace(exponent=times(context, f.exponent, -1)) for f in chain.scaling)
    links = tuple(Factor(inverse_of(f.head), f.labels[::-1]) for f in chain.links)
    one_over = rational(1 / Fraction(chain.coefficient))
    bound = axes[:1] * len(chain.cuts)
    return Sum(axes, (Term(one_over, mapped(under + links, number), bound),))


def _turned(context: Context, A: Sum) -> Head | None:
    """(Aᵀ)⁻¹ = (A⁻¹)ᵀ: of A and Aᵀ, the first in structural order is inverted."""
    other = context.normal(permuted(A, (1, 0)))
    return permuted(inverse_of(other), (1, 0)) if other.key < A.key else None

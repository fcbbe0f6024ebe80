"""Determinants and their logarithms: what stands inside comes out, where that is shorter.

The determinant of a product is not taken apart: its derivative is shorter as det(A X B) X⁻ᵀ.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from diagrad.index import knowledge
from diagrad.index.build import Indexed, Polynomial, extent, labels, tensor
from diagrad.index.knowledge import permuted
from diagrad.index.laws.chains import hanging_together, labels_of
from diagrad.index.laws.inverses import diagonal_of, inverted
from diagrad.index.relabel import mapped
from diagrad.index.term import Applied, Definition, Delta, Head, Sum, Term, constant
from diagrad.operations import WORDS
from diagrad.operations.factorisations import CHOLESKY
from diagrad.operations.functions import function, log
from diagrad.operations.linear_algebra import DET, LOGDET

if TYPE_CHECKING:
    from diagrad.index.context import Context


def determinant_turned(context: Context, head: Applied) -> Head | None:
    """det Aᵀ = det A: of A and Aᵀ, the first in structural order."""
    if head.operation not in (DET, LOGDET) or not isinstance(head.arguments[0], Sum):
        return None
    A = head.arguments[0]
    other = context.normal(permuted(A, (1, 0)))
    return Applied(head.operation, (other,), ()) if other.key < A.key else None


def determinant_of_inverse(context: Context, head: Applied) -> Head | None:
    """det A⁻¹ = 1/det A, and log|det A⁻¹| = −log|det A|."""
    A = inverted(context, head.arguments[0]) if head.operation in (DET, LOGDET) else None
    if A is None:
        return None
    of = Applied(head.operation, (A,), ())
    return tensor((), of[()] ** -1 if head.operation is DET else -of[()])


def determinant_of_diagonal(context: Context, head: Applied) -> Head | None:
    """det diag(v) = Π v, and log|det diag(v)| = Σ log|v|; of the identity 1 and 0."""
    if head.operation not in (DET, LOGDET):
        return None
    v = diagonal_of(head.arguments[0])
    if v is None:
        return None
    if head.operation is LOGDET:
        i = labels(v.axes)
        return tensor((), log(ABS(v[i])))
    if context.normal(v) is context.normal(constant(1, v.axes)):
        return constant(1)
    return WORDS["prod"].elements([Indexed(v, 1)], (None,)).tensor


def determinant_of_rank_one_update(context: Context, head: Applied) -> Head | None:
    """det(a I + c u vᵀ) = aⁿ⁻¹ (a + c vᵀ u), and log|det| likewise, for vectors u and v."""
    A = head.arguments[0]
    if head.operation not in (DET, LOGDET) or not isinstance(A, Sum) or len(A.terms) != 2:
        return None
    for first, second in (A.terms, A.terms[::-1]):
        a, dyad = diagonal_of(Sum(A.axes, (first,))), second
        if a is None or _stands_at(first, 0) or not _is_dyad(dyad):
            continue
        joined = mapped(dyad.factors, {0: -len(dyad.bound) - 1, 1: -len(dyad.bound) - 1})
        inner = Sum((), (Term(dyad.coefficient, joined, (*dyad.bound, A.axes[0])),))
        scalar = Sum((), a.terms)
        less = tensor((), extent(A.axes[0]) - 1)
        both = scalar[()] + inner[()]
        if head.operation is DET:
            return tensor((), scalar[()] ** less * both)
        return tensor((), less[()] * log(ABS(scalar[()])) + log(ABS(both)))
    return None


def _stands_at(term: Term, label: int) -> bool:
    """Whether a factor other than δ has the label."""
    return any(label in f.labels for f in term.factors if not isinstance(f.head, Delta))


def _is_dyad(term: Term) -> bool:
    """Whether no factor, and no bound label, leads from label 0 to label 1."""
    parts = hanging_together([f for f in term.factors if f.labels], {0, 1})
    touched = [labels_of(part) for part in parts]
    return all(any(k in t for t in touched) for k in (0, 1)) and not any(
        {0, 1} <= t for t in touched
    )


def determinant_of_orthogonal(context: Context, head: Applied) -> Head | None:
    """log|det Q| = 0 for orthogonal Q."""
    if head.operation is LOGDET and knowledge.has(context, head.arguments[0], "orthogonal"):
        return constant(0)
    return None


def determinant_of_factor(context: Context, head: Applied) -> Head | None:
    """det L = √det S and log|det L| = ½ log|det S| for the Cholesky factor L of S, the symmetric
    part of A."""
    if head.operation not in (DET, LOGDET):
        return None
    L = factor_of(context, head.arguments[0])
    if L is None:
        return None
    of = Applied(head.operation, (symmetric_part(L),), ())[()]
    root: Polynomial = of**HALF if head.operation is DET else HALF * of
    return tensor((), root)


def factor_of(context: Context, head: Head) -> Applied | None:
    """The Cholesky factor that a head is, also by the name of it; or None."""
    if isinstance(head, Definition) and not context.closed:
        head = head.body
    return head if isinstance(head, Applied) and head.operation is CHOLESKY else None


def symmetric_part(L: Applied) -> Head:
    """(A + Aᵀ)/2, of which L is the Cholesky factor."""
    (A,) = L.arguments
    i, j = labels(A.axes)
    return tensor((i, j), HALF * A[i, j] + HALF * A[j, i])


ABS, HALF = function("abs"), Fraction(1, 2)

"""The Cholesky factor L of S: what is made of L alone is told by S."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from diagrad.index.build import Polynomial, labels, tensor
from diagrad.index.laws.inverses import inverted
from diagrad.index.relabel import dropped, multiplied, occurrences, struck
from diagrad.index.term import Applied, Definition, Factor, Head, Sum, Term, rational
from diagrad.operations.factorisations import CHOLESKY
from diagrad.operations.linear_algebra import DET, LOGDET, inverse_of

if TYPE_CHECKING:
    from diagrad.index.context import Context

HALF = Fraction(1, 2)


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


def factor_times_itself(context: Context, term: Term) -> Term | None:
    """Σₖ Lᵢₖ Lⱼₖ = Sᵢⱼ and Σₖ (L⁻¹)ₖᵢ (L⁻¹)ₖⱼ = (S⁻¹)ᵢⱼ for the Cholesky factor L of S, where k
    stands nowhere else."""
    for k, places in occurrences(term).items():
        if len(places) != 2 or places[0] == places[1]:
            continue
        first, second = (term.factors[p] for p in places)
        if first.head is not second.head or first.exponent != 1 or second.exponent != 1:
            continue
        inverse = inverted(context, first.head)
        L = factor_of(context, first.head if inverse is None else inverse)
        side = 1 if inverse is None else 0
        if L is None or first.labels[side] != k or second.labels[side] != k:
            continue
        S = symmetric_part(L) if inverse is None else inverse_of(symmetric_part(L))
        together = Factor(context.normal(S), (first.labels[1 - side], second.labels[1 - side]))
        rest = tuple(f for p, f in enumerate(term.factors) if p not in places)
        return struck(term._replace(factors=(*rest, together)), [k])
    return None


def whitened(context: Context, term: Term) -> Term | None:
    """Σₖ (L⁻¹ v)ₖ² = vᵀ S⁻¹ v for the Cholesky factor L of S, where k stands nowhere else."""
    for k, places in occurrences(term).items():
        factor = term.factors[places[0]] if len(places) == 1 else None
        if factor is None or factor.exponent != 2 or len(factor.labels) != 1:
            continue
        if _is_whitened(context, factor.head):
            assert isinstance(factor.head, Sum)
            rest = dropped(term, places[0])
            (inner,) = factor.head.terms
            return multiplied(multiplied(rest, inner, (k,)), inner, (k,))
    return None


def _is_whitened(context: Context, head: Head) -> bool:
    """Whether a vector is L⁻¹ v."""
    if not isinstance(head, Sum) or len(head.terms) != 1:
        return False
    found = [f for f in head.terms[0].factors if 0 in f.labels]
    if len(found) != 1 or found[0].exponent != 1 or found[0].labels == (0, 0):
        return False
    L = inverted(context, found[0].head)
    return L is not None and found[0].labels[0] == 0 and factor_of(context, L) is not None


def logs_of_factor(context: Context, term: Term) -> Term | None:
    """Σₖ log Lₖₖ = ½ log|det S| for the Cholesky factor L of S, where k stands nowhere else."""
    for k, places in occurrences(term).items():
        factor = term.factors[places[0]] if len(places) == 1 else None
        if factor is None or factor.exponent != 1 or not isinstance(factor.head, Applied):
            continue
        if factor.head.operation.name != "log" or len(factor.labels) != 1:
            continue
        L = _on_the_diagonal(context, factor.head.arguments[0])
        if L is not None:
            S = Applied(LOGDET, (symmetric_part(L),), ())
            of_S = Factor(context.normal(S), ())
            rest = dropped(term, places[0])
            number = rational(Fraction(rest.coefficient) / 2)
            return struck(Term(number, (*rest.factors, of_S), rest.bound), [k])
    return None


def _on_the_diagonal(context: Context, head: Head) -> Applied | None:
    """The Cholesky factor whose diagonal a vector is, or None."""
    if not isinstance(head, Sum) or len(head.terms) != 1:
        return None
    (term,) = head.terms
    plain = term.coefficient == 1 and len(term.factors) == 1 and term.factors[0].exponent == 1
    same = plain and term.factors[0].labels == (0, 0)
    return factor_of(context, term.factors[0].head) if same else None

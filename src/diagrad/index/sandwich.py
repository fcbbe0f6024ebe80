"""Matrices on the outside of a Jacobian or Hessian: A (S + D) Aᵀ, A (B + D)."""

from __future__ import annotations

from collections.abc import Iterator

from diagrad.index.context import Context
from diagrad.index.expanding import MOST_TERMS, distributed, is_sum
from diagrad.index.factoring import factored
from diagrad.index.relabel import dropped, mapped, without
from diagrad.index.term import Delta, Factor, Head, Sum, Term


def sandwiches(head: Sum, context: Context) -> Iterator[tuple[Term, ...]]:
    """A square sum with its outermost groups multiplied out, and then only what stands on both
    sides taken out again: (A S D + A E) D Aᵀ = A (D S D + D E) Aᵀ."""
    pieces = [product for term in head.terms for product in distributed(term, _on_an_axis)]
    total = context.normal(Sum(head.axes, tuple(pieces)))
    if isinstance(total, Sum) and 1 < len(total.terms) <= MOST_TERMS:
        yield total.terms
        diagonal = tuple(t for t in total.terms if _has_delta(t))
        others = tuple(t for t in total.terms if not _has_delta(t))
        terms = (*factored(diagonal, head.axes, context), *others)
        yield factored(terms, head.axes, context, sandwich=True, outer=True)


def _has_delta(term: Term) -> bool:
    return any(isinstance(f.head, Delta) for f in term.factors)


def _on_an_axis(factor: Factor) -> bool:
    """A group of matrices on an axis of the result."""
    return (
        is_sum(factor) and len(factor.head.axes) == 2 and any(label >= 0 for label in factor.labels)
    )


def one_sided(head: Sum, context: Context) -> Iterator[tuple[Term, ...]]:
    """A matrix that stands first, or last, in several terms: A B + A diag(v) = A (B + diag(v)),
    where the second term has no sum, for there A has both axes of the result."""
    for axis in (0, 1):
        for matrix in dict.fromkeys(f.head for f in _first(head.terms, axis)):
            joined = _taken_out(head, matrix, axis, context)
            if joined is not None:
                yield joined


def _first(terms: tuple[Term, ...], axis: int) -> list[Factor]:
    """Matrices that alone have this axis of the result, beside the other one."""
    found = []
    for term in terms:
        there = [f for f in term.factors if axis in f.labels]
        if len(there) != 1 or len(there[0].labels) != 2:
            continue
        if set(there[0].labels) == {0, 1} and there[0].exponent == 1:
            found += there if not isinstance(there[0].head, Delta) else []
    return found


def _taken_out(head: Sum, matrix: Head, axis: int, context: Context) -> tuple[Term, ...] | None:
    """The terms that have the matrix on this side as one, and all others."""
    inner: list[Term] = []
    others: list[Term] = []
    side = set()
    for term in head.terms:
        there = [k for k, f in enumerate(term.factors) if axis in f.labels]
        factor = term.factors[there[0]] if len(there) == 1 else None
        twice = factor is not None and factor.labels == (axis, axis)
        if factor is None or twice or factor.head is not matrix or factor.exponent != 1:
            others.append(term)
            continue
        side.add(factor.labels.index(axis))
        inner.append(_rest(dropped(term, there[0]), factor, axis))
    if len(inner) < 2 or len(side) > 1:
        return None
    (own,) = side
    sizes = (matrix.axes[1 - own], head.axes[1 - axis])
    group = context.normal(Sum(sizes, tuple(inner)))
    labels = (axis, -1) if own == 0 else (-1, axis)
    joined = Term(1, (Factor(matrix, labels), Factor(group, (-1, 1 - axis))), sizes[:1])
    return (joined, *others)


def _rest(term: Term, factor: Factor, axis: int) -> Term:
    """What stands beside the matrix, over the matrix's other axis and the other one of the
    result."""
    label = next(k for k in factor.labels if k != axis)
    if label < 0:
        return without(term._replace(factors=mapped(term.factors, {label: 0, 1 - axis: 1})), label)
    size = factor.head.axes[factor.labels.index(label)]
    delta = Factor(Delta(size), (0, 1))
    return term._replace(factors=(*mapped(term.factors, {label: 1}), delta))

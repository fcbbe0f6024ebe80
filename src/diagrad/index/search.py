"""Search-rules: other forms of a sum, among which the raising picks the cheapest."""

from __future__ import annotations

from collections.abc import Iterator

from diagrad.index.context import Context
from diagrad.index.expanding import (
    MOST_TERMS,
    distributed,
    expanded,
    is_closed_product,
    is_sum,
    spread_to,
)
from diagrad.index.factoring import factored
from diagrad.index.quotients import over_common_denominators
from diagrad.index.relabel import dropped, multiplied
from diagrad.index.term import Delta, Factor, Sum, Term


def candidates(head: Sum, context: Context, diagonal: bool) -> Iterator[tuple[Term, ...]]:
    """Lists of terms whose sum equals the head, each once. With `diagonal` also those that need a
    diagonal matrix: A D Aᵀ + A diag(v) Aᵀ = A (D + diag(v)) Aᵀ."""
    seen: set[tuple[Term, ...]] = set()
    for terms in _proposals(head, context, diagonal):
        if terms not in seen:
            seen.add(terms)
            yield terms
            united = over_common_denominators(terms, head.axes, context)
            if united is not None and united not in seen:
                seen.add(united)
                yield united


def _proposals(head: Sum, context: Context, diagonal: bool) -> Iterator[tuple[Term, ...]]:
    yield head.terms
    if len(head.terms) > 1:
        yield factored(head.terms, head.axes, context)
        if diagonal and len(head.axes) == 2:
            yield factored(head.terms, head.axes, context, sandwich=True)
        coefficient, common, primitive, order = context.group(head)
        if abs(coefficient) != 1 or common:
            yield (Term(coefficient, (*common, Factor(primitive, order))),)
        opened = tuple(_opened(t) for t in head.terms)
        if opened != head.terms:
            yield factored(opened, head.axes, context)
    if diagonal and len(head.axes) == 2 and head.axes[0] == head.axes[1]:
        yield from _sandwiches(head, context)
    spread = expanded(head, context)
    if spread is None:
        return
    if diagonal and len(head.axes) == 2:
        yield factored(spread, head.axes, context, sandwich=True)
    if not (len(head.terms) == 1 and _nothing_met(head.terms[0], spread)):
        yield spread
        yield factored(spread, head.axes, context)


def _sandwiches(head: Sum, context: Context) -> Iterator[tuple[Term, ...]]:
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


def _nothing_met(term: Term, spread: tuple[Term, ...]) -> bool:
    """Whether multiplying out a product brought no like terms together, so that it was shorter."""
    return len(spread) >= spread_to(term, is_sum)


def _opened(term: Term) -> Term:
    """The term with a closed scalar multiplied in, to be factored with the rest."""
    closed = [k for k, f in enumerate(term.factors) if is_closed_product(f)]
    if len(closed) != 1:
        return term
    head = term.factors[closed[0]].head
    assert isinstance(head, Sum)
    return multiplied(dropped(term, closed[0]), head.terms[0], ())

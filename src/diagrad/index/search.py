"""Search-rules: other forms of a sum, among which the raising picks the cheapest."""

from __future__ import annotations

from collections.abc import Iterator

from diagrad.index.cases import by_cases
from diagrad.index.context import Context
from diagrad.index.expanding import (
    expanded,
    is_closed_product,
    is_sum,
    spread_to,
)
from diagrad.index.factoring import factored
from diagrad.index.quotients import over_common_denominators
from diagrad.index.relabel import dropped, multiplied
from diagrad.index.sandwich import one_sided, sandwiches
from diagrad.index.term import Factor, Sum, Term


def candidates(head: Sum, context: Context, diagonal: bool) -> Iterator[tuple[Term, ...]]:
    """Lists of terms whose sum equals the head, each once. With `diagonal` also those that need a
    diagonal matrix: A D Aᵀ + A diag(v) Aᵀ = A (D + diag(v)) Aᵀ."""
    seen: set[tuple[Term, ...]] = set()
    for terms in _proposals(head, context, diagonal):
        if terms not in seen:
            seen.add(terms)
            yield terms
            united = over_common_denominators(terms, head.axes, context)
            cases = by_cases(terms, head, context)
            for other in (united, cases):
                if other is not None and other not in seen:
                    seen.add(other)
                    yield other


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
        yield from sandwiches(head, context)
    if diagonal and len(head.axes) == 2:
        yield from one_sided(head, context)
    spread = expanded(head, context)
    if spread is None:
        return
    if diagonal and len(head.axes) == 2:
        yield factored(spread, head.axes, context, sandwich=True)
    if not (len(head.terms) == 1 and _nothing_met(head.terms[0], spread)):
        yield spread
        yield factored(spread, head.axes, context)


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

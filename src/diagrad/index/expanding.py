"""Products distributed over sums, within bounds."""

from __future__ import annotations

from collections.abc import Callable

from diagrad.index.context import Context
from diagrad.index.relabel import dropped, multiplied
from diagrad.index.term import Factor, Head, Sum, Term
from diagrad.index.weight import length

MOST_TERMS = 24


def settled(head: Head, context: Context) -> Head:
    """The head with its products distributed, where that cancels so much that it gets shorter.

    Only where a quotient stands in it, for only quotients cancel:
    (y/p − (1−y)/(1−p)) p (1−p) = y − p.
    """
    if not isinstance(head, Sum) or not any(has_quotient(f) for t in head.terms for f in t.factors):
        return head
    first = _spread(head, context, has_quotient)
    second = _spread(first, context, is_sum) if isinstance(first, Sum) else None
    return min((h for h in (head, first, second) if h is not None), key=length)


def cancelled(head: Head, context: Context) -> Head | None:
    """The head with products distributed over sums with quotients alone; None where none is."""
    return _spread(head, context, has_quotient) if isinstance(head, Sum) else None


def has_quotient(factor: Factor) -> bool:
    """Whether a factor is a sum with a quotient in it."""
    head = factor.head
    if not isinstance(head, Sum) or not is_sum(factor):
        return False
    if len(head.terms) == 1:
        return any(has_quotient(f) for f in head.terms[0].factors)
    return any(
        not isinstance(f.exponent, Head) and f.exponent < 0 and f.labels
        for t in head.terms
        for f in t.factors
    )


def expanded(head: Sum, context: Context) -> tuple[Term, ...] | None:
    """The terms with products distributed over sums; None where none is, or too many terms arise.

    Sums with quotients go first, so that what they divide by is still whole when it cancels.
    """
    quotients = _spread(head, context, has_quotient)
    start = quotients if isinstance(quotients, Sum) else head
    spread = _spread(start, context, is_sum) or quotients
    if spread is None:
        return None
    if isinstance(spread, Sum):
        return spread.terms
    return (Term(1, (Factor(spread, tuple(range(len(head.axes)))),)),)


def _spread(head: Sum, context: Context, over: Callable[[Factor], bool]) -> Head | None:
    """The normal form after distributing over the chosen sums; None as for `expanded`."""
    if sum(spread_to(term, over) for term in head.terms) > MOST_TERMS:
        return None
    pieces = [distributed(term, over) for term in head.terms]
    if all(len(products) <= 1 for products in pieces):
        return None
    spread = tuple(product for products in pieces for product in products)
    return context.normal(Sum(head.axes, spread))


def spread_to(term: Term, over: Callable[[Factor], bool]) -> int:
    """How many terms a product is multiplied out to."""
    count = 1
    for factor in term.factors:
        if isinstance(factor.head, Sum) and over(factor):
            count *= sum(spread_to(inner, over) for inner in factor.head.terms)
            if count > MOST_TERMS:
                break
    return count


def is_sum(factor: Factor) -> bool:
    """A sum of several terms, taken once, or a closed scalar that has one inside."""
    head = factor.head
    if not isinstance(head, Sum) or factor.exponent != 1:
        return False
    return len(head.terms) > 1 or (
        is_closed_product(factor) and any(is_sum(f) for f in head.terms[0].factors)
    )


def distributed(term: Term, over: Callable[[Factor], bool] = is_sum) -> list[Term]:
    """The terms of a product multiplied out over those of its sums that `over` chooses, which are
    to be taken once, or as often as a whole power says."""
    for position, factor in enumerate(term.factors):
        head = factor.head
        if not isinstance(head, Sum) or not over(factor):
            continue
        rest = dropped(term, position)
        if isinstance(factor.exponent, int) and factor.exponent > 1:
            one_less = factor._replace(exponent=factor.exponent - 1)
            rest = rest._replace(factors=(*rest.factors, one_less))
        once = (multiplied(rest, inner, factor.labels) for inner in head.terms)
        return [product for term in once for product in distributed(term, over)]
    return [term]


def is_closed_product(factor: Factor) -> bool:
    """A scalar that is one product, as Σₖ aₖ bₖ."""
    head = factor.head
    return isinstance(head, Sum) and not head.axes and len(head.terms) == 1 and factor.exponent == 1

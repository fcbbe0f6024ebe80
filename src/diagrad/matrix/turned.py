"""Terms turned before they are raised: c − b for −(b − c), σ(−u) for 1 − σ(u)."""

from __future__ import annotations

from diagrad.index.context import Context
from diagrad.index.relabel import replaced
from diagrad.index.term import Applied, Head, Sum, Term


def flipped(term: Term, context: Context) -> Term:
    """−a (b − c) as a (c − b), where the sum would not then begin with a minus, and the problem
    does not have it as b − c."""
    if term.coefficient >= 0:
        return term
    for position, factor in enumerate(term.factors):
        head = factor.head
        if not isinstance(head, Sum) or len(head.terms) < 2 or factor.exponent != 1:
            continue
        twice = sum(f.head is head for f in term.factors) > 1
        if twice or context.written.get(head, -1) > 0:
            continue
        no_number = all(t.factors for t in head.terms)
        if no_number and any(t.coefficient < 0 for t in head.terms):
            terms = tuple(t._replace(coefficient=-t.coefficient) for t in head.terms)
            turned = replaced(term, position, factor._replace(head=Sum(head.axes, terms)))
            return turned._replace(coefficient=-term.coefficient)
    return term


def complemented(term: Term, context: Context) -> Term:
    """1 − σ(u) as σ(−u), unless σ(u) stands beside it."""
    factors = list(term.factors)
    for position, factor in enumerate(term.factors):
        function = _one_minus(factor.head)
        if function is None or any(f.head is function for f in term.factors):
            continue
        other = function.operation.complement(function)
        if other is not None:
            factors[position] = factor._replace(head=context.normal(other))
    return term._replace(factors=tuple(factors))


def _one_minus(head: Head) -> Applied | None:
    """The f of 1 − f, where f is an operation on one argument."""
    if not isinstance(head, Sum) or len(head.terms) != 2:
        return None
    one, rest = head.terms
    if one != Term(1, ()) or rest.coefficient != -1 or rest.bound or len(rest.factors) != 1:
        return None
    (factor,) = rest.factors
    plain = factor.exponent == 1 and factor.labels == tuple(range(len(head.axes)))
    return factor.head if plain and isinstance(factor.head, Applied) else None

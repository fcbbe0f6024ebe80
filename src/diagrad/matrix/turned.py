"""Terms turned before they are raised: c − b for −(b − c), σ(−u) for 1 − σ(u)."""

from __future__ import annotations

from diagrad.index.context import Context
from diagrad.index.relabel import replaced
from diagrad.index.term import Applied, Definition, Head, Sum, Term, Variable


def flipped(term: Term, context: Context) -> Term:
    """−a (b − c) as a (c − b), where the sum would not then begin with a minus, and the problem
    does not have it as b − c; but (b − c)(b − c)ᵀ keeps its sign, and has what was declared first
    in front."""
    heads = [factor.head for factor in term.factors]
    for position, factor in enumerate(term.factors):
        head = _negated(factor.head) if factor.exponent == 1 else None
        if head is None:
            continue
        places = [p for p, h in enumerate(heads) if h is factor.head]
        if len(places) == 2 and term.factors[places[1]].exponent == 1:
            if position == places[0] and _first(head) < _first(factor.head):
                for place in places:
                    term = replaced(term, place, term.factors[place]._replace(head=head))
        elif term.coefficient < 0 and context.written.get(factor.head, -1) < 0:
            turned = replaced(term, position, factor._replace(head=head))
            term = turned._replace(coefficient=-term.coefficient)
    return term


def _negated(head: Head) -> Sum | None:
    """c − b for b − c; None where it would begin with a minus."""
    if not isinstance(head, Sum) or len(head.terms) < 2:
        return None
    if not all(t.factors for t in head.terms) or all(t.coefficient > 0 for t in head.terms):
        return None
    return Sum(head.axes, tuple(t._replace(coefficient=-t.coefficient) for t in head.terms))


def _first(head: Head) -> int:
    """The place in the text of the first name in what is not subtracted."""
    assert isinstance(head, Sum)
    names = (f.head for t in head.terms if t.coefficient > 0 for f in t.factors)
    return min((h.position for h in names if isinstance(h, Variable | Definition)), default=10**6)


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

"""Sums of quotients over a common denominator: 1 − a / (1 + a) = 1 / (1 + a)."""

from __future__ import annotations

from fractions import Fraction

from diagrad.dimensions import Size
from diagrad.index.context import Context
from diagrad.index.expanding import MOST_TERMS, distributed
from diagrad.index.relabel import mapped
from diagrad.index.term import Factor, Head, Labels, Rational, Sum, Term, as_sum, rational

# Powers of sums in a numerator are multiplied out up to this exponent.
LARGEST_POWER = 3
Powers = dict[tuple[Head, Labels], Rational]


def over_common_denominators(
    terms: tuple[Term, ...], axes: tuple[Size, ...], context: Context
) -> tuple[Term, ...] | None:
    """Terms whose sums of quotients, and the sum of the terms, have a common denominator where
    that does not make more terms of them; None where there is no such sum."""
    total = united(Sum(axes, terms), context)
    if total is not None:
        return as_sum(context.normal(Sum(axes, (total,)))).terms
    changed = tuple(_inside(term, context) for term in terms)
    if changed == terms:
        return None
    return as_sum(context.normal(Sum(axes, changed))).terms


def _inside(term: Term, context: Context) -> Term:
    """The term with its sums of quotients over common denominators."""
    factors: list[Factor] = []
    coefficient = Fraction(term.coefficient)
    for factor in term.factors:
        head = factor.head
        quotient = united(head, context) if isinstance(head, Sum) and factor.exponent == 1 else None
        if quotient is None:
            factors.append(factor)
            continue
        coefficient *= quotient.coefficient
        factors += mapped(quotient.factors, dict(enumerate(factor.labels)))
    return Term(rational(coefficient), tuple(factors), term.bound)


def united(head: Sum, context: Context) -> Term | None:
    """The sum as a numerator times powers of what its terms divide by; None where the numerator
    would have more terms."""
    if len(head.terms) < 2:
        return None
    below = _denominators(head)
    if not below:
        return None
    pieces: list[Term] = []
    for term in head.terms:
        pieces += distributed(_times(term, below))
        if len(pieces) > MOST_TERMS:
            return None
    numerator = context.normal(Sum(head.axes, tuple(pieces)))
    if isinstance(numerator, Sum) and len(numerator.terms) > len(head.terms):
        return None
    bottom = tuple(Factor(h, labels, -e) for (h, labels), e in below.items())
    return Term(1, (Factor(numerator, tuple(range(len(head.axes)))), *bottom))


def _denominators(head: Sum) -> Powers:
    """What terms divide by, to the highest power, where some term does not divide by as much."""
    below: Powers = {}
    for term in head.terms:
        for factor in term.factors:
            if isinstance(factor.exponent, Head) or any(k < 0 for k in factor.labels):
                continue
            if factor.exponent < 0:
                key = (factor.head, factor.labels)
                below[key] = max(below.get(key, 0), -factor.exponent)
    return below


def _times(term: Term, below: Powers) -> Term:
    """A term times the common denominator, whole powers of sums as several factors."""
    left = dict(below)
    factors: list[Factor] = []
    for factor in term.factors:
        key = (factor.head, factor.labels)
        if key in left and not isinstance(factor.exponent, Head):
            exponent = rational(Fraction(factor.exponent) + left.pop(key))
            factors += _repeated(factor, exponent)
        elif isinstance(factor.exponent, Head):
            factors.append(factor)
        else:
            factors += _repeated(factor, factor.exponent)
    for (head, labels), exponent in left.items():
        factors += _repeated(Factor(head, labels), exponent)
    return term._replace(factors=tuple(factors))


def _repeated(factor: Factor, exponent: Rational) -> list[Factor]:
    """A power of a sum as so many factors, any other power as it is."""
    if exponent == 0:
        return []
    several = isinstance(factor.head, Sum) and len(factor.head.terms) > 1
    if several and isinstance(exponent, int) and 1 < exponent <= LARGEST_POWER:
        return [factor._replace(exponent=1)] * exponent
    return [factor._replace(exponent=exponent)]

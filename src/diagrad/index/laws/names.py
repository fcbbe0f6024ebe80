"""Wholes that are written as one: by the name that the user gave, or as a power of themselves."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from diagrad.index.definitions import replaced_once
from diagrad.index.term import (
    Definition,
    Factor,
    Head,
    Rational,
    Sum,
    Term,
    Variable,
    rational,
)

if TYPE_CHECKING:
    from diagrad.index.context import Context

# By how many powers of a name terms are rewritten at most.
SHIFTS = range(-4, 5)


def named(context: Context, term: Term) -> Term | None:
    """What the user gave a name is written by its name."""
    return context.names.within(term)


def gathered(context: Context, term: Term) -> Term | None:
    """rᵉ Σₖ aₖ = rᵉ⁺¹ for r = Σₖ aₖ, so that a sum cancels against a power of itself."""
    for factor in term.factors:
        head = factor.head
        if not isinstance(head, Sum) or len(head.terms) != 1 or factor.exponent == 1:
            continue
        (body,) = head.terms
        after = replaced_once(body, head, factor.labels, term) if body.bound else None
        if after is not None:
            return after
    return None


def related(context: Context, term: Term) -> Term | None:
    """vᵃ qᵇ = vᵃ⁺ᵏ qᵇ⁻¹ where q is the name of vᵏ and v a name, towards the shorter one: q³ / v = q
    for q = √v."""
    for position, factor in enumerate(term.factors):
        power = context.names.powers.get(factor.head)
        if power is None or isinstance(factor.exponent, Head):
            continue
        v, k = power
        if not isinstance(v, Variable | Definition):
            continue
        place = _place(term, v, factor.labels)
        a = term.factors[place].exponent if place is not None else 0
        if place is None or isinstance(a, Head):
            continue
        ways = [(rational(Fraction(a) + k * m), factor.exponent - m) for m in SHIFTS]
        best = min(ways, key=_length)
        if _length(best) < _length((a, factor.exponent)):
            rest = tuple(f for n, f in enumerate(term.factors) if n not in (position, place))
            found = zip((v, factor.head), best, strict=True)
            new = [Factor(head, factor.labels, rational(e)) for head, e in found if e != 0]
            return term._replace(factors=(*rest, *new))
    return None


def _place(term: Term, head: Head, labels: tuple[int, ...]) -> int | None:
    places = (n for n, f in enumerate(term.factors) if f.head is head and f.labels == labels)
    return next(places, None)


def _length(exponents: tuple[Rational, Rational]) -> tuple[float, float]:
    """The tokens of vᵃ qᵇ, and |a| by which equally long ones are told apart."""
    written = [e for e in exponents if e != 0]
    each = [1 if abs(e) == 1 else 3 if Fraction(e).denominator == 1 else 5 for e in written]
    return (sum(each) + len(written), float(abs(Fraction(exponents[0]))))

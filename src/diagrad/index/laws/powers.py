"""Powers, products and numbers: what is multiplied out, and what is taken out of a sum."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from diagrad.index import knowledge
from diagrad.index.build import Polynomial, as_polynomial, tensor
from diagrad.index.relabel import dropped, mapped, multiplied, replaced, splice
from diagrad.index.term import (
    Factor,
    Head,
    Numeral,
    Rational,
    Sum,
    Term,
    as_number,
    constant,
    rational,
)

if TYPE_CHECKING:
    from diagrad.index.context import Context

# Beyond this exponent a power of a number is left a power.
LARGEST_EXPONENT = 64


def merge_powers(context: Context, term: Term) -> Term | None:
    """aᵖ aᑫ = aᵖ⁺ᑫ and a⁰ = 1 (for a ≠ 0)."""
    seen: dict[tuple[Head, tuple[int, ...]], int] = {}
    for position, factor in enumerate(term.factors):
        if factor.exponent == 0:
            return dropped(term, position)
        earlier = seen.setdefault((factor.head, factor.labels), position)
        if earlier != position:
            total = plus(context, term.factors[earlier].exponent, factor.exponent)
            merged = replaced(term, earlier, factor._replace(exponent=total))
            return dropped(merged, position)
    return None


def inline(context: Context, term: Term) -> Term | None:
    """A factor that is a single term is multiplied out: (c a b)ᵉ = cᵉ aᵉ bᵉ.

    For e ≠ 1 only without bound labels; for e not whole only where every part is known to be ≥ 0.
    """
    for position, factor in enumerate(term.factors):
        head = factor.head
        if not isinstance(head, Sum) or len(head.terms) > 1:
            continue
        rest = dropped(term, position)
        after = _times(context, rest, head.terms[0], factor) if head.terms else _zero(factor)
        if after is not None:
            return after
    return None


def _zero(factor: Factor) -> Term | None:
    """0ᵉ = 0 for e > 0."""
    positive = not isinstance(factor.exponent, Head) and factor.exponent > 0
    return Term(0, ()) if positive else None


def _times(context: Context, rest: Term, inner: Term, factor: Factor) -> Term | None:
    """The rest of a term times the power of one inner term that `factor` is."""
    if factor.exponent == 1:
        closed = inner.bound and not factor.labels and inner.coefficient == 1
        return None if closed else multiplied(rest, inner, factor.labels)
    if inner.bound or not _separable(context, inner, factor.exponent):
        return None
    powers = _powered(splice(inner, factor.labels, rest.bound), factor.exponent, context)
    number, numerals = _number_power(inner.coefficient, factor.exponent)
    coefficient = rational(Fraction(rest.coefficient) * number)
    return Term(coefficient, rest.factors + powers + numerals, rest.bound)


def numbers(context: Context, term: Term) -> Term | None:
    """A factor that is a rational number joins the coefficient."""
    for position, factor in enumerate(term.factors):
        if not isinstance(factor.head, Numeral) or isinstance(factor.exponent, Head):
            continue
        if factor.exponent.denominator == 1:
            power = Fraction(factor.head.value) ** int(factor.exponent)
            coefficient = rational(Fraction(term.coefficient) * power)
            return dropped(term, position)._replace(coefficient=coefficient)
    return None


def primitive(context: Context, term: Term) -> Term | None:
    """A sum as a factor is written without what its terms have in common:
    (2 a b + 2 a c)ᵉ = 2ᵉ aᵉ (b + c)ᵉ.

    For e not whole only where that is ≥ 0. The sum is also turned so that a transpose is the same
    head.
    """
    for position, factor in enumerate(term.factors):
        if not isinstance(factor.head, Sum) or len(factor.head.terms) < 2:
            continue
        c, common, head, order = context.group(factor.head)
        if head is factor.head and c == 1 and not common:
            continue
        positive = c > 0 and all(knowledge.factor_sign(context, f, "nonneg") for f in common)
        if not _whole(factor.exponent) and not positive:
            continue
        number, numerals = _number_power(c, factor.exponent)
        outside = mapped(common, dict(enumerate(factor.labels)))
        inside = Factor(head, tuple(factor.labels[k] for k in order), factor.exponent)
        factors = replaced(term, position, inside).factors
        return Term(
            rational(Fraction(term.coefficient) * number),
            factors + numerals + _powered(outside, factor.exponent, context),
            term.bound,
        )
    return None


def _whole(exponent: Rational | Head) -> bool:
    return not isinstance(exponent, Head) and exponent.denominator == 1


def _separable(context: Context, inner: Term, exponent: Rational | Head) -> bool:
    """Whether the power of the product is the product of the powers."""
    if _whole(exponent):
        return True
    return inner.coefficient > 0 and all(
        knowledge.has(context, f.head, "nonneg") for f in inner.factors
    )


def _powered(
    factors: tuple[Factor, ...], exponent: Rational | Head, context: Context
) -> tuple[Factor, ...]:
    return tuple(f._replace(exponent=times(context, f.exponent, exponent)) for f in factors)


def _number_power(
    value: Rational, exponent: Rational | Head
) -> tuple[Rational, tuple[Factor, ...]]:
    """valueᵉ as a rational coefficient and factors."""
    if value == 1:
        return 1, ()
    if (
        not isinstance(exponent, Head)
        and exponent.denominator == 1
        and abs(int(exponent)) <= LARGEST_EXPONENT
    ):
        return rational(Fraction(value) ** int(exponent)), ()
    if value < 0:
        return 1, (Factor(constant(value), (), exponent),)
    return 1, (Factor(Numeral(value), (), exponent),)


def times(context: Context, a: Rational | Head, b: Rational | Head) -> Rational | Head:
    """The product of two exponents."""
    if not isinstance(a, Head) and not isinstance(b, Head):
        return rational(Fraction(a) * b)
    return _exponent(context, as_polynomial(a) * as_polynomial(b))


def plus(context: Context, a: Rational | Head, b: Rational | Head) -> Rational | Head:
    """The sum of two exponents."""
    if not isinstance(a, Head) and not isinstance(b, Head):
        return rational(Fraction(a) + b)
    return _exponent(context, as_polynomial(a) + as_polynomial(b))


def _exponent(context: Context, value: Polynomial) -> Rational | Head:
    head = context.normal(tensor((), value))
    number = as_number(head)
    return head if number is None else number

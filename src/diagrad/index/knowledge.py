"""What is known of a head: its sign, its symmetry, its sums. Unknown is not false."""

from __future__ import annotations

from fractions import Fraction
from functools import reduce
from itertools import permutations
from math import gcd, lcm
from typing import TYPE_CHECKING

from diagrad.facts import closure
from diagrad.index.relabel import mapped, multiplied
from diagrad.index.term import (
    Applied,
    Constant,
    Definition,
    Delta,
    Digit,
    Extent,
    Factor,
    Head,
    Numeral,
    Rational,
    Sum,
    Term,
    Variable,
    nearest_zero,
    rational,
)

if TYPE_CHECKING:
    from diagrad.index.context import Context


def has(context: Context, head: Head, fact: str) -> bool:
    """True where the fact is known of every entry; False means unknown."""
    key = (head, fact)
    if key not in context.known:
        context.known[key] = False
        context.known[key] = _has(context, head, fact)
    return bool(context.known[key])


def _has(context: Context, head: Head, fact: str) -> bool:
    match head:
        case Variable():
            found = context.facts.get(head)
            return found is not None and fact in found.words
        case Definition() if fact == "symmetric":
            return head in context.symmetric
        case Definition():
            return not context.closed and has(context, head.body, fact)
        case Numeral() | Extent() | Constant():
            return fact in ("positive", "nonneg", "nonzero")
        case Delta():
            return fact in ("nonneg", "symmetric")
        case Digit():
            return fact == "nonneg"
        case Applied():
            keeps = fact in head.operation.keeps
            keeps |= fact == "symmetric" and head.operation.entrywise
            kept = keeps and all(has(context, a, fact) for a in head.children)
            return kept or fact in closure(head.operation.facts)
        case Sum():
            return _sum_has(context, head, fact)
    return False


def _sum_has(context: Context, head: Sum, fact: str) -> bool:
    if fact == "symmetric":
        same = len(head.axes) == 2 and head.axes[0] == head.axes[1]
        return same and context.normal(permuted(head, (1, 0))) is context.normal(head)
    if fact == "nonneg":
        return bool(head.terms) and all(_term_sign(context, t, "nonneg") for t in head.terms)
    if fact in ("positive", "nonzero"):
        return (
            has(context, head, "nonneg")
            and any(_term_sign(context, t, "positive") for t in head.terms)
        ) or _complement(context, head)
    return False


def _complement(context: Context, head: Sum) -> bool:
    """1 − p with p in (0, 1)."""
    if len(head.terms) != 2:
        return False
    one, rest = head.terms
    if one.factors or one.coefficient != 1 or rest.coefficient != -1 or rest.bound:
        return False
    return (
        len(rest.factors) == 1
        and rest.factors[0].exponent == 1
        and has(context, rest.factors[0].head, "prob")
    )


def _term_sign(context: Context, term: Term, fact: str) -> bool:
    return term.coefficient > 0 and all(factor_sign(context, f, fact) for f in term.factors)


def factor_sign(context: Context, factor: Factor, fact: str) -> bool:
    """Whether a power is known to be "positive" or "nonneg"."""
    if has(context, factor.head, "positive"):
        return True
    even = not isinstance(factor.exponent, Head) and factor.exponent % 2 == 0
    if fact == "nonneg":
        return even or has(context, factor.head, "nonneg")
    return even and has(context, factor.head, "nonzero")


def is_projection(context: Context, head: Head) -> bool:
    """Whether P P = P, asked of short sums that have an inverse in them."""
    if not isinstance(head, Sum) or len(head.axes) != 2 or head.axes[0] != head.axes[1]:
        return False
    inverses = (f.head for t in head.terms for f in t.factors if isinstance(f.head, Applied))
    if len(head.terms) > 3 or all(h.operation.name not in ("inv", "pinv") for h in inverses):
        return False
    size = head.axes[:1]
    once = [multiplied(Term(1, (), size), t, (0, -1)) for t in head.terms]
    twice = tuple(multiplied(first, t, (-1, 1)) for first in once for t in head.terms)
    return context.normal(Sum(head.axes, twice)) is context.normal(head)


def unit_axes(context: Context, head: Head) -> tuple[int, ...]:
    """The axes along which the entries sum to 1; empty where that is not known."""
    match head:
        case Variable():
            found = context.facts.get(head)
            return found.unit_axes if found else ()
        case Definition():
            return () if context.closed else unit_axes(context, head.body)
        case Applied() if head.operation.name == "softmax":
            return tuple(head.parameters)
        case Sum() if len(head.terms) == 1 and head.terms[0].coefficient == 1:
            return _turned_unit_axes(context, head) or _axes_of_shares(context, head)
    return ()


def _axes_of_shares(context: Context, head: Sum) -> tuple[int, ...]:
    """The axes k of aᵢₖ / Σₖ aᵢₖ, a share of the sum."""
    (term,) = head.terms
    for a, below in (term.factors, term.factors[::-1]) if len(term.factors) == 2 else ():
        total = below.head
        if isinstance(total, Definition) and not context.closed:
            total = total.body
        if term.bound or a.exponent != 1 or below.exponent != -1 or not isinstance(total, Sum):
            continue
        whole = total.terms[0] if len(total.terms) == 1 else Term(0, ())
        if whole.coefficient != 1 or [f.head for f in whole.factors] != [a.head]:
            continue
        (inner,) = whole.factors
        pairs = list(zip(inner.labels, a.labels, strict=True))
        distinct = len(set(a.labels)) == len(a.labels) and len(set(inner.labels)) == len(pairs)
        if (
            inner.exponent == 1
            and distinct
            and all(k < 0 or below.labels[k] == n for k, n in pairs)
        ):
            return tuple(n for k, n in pairs if k < 0)
    return ()


def _turned_unit_axes(context: Context, head: Sum) -> tuple[int, ...]:
    """Those of a transpose."""
    term = head.terms[0]
    if len(term.factors) != 1 or term.bound or term.factors[0].exponent != 1:
        return ()
    factor = term.factors[0]
    return tuple(factor.labels[axis] for axis in unit_axes(context, factor.head))


def axis_orders(count: int) -> list[tuple[int, ...]]:
    """The orders in which the axes of a group are tried; beyond two axes only the given one."""
    return list(permutations(range(count))) if count <= 2 else [tuple(range(count))]


def permuted(head: Head, order: tuple[int, ...]) -> Sum:
    """The tensor whose axis k is axis order[k] of `head`."""
    axes = tuple(head.axes[k] for k in order)
    labels = [0] * len(order)
    for position, axis in enumerate(order):
        labels[axis] = position
    if isinstance(head, Sum):
        turn = dict(enumerate(labels))
        return Sum(axes, tuple(t._replace(factors=mapped(t.factors, turn)) for t in head.terms))
    return Sum(axes, (Term(1, (Factor(head, tuple(labels)),)),))


def content(head: Sum) -> Rational:
    """The rational c for which head / c has coprime coefficients, the first one positive; beside a
    number fractions stay, as in v + 10⁻⁵."""
    coefficients = [Fraction(t.coefficient) for t in head.terms]
    divisor = reduce(gcd, (c.numerator for c in coefficients))
    multiple = reduce(lcm, (c.denominator for c in coefficients))
    if any(not t.factors for t in head.terms):
        multiple = 1
    sign = -1 if coefficients[0] < 0 else 1
    return rational(Fraction(sign * abs(divisor), multiple))


def divided(head: Sum, by: Rational) -> Sum:
    """The sum with every coefficient divided by a number."""
    return Sum(
        head.axes,
        tuple(t._replace(coefficient=rational(Fraction(t.coefficient) / by)) for t in head.terms),
    )


def common_factors(head: Sum) -> tuple[Factor, ...]:
    """Powers that stand in every term with the same free labels. None are taken from a sum with a
    δ, for they would spoil diag(p) − p pᵀ."""
    if not head.terms or any(isinstance(f.head, Delta) for t in head.terms for f in t.factors):
        return ()
    shared = []
    for factor in head.terms[0].factors:
        if any(k < 0 for k in factor.labels):
            continue
        found = [_exponent_of(factor, term) for term in head.terms]
        exponents = [e for e in found if e is not None]
        same_sign = all(e > 0 for e in exponents) or all(e < 0 for e in exponents)
        if len(exponents) == len(found) and same_sign:
            shared.append(factor._replace(exponent=nearest_zero(exponents)))
    return tuple(shared)


def _exponent_of(factor: Factor, term: Term) -> Rational | None:
    for other in term.factors:
        if other.head is factor.head and other.labels == factor.labels:
            return None if isinstance(other.exponent, Head) else other.exponent
    return None


def without_common(head: Sum, common: tuple[Factor, ...]) -> Sum:
    """The sum divided by factors that all its terms have."""
    inverse = tuple(_inverse(f) for f in common)
    return Sum(head.axes, tuple(t._replace(factors=t.factors + inverse) for t in head.terms))


def _inverse(factor: Factor) -> Factor:
    assert not isinstance(factor.exponent, Head), "common factors have numbers as exponents"
    return factor._replace(exponent=-factor.exponent)

"""The laws that always hold in one direction: each is one identity on one term, tried in the order of LAWS.

A law answers the term after it, or None where it does not apply.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

from diagrad.index import knowledge
from diagrad.index.build import extent, tensor
from diagrad.index.names import replaced_once
from diagrad.index.relabel import mapped, occurrences, splice, substituted, without
from diagrad.index.term import (
    Applied,
    Definition,
    Delta,
    Extent,
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
    from diagrad.index.context import Context, Law


def inline(context: Context, term: Term) -> Term | None:
    """A factor that is a single term is multiplied out: (c a b)ᵉ = cᵉ aᵉ bᵉ.

    For e ≠ 1 only without bound labels; for e not whole only where every part is known to be ≥ 0.
    """
    for position, factor in enumerate(term.factors):
        head = factor.head
        if isinstance(head, Sum) and len(head.terms) <= 1:
            after = _inlined(context, term, position, head, factor)
            if after is not None:
                return after
    return None


def _inlined(
    context: Context, term: Term, position: int, head: Sum, factor: Factor
) -> Term | None:
    rest = term.factors[:position] + term.factors[position + 1 :]
    if not head.terms:
        positive = not isinstance(factor.exponent, Head) and factor.exponent > 0
        return Term(0, ()) if positive else None
    (inner,) = head.terms
    if factor.exponent == 1:
        if inner.bound and not head.axes and inner.coefficient == 1:
            return None
        factors = rest + splice(inner, factor.labels, term.bound)
        coefficient = rational(Fraction(term.coefficient) * inner.coefficient)
        return Term(coefficient, factors, term.bound + inner.bound)
    if inner.bound or not _separable(context, inner, factor.exponent):
        return None
    powers = _powered(splice(inner, factor.labels, term.bound), factor.exponent, context)
    coefficient, numerals = _number_power(inner.coefficient, factor.exponent)
    return Term(
        rational(Fraction(term.coefficient) * coefficient), rest + powers + numerals, term.bound
    )


def _separable(context: Context, inner: Term, exponent: Rational | Head) -> bool:
    """Whether the power of the product is the product of the powers."""
    if not isinstance(exponent, Head) and exponent.denominator == 1:
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
    if not isinstance(exponent, Head) and exponent.denominator == 1 and abs(exponent) <= 64:
        return rational(Fraction(value) ** int(exponent)), ()
    if value < 0:
        sign = Factor(constant(value), (), exponent)
        return 1, (sign,)
    return 1, (Factor(Numeral(value), (), exponent),)


def times(context: Context, a: Rational | Head, b: Rational | Head) -> Rational | Head:
    """The product of two exponents."""
    if not isinstance(a, Head) and not isinstance(b, Head):
        return rational(Fraction(a) * b)
    return _number_or_head(context, tensor((), _scalar(a) * _scalar(b)))


def plus(context: Context, a: Rational | Head, b: Rational | Head) -> Rational | Head:
    """The sum of two exponents."""
    if not isinstance(a, Head) and not isinstance(b, Head):
        return rational(Fraction(a) + b)
    return _number_or_head(context, tensor((), _scalar(a) + _scalar(b)))


def _scalar(value: Rational | Head):  # type: ignore[no-untyped-def]
    from diagrad.index.build import as_polynomial

    return as_polynomial(value)


def _number_or_head(context: Context, head: Head) -> Rational | Head:
    head = context.normal(head)
    value = as_number(head)
    return head if value is None else value


def contract_delta(context: Context, term: Term) -> Term | None:
    """Σⱼ δᵢⱼ aⱼ = aᵢ, δᵢᵢ = 1; beside δᵢⱼ with both labels free, aⱼ is written aᵢ."""
    for position, factor in enumerate(term.factors):
        if not isinstance(factor.head, Delta):
            continue
        if isinstance(factor.exponent, Head) or factor.exponent <= 0:
            continue
        a, b = factor.labels
        rest = term._replace(factors=term.factors[:position] + term.factors[position + 1 :])
        if a == b:
            return rest
        if a < 0 or b < 0:
            label, by = (a, b) if a < 0 else (b, a)
            return substituted(rest, label, by)
        low, high = min(a, b), max(a, b)
        if factor.labels != (low, high):
            return rest._replace(factors=(*rest.factors, factor._replace(labels=(low, high))))
        if any(high in f.labels for f in rest.factors):
            renamed = tuple(
                f._replace(labels=tuple(low if k == high else k for k in f.labels))
                for f in rest.factors
            )
            return rest._replace(factors=(factor._replace(exponent=1), *renamed))
    return None


def vanished(context: Context, term: Term) -> Term | None:
    """Σᵢ 1 = n: a bound label that stands nowhere leaves its size as a factor."""
    for label, places in occurrences(term).items():
        if not places:
            size = term.bound[-label - 1]
            counted = tensor((), extent(size))
            after = without(term, label)
            return after._replace(factors=(*after.factors, Factor(context.normal(counted), ())))
    return None


def merge_powers(context: Context, term: Term) -> Term | None:
    """aᵖ aᑫ = aᵖ⁺ᑫ and a⁰ = 1 (for a ≠ 0)."""
    seen: dict[tuple[Head, tuple[int, ...]], int] = {}
    for position, factor in enumerate(term.factors):
        if factor.exponent == 0:
            return term._replace(factors=term.factors[:position] + term.factors[position + 1 :])
        earlier = seen.setdefault((factor.head, factor.labels), position)
        if earlier != position:
            total = plus(context, term.factors[earlier].exponent, factor.exponent)
            factors = list(term.factors)
            factors[earlier] = factor._replace(exponent=total)
            del factors[position]
            return term._replace(factors=tuple(factors))
    return None


def numbers(context: Context, term: Term) -> Term | None:
    """A factor that is a rational number joins the coefficient."""
    for position, factor in enumerate(term.factors):
        value: Rational | None = None
        if isinstance(factor.head, Numeral):
            value = factor.head.value
        if value is None or isinstance(factor.exponent, Head) or factor.exponent.denominator != 1:
            continue
        rest = term.factors[:position] + term.factors[position + 1 :]
        power = Fraction(value) ** int(factor.exponent)
        return term._replace(coefficient=rational(Fraction(term.coefficient) * power), factors=rest)
    return None


def primitive(context: Context, term: Term) -> Term | None:
    """A sum as a factor is written without what its terms have in common: (2 a b + 2 a c)ᵉ = 2ᵉ aᵉ (b + c)ᵉ.

    For e not whole only where that is ≥ 0. The sum is also turned so that a transpose is the same head.
    """
    for position, factor in enumerate(term.factors):
        if not isinstance(factor.head, Sum) or len(factor.head.terms) < 2:
            continue
        c, common, head, order = context.group(factor.head)
        if head is factor.head and c == 1 and not common:
            continue
        whole = not isinstance(factor.exponent, Head) and factor.exponent.denominator == 1
        positive = c > 0 and all(knowledge.factor_sign(context, f, "nonneg") for f in common)
        if not whole and not positive:
            continue
        coefficient, numerals = _number_power(c, factor.exponent)
        outside = mapped(common, dict(enumerate(factor.labels)))
        factors = list(term.factors)
        factors[position] = Factor(head, tuple(factor.labels[k] for k in order), factor.exponent)
        return Term(
            rational(Fraction(term.coefficient) * coefficient),
            tuple(factors) + numerals + _powered(outside, factor.exponent, context),
            term.bound,
        )
    return None


def discrete_powers(context: Context, term: Term) -> Term | None:
    """y² = y where the entries are 0 or 1; y² = 1 where they are ±1."""
    for position, factor in enumerate(term.factors):
        if isinstance(factor.exponent, Head) or factor.exponent == 1:
            continue
        exponent: Rational | None = None
        if _zero_or_one(context, factor.head) and factor.exponent > 0:
            exponent = 1
        elif knowledge.has(context, factor.head, "pm1") and factor.exponent.denominator == 1:
            exponent = int(factor.exponent) % 2
        if exponent is not None and exponent != factor.exponent:
            factors = list(term.factors)
            factors[position] = factor._replace(exponent=exponent)
            return term._replace(factors=tuple(factors))
    return None


def _zero_or_one(context: Context, head: Head) -> bool:
    if isinstance(head, Applied):
        return bool(getattr(head.operation, "idempotent", False))
    return knowledge.has(context, head, "onehot")


def gated(context: Context, term: Term) -> Term | None:
    """relu(a)ⁿ step(a) = relu(a)ⁿ, |a| sign(a) = a, a sign(a) = |a|: the rooms say which functions do so."""
    for position, factor in enumerate(term.factors):
        head = factor.head
        if not isinstance(head, Applied) or factor.exponent != 1:
            continue
        (argument, *_) = head.arguments
        for place, other in enumerate(term.factors):
            if place == position or other.labels != factor.labels:
                continue
            joined = head.operation.joined(head, other, argument)
            if joined is not None:
                factors = list(term.factors)
                factors[place] = joined
                del factors[position]
                return term._replace(factors=tuple(factors))
    return None


def sums_to_one(context: Context, term: Term) -> Term | None:
    """Σₖ yₖ = 1 for a one-hot, simplex or softmax row y, where k stands nowhere else."""
    for label, places in occurrences(term).items():
        if len(places) != 1:
            continue
        factor = term.factors[places[0]]
        if factor.exponent != 1:
            continue
        along = knowledge.unit_axes(context, factor.head)
        alone = {label for label, p in occurrences(term).items() if p == [places[0]]}
        if along and all(factor.labels[axis] in alone for axis in along):
            summed = [factor.labels[axis] for axis in along]
            if len(set(summed)) == len(summed):
                return _struck(term, places[0], summed)
    return None


def _struck(term: Term, position: int, summed: list[int]) -> Term:
    rest = term._replace(factors=term.factors[:position] + term.factors[position + 1 :])
    for label in sorted(summed):
        rest = without(rest, label)
    return rest


def orthogonal(context: Context, term: Term) -> Term | None:
    """Σₖ Qₖᵢ Qₖⱼ = δᵢⱼ and Σₖ Qᵢₖ Qⱼₖ = δᵢⱼ for orthogonal Q, where k stands nowhere else."""
    for label, places in occurrences(term).items():
        if len(places) != 2 or places[0] == places[1]:
            continue
        first, second = (term.factors[p] for p in places)
        if first.head is not second.head or first.exponent != 1 or second.exponent != 1:
            continue
        if not knowledge.has(context, first.head, "orthogonal"):
            continue
        side = first.labels.index(label)
        if second.labels.index(label) != side:
            continue
        kept = (first.labels[1 - side], second.labels[1 - side])
        rest = [f for k, f in enumerate(term.factors) if k not in places]
        delta = Factor(Delta(first.head.axes[0]), kept)
        return without(term._replace(factors=(*rest, delta)), label)
    return None


def symmetric(context: Context, term: Term) -> Term | None:
    """Aᵢⱼ = Aⱼᵢ for symmetric A: the labels stand in order."""
    for position, factor in enumerate(term.factors):
        if len(factor.labels) == 2 and factor.labels[0] > factor.labels[1]:
            if isinstance(factor.head, Delta) or not knowledge.has(
                context, factor.head, "symmetric"
            ):
                continue
            factors = list(term.factors)
            factors[position] = factor._replace(labels=factor.labels[::-1])
            return term._replace(factors=tuple(factors))
    return None


def summed_group(context: Context, term: Term) -> Term | None:
    """Σᵢ (aᵢ + b) inside a product, where the sum comes to a single term or to nothing."""
    places = occurrences(term)
    for position, factor in enumerate(term.factors):
        if not isinstance(factor.head, Sum) or factor.exponent != 1 or len(factor.head.terms) < 2:
            continue
        own = [k for k in dict.fromkeys(factor.labels) if k < 0 and set(places[k]) == {position}]
        if not own or len(set(factor.labels)) < len(factor.labels):
            continue
        if len(term.factors) == 1 and len(own) == len(term.bound):
            continue
        outer = [k for k in factor.labels if k not in own]
        number = {k: n for n, k in enumerate([*outer])}
        number.update({k: -n - 1 for n, k in enumerate(own)})
        inner = Factor(factor.head, tuple(number[k] for k in factor.labels))
        bound = tuple(term.bound[-k - 1] for k in own)
        axes = tuple(factor.head.axes[factor.labels.index(k)] for k in outer)
        total = context.normal(Sum(axes, (Term(1, (inner,), bound),)))
        if isinstance(total, Sum) and len(total.terms) > 1:
            continue
        factors = list(term.factors)
        factors[position] = Factor(total, tuple(outer))
        after = term._replace(factors=tuple(factors))
        for label in sorted(own):
            after = without(after, label)
        return after
    return None


def centred(context: Context, term: Term) -> Term | None:
    """Σᵢ uᵢ = 0 for a value whose definition says so, such as u = x − mean(x)."""
    places = occurrences(term)
    for position, factor in enumerate(term.factors):
        if not isinstance(factor.head, Definition) or factor.exponent != 1:
            continue
        zero = context.centred.get(factor.head, frozenset())
        for axis, label in enumerate(factor.labels):
            if label < 0 and places[label] == [position] and axis in zero:
                return Term(0, ())
    return None


def gathered(context: Context, term: Term) -> Term | None:
    """rᵉ Σₖ aₖ = rᵉ⁺¹ for r = Σₖ aₖ, so that a sum cancels against a power of itself."""
    for position, factor in enumerate(term.factors):
        head = factor.head
        if not isinstance(head, Sum) or len(head.terms) != 1 or factor.exponent == 1:
            continue
        (body,) = head.terms
        rest = term._replace(factors=term.factors[:position] + term.factors[position + 1 :])
        after = replaced_once(body, head, factor.labels, rest) if body.bound else None
        if after is not None:
            return after._replace(factors=(*after.factors, factor))
    return None


def named(context: Context, term: Term) -> Term | None:
    """What the user gave a name is written by its name."""
    return context.names.within(term)


def closed_scalars(context: Context, term: Term, scalar: bool) -> Term | None:
    """A part of the product whose labels are all bound, and bound to each other alone, is a scalar of its own."""
    if not term.bound:
        return None
    for part in _components(term):
        labels = {k for p in part for k in term.factors[p].labels}
        if any(k >= 0 for k in labels) or not labels:
            continue
        if scalar and len(part) == len(term.factors) and term.coefficient == 1:
            continue
        order = sorted(labels, reverse=True)
        number = {label: -n - 1 for n, label in enumerate(order)}
        inner = tuple(
            f._replace(labels=tuple(number[k] for k in f.labels))
            for f in (term.factors[p] for p in part)
        )
        bound = tuple(term.bound[-k - 1] for k in order)
        total = context.normal(Sum((), (Term(1, inner, bound),)))
        rest = tuple(f for k, f in enumerate(term.factors) if k not in part)
        after = term._replace(factors=(*rest, Factor(total, ())))
        for label in sorted(labels):
            after = without(after, label)
        return after
    return None


def _components(term: Term) -> Iterator[list[int]]:
    """Positions of factors that hang together by bound labels, group by group."""
    unseen = [p for p, f in enumerate(term.factors) if any(k < 0 for k in f.labels)]
    while unseen:
        part = [unseen.pop(0)]
        for p in part:
            mine = {k for k in term.factors[p].labels if k < 0}
            linked = [q for q in unseen if mine & set(term.factors[q].labels)]
            part += linked
            unseen = [q for q in unseen if q not in linked]
        yield part


LAWS: tuple[tuple[str, Law], ...] = (
    ("merge powers", merge_powers),
    ("multiply out", inline),
    ("contract δ", contract_delta),
    ("numbers", numbers),
    ("common number", primitive),
    ("entries are 0, 1 or ±1", discrete_powers),
    ("gate", gated),
    ("sums to 1", sums_to_one),
    ("orthogonal", orthogonal),
    ("symmetric", symmetric),
    ("count", vanished),
    ("sum inside", summed_group),
    ("centred", centred),
    ("name", named),
    ("gather a power", gathered),
)

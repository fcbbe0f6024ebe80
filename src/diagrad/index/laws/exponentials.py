"""Exponentials in a product: what is a softmax, a sigmoid or a tanh."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

from diagrad.index.build import labels, tensor
from diagrad.index.relabel import dropped, multiplied, replaced
from diagrad.index.term import Applied, Factor, Head, Sum, Term
from diagrad.operations.functions import BY_NAME
from diagrad.operations.softmax import SOFTMAX

if TYPE_CHECKING:
    from diagrad.index.context import Context


def softmax_of(context: Context, term: Term) -> Term | None:
    """exp(z)ᵢ / Σₖ exp(z)ₖ = softmax(z)ᵢ, also under a sum that was closed before."""
    for place, below in enumerate(term.factors):
        z = summed_exponential(below.head) if _times(below.exponent) < 0 else None
        if z is None:
            continue
        for position, factor in enumerate(term.factors):
            if is_function(factor.head, "exp") and factor.head.children == (z.head,):
                along = _runs_along(z, factor.labels, below.labels)
                if along and _times(factor.exponent) > 0:
                    share = context.normal(Applied(SOFTMAX, (z.head,), z.head.axes, along))
                    return _met(term, position, place, share)
            opened = _opened(term, position, z.head)
            if opened is not None:
                return opened
    return None


def summed_exponential(head: Head) -> Factor | None:
    """The z of Σ exp(z), with the labels of its axes; None for anything else."""
    if not isinstance(head, Sum) or len(head.terms) != 1:
        return None
    (term,) = head.terms
    if term.coefficient != 1 or len(term.factors) != 1 or not term.bound:
        return None
    (factor,) = term.factors
    alone = factor.exponent == 1 and len(set(factor.labels)) == len(factor.labels)
    every = len(factor.labels) == len(head.axes) + len(term.bound)
    if not (alone and every and is_function(factor.head, "exp")):
        return None
    return Factor(factor.head.children[0], factor.labels)


def is_function(head: Head, name: str) -> bool:
    """Whether a head is that elementwise function of something."""
    return isinstance(head, Applied) and head.operation is BY_NAME[name]


def _times(exponent: object) -> int:
    """A whole exponent; 0 for any other."""
    return exponent if isinstance(exponent, int) else 0


def _runs_along(z: Factor, at: tuple[int, ...], outer: tuple[int, ...]) -> tuple[int, ...]:
    """The axes that the sum runs along, where its other axes stand at the labels of exp(z)."""
    fits = all(k < 0 or outer[k] == label for k, label in zip(z.labels, at, strict=True))
    return tuple(axis for axis, k in enumerate(z.labels) if k < 0) if fits else ()


def _opened(term: Term, position: int, z: Head) -> Term | None:
    """The term with a closed sum that has exp(z) inside multiplied in."""
    factor = term.factors[position]
    head = factor.head
    if not isinstance(head, Sum) or head.axes or len(head.terms) != 1 or factor.exponent != 1:
        return None
    inside = head.terms[0].factors
    if not any(is_function(f.head, "exp") and f.head.children == (z,) for f in inside):
        return None
    return multiplied(dropped(term, position), head.terms[0], ())


def sigmoid_of(context: Context, term: Term) -> Term | None:
    """1 / (1 + exp u) = σ(−u)."""
    for position, factor in enumerate(term.factors):
        power = -_times(factor.exponent)
        u = one_plus_exponential(factor.head) if power > 0 else None
        if u is not None:
            sigmoid = context.normal(applied("sigmoid", negated(context, u)))
            return replaced(term, position, Factor(sigmoid, factor.labels, power))
    return None


def one_plus_exponential(head: Head) -> Head | None:
    """The u of 1 + exp(u)."""
    if not isinstance(head, Sum) or len(head.terms) != 2:
        return None
    one, rest = head.terms
    if one != Term(1, ()) or rest.coefficient != 1 or rest.bound or len(rest.factors) != 1:
        return None
    (factor,) = rest.factors
    plain = factor.exponent == 1 and factor.labels == tuple(range(len(head.axes)))
    return factor.head.children[0] if plain and is_function(factor.head, "exp") else None


def applied(name: str, argument: Head) -> Applied:
    """The elementwise function of that name."""
    return Applied(BY_NAME[name], (argument,), argument.axes)


def negated(context: Context, head: Head) -> Head:
    """−u."""
    at = labels(head.axes)
    return context.normal(tensor(at, -head[at]))


def opposite(context: Context, term: Term) -> Term | None:
    """exp(u) σ(−u) = σ(u) and exp(u) exp(−u) = 1."""
    for position, factor in enumerate(term.factors):
        if not is_function(factor.head, "exp") or _times(factor.exponent) < 1:
            continue
        (u,) = factor.head.children
        for name, joined in (("sigmoid", context.normal(applied("sigmoid", u))), ("exp", None)):
            for place, other in enumerate(term.factors):
                met = other.labels == factor.labels and is_function(other.head, name)
                if met and _times(other.exponent) > 0 and _is_minus(context, other.head, u):
                    return _met(term, position, place, joined)
    return None


def _is_minus(context: Context, function: Head, u: Head) -> bool:
    return function.children == (negated(context, u),)


def _met(term: Term, position: int, place: int, joined: Head | None) -> Term:
    """A factor times another, as many pairs as there are made one, or 1."""
    one, other = term.factors[position], term.factors[place]
    first, second = _times(one.exponent), _times(other.exponent)
    n = min(abs(first), abs(second))
    rest = [f for k, f in enumerate(term.factors) if k not in (position, place)]
    for factor, exponent in ((one, first), (other, second)):
        left = exponent - n if exponent > 0 else exponent + n
        rest += [factor._replace(exponent=left)] if left else []
    if joined is not None:
        rest.append(Factor(joined, one.labels, n))
    return term._replace(factors=tuple(rest))


def quotient(context: Context, term: Term) -> Term | None:
    """sinh u / cosh u = tanh u."""
    for position, factor in enumerate(term.factors):
        if not is_function(factor.head, "sinh") or _times(factor.exponent) < 1:
            continue
        for place, other in _of_the_same(term, factor, "cosh"):
            if _times(other.exponent) < 0:
                tanh = context.normal(applied("tanh", factor.head.children[0]))
                return _met(term, position, place, tanh)
    return None


def _of_the_same(term: Term, factor: Factor, name: str) -> Iterator[tuple[int, Factor]]:
    """Factors that are another function of the same entries."""
    for place, other in enumerate(term.factors):
        same = other.labels == factor.labels and other.head.children == factor.head.children
        if same and is_function(other.head, name):
            yield place, other


def half_argument(context: Context, term: Term) -> Term | None:
    """(exp u − 1) σ(−u) = tanh(u / 2)."""
    for position, factor in enumerate(term.factors):
        u = _exponential_less_one(factor.head) if factor.exponent == 1 else None
        if u is None or not isinstance(factor.head, Sum):
            continue
        sigmoid = applied("sigmoid", negated(context, u))
        for place, other in enumerate(term.factors):
            if other != Factor(sigmoid, factor.labels):
                continue
            at = labels(u.axes)
            tanh = context.normal(applied("tanh", tensor(at, u[at] * Fraction(1, 2))))
            joined = dropped(replaced(term, position, factor._replace(head=tanh)), place)
            turned = factor.head.terms[0].coefficient > 0
            return joined._replace(coefficient=-term.coefficient) if turned else joined
    return None


def _exponential_less_one(head: Head) -> Head | None:
    """The u of exp(u) − 1 and of 1 − exp(u)."""
    if not isinstance(head, Sum) or len(head.terms) != 2:
        return None
    one, rest = head.terms
    if abs(one.coefficient) != 1 or one.coefficient + rest.coefficient != 0:
        return None
    return one_plus_exponential(Sum(head.axes, (one._replace(coefficient=1), _positive(rest))))


def _positive(term: Term) -> Term:
    return term if term.coefficient > 0 else term._replace(coefficient=-term.coefficient)


def hyperbolic(context: Context, head: Sum) -> Sum | None:
    """exp u + exp(−u) = 2 cosh u and exp u − exp(−u) = 2 sinh u, in two terms that are otherwise
    equal."""
    for place, term in enumerate(head.terms):
        found = _one_exponential(term)
        if found is None:
            continue
        (u,) = term.factors[found].head.children
        if leads_negative(u):
            continue
        minus = applied("exp", negated(context, u))
        partner = replaced(term, found, term.factors[found]._replace(head=minus))
        for k, other in enumerate(head.terms):
            sign = _sign_between(partner, other)
            if sign and k != place:
                function = applied("cosh" if sign > 0 else "sinh", u)
                factor = term.factors[found]._replace(head=function)
                joined = replaced(term, found, factor)._replace(coefficient=2 * term.coefficient)
                rest = tuple(t for n, t in enumerate(head.terms) if n not in (k, place))
                return Sum(head.axes, (joined, *rest))
    return None


def _one_exponential(term: Term) -> int | None:
    """The position of the one exponential among the factors."""
    found = [
        k for k, f in enumerate(term.factors) if f.exponent == 1 and is_function(f.head, "exp")
    ]
    return found[0] if len(found) == 1 else None


def _sign_between(one: Term, other: Term) -> int:
    """1 where two terms are equal, −1 where their sum is 0, otherwise 0."""
    if one.bound != other.bound or set(one.factors) != set(other.factors):
        return 0
    if abs(one.coefficient) != abs(other.coefficient):
        return 0
    return 1 if one.coefficient == other.coefficient else -1


def leads_negative(head: Head) -> bool:
    """Whether a head is written with a minus in front: −2 u, −u − v."""
    return isinstance(head, Sum) and bool(head.terms) and all(t.coefficient < 0 for t in head.terms)

"""Writing what the user named by its name: wholes, products that stand inside a term, powers."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor
from typing import NamedTuple

from diagrad.index import knowledge
from diagrad.index.relabel import without
from diagrad.index.term import (
    Applied,
    Constant,
    Definition,
    Extent,
    Factor,
    Head,
    Numeral,
    Rational,
    Sum,
    Term,
    Variable,
    rational,
)


class Pattern(NamedTuple):
    """A definition whose body is one term: `required` factors to find, `scalars` to make up for."""

    definition: Definition
    body: Term
    required: tuple[Factor, ...]
    scalars: tuple[Factor, ...]


class Alias(NamedTuple):
    """A head that equals a multiple of a definition with its axes permuted."""

    coefficient: Rational
    definition: Definition
    order: tuple[int, ...]


class Match(NamedTuple):
    """Where a pattern was found: to which power, its labels, and how often each factor."""

    power: int
    labels: dict[int, int]
    used: dict[int, Rational]


class Definitions:
    """The definitions in force, by what they equal."""

    def __init__(self) -> None:
        self._aliases: dict[Head, Alias] = {}
        self._patterns: list[Pattern] = []
        # What a definition is a power of, and which: for q = √v it is v and ½.
        self.powers: dict[Head, tuple[Head, Rational]] = {}

    def add(self, definition: Definition, body: Head) -> None:
        """`body` is the normal form of the definition's body."""
        order = tuple(range(len(body.axes)))
        if isinstance(body, Applied):
            self._aliases.setdefault(body, Alias(1, definition, order))
        elif isinstance(body, Sum) and len(body.terms) > 1:
            self._add_sum(definition, body)
        elif isinstance(body, Sum) and len(body.terms) == 1:
            self._add_product(definition, body)

    def _add_sum(self, definition: Definition, body: Sum) -> None:
        """Every multiple and every order of the axes of a sum is known by its name."""
        c = knowledge.content(body)
        primitive = knowledge.divided(body, c)
        order = tuple(range(len(body.axes)))
        self._aliases.setdefault(primitive, Alias(rational(1 / Fraction(c)), definition, order))

    def _add_product(self, definition: Definition, body: Sum) -> None:
        (term,) = body.terms
        scalars = tuple(
            f
            for f in term.factors
            if isinstance(f.head, Extent | Numeral | Constant) and not isinstance(f.exponent, Head)
        )
        required = tuple(f for f in term.factors if f not in scalars)
        if not required or (len(required) == 1 and _is_just_a_name(required[0], term)):
            return
        (factor, *more) = required
        plain = factor.labels == tuple(range(len(body.axes))) and term.coefficient == 1
        if plain and not (more or scalars or term.bound or isinstance(factor.exponent, Head)):
            self.powers[definition] = (factor.head, factor.exponent)
        if {k for f in required for k in f.labels if k >= 0} != set(range(len(body.axes))):
            return
        self._patterns.append(Pattern(definition, term, required, scalars))

    def whole(self, head: Head) -> Head:
        """The head, or the definition that it is."""
        if not isinstance(head, Sum):
            alias = self._aliases.get(head)
            return alias.definition if alias else head
        if len(head.terms) < 2:
            return head
        c = knowledge.content(head)
        alias = self._aliases.get(knowledge.divided(head, c))
        if alias is None:
            return head
        coefficient = rational(Fraction(c) * alias.coefficient)
        if coefficient == 1:
            return alias.definition
        factor = Factor(alias.definition, tuple(range(len(head.axes))))
        return Sum(head.axes, (Term(coefficient, (factor,)),))

    def within(self, term: Term) -> Term | None:
        """The term with one pattern replaced by its name, or None."""
        for pattern in self._patterns:
            match = _find(pattern.required, term)
            if match is not None:
                return _replaced(pattern, match, term)
        return None


def found_once(body: Term, labels: dict[int, int], term: Term) -> Match | None:
    """Where a product, summed over its bound labels, stands in the term, with some of its free
    labels given; or None."""
    return _extend(body.factors, 0, term, labels, {}, True)


def replaced_once(body: Term, head: Head, labels: tuple[int, ...], term: Term) -> Term | None:
    """The term with one occurrence of a product, summed over its bound labels and standing at
    `labels`, replaced by the head that it is; or None."""
    match = _extend(body.factors, 0, term, dict(enumerate(labels)), {}, True)
    if match is None:
        return None
    return _with_head(head, body.coefficient, body.factors, match, term)


def _is_just_a_name(factor: Factor, term: Term) -> bool:
    named = isinstance(factor.head, Variable | Definition)
    return named and factor.exponent == 1 and not term.bound


def _find(required: tuple[Factor, ...], term: Term) -> Match | None:
    """An occurrence of the product in the term: its bound labels stand nowhere else in the term."""
    if len(required) > len(term.factors):
        return None
    bound = any(k < 0 for f in required for k in f.labels)
    match = _extend(required, 0, term, {}, {}, bound)
    if (
        match is None
        or len(required) > 1
        or not isinstance(required[0].head, Variable | Definition)
    ):
        return match
    (exponent,) = (term.factors[place].exponent for place in match.used)
    shorter = isinstance(exponent, Head) or exponent.denominator != 1 or abs(match.power) == 1
    return match if bound or shorter else None


def _extend(
    required: tuple[Factor, ...],
    position: int,
    term: Term,
    labels: dict[int, int],
    used: dict[int, Rational],
    exact: bool,
) -> Match | None:
    if position == len(required):
        return _complete(required, term, labels, used, exact)
    wanted = required[position]
    for place, factor in enumerate(term.factors):
        if place in used or factor.head is not wanted.head:
            continue
        ratio = _ratio(factor, wanted)
        if ratio is None or (exact and not _enough(ratio, wanted)):
            continue
        bindings = _bind(wanted.labels, factor.labels, labels)
        if bindings is None:
            continue
        found = _extend(required, position + 1, term, bindings, {**used, place: ratio}, exact)
        if found is not None:
            return found
    return None


def _enough(ratio: Rational, wanted: Factor) -> bool:
    """Inside a sum a power has to be there whole; outside it may leave some of the factor over."""
    return ratio == 1 or (ratio > 1 and all(k >= 0 for k in wanted.labels))


def _ratio(factor: Factor, wanted: Factor) -> Rational | None:
    if isinstance(factor.exponent, Head) or isinstance(wanted.exponent, Head):
        return 1 if factor.exponent is wanted.exponent else None
    return rational(Fraction(factor.exponent) / wanted.exponent)


def _bind(
    wanted: tuple[int, ...], at: tuple[int, ...], labels: dict[int, int]
) -> dict[int, int] | None:
    """Bindings extended so that the pattern's labels `wanted` stand for `at`; bound ones for bound
    ones, each for its own."""
    bindings = dict(labels)
    for mine, theirs in zip(wanted, at, strict=True):
        if mine < 0 and theirs >= 0:
            return None
        if bindings.setdefault(mine, theirs) != theirs:
            return None
    bound = [theirs for mine, theirs in bindings.items() if mine < 0]
    return bindings if len(set(bound)) == len(bound) else None


def _complete(
    required: tuple[Factor, ...],
    term: Term,
    labels: dict[int, int],
    used: dict[int, Rational],
    exact: bool,
) -> Match | None:
    bound = {theirs for mine, theirs in labels.items() if mine < 0}
    outside = [f for place, f in enumerate(term.factors) if place not in used]
    if any(k in bound for f in outside for k in f.labels):
        return None
    if any(theirs in bound for mine, theirs in labels.items() if mine >= 0):
        return None
    if exact:
        return Match(1, labels, used)
    ratios = list(used.values())
    if all(r >= 1 for r in ratios):
        power = floor(min(ratios))
    elif all(r <= -1 for r in ratios):
        power = ceil(max(ratios))
    else:
        return None
    if len(ratios) == 1 and ratios[0].denominator != 1:
        return None
    return Match(power, labels, used)


def _replaced(pattern: Pattern, match: Match, term: Term) -> Term:
    """c s Π fᵉ = D, so Π f^(e p) = D^p / (c s)^p."""
    after = _with_head(pattern.definition, pattern.body.coefficient, pattern.required, match, term)
    made_up = []
    for scalar in pattern.scalars:
        assert not isinstance(scalar.exponent, Head)
        made_up.append(scalar._replace(exponent=-scalar.exponent * match.power))
    return after._replace(factors=(*after.factors, *made_up))


def _with_head(
    head: Head, coefficient: Rational, required: tuple[Factor, ...], match: Match, term: Term
) -> Term:
    """The term with the match as a power of the head, and what the match leaves over."""
    left = []
    wanted = dict(zip(match.used, required, strict=True))
    for place, factor in enumerate(term.factors):
        if place not in match.used:
            left.append(factor)
            continue
        ratio = match.used[place] - match.power
        if ratio != 0:
            exponent = wanted[place].exponent
            assert not isinstance(exponent, Head)
            left.append(factor._replace(exponent=rational(Fraction(exponent) * ratio)))
    free = tuple(match.labels[k] for k in range(len(head.axes)))
    left.append(Factor(head, free, match.power))
    number = Fraction(term.coefficient) / Fraction(coefficient) ** match.power
    after = Term(rational(number), tuple(left), term.bound)
    for label in sorted(theirs for mine, theirs in match.labels.items() if mine < 0):
        after = without(after, label)
    return after

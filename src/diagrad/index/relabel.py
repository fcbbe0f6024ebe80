"""Moving terms about: labels renamed, terms multiplied, and the canonical labelling."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import islice, pairwise
from typing import Any

from diagrad.dimensions import Size
from diagrad.index.term import Factor, Head, Labels, Term, exponent_key, factor_key, rational

TIES = 120
Symmetric = Callable[[Head], bool]


def mapped(factors: Iterable[Factor], mapping: Mapping[int, int]) -> tuple[Factor, ...]:
    """The factors with their labels renamed; labels not in the mapping stay."""
    return tuple(
        Factor(f.head, tuple(mapping.get(k, k) for k in f.labels), f.exponent) for f in factors
    )


def splice(inner: Term, at: Labels, outer_bound: Sequence[Size]) -> tuple[Factor, ...]:
    """The factors of `inner`, free labels replaced by `at`, bound ones numbered on."""
    shift = len(outer_bound)
    return tuple(
        Factor(
            f.head,
            tuple(at[k] if k >= 0 else k - shift for k in f.labels),
            f.exponent,
        )
        for f in inner.factors
    )


def without(term: Term, label: int) -> Term:
    """The term with a bound label that stands nowhere struck off the list; later labels move up."""
    mapping = {k: k + 1 for k in range(-len(term.bound), label)}
    position = -label - 1
    bound = term.bound[:position] + term.bound[position + 1 :]
    return Term(term.coefficient, mapped(term.factors, mapping), bound)


def multiplied(term: Term, inner: Term, at: Labels) -> Term:
    """The product of a term and another one whose free labels are those `at` which it stands."""
    return Term(
        rational(Fraction(term.coefficient) * inner.coefficient),
        term.factors + splice(inner, at, term.bound),
        term.bound + inner.bound,
    )


def dropped(term: Term, position: int) -> Term:
    """The term without one of its factors."""
    return term._replace(factors=term.factors[:position] + term.factors[position + 1 :])


def replaced(term: Term, position: int, factor: Factor) -> Term:
    """The term with another factor in that place."""
    before, after = term.factors[:position], term.factors[position + 1 :]
    return term._replace(factors=(*before, factor, *after))


def struck(term: Term, labels: Iterable[int]) -> Term:
    """The term without several bound labels that stand nowhere."""
    for label in sorted(labels):
        term = without(term, label)
    return term


def substituted(term: Term, label: int, by: int) -> Term:
    """The term with the bound label replaced by another label and struck off."""
    return without(term._replace(factors=mapped(term.factors, {label: by})), label)


def occurrences(term: Term) -> dict[int, list[int]]:
    """For each bound label, the positions of the factors it stands in, twice if it does so."""
    places: dict[int, list[int]] = {-k - 1: [] for k in range(len(term.bound))}
    for position, factor in enumerate(term.factors):
        for label in factor.labels:
            if label < 0:
                places[label].append(position)
    return places


def canonical(term: Term, symmetric: Symmetric) -> Term:
    """The same term with bound labels numbered by structure, those of a symmetric head in order,
    and factors in structural order, so that equal terms become identical.

    Labels are told apart by colour refinement; a tie is settled by singling out each of its labels
    in turn and refining again, and the smallest result is kept (McKay, Practical graph isomorphism,
    1981). At most TIES results are compared: beyond that, equal terms may stay different, which is
    longer but not wrong.
    """
    count = len(term.bound)
    if count == 0:
        return term._replace(factors=tuple(sorted(term.factors, key=factor_key)))
    if count == 1:
        return _ordered(term, (-1,), symmetric)
    start = {-k - 1: size.key for k, size in enumerate(term.bound)}
    orders = islice(_orders(term, _refined(term, start, symmetric), symmetric), TIES)
    return min((_ordered(term, order, symmetric) for order in orders), key=_factor_keys)


def _factor_keys(term: Term) -> list[tuple[Any, ...]]:
    return [factor_key(f) for f in term.factors]


def _ordered(term: Term, order: tuple[int, ...], symmetric: Symmetric) -> Term:
    mapping = {label: -k - 1 for k, label in enumerate(order)}
    renamed = (
        f._replace(labels=tuple(sorted(f.labels))) if symmetric(f.head) else f
        for f in mapped(term.factors, mapping)
    )
    factors = tuple(sorted(renamed, key=factor_key))
    return Term(term.coefficient, factors, tuple(term.bound[-label - 1] for label in order))


def _orders(term: Term, colour: dict[int, int], symmetric: Symmetric) -> Iterator[tuple[int, ...]]:
    """The orders of the bound labels that agree with their colours, ties settled in every way."""
    ranks = sorted(colour.values())
    tied = next((r for r, following in pairwise(ranks) if r == following), None)
    if tied is None:
        yield tuple(sorted(colour, key=colour.__getitem__))
        return
    for label in [k for k in colour if colour[k] == tied]:
        single = {k: (rank, k != label) for k, rank in colour.items()}
        yield from _orders(term, _refined(term, single, symmetric), symmetric)


def _refined(term: Term, signature: Mapping[int, Any], symmetric: Symmetric) -> dict[int, int]:
    """Colours 0, 1, … of the labels, refined by where each stands until nothing changes."""
    colours = 0
    while True:
        ranks = {s: r for r, s in enumerate(sorted(set(signature.values())))}
        colour = {label: ranks[s] for label, s in signature.items()}
        if len(ranks) in (colours, len(colour)):
            return colour
        colours = len(ranks)
        signature = {
            label: (colour[label], _around(term, label, colour, symmetric)) for label in colour
        }


def _around(
    term: Term, label: int, colour: Mapping[int, int], symmetric: Symmetric
) -> tuple[Any, ...]:
    """Where a label stands, told by the colours of the labels beside it."""
    places = []
    for factor in term.factors:
        if label in factor.labels:
            marks = tuple(
                (2, 0) if k == label else (1, colour[k]) if k < 0 else (0, k) for k in factor.labels
            )
            if symmetric(factor.head):
                marks = tuple(sorted(marks))
            places.append((factor.head.key, exponent_key(factor.exponent), marks))
    return tuple(sorted(places))

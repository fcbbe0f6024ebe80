"""Moving terms about: substituting labels, splicing one term into another, and the canonical labelling."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import permutations, product
from typing import Any

from diagrad.dimensions import Size
from diagrad.index.term import Factor, Labels, Term, exponent_key, factor_key

TIES = 120


def mapped(factors: Iterable[Factor], mapping: Mapping[int, int]) -> tuple[Factor, ...]:
    """The factors with their labels renamed; labels not in the mapping stay."""
    return tuple(
        Factor(f.head, tuple(mapping.get(k, k) for k in f.labels), f.exponent) for f in factors
    )


def splice(inner: Term, at: Labels, outer_bound: Sequence[Size]) -> tuple[Factor, ...]:
    """The factors of `inner` with its free labels replaced by `at` and its bound labels numbered on from
    `outer_bound`."""
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


def substituted(term: Term, label: int, by: int) -> Term:
    """The term with the bound label replaced by another label and struck off."""
    return without(term._replace(factors=mapped(term.factors, {label: by})), label)


def occurrences(term: Term) -> dict[int, list[int]]:
    """For each bound label, the positions of the factors in which it stands, repeated if it stands twice."""
    places: dict[int, list[int]] = {-k - 1: [] for k in range(len(term.bound))}
    for position, factor in enumerate(term.factors):
        for label in factor.labels:
            if label < 0:
                places[label].append(position)
    return places


def canonical(term: Term) -> Term:
    """The same term with bound labels numbered by structure and factors in structural order, so that equal terms
    become identical.

    Labels are told apart by three rounds of colour refinement; what remains tied is settled by trying the orders
    within the ties and keeping the smallest result.
    """
    count = len(term.bound)
    if count == 0:
        return term._replace(factors=tuple(sorted(term.factors, key=factor_key)))
    if count == 1:
        return _ordered(term, (-1,))
    classes = _classes(term)
    orders = [permutations(group) for group in classes]
    best: Term | None = None
    best_key: list[Any] = []
    for tried, choice in enumerate(product(*orders)):
        if tried == TIES:
            break
        candidate = _ordered(term, tuple(label for group in choice for label in group))
        key = [factor_key(f) for f in candidate.factors]
        if best is None or key < best_key:
            best, best_key = candidate, key
    assert best is not None
    return best


def _ordered(term: Term, order: tuple[int, ...]) -> Term:
    mapping = {label: -k - 1 for k, label in enumerate(order)}
    factors = tuple(sorted(mapped(term.factors, mapping), key=factor_key))
    return Term(term.coefficient, factors, tuple(term.bound[-label - 1] for label in order))


def _classes(term: Term) -> list[list[int]]:
    """Bound labels grouped by colour, in the order of the colours."""
    count = len(term.bound)
    colour: dict[int, int] = {-k - 1: 0 for k in range(count)}
    signature: dict[int, Any] = {-k - 1: term.bound[k].key for k in range(count)}
    for _ in range(3):
        ranks = {s: r for r, s in enumerate(sorted(set(signature.values())))}
        colour = {label: ranks[signature[label]] for label in signature}
        if len(ranks) == count:
            break
        signature = {label: (colour[label], _around(term, label, colour)) for label in colour}
    ranks = sorted(set(colour.values()))
    return [[label for label in colour if colour[label] == rank] for rank in ranks]


def _around(term: Term, label: int, colour: Mapping[int, int]) -> tuple[Any, ...]:
    """Where a label stands, told by the colours of the labels beside it."""
    places = []
    for factor in term.factors:
        if label in factor.labels:
            marks = tuple(
                (2, 0) if k == label else (1, colour[k]) if k < 0 else (0, k) for k in factor.labels
            )
            places.append((factor.head.key, exponent_key(factor.exponent), marks))
    return tuple(sorted(places))

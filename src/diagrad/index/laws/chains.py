"""A product of square matrices in index form: Σ A[0, a] v[a] B[a, 1] as the chain A diag(v) B."""

from __future__ import annotations

from typing import NamedTuple

from diagrad.dimensions import Size
from diagrad.index.relabel import mapped
from diagrad.index.term import Delta, Factor, Rational, Sum, Term


class Chain(NamedTuple):
    """coefficient · Π scaling · Π links, summed over `cuts`: each link is a square matrix at two of
    the labels 0, 1 and the cuts, which lead from 0 to 1; a scaling stands at one of them or at
    none."""

    coefficient: Rational
    scaling: tuple[Factor, ...]
    links: tuple[Factor, ...]
    cuts: tuple[int, ...]

    @property
    def is_whole(self) -> bool:
        """Whether it is a matrix that could not be taken apart."""
        return self.coefficient == 1 and not self.scaling and len(self.links) == 1


def chain_of(A: Sum) -> Chain | None:
    """The chain that a square sum of one term is; None where it is diagonal, or no chain."""
    (term,) = A.terms
    if any(isinstance(f.head, Delta) and set(f.labels) == {0, 1} for f in term.factors):
        return None
    size = A.axes[0]
    labelled = [f for f in term.factors if f.labels]
    cuts = [
        label
        for label in (-k - 1 for k in range(len(term.bound)))
        if term.bound[-label - 1] == size and _parts(labelled, label)
    ]
    places = {0, 1, *cuts}
    scaling = [f for f in term.factors if not f.labels]
    links: dict[tuple[int, ...], list[Factor]] = {}
    for part in hanging_together(labelled, places):
        at = tuple(sorted(places & labels_of(part), reverse=True))
        if len(at) > 2:
            return None
        if len(at) == 1:
            scaling.append(_one(part, at, term, size))
        else:
            links.setdefault(at, []).extend(part)
    joined = tuple(_one(part, at, term, size) for at, part in links.items())
    leads = len(joined) == len(cuts) + 1 and all(len(at) == 2 for at in links)
    ends = [label for at in links for label in at]
    if not leads or any(ends.count(label) != 1 + (label < 0) for label in places):
        return None
    return Chain(term.coefficient, tuple(scaling), joined, tuple(cuts))


def _parts(factors: list[Factor], label: int) -> bool:
    """Whether without the label what stands at 0 is parted from what stands at 1."""
    touched = [labels_of(part) for part in hanging_together(factors, {0, 1, label})]
    left = [t for t in touched if 0 in t and label in t]
    right = [t for t in touched if 1 in t and label in t]
    return bool(left and right) and not any({0, 1} <= t for t in touched)


def labels_of(factors: list[Factor]) -> set[int]:
    return {k for f in factors for k in f.labels}


def hanging_together(factors: list[Factor], places: set[int]) -> list[list[Factor]]:
    """Groups of factors that share labels other than the given ones."""
    groups: list[list[Factor]] = []
    for factor in factors:
        own = set(factor.labels) - places
        near = [g for g in groups if own & labels_of(g)]
        groups = [g for g in groups if g not in near] + [[*(f for g in near for f in g), factor]]
    return groups


def _one(part: list[Factor], at: tuple[int, ...], term: Term, size: Size) -> Factor:
    """Factors as one head that stands at the labels `at`."""
    if len(part) == 1 and (len(at) == len(part[0].labels) or len(at) == 1):
        return _alone(part[0])
    inner = sorted(labels_of(part) - set(at), reverse=True)
    number = {k: n for n, k in enumerate(at)} | {k: -n - 1 for n, k in enumerate(inner)}
    bound = tuple(term.bound[-k - 1] for k in inner)
    axes = (size,) * len(at)
    return Factor(Sum(axes, (Term(1, mapped(part, number), bound),)), at)


def _alone(factor: Factor) -> Factor:
    """A factor as it stands; a power of a matrix, entry by entry, as one head."""
    if factor.exponent == 1 or len(set(factor.labels)) < 2:
        return factor
    axes = factor.head.axes
    return Factor(Sum(axes, (Term(1, (factor._replace(labels=(0, 1)),)),)), factor.labels)

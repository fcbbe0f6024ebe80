"""In which order sums are worked out: every sum over an index becomes a tensor of its own, of at
most two factors, and what several results need is one tensor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from diagrad.compile.contraction import Contraction, Products
from diagrad.compile.deltas import outside, smallest_equal, without_deltas
from diagrad.compile.digits import without_digits
from diagrad.compile.graph import rebuilt
from diagrad.dimensions import Size
from diagrad.index.build import extent, tensor
from diagrad.index.context import term_key
from diagrad.index.relabel import mapped
from diagrad.index.term import Delta, Factor, Head, Sum, Term


class Planner:
    """Plans heads for given sizes of the dimensions."""

    def __init__(self, sizes: Mapping[str, int]) -> None:
        self.products = Products(sizes)
        self._planned: dict[Head, Head] = {}

    def planned(self, head: Head) -> Head:
        """An equal head in which only tensors with a single term of one or two factors have bound
        labels."""
        if head not in self._planned:
            inner = rebuilt(head, self.planned)
            self._planned[head] = self._sum(inner) if isinstance(inner, Sum) else inner
        return self._planned[head]

    def _sum(self, head: Sum) -> Head:
        terms = tuple(self._term(term, head.axes) for term in head.terms)
        merged = tuple(self._joined_sums(list(merged_terms(terms)), head.axes))
        if len(merged) == 1 and is_whole(merged[0], head.axes):
            return merged[0].factors[0].head
        return Sum(head.axes, merged)

    def _term(self, term: Term, axes: tuple[Size, ...]) -> Term:
        term = self._merged(without_deltas(outside(term)), axes)
        if not term.bound:
            return term
        scalars = tuple(f for f in term.factors if not f.labels)
        deltas = tuple(f for f in term.factors if isinstance(f.head, Delta))
        rest = [f for f in term.factors if f.labels and not isinstance(f.head, Delta)]
        one = smallest_equal(f.labels for f in deltas)
        rest = list(mapped(rest, one))
        scalars += tuple(extent_of(size) for size in _nowhere(term))
        contracted = Contraction(self.products, term, axes, rest).result()
        return Term(term.coefficient, (*scalars, *deltas, *contracted))

    def _joined_sums(self, terms: list[Term], axes: tuple[Size, ...]) -> Iterator[Term]:
        """Σ p q + Σ p r = Σ p (q + r), for sums over the same labels that stand alone."""
        while terms:
            term = terms.pop(0)
            for other in terms:
                joined = self._joined_pair(term, other, axes)
                if joined is not None:
                    terms.remove(other)
                    terms.insert(0, joined)
                    break
            else:
                yield term

    def _joined_pair(self, a: Term, b: Term, axes: tuple[Size, ...]) -> Term | None:
        first, second = _standing_sum(a), _standing_sum(b)
        if first is None or second is None or first.beside != second.beside:
            return None
        if first.inner.bound != second.inner.bound:
            return None
        ours, theirs = list(first.inner.factors), list(second.inner.factors)
        for factor in first.inner.factors:
            if factor in theirs:
                ours.remove(factor)
                theirs.remove(factor)
        if len(ours) != 1 or len(theirs) != 1 or set(ours[0].labels) != set(theirs[0].labels):
            return None
        sizes = dict(enumerate(axes)) | {-k - 1: s for k, s in enumerate(first.inner.bound)}
        at = tuple(dict.fromkeys(ours[0].labels))
        number = {label: k for k, label in enumerate(at)}
        pair = ((a.coefficient, ours[0]), (b.coefficient, theirs[0]))
        both = tuple(Term(c, mapped([f], number)) for c, f in pair)
        total = Sum(tuple(sizes[k] for k in at), tuple(sorted(both, key=term_key)))
        common = [f for f in first.inner.factors if f is not ours[0]]
        factors = (*common, Factor(total, at))
        kept = list(dict.fromkeys(k for f in factors for k in f.labels if k >= 0))
        made = self.products.make(sorted(kept), factors, factors, sizes)
        return Term(1, (*first.beside, made))

    def _merged(self, term: Term, axes: tuple[Size, ...]) -> Term:
        """Without digits; the tensors that were made are planned."""
        after = without_digits(term, axes)
        if after is term:
            return term
        factors = (f._replace(head=self.planned(f.head)) for f in after.factors)
        return without_deltas(after._replace(factors=tuple(factors)))


def _nowhere(term: Term) -> list[Size]:
    """The sizes of bound labels that stand in no factor: the sum over them counts."""
    used = {k for f in term.factors for k in f.labels}
    return [size for k, size in enumerate(term.bound) if -k - 1 not in used]


def extent_of(size: Size) -> Factor:
    """A size as a number."""
    return Factor(tensor((), extent(size)), ())


class Standing(NamedTuple):
    """A sum over bound labels in the labels of a term, and the factors beside it."""

    inner: Term
    beside: tuple[Factor, ...]


def _standing_sum(term: Term) -> Standing | None:
    """The only sum that is a factor of a term without bound labels."""
    sums = [f for f in term.factors if _is_sum(f)]
    if len(sums) != 1 or term.bound:
        return None
    (factor,) = sums
    assert isinstance(factor.head, Sum)
    (inner,) = factor.head.terms
    factors = mapped(inner.factors, dict(enumerate(factor.labels)))
    return Standing(
        inner._replace(factors=factors), tuple(f for f in term.factors if f is not factor)
    )


def _is_sum(factor: Factor) -> bool:
    head = factor.head
    single = isinstance(head, Sum) and len(head.terms) == 1 and factor.exponent == 1
    return single and isinstance(head, Sum) and bool(head.terms[0].bound)


def is_whole(term: Term, axes: tuple[Size, ...]) -> bool:
    """Whether a term is one tensor, taken once, with its axes in order."""
    if len(term.factors) != 1 or term.coefficient != 1 or term.bound:
        return False
    (factor,) = term.factors
    return factor.exponent == 1 and factor.labels == tuple(range(len(axes)))


def merged_terms(terms: Sequence[Term]) -> Iterator[Term]:
    """The terms, those that are equal but for their numbers added up."""
    found: dict[tuple[Factor, ...], Term] = {}
    for term in terms:
        before = found.get(term.factors)
        if before is not None:
            term = term._replace(coefficient=before.coefficient + term.coefficient)
        found[term.factors] = term
    return (term for term in found.values() if term.coefficient)

"""Composite axes: an axis that runs over pairs of indices is two axes, stored alike.

In index notation the index of such an axis is told by its digits. Here a tensor is reshaped
instead, which moves nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from diagrad.dimensions import Shape, Size
from diagrad.index.relabel import mapped, struck
from diagrad.index.term import Applied, Delta, Digit, Factor, Head, Sum, Term, size_of
from diagrad.operations.room import Operation, Takes


class Reshaped(Operation):
    """The same entries in the same order, with other axes. It is no word of the language."""

    name = "reshape"
    takes = Takes(operands=("A",))
    summary = "The same entries with other axes."
    example = ""
    entrywise = False
    exact = True

    def shape(self, shapes: Sequence[Shape], parameters: tuple[object, ...]) -> Shape:
        return shapes[0]


RESHAPED = Reshaped()


def reshaped(head: Head, axes: Iterable[Size]) -> Head:
    return Applied(RESHAPED, (head,), tuple(axes))


def without_digits(term: Term, axes: tuple[Size, ...]) -> Term:
    """The term with indices told by their digits replaced: a bound one by its digits, in tensors
    that are split along it; with a free one the term is a tensor that is merged along it."""
    while True:
        digits = _digits(term)
        if digits is None:
            return term
        index, radix, labels = digits
        rest = _rest(term, index, radix, labels)
        change = _split if index < 0 else _merged
        term = change(term._replace(factors=tuple(rest)), axes, index, labels)


def _digits(term: Term) -> tuple[int, tuple[Size, ...], list[int]] | None:
    """An index, the radix in which it is told, and the labels of all its digits, the slowest
    first."""
    found: dict[tuple[int, tuple[Size, ...]], dict[int, int]] = {}
    for factor in term.factors:
        if isinstance(factor.head, Digit):
            index, digit = factor.labels
            places = found.setdefault((index, factor.head.sizes), {})
            places.setdefault(factor.head.place, digit)
    for (index, radix), places in found.items():
        labels = [places[k] for k in sorted(places)]
        if len(labels) == len(radix) and len(set(labels)) == len(labels):
            return index, radix, labels
    return None


def _rest(term: Term, index: int, radix: tuple[Size, ...], labels: list[int]) -> list[Factor]:
    """The factors but for the digits of an index."""
    told = {(place, label) for place, label in enumerate(labels)}
    return [
        f
        for f in term.factors
        if not (
            isinstance(f.head, Digit)
            and (f.labels[0], f.head.sizes) == (index, radix)
            and (f.head.place, f.labels[1]) in told
        )
    ]


def _split(term: Term, axes: tuple[Size, ...], index: int, labels: list[int]) -> Term:
    """Every tensor with the bound index has its digits instead."""
    factors = []
    for factor in term.factors:
        while index in factor.labels:
            k = factor.labels.index(index)
            sizes = [size_of(label, term, axes) for label in labels]
            new = (*factor.head.axes[:k], *sizes, *factor.head.axes[k + 1 :])
            at = (*factor.labels[:k], *labels, *factor.labels[k + 1 :])
            factor = factor._replace(head=reshaped(factor.head, new), labels=at)
        factors.append(factor)
    return struck(term._replace(factors=tuple(factors)), [index])


def _merged(term: Term, axes: tuple[Size, ...], index: int, labels: list[int]) -> Term:
    """The term is one tensor over its free labels, which was made with the digits in place of the
    index, and reshaped."""
    free = [label for k in range(len(axes)) for label in (labels if k == index else [k])]
    number: dict[int, int] = {}
    again = []
    for place, label in enumerate(free):
        first = number.setdefault(label, place)
        if first != place:
            again.append(Factor(Delta(size_of(label, term, axes)), (first, place)))
    bound = [-k - 1 for k in range(len(term.bound)) if -k - 1 not in labels]
    number |= {label: -k - 1 for k, label in enumerate(bound)}
    sizes = tuple(size_of(label, term, axes) for label in bound)
    inner = Term(1, (*mapped(term.factors, number), *again), sizes)
    split = Sum(tuple(size_of(label, term, axes) for label in free), (inner,))
    whole = Factor(reshaped(split, axes), tuple(range(len(axes))))
    return Term(term.coefficient, (whole,))

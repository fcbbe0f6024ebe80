"""Labels: δ, sums over what does not depend on them, and sums that can be done by themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from diagrad.dimensions import Size
from diagrad.index.build import extent, tensor
from diagrad.index.relabel import (
    dropped,
    mapped,
    occurrences,
    replaced,
    struck,
    substituted,
    without,
)
from diagrad.index.term import Delta, Factor, Head, Sum, Term

if TYPE_CHECKING:
    from diagrad.index.context import Context


def contract_delta(context: Context, term: Term) -> Term | None:
    """Σⱼ δᵢⱼ aⱼ = aᵢ, δᵢᵢ = 1; beside δᵢⱼ with both labels free, aⱼ is written aᵢ."""
    for position, factor in enumerate(term.factors):
        if not isinstance(factor.head, Delta):
            continue
        if isinstance(factor.exponent, Head) or factor.exponent <= 0:
            continue
        a, b = factor.labels
        rest = dropped(term, position)
        if a == b:
            return rest
        if a < 0 or b < 0:
            return substituted(rest, a, b) if a < 0 else substituted(rest, b, a)
        after = _beside_free_delta(rest, factor)
        if after is not None:
            return after
    return None


def _beside_free_delta(rest: Term, factor: Factor) -> Term | None:
    """The term, δ again among its factors, with the lower of δ's two labels wherever either stood;
    None where it is so already."""
    low, high = sorted(factor.labels)
    if factor.labels != (low, high):
        return rest._replace(factors=(*rest.factors, factor._replace(labels=(low, high))))
    if not any(high in f.labels for f in rest.factors):
        return None
    renamed = mapped(rest.factors, {high: low})
    return rest._replace(factors=(factor._replace(exponent=1), *renamed))


def vanished(context: Context, term: Term) -> Term | None:
    """Σᵢ 1 = n: a bound label that stands nowhere leaves its size as a factor."""
    for label, places in occurrences(term).items():
        if not places:
            counted = context.normal(tensor((), extent(term.bound[-label - 1])))
            after = without(term, label)
            return after._replace(factors=(*after.factors, Factor(counted, ())))
    return None


def summed_group(context: Context, term: Term) -> Term | None:
    """Σᵢ (aᵢ + b) inside a product, where the sum comes to a single term or to nothing."""
    places = occurrences(term)
    for position, factor in enumerate(term.factors):
        head, labels = factor.head, factor.labels
        if not isinstance(head, Sum) or factor.exponent != 1 or len(head.terms) < 2:
            continue
        own = [k for k in dict.fromkeys(labels) if k < 0 and set(places[k]) == {position}]
        if not own or len(set(labels)) < len(labels):
            continue
        if len(term.factors) == 1 and len(own) == len(term.bound):
            continue
        outer = tuple(k for k in labels if k not in own)
        total = context.normal(_summed(term, factor, own, outer))
        if not isinstance(total, Sum) or len(total.terms) <= 1:
            return struck(replaced(term, position, Factor(total, outer)), own)
    return None


def _summed(term: Term, factor: Factor, own: list[int], outer: tuple[int, ...]) -> Sum:
    """A factor summed over its own labels, over the axes that its outer labels stand for."""
    number = {k: n for n, k in enumerate(outer)} | {k: -n - 1 for n, k in enumerate(own)}
    inner = Factor(factor.head, tuple(number[k] for k in factor.labels))
    bound = tuple(term.bound[-k - 1] for k in own)
    axes = tuple(factor.head.axes[factor.labels.index(k)] for k in outer)
    return Sum(axes, (Term(1, (inner,), bound),))


def closed_scalars(context: Context, term: Term, alone: bool) -> Term | None:
    """A part of the product whose labels are all bound, and bound to each other alone, is a scalar
    of its own. A term that is nothing else, and `alone` in a scalar, stays as it is."""
    if not term.bound:
        return None
    for part in _components(term):
        labels = {k for p in part for k in term.factors[p].labels}
        if any(k >= 0 for k in labels) or not labels:
            continue
        if alone and len(part) == len(term.factors) and term.coefficient == 1:
            continue
        total = context.normal(_closed(term, part, labels))
        rest = tuple(f for k, f in enumerate(term.factors) if k not in part)
        return struck(term._replace(factors=(*rest, Factor(total, ()))), labels)
    return None


def _closed(term: Term, part: list[int], labels: set[int]) -> Sum:
    """Some factors, summed over all their labels."""
    order = sorted(labels, reverse=True)
    number = {label: -n - 1 for n, label in enumerate(order)}
    inner = mapped((term.factors[p] for p in part), number)
    return Sum((), (Term(1, inner, tuple(term.bound[-k - 1] for k in order)),))


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


def squared(context: Context, term: Term) -> Term | None:
    """Σₖ aᵢₖ Σₗ aᵢₗ = (Σₖ aᵢₖ)², where the sums meet in free labels alone."""
    if len({f.head for f in term.factors}) == len(term.factors):
        return None
    seen: dict[tuple[Head, tuple[int, ...]], list[int]] = {}
    parts = [part for part in _components(term) if _reaches_out(term, part)]
    alike = Counter(tuple(sorted(term.factors[p].head.key for p in part)) for part in parts)
    for part in parts:
        if alike[tuple(sorted(term.factors[p].head.key for p in part))] < 2:
            continue
        free = sorted({k for p in part for k in term.factors[p].labels if k >= 0})
        bound = sorted({k for p in part for k in term.factors[p].labels if k < 0}, reverse=True)
        number = {k: n for n, k in enumerate(free)} | {k: -n - 1 for n, k in enumerate(bound)}
        axes = tuple(_size(term, part, k) for k in free)
        inner = mapped((term.factors[p] for p in part), number)
        head = context.normal(
            Sum(axes, (Term(1, inner, tuple(term.bound[-k - 1] for k in bound)),))
        )
        first = seen.setdefault((head, tuple(free)), part)
        if first is not part:
            rest = tuple(f for k, f in enumerate(term.factors) if k not in (*part, *first))
            gone = {k for p in (*part, *first) for k in term.factors[p].labels if k < 0}
            square = Factor(head, tuple(free), 2)
            return struck(term._replace(factors=(*rest, square)), gone)
    return None


def _reaches_out(term: Term, part: list[int]) -> bool:
    return any(k >= 0 for p in part for k in term.factors[p].labels)


def _size(term: Term, part: list[int], label: int) -> Size:
    """The size of a free label, read from a factor of the part."""
    factor = next(term.factors[p] for p in part if label in term.factors[p].labels)
    return factor.head.axes[factor.labels.index(label)]

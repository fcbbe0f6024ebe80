"""Digits: a composite index i told by its digits, D₀[i, a] D₁[i, b]."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from diagrad.dimensions import UNIT
from diagrad.index.build import extent, tensor
from diagrad.index.relabel import dropped, occurrences, replaced, struck
from diagrad.index.term import Delta, Digit, Factor, Head, Term

if TYPE_CHECKING:
    from diagrad.index.context import Context


def one_digit(context: Context, term: Term) -> Term | None:
    """D[i, a] D[i, b] = D[i, a] δ[a, b], and D² = D: an index has one digit at each place."""
    seen: dict[tuple[Head, int], int] = {}
    for position, factor in enumerate(term.factors):
        if not isinstance(factor.head, Digit):
            continue
        if factor.exponent != 1 and not isinstance(factor.exponent, Head) and factor.exponent > 0:
            return replaced(term, position, factor._replace(exponent=1))
        i, a = factor.labels
        b = seen.setdefault((factor.head, i), a)
        if b != a:
            return replaced(term, position, Factor(Delta(factor.head.axes[1]), (a, b)))
    return None


def any_digit(context: Context, term: Term) -> Term | None:
    """Σₐ D[i, a] = 1; and for the digits at all but some places, Σᵢ Π D[i, aₖ] is the number of
    those left open."""
    for label, places in occurrences(term).items():
        factors = [term.factors[p] for p in places]
        digits = [f.head for f in factors if isinstance(f.head, Digit)]
        if not digits or len(digits) < len(factors) or any(f.exponent != 1 for f in factors):
            continue
        if len(factors) == 1 and factors[0].labels[1] == label:
            return struck(dropped(term, places[0]), [label])
        same = len({head.sizes for head in digits}) == 1 and len(set(digits)) == len(digits)
        if not same or any(f.labels[0] != label for f in factors):
            continue
        given = {head.place for head in digits}
        sizes = digits[0].sizes
        left = prod((size for k, size in enumerate(sizes) if k not in given), start=UNIT)
        rest = tuple(f for p, f in enumerate(term.factors) if p not in places)
        counted = Factor(context.normal(tensor((), extent(left))), ())
        return struck(term._replace(factors=(*rest, counted)), [label])
    return None


def all_digits(context: Context, term: Term) -> Term | None:
    """Σ D₀[i, a] D₀[j, a] D₁[i, b] D₁[j, b] = δ[i, j]: indices with the same digits are the
    same."""
    places = occurrences(term)
    alike: dict[tuple[object, int, int], dict[int, tuple[int, list[int]]]] = {}
    for label, at in places.items():
        pair = [term.factors[p] for p in at]
        if len(pair) != 2 or pair[0].head is not pair[1].head:
            continue
        head, other = pair[0].head, pair[1]
        told = isinstance(head, Digit) and pair[0].labels[1] == label == other.labels[1]
        if not told or pair[0].exponent != 1 or other.exponent != 1:
            continue
        assert isinstance(head, Digit)
        i, j = sorted((pair[0].labels[0], other.labels[0]))
        found = alike.setdefault((head.sizes, i, j), {})
        found[head.place] = (label, at)
        if len(found) == len(head.sizes):
            gone = {p for _, both in found.values() for p in both}
            rest = tuple(f for p, f in enumerate(term.factors) if p not in gone)
            same = Factor(Delta(head.axes[0]), (i, j))
            freed = [digit for digit, _ in found.values()]
            return struck(term._replace(factors=(*rest, same)), freed)
    return None

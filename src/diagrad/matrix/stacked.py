"""A tensor as a matrix whose rows or columns run over several axes: the cheapest of its forms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

from diagrad.expression import Expression
from diagrad.index.composite import flat
from diagrad.index.expanding import distributed
from diagrad.index.factoring import factored
from diagrad.index.term import Head, Sum, Term, as_sum
from diagrad.layouts import Arrangement
from diagrad.matrix import make
from diagrad.matrix.arrange import MOST_SUMMANDS, Signed, added, front, gathered
from diagrad.matrix.contract import NoMatrixForm
from diagrad.matrix.cost import cost
from diagrad.matrix.elements import by_elements, simplest, wide
from diagrad.matrix.explicit import explicit
from diagrad.matrix.kronecker import joined
from diagrad.matrix.lettering import lettered
from diagrad.matrix.piece import Piece
from diagrad.matrix.raising import Raiser
from diagrad.matrix.shown import Shown
from diagrad.matrix.slots import Axes, Effort, Sides, commuted, size_over

# Sums of more terms are not factored again.
MOST_FACTORED = 12


def stacked(raiser: Raiser, head: Head, rows: Axes, columns: Axes) -> Expression:
    """The tensor with the axes `rows`, slowest first, along the rows and `columns` along the
    columns. Raises NoMatrixForm."""
    if len(rows) < 2 and len(columns) < 2:
        row, column = (axes[0] if axes else None for axes in (rows, columns))
        with suppress(NoMatrixForm):
            return raiser.raised(head, row, column)
    if not rows and not columns:
        raise NoMatrixForm("no matrix form")
    sides = Sides(rows, columns, dict(enumerate(head.axes)), Effort())
    ways: list[Expression] = []
    for terms in _forms(raiser, head):
        if head is raiser.mirror:
            raiser.mirrored.update(_mirrored(terms, rows, columns))
        with suppress(NoMatrixForm):
            ways.append(_sum(raiser, terms, sides))
    if not ways:
        raise NoMatrixForm("no Kronecker product")
    return min(ways, key=lambda way: raiser.judged(head, way))


def _mirrored(terms: Sequence[Term], rows: Axes, columns: Axes) -> Iterator[Head]:
    """Matrices in a symmetric result that have a row axis and the column axis that answers to it:
    M of M ⊗ x xᵀ is likely to be symmetric, too."""
    pairs = set(zip(rows, columns, strict=False))
    for factor in (f for t in terms for f in t.factors):
        if len(factor.labels) == 2 and not pairs.isdisjoint([factor.labels, factor.labels[::-1]]):
            yield factor.head


def _forms(raiser: Raiser, head: Head) -> Iterator[Sequence[Term]]:
    """The forms of a tensor to choose from. Groups of more than two axes are multiplied out, for no
    piece can hold these, and what the products have in common is taken out again."""
    for terms in raiser.proposed(as_sum(head)):
        pieces = [piece for term in terms for piece in distributed(term, wide)]
        if pieces == list(terms):
            yield terms
            continue
        opened = as_sum(raiser.context.normal(Sum(head.axes, tuple(pieces)))).terms
        if len(opened) <= MOST_SUMMANDS:
            yield opened
        if len(opened) <= MOST_FACTORED:
            yield factored(opened, head.axes, raiser.context)


def _sum(raiser: Raiser, terms: Sequence[Term], sides: Sides) -> Expression:
    """The sum of terms, each as a matrix over the sides."""
    shape = (size_over(sides.rows, sides.sizes), size_over(sides.columns, sides.sizes))
    if not terms:
        return make.call("zeros", parameters=shape)

    signed = [_term(raiser, term, sides) for term in terms]
    signed = [s._replace(expression=make.filled(s.expression, shape)) for s in signed]
    if len(signed) == 1:
        return explicit(front(signed[0]))
    other = [s._replace(expression=commuted(s.expression)) for s in signed]
    ways = [signed, *(gathered(s, last) for s in (signed, other) for last in (True, False))]
    return min((explicit(added(way)) for way in ways), key=cost)


def _term(raiser: Raiser, term: Term, sides: Sides) -> Signed:
    bound = {-n - 1: size for n, size in enumerate(term.bound)}
    wider = sides._replace(sizes=sides.sizes | bound)

    def as_matrix(pieces: list[Piece], bound: frozenset[int]) -> Expression:
        return joined(pieces, bound, wider)

    return raiser.term(term, as_matrix)


def result_shown(
    tensor: Head, arrangement: Arrangement, counts: Sequence[int], raiser: Raiser
) -> Shown:
    """A derivative as its arrangement wants it: as a matrix where there is one, else by elements.
    Part k of the arrangement has counts[k] axes. Raises NoMatrixForm where not even its factors are
    matrices."""
    groups = arrangement.axes(counts)
    if len(groups) == 2:
        with suppress(NoMatrixForm):
            return Shown(explicit(stacked(raiser, tensor, *groups)))
    places = arrangement.places
    letters = lettered(places)
    plain = simplest(raiser.context.normal(flat(tensor, counts)), raiser.context)
    return Shown(by_elements(plain, places, raiser, letters), letters[: len(places)])

"""A tensor as a matrix whose rows or columns run over several axes: the cheapest of its forms."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from diagrad.dimensions import Size
from diagrad.expression import Expression
from diagrad.index.composite import flat
from diagrad.index.expanding import distributed
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


def stacked(raiser: Raiser, head: Head, rows: Axes, columns: Axes) -> Expression:
    """The tensor with the axes `rows`, slowest first, along the rows and `columns` along the
    columns. Raises NoMatrixForm."""
    if len(rows) < 2 and len(columns) < 2:
        row, column = (axes[0] if axes else None for axes in (rows, columns))
        return raiser.raised(head, row, column)
    sides = Sides(rows, columns, dict(enumerate(head.axes)), Effort())
    ways: list[Expression] = []
    for terms in raiser.proposed(as_sum(head)):
        opened = _opened(terms, head.axes, raiser)
        if len(opened) <= MOST_SUMMANDS:
            with suppress(NoMatrixForm):
                ways.append(_sum(raiser, opened, sides))
    if not ways:
        raise NoMatrixForm("no Kronecker product")
    return min(ways, key=lambda way: raiser.judged(head, way))


def _opened(terms: Sequence[Term], axes: tuple[Size, ...], raiser: Raiser) -> Sequence[Term]:
    """The terms with groups of more than two axes multiplied out: no piece can hold these."""
    pieces = [piece for term in terms for piece in distributed(term, wide)]
    if pieces == list(terms):
        return terms
    return as_sum(raiser.context.normal(Sum(axes, tuple(pieces)))).terms


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

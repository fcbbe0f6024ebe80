"""A derivative's tensor as an expression: in matrix notation, or by elements where no matrix says
it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from diagrad.expression import Expression
from diagrad.index.term import Head
from diagrad.matrix.contract import NoMatrixForm
from diagrad.matrix.elements import LETTERS, Bound, by_elements, in_order, simplest
from diagrad.matrix.explicit import explicit
from diagrad.matrix.raising import Raiser


class Shown(NamedTuple):
    """An expression; `labels` name its axes where it is by elements, otherwise there are none."""

    expression: Expression
    labels: str = ""


def shown(
    tensor: Head,
    places: Sequence[int | None],
    matrix: bool,
    raiser: Raiser,
    letters: str = LETTERS,
    bound: Bound = in_order,
) -> Shown:
    """The tensor with the axes at `places` along those of the result. Raises NoMatrixForm where
    not even its factors are matrices."""
    if matrix:
        try:
            row, column = places
            return Shown(explicit(raiser.raised(tensor, row, column)))
        except NoMatrixForm:
            pass
    flat = simplest(tensor, raiser.context)
    return Shown(by_elements(flat, places, raiser, letters, bound), letters[: len(places)])

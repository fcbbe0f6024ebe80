"""How a derivative of F (r×s) by X (m×n) is laid out.

| layout | result |
|---|---|
| gradient | F scalar: the shape of X |
| numerator | row/column by row/column: (size F, size X), ∂Fᵢ/∂Xⱼ at i,j |
| | scalar by vector: 1×n; scalar by matrix: n×m |
| denominator | the transpose of numerator |
| vec | (size F, size X), ∂ vec F / ∂ vec X, columns stacked |
| tensor | r×s×m×n, unit axes kept |

By a scalar X the shape of F, in every layout. Second derivatives of a scalar: n×n by a row or
column, by a matrix only vec or tensor.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from diagrad.dimensions import UNIT, Shape, Size, describe, is_scalar, is_vector
from diagrad.errors import DerivationError

LAYOUTS = ("auto", "gradient", "numerator", "denominator", "vec", "tensor")
Place = int | None


class Arrangement(NamedTuple):
    """Where the axes of the derivative's tensor (those of F, then those of each X, unit axes
    dropped) stand.

    `places` are the axes along the rows and columns of a matrix result, or along all axes of a
    tensor (None for a unit axis). `matrix` is false where the layout stacks columns, so that the
    places are those of the tensor.
    """

    layout: str
    places: tuple[Place, ...]
    matrix: bool


def arranged(layout: str, of: Shape, wrt: Sequence[Shape]) -> Arrangement:
    """The arrangement for a layout of the table. Raises DerivationError naming those there are."""
    if layout not in LAYOUTS:
        raise DerivationError(f"unknown layout {layout!r}: there are {', '.join(LAYOUTS)}")
    if len(wrt) == 2 and not is_scalar(of):
        raise DerivationError(f"a second derivative needs a scalar, and this is {describe(of)}")
    vectors = [shape for shape in wrt if not is_scalar(shape)]
    offered = _offered(of, wrt, vectors)
    if layout == "auto":
        layout = next(iter(offered))
    if layout not in offered:
        what = " by ".join(describe(s) for s in (of, *wrt))
        raise DerivationError(
            f"the layout {layout} does not fit a derivative of {what}: "
            f"there are {', '.join(offered)}"
        )
    places, matrix = offered[layout]
    return Arrangement(layout, places, matrix)


Offer = dict[str, tuple[tuple[Place, ...], bool]]


def _offered(of: Shape, wrt: Sequence[Shape], vectors: Sequence[Shape]) -> Offer:
    """The layouts there are, the one for `auto` first."""
    if not vectors:
        return _by_scalar(of)
    return _second(wrt) if len(wrt) == 2 else _first(of, wrt[0])


def _by_scalar(of: Shape) -> Offer:
    places = _axes(of, 0)
    first = "gradient" if is_scalar(of) else "numerator"
    names = dict.fromkeys([first, "numerator", "denominator", "vec", "tensor"])
    return {name: (places, True) for name in names}


def _first(of: Shape, by: Shape) -> Offer:
    f, x = _count(of), _count(by)
    offer: Offer = {}
    if is_scalar(of):
        offer["gradient"] = (_axes(by, 0), True)
        offer["numerator"] = ((1, 0) if x == 2 else (None, 0), True)
        offer["denominator"] = (offer["numerator"][0][::-1], True)
    elif is_vector(of) and is_vector(by):
        offer["numerator"] = ((0, 1), True)
        offer["denominator"] = ((1, 0), True)
    tensor = _axes(of, 0) + _axes(by, f)
    stacked = (0 if f else None, f) if f <= 1 and x <= 1 else tensor
    offer["vec"] = (stacked, f <= 1 and x <= 1)
    offer["tensor"] = (tensor, False)
    return offer


def _second(wrt: Sequence[Shape]) -> Offer:
    first, second = wrt
    rows, columns = _count(first), _count(second)
    tensor = _axes(first, 0) + _axes(second, rows)
    offer: Offer = {}
    if rows <= 1 and columns <= 1:
        flat = (0 if rows else None, rows if columns else None)
        offer = {name: (flat, True) for name in ("numerator", "denominator", "vec")}
    return offer | {name: (tensor, False) for name in ("vec", "tensor") if name not in offer}


def _count(shape: Shape) -> int:
    return sum(size != UNIT for size in shape)


def _axes(shape: Sequence[Size], start: int) -> tuple[Place, ...]:
    """The tensor's axes for a shape, from `start`, None for a unit axis."""
    places: list[Place] = []
    for size in shape:
        places.append(None if size == UNIT else start + sum(p is not None for p in places))
    return tuple(places)

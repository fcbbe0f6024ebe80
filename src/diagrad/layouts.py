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

from diagrad.dimensions import UNIT, Shape, describe, is_scalar, is_vector
from diagrad.errors import DerivationError

LAYOUTS = ("auto", "gradient", "numerator", "denominator", "vec", "tensor")
Place = int | None
# Which parts of the derivative's axes run along an axis of the result, the slowest first. Parts are
# numbered: the rows of F, its columns, the rows of X, its columns, those of a second variable.
Parts = tuple[int, ...]


class Arrangement(NamedTuple):
    """Where the axes of the derivative's tensor (those of F, then those of each X, unit axes
    dropped) stand.

    `groups` says it for values whose rows and columns may be composite axes. `places` are for plain
    ones: the axes along the rows and columns of a matrix result, or along all axes of a tensor
    (None for a unit axis). `matrix` is false where the layout stacks columns, so that the places
    are those of the tensor.
    """

    layout: str
    groups: tuple[Parts, ...]
    places: tuple[Place, ...]
    matrix: bool

    def axes(self, counts: Sequence[int]) -> tuple[tuple[int, ...], ...]:
        """The tensor's axes along each axis of the result, where part k has counts[k] axes."""
        start = [sum(counts[:part]) for part in range(len(counts))]
        return tuple(
            tuple(start[part] + n for part in parts for n in range(counts[part]))
            for parts in self.groups
        )


def arranged(layout: str, of: Shape, wrt: Sequence[Shape]) -> Arrangement:
    """The arrangement for a layout of the table. Raises DerivationError naming those there are."""
    if layout not in LAYOUTS:
        raise DerivationError(f"unknown layout {layout!r}: there are {', '.join(LAYOUTS)}")
    if len(wrt) == 2 and not is_scalar(of):
        raise DerivationError(f"a second derivative needs a scalar, and this is {describe(of)}")
    offered = _offered(of, wrt)
    if layout == "auto":
        layout = next(iter(offered))
    if layout not in offered:
        what = " by ".join(describe(s) for s in (of, *wrt))
        raise DerivationError(
            f"the layout {layout} does not fit a derivative of {what}: "
            f"there are {', '.join(offered)}"
        )
    return _placed(layout, offered[layout], (of, *wrt))


def _placed(layout: str, groups: tuple[Parts, ...], shapes: Sequence[Shape]) -> Arrangement:
    counts = [int(size != UNIT) for shape in shapes for size in shape]
    found = Arrangement(layout, groups, (), True).axes(counts)
    if len(groups) == 2 and all(len(axes) < 2 for axes in found):
        places = tuple(axes[0] if axes else None for axes in found)
        return Arrangement(layout, groups, places, True)
    own = shapes if len(shapes) == 2 else shapes[1:]
    return Arrangement(layout, groups, _tensor(own), False)


def _tensor(shapes: Sequence[Shape]) -> tuple[Place, ...]:
    """The tensor's axes in order, None for a unit axis."""
    places: list[Place] = []
    for size in (size for shape in shapes for size in shape):
        places.append(None if size == UNIT else sum(place is not None for place in places))
    return tuple(places)


Offer = dict[str, tuple[Parts, ...]]
F, X, FIRST, SECOND = (0, 1), (2, 3), (2, 3), (4, 5)


def _offered(of: Shape, wrt: Sequence[Shape]) -> Offer:
    """The layouts there are, the one for `auto` first."""
    if all(is_scalar(shape) for shape in wrt):
        first = "gradient" if is_scalar(of) else "numerator"
        names = dict.fromkeys([first, "numerator", "denominator", "vec", "tensor"])
        return dict.fromkeys(names, ((0,), (1,)))
    return _second(wrt) if len(wrt) == 2 else _first(of, wrt[0])


def _first(of: Shape, by: Shape) -> Offer:
    offer: Offer = {}
    if is_scalar(of):
        offer["gradient"] = ((2,), (3,))
        offer["numerator"] = ((), X) if is_vector(by) else ((3,), (2,))
        offer["denominator"] = offer["numerator"][::-1]
    elif is_vector(of) and is_vector(by):
        offer["numerator"] = (F, X)
        offer["denominator"] = (X, F)
    return offer | {"vec": (F[::-1], X[::-1]), "tensor": ((0,), (1,), (2,), (3,))}


def _second(wrt: Sequence[Shape]) -> Offer:
    offer: Offer = {}
    if not any(UNIT not in shape for shape in wrt):
        offer = {name: (FIRST, SECOND) for name in ("numerator", "denominator")}
    return offer | {"vec": (FIRST[::-1], SECOND[::-1]), "tensor": ((2,), (3,), (4,), (5,))}

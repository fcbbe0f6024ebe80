"""The layouts of a derivative: each orders the same numbers dF[r, s] / dX[m, n] in its own way.

A layout is a permutation of the axes (those of F, then those of each X) and the shape that comes
out.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import NamedTuple

import numpy as np

from diagrad.errors import DerivationError, InternalError
from diagrad.operations.room import Array

Pair = tuple[int, int]


class Arrangement(NamedTuple):
    axes: tuple[int, ...]
    shape: tuple[int, ...]


def arrange(tensor: Array, layout: str, of_shape: Pair, wrt: Sequence[Pair]) -> Array:
    """The derivative, axes of F then of each X, in a layout of the contract's table.

    `wrt` has the shape of X once per order. Raises DerivationError for a layout that does not
    apply.
    """
    axes, shape = arrangement(layout, of_shape, wrt)
    return tensor.transpose(axes).reshape(shape)


def restore(value: Array, layout: str, of_shape: Pair, wrt: Sequence[Pair]) -> Array:
    """The inverse of `arrange`. Raises InternalError where the value has not the shape of the
    layout.

    A tensor may lack its unit axes, which einsum cannot make.
    """
    axes, shape = arrangement(layout, of_shape, wrt)
    same = value.shape == shape
    if not same and layout == "tensor":
        same = _without_units(value.shape) == _without_units(shape)
    if not same:
        raise InternalError(
            f"the {layout} layout has shape {shape}, and the formula has {value.shape}"
        )
    all_axes = (*of_shape, *(size for pair in wrt for size in pair))
    permuted = value.reshape([all_axes[axis] for axis in axes])
    return permuted.transpose(np.argsort(axes))


def arrangement(layout: str, of_shape: Pair, wrt: Sequence[Pair]) -> Arrangement:
    """Raises DerivationError for a layout that does not apply to these shapes."""
    found = _first(layout, of_shape, wrt[0]) if len(wrt) == 1 else _second(layout, of_shape, wrt)
    if found is None:
        shapes = " by ".join(f"{m}×{n}" for m, n in (of_shape, *wrt))
        raise DerivationError(f"there is no {layout} layout for {shapes}, order {len(wrt)}")
    return found


def _first(layout: str, of_shape: Pair, wrt: Pair) -> Arrangement | None:
    """F is r×s with axes 0, 1 and X m×n with axes 2, 3."""
    scalar, rows, columns = prod(of_shape) == 1, prod(of_shape), prod(wrt)
    vectors = 1 in of_shape and 1 in wrt
    plain, flipped = (0, 1, 2, 3), (0, 1, 3, 2)
    if columns == 1:
        return Arrangement(plain, of_shape)
    match layout:
        case "tensor":
            return Arrangement(plain, of_shape + wrt)
        case "vec":
            return Arrangement((1, 0, 3, 2), (rows, columns))
        case "gradient" if scalar:
            return Arrangement(plain, wrt)
        case "numerator" if vectors:
            return Arrangement(plain, (rows, columns))
        case "denominator" if vectors:
            return Arrangement((2, 3, 0, 1), (columns, rows))
        case "numerator" if scalar:
            return Arrangement(flipped, wrt[::-1])
        case "denominator" if scalar:
            return Arrangement(plain, wrt)
    return None


def _second(layout: str, of_shape: Pair, wrt: Sequence[Pair]) -> Arrangement | None:
    """F is a scalar with axes 0, 1, the first variable has axes 2, 3 and gives the rows, the
    second 4, 5."""
    first, second = wrt
    plain, flat = (0, 1, 2, 3, 4, 5), (prod(first), prod(second))
    if prod(of_shape) != 1:
        return None
    if flat == (1, 1):
        return Arrangement(plain, (1, 1))
    match layout:
        case "tensor":
            return Arrangement(plain, first + second)
        case "vec":
            return Arrangement((0, 1, 3, 2, 5, 4), flat)
        case "numerator" | "denominator" if 1 in first and 1 in second:
            return Arrangement(plain, flat)
    return None


def _without_units(shape: Sequence[int]) -> list[int]:
    return [size for size in shape if size != 1]

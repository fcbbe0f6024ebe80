"""The layouts in which a right derivative may be written, and what else is right by convention."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import NamedTuple

import numpy as np

from diagrad.check.witness import Point
from diagrad.errors import DerivationError
from diagrad.operations.room import Array
from diagrad.verify import arrange

LAYOUTS = ("gradient", "numerator", "denominator", "vec", "tensor")


class Convention(NamedTuple):
    """`name` tells conventions apart; `words` go on from "this is the derivative"."""

    name: str
    words: str


def conventions(point: Point, asked: str, structure: str) -> Iterator[tuple[Convention, Array]]:
    """What the derivative may look like at a point, first as it was asked for."""
    yield Convention(asked, f"in the {asked} layout"), laid_out(point, asked)
    for layout in LAYOUTS:
        if layout == asked:
            continue
        try:
            yield Convention(layout, f"in the {layout} layout"), laid_out(point, layout)
        except DerivationError:
            continue
    if point.truth.ndim > 4 or prod(point.of_shape) > 1:
        flat = point.truth.reshape(_flat(point))
        yield Convention("rows", "with rows stacked where vec stacks columns"), flat
        yield Convention("rows transposed", "transposed, with rows stacked"), flat.T
    else:
        gradient = point.truth.reshape(point.wrt_shapes[0])
        yield Convention("transposed", "transposed"), gradient.T
        yield Convention("stacked", "stacked into one column"), gradient.T.reshape(-1, 1)
        yield Convention("stacked by rows", "stacked row by row"), gradient.reshape(-1, 1)
        yield from _structured(gradient, structure)
    yield Convention("transposed", "transposed"), laid_out(point, asked).swapaxes(0, 1)


def laid_out(point: Point, layout: str) -> Array:
    """The derivative in a layout. Raises DerivationError for one that does not apply."""
    return arrange(point.truth, layout, point.of_shape, point.wrt_shapes)


def _flat(point: Point) -> tuple[int, int]:
    if point.truth.ndim > 4:
        first, second = point.wrt_shapes
        return prod(first), prod(second)
    return prod(point.of_shape), prod(point.wrt_shapes[0])


def _structured(gradient: Array, structure: str) -> Iterator[tuple[Convention, Array]]:
    diagonal = gradient * np.eye(len(gradient)) if structure else gradient
    words = "where the entries of the {} variable move together"
    match structure:
        case "symmetric":
            both = gradient + gradient.T
            yield Convention("structured", words.format("symmetric")), both - diagonal
            yield Convention("symmetric part", "made symmetric"), both / 2
        case "diagonal":
            yield Convention("structured", words.format("diagonal")), diagonal
        case "lower":
            yield Convention("structured", words.format("triangular")), np.tril(gradient)
        case "upper":
            yield Convention("structured", words.format("triangular")), np.triu(gradient)

"""The operations of the language, one room each."""

from __future__ import annotations

from diagrad.operations import (
    arithmetic,
    choices,
    einsum,
    extremes,
    factorisations,
    functions,
    kronecker,
    linear_algebra,
    losses,
    products,
    reductions,
    softmax,
)
from diagrad.operations.room import Operation

ROOMS: tuple[Operation, ...] = (
    *arithmetic.OPERATIONS,
    *products.OPERATIONS,
    *kronecker.OPERATIONS,
    *linear_algebra.OPERATIONS,
    *factorisations.OPERATIONS,
    *einsum.OPERATIONS,
    *functions.TABLE,
    *choices.OPERATIONS,
    *reductions.OPERATIONS,
    *extremes.OPERATIONS,
    *softmax.OPERATIONS,
    *losses.OPERATIONS,
)
WORDS: dict[str, Operation] = {room.name: room for room in ROOMS if not room.operator}
OPERATORS: dict[str, Operation] = {room.name: room for room in ROOMS if room.operator} | {
    room.name: room for room in choices.COMPARISONS
}

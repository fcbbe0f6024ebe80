"""Derivatives from values alone, independent of every rule of the engine.

Complex step: Im f(x + ih)/h is f′(x) up to h² with no subtraction, so h = 1e-100 gives all digits
(Squire and Trapp, Using complex variables to estimate derivatives of real functions, SIAM Review
40, 1998). Where an operation is not analytic: central differences over a ladder of steps,
extrapolated (Ridders, Accurate computation of F′(x) and F′(x)F″(x), 1982), with an estimate of
their own error. All perturbed values are computed as one batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from diagrad.evaluate import Environment
from diagrad.operations.room import Array
from diagrad.verify.path import Path

STEP = 1e-100
LEVELS, DEPTH, WIDEST, NARROWEST = 9, 4, 0.1, 0.05
MOST_ENTRIES, MOST_PAIRS, DIRECTIONS, PAIRS = 64, 400, 16, 48
BATCH_ENTRIES, SETTLED = 2**20, 1e3

EXACT = "complex step"
METHODS = {
    (1, True): (EXACT, 1e-9),
    (1, False): ("central differences", 1e-6),
    (2, True): ("differences of complex steps", 1e-6),
    (2, False): ("second differences", 1e-5),
}


@dataclass(frozen=True)
class Directions:
    """Along what to differentiate: one batch of directions per order, `along[k]` being (batch…,
    rows, columns).

    The batches broadcast against each other. `whole` where they are all entries, in the order of
    the flat array.
    """

    along: tuple[Array, ...]
    whole: bool

    def scaled(self, by: float) -> Directions:
        """The same with the first direction of each pair, or each one, longer."""
        return Directions((by * self.along[0], *self.along[1:]), self.whole)

    def tied(self, structure: tuple[str, ...]) -> Directions:
        """The same where the entries of a variable move together: along E + Eᵀ for a symmetric
        matrix, not at all where they are 0."""
        if not any(structure):
            return self
        moved = zip(self.along, structure, strict=True)
        return Directions(tuple(_tied(a, kind) for a, kind in moved), self.whole)

    def contract(self, tensor: Array) -> Array:
        """The tensor, axes of F then of each X, along the directions: (batch…, r, s)."""
        r, s = tensor.shape[:2]
        if self.whole:
            flat = tensor.reshape(r, s, *(prod(a.shape[-2:]) for a in self.along))
            return np.moveaxis(flat, (0, 1), (-2, -1))
        letters = ("mn", "pq")[: len(self.along)]
        operands = ",".join("k" + pair for pair in letters)
        along: Array = np.einsum(f"rs{''.join(letters)},{operands}->krs", tensor, *self.along)
        return along


def _tied(along: Array, kind: str) -> Array:
    diagonal = along * np.eye(along.shape[-1]) if kind in ("symmetric", "diagonal") else along
    match kind:
        case "symmetric":
            return np.asarray(along + np.swapaxes(along, -1, -2) - diagonal)
        case "diagonal":
            return np.asarray(diagonal)
        case "lower":
            return np.tril(along)
        case "upper":
            return np.triu(along)
    return along


def directions(shapes: tuple[tuple[int, int], ...], rng: np.random.Generator) -> Directions:
    """Every entry where that is cheap, otherwise random directions (pairs of them for order 2)."""
    order, entries = len(shapes), prod(map(prod, shapes))
    if entries <= (MOST_ENTRIES if order == 1 else MOST_PAIRS):
        units = [np.eye(prod(shape)).reshape(-1, *shape) for shape in shapes]
        if order == 2:
            units = [units[0][:, None], units[1][None]]
        return Directions(tuple(units), True)
    count = DIRECTIONS if order == 1 else PAIRS
    return Directions(tuple(rng.standard_normal((count, *shape)) for shape in shapes), False)


@dataclass(frozen=True)
class Estimate:
    """Derivatives along directions, (batch…, r, s).

    `error` is the method's estimate of its own, `rounding` what it cannot fall below; 0 for the
    complex step.
    """

    value: Array
    error: float
    rounding: float

    def settled(self, allowed: float) -> bool:
        """Whether the error is known to be small: an estimate of a large one says nothing."""
        return self.error <= max(allowed, SETTLED * self.rounding)


def differentiate(
    path: Path, environment: Environment, chosen: Directions, shrink: float = 1.0
) -> Estimate:
    """The derivative of `path.of` along the directions, of order one or two as there are names in
    `path.wrt`.

    Works in pieces that keep the largest batch in bounds.
    """
    chosen = chosen.tied(path.structure)
    method = _first if len(path.wrt) == 1 else _second
    largest = max(array.size for array in environment.arrays.values())
    lead = chosen.along[0]
    batch = prod(np.broadcast_shapes(*(along.shape[:-2] for along in chosen.along)))
    per_lead = (
        largest * (batch // len(lead)) * (1 if path.analytic and len(path.wrt) == 1 else 2 * LEVELS)
    )
    size = max(1, BATCH_ENTRIES // per_lead)
    pieces = []
    for start in range(0, len(lead), size):
        along = tuple(a if len(a) != len(lead) else a[start : start + size] for a in chosen.along)
        pieces.append(method(path, environment, along, shrink))
    value = np.concatenate([piece.value for piece in pieces])
    errors = np.max([(piece.error, piece.rounding) for piece in pieces], axis=0)
    return Estimate(value, *map(float, errors))


def _first(
    path: Path, environment: Environment, along: tuple[Array, ...], shrink: float
) -> Estimate:
    (name,), (u,) = path.wrt, along
    x = environment.arrays[name]
    if path.analytic:
        return Estimate(
            _complex_step(path, environment, {name: x + 1j * STEP * u}, len(u)), 0.0, 0.0
        )

    t = _ladder(x, u, shrink)
    forth, back = (
        _batch(path.value(environment, {name: x + sign * t * u}), (LEVELS, len(u)))
        for sign in (1, -1)
    )
    return _extrapolate([forth, -back], 2 * t)


def _second(
    path: Path, environment: Environment, along: tuple[Array, ...], shrink: float
) -> Estimate:
    first, second = path.wrt
    u, v = along
    x, y = environment.arrays[first], environment.arrays[second]
    batch = np.broadcast_shapes(u.shape[:-2], v.shape[:-2])

    def moved(du: Array, dv: Array) -> dict[str, Array]:
        return {first: x + du + dv} if first == second else {first: x + du, second: y + dv}

    s, t = _ladder(x, u, shrink), _ladder(y, v, shrink)
    if path.analytic:
        slopes = [
            sign
            * _complex_step(path, environment, moved(1j * STEP * u, sign * t * v), (LEVELS, *batch))
            for sign in (1, -1)
        ]
        return _extrapolate(slopes, 2 * t)
    corners = [
        a * b * _batch(path.value(environment, moved(a * s * u, b * t * v)), (LEVELS, *batch))
        for a in (1, -1)
        for b in (1, -1)
    ]
    return _extrapolate(corners, 4 * s * t)


def _complex_step(
    path: Path, environment: Environment, changed: dict[str, Array], batch: int | tuple[int, ...]
) -> Array:
    return _batch(np.imag(path.value(environment, changed)) / STEP, batch)


def _batch(value: Array, batch: int | tuple[int, ...]) -> Array:
    """The values with all batch axes, also where what was changed does not reach the value."""
    lead = (batch,) if isinstance(batch, int) else batch
    return np.broadcast_to(value, (*lead, *value.shape[-2:]))


def _ladder(x: Array, u: Array, shrink: float) -> Array:
    """Steps t along each direction, halved from level to level, in proportion to the entries that
    it moves; `shrink` makes them smaller."""
    moved = np.sqrt(np.sum(x * x * u * u, (-2, -1)) / np.sum(u * u, (-2, -1)))
    widest = shrink * WIDEST * np.maximum(moved, NARROWEST)
    halvings = 0.5 ** np.arange(LEVELS)
    steps: Array = halvings.reshape(-1, *[1] * widest.ndim) * widest
    return steps[..., None, None]


def _extrapolate(terms: list[Array], divisors: Array) -> Estimate:
    """Richardson's extrapolation in t² of Σ terms / divisors, one level of the ladder after the
    other; entry by entry the value of the tableau that is nearest to its neighbours.

    A stencil that crosses a kink, or leaves where f has values, does not settle and keeps a large
    error. No error is below what rounding does to the terms.
    """
    with np.errstate(all="ignore"):
        column = np.sum(terms, axis=0) / divisors
        rounding = np.finfo(float).eps * np.nanmax(np.abs(terms)) / np.abs(divisors[0]).min()
        best, error = column[-1], np.full(column.shape[1:], np.inf)
        for k in range(1, DEPTH + 1):
            finer, coarser = column[1:], column[:-1]
            column = finer + (finer - coarser) / (4.0**k - 1)
            apart = np.maximum(np.abs(column - finer), np.abs(column - coarser))
            for value, distance in zip(column, apart, strict=True):
                better = distance < error
                best, error = np.where(better, value, best), np.where(better, distance, error)
    return Estimate(best, max(float(error.max()), float(rounding)), float(rounding))

"""A formula against numbers at one random point: right, wrong, or a point that does not decide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

from diagrad.errors import DerivationError
from diagrad.evaluate import Environment, evaluate, with_definitions
from diagrad.expression import Expression
from diagrad.operations.room import Array
from diagrad.verify.layouts import restore
from diagrad.verify.numeric import Directions, Estimate, differentiate, directions
from diagrad.verify.path import Path
from diagrad.verify.points import STYLES, draw

if TYPE_CHECKING:
    from diagrad.language import Source

TRIES_PER_STYLE = 4
TRIES = TRIES_PER_STYLE * len(STYLES)
# Jitters are larger than a rounding, so that what cancels is drawn anew, not moved a little.
ROUNDINGS, JITTER = 6, 256 * float(np.finfo(float).eps)
# The complex step's own error is of second order in a step of 1e-100.
SMALLEST = 1e-150
NOISE_MARGIN, ERROR_MARGIN = 100.0, 10.0
# Differences this small beside the value may be those of a constant; steps are made this much
# smaller where a kink may lie among them.
NOTHING, CLOSER = 1e-5, 1 / 64
# What rounding leaves of a derivative that is 0, beside the value.
ROUNDED = 1e-13


@dataclass(frozen=True)
class Compared:
    """The relative error at a point, the entry where it is largest, and the point's sizes.

    `zero` where all entries are 0, or nothing but rounding: there a wrong factor cannot be seen.
    """

    error: float
    worst: str
    sizes: Mapping[str, int]
    zero: bool = False


class Reason(IntEnum):
    """Why a point does not decide, from the least to the most telling."""

    NO_VALUE = 0
    LOST = 1
    DOUBTFUL = 2
    NO_FORMULA = 3


class Undecided(Exception):
    def __init__(self, reason: Reason) -> None:
        self.reason = reason


@dataclass(frozen=True)
class Check:
    """The comparison of a formula, in a layout, with the derivative along a path."""

    source: Source
    path: Path
    formula: Expression
    layout: str
    tolerance: float
    seed: int

    def point(self, number: int) -> Compared:
        """The comparison at the first point tried that decides; at most TRIES are tried, always
        the same. Zeros decide only where no style of points gives anything else, be it a doubt.

        Raises InternalError where the formula has the wrong shape, DerivationError where it is
        finite at no point, or there is no derivative to compare with.
        """
        met, zero = {Reason.NO_VALUE}, None
        for k, style in enumerate(STYLES):
            for t in range(TRIES_PER_STYLE):
                rng = np.random.default_rng((self.seed, number, k * TRIES_PER_STYLE + t))
                found = self._attempt(rng, style, number)
                if isinstance(found, Compared) and not found.zero:
                    return found
                if isinstance(found, Compared):
                    zero = zero or found
                    break
                met.add(found)
        if zero and Reason.DOUBTFUL not in met:
            return zero
        raise self._refusal(max(met))

    def _attempt(self, rng: np.random.Generator, style: str, number: int) -> Compared | Reason:
        try:
            with np.errstate(all="ignore"):
                return self._compare(rng, style, number)
        except Undecided as why:
            return why.reason
        except np.linalg.LinAlgError:
            return Reason.NO_VALUE

    def _compare(self, rng: np.random.Generator, style: str, number: int) -> Compared:
        drawn = draw(self.source, rng, style)
        environment = with_definitions(self.path.all, drawn)
        value = evaluate(self.path.of, environment)
        if not np.isfinite(value).all():
            raise Undecided(Reason.NO_VALUE)
        chosen = directions(self._shapes(environment), rng)
        numeric = differentiate(self.path, environment, chosen)
        if not np.isfinite(numeric.value).all():
            raise Undecided(Reason.NO_VALUE)
        stated = self._stated(environment, value, chosen)
        if not np.isfinite(stated).all():
            raise Undecided(Reason.NO_FORMULA)
        nothing = Compared(0.0, f"point {number + 1}: nothing but rounding", drawn.sizes, True)
        if not stated.any() and np.abs(numeric.value).max() <= ROUNDED * np.abs(value).max():
            return nothing
        if not numeric.settled(self.tolerance * np.abs(numeric.value).max()):
            if not stated.any() and self._may_be_zero(numeric, value):
                return nothing
            raise Undecided(Reason.LOST)
        if not self._agrees(stated, numeric):
            self._look_closer(environment, chosen, numeric)
            if self._is_noise(drawn, chosen, stated, numeric, rng):
                return nothing
        error, zero = _relative(stated, numeric.value), not numeric.value.any()
        worst = self._worst(number, chosen, stated, numeric.value)
        return Compared(error, worst, drawn.sizes, zero and error == 0)

    def _may_be_zero(self, numeric: Estimate, value: Array) -> bool:
        """Whether differences that do not settle are small beside the value and their own error,
        as those of a constant are."""
        most = np.abs(numeric.value).max()
        small = most <= ERROR_MARGIN * (numeric.error + numeric.rounding)
        return bool(small and most <= NOTHING * max(1.0, np.abs(value).max()))

    def _look_closer(self, environment: Environment, chosen: Directions, numeric: Estimate) -> None:
        """Raises Undecided where smaller steps give another derivative: they do not cross the kink
        that larger ones crossed."""
        closer = differentiate(self.path, environment, chosen, CLOSER)
        allowed = self.tolerance * _scale(closer.value, numeric.value)
        beyond = ERROR_MARGIN * (closer.error + closer.rounding + numeric.rounding)
        if _distance(closer.value, numeric.value) > max(allowed, beyond):
            raise Undecided(Reason.LOST)

    def _shapes(self, environment: Environment) -> tuple[tuple[int, int], ...]:
        arrays = (environment.arrays[name] for name in self.path.wrt)
        return tuple((array.shape[0], array.shape[1]) for array in arrays)

    def _stated(self, environment: Environment, value: Array, chosen: Directions) -> Array:
        """The formula's derivative along the directions. Raises InternalError where its shape is
        not the layout's."""
        formula = evaluate(self.formula, environment)
        of_shape = (value.shape[0], value.shape[1])
        return chosen.contract(restore(formula, self.layout, of_shape, self._shapes(environment)))

    def _agrees(self, stated: Array, numeric: Estimate) -> bool:
        allowed = self.tolerance * _scale(stated, numeric.value)
        return bool(_distance(stated, numeric.value) <= allowed and numeric.error <= allowed)

    def _is_noise(
        self,
        drawn: Environment,
        chosen: Directions,
        stated: Array,
        numeric: Estimate,
        rng: np.random.Generator,
    ) -> bool:
        """Whether both are 0 up to rounding. False where they truly differ.

        Raises Undecided where noise hides what the derivative is: a sum that cancels. It is in
        doubt where the numbers are sure and contradict a formula that rounding moves.
        """
        formula_noise, numeric_noise = self._noise(drawn, chosen, stated, numeric, rng)
        if _distance(stated, numeric.value) > formula_noise + numeric_noise:
            return False
        is_zero = np.abs(numeric.value).max() <= numeric_noise
        if is_zero and np.abs(stated).max() <= formula_noise:
            return True
        sure = NOTHING * np.abs(numeric.value).max() >= numeric_noise
        apart = _relative(stated, numeric.value) > NOTHING
        raise Undecided(Reason.DOUBTFUL if sure and apart else Reason.LOST)

    def _noise(
        self,
        drawn: Environment,
        chosen: Directions,
        stated: Array,
        numeric: Estimate,
        rng: np.random.Generator,
    ) -> tuple[float, float]:
        """How far formula and numbers move when every operation, and every array given, rounds in
        another way (Parker, Monte Carlo arithmetic, 1997). Directions are scaled too, so that
        complex parts round otherwise within one operation."""

        def rounded(value: Array) -> Array:
            if value.dtype == bool:
                return value
            jittered: Array = value * (1 + JITTER * rng.uniform(-1, 1, value.shape))
            return jittered

        formula_noise, numeric_noise = 0.0, SMALLEST + ERROR_MARGIN * numeric.error
        for _ in range(ROUNDINGS):
            moved = {name: rounded(array) for name, array in drawn.arrays.items()}
            near = with_definitions(self.path.all, replace(drawn, arrays=moved, rounded=rounded))
            scale = rng.uniform(1, 2)
            again = differentiate(self.path, near, chosen.scaled(scale)).value / scale
            restated = self._stated(near, evaluate(self.path.of, near), chosen)
            formula_noise = max(formula_noise, NOISE_MARGIN * _distance(stated, restated))
            numeric_noise = max(numeric_noise, NOISE_MARGIN * _distance(numeric.value, again))
        return formula_noise, numeric_noise

    def _worst(self, number: int, chosen: Directions, stated: Array, numeric: Array) -> str:
        """The entry with the largest difference, in words."""
        at = np.unravel_index(np.abs(stated - numeric).argmax(), stated.shape)
        *batch, r, s = map(int, at)
        by = f"random direction {batch[0] + 1}"
        if chosen.whole:
            units = zip(self.path.wrt, batch, chosen.along, strict=True)
            by = " and ".join(f"{name}{_entry(k, u.shape)}" for name, k, u in units)
        return (
            f"point {number + 1}: entry {_entry(r * stated.shape[-1] + s, stated.shape)} by {by} "
            f"is {numeric[at]:.6g}, the formula gives {stated[at]:.6g}"
        )

    def _refusal(self, reason: Reason) -> Exception:
        tried = f"any of the {TRIES} random points tried"
        by = " and ".join(self.path.wrt)
        if reason is Reason.NO_FORMULA:
            return DerivationError(
                f"the formula by {by} has no finite value at {tried}: it divides by what is 0 there"
            )
        if reason in (Reason.LOST, Reason.DOUBTFUL):
            return DerivationError(
                f"the derivative by {by} cannot be checked: rounding or a kink hides it at {tried}"
            )
        return DerivationError(
            f"the expression, or its derivative by {by}, has no finite value at {tried}"
        )


def _entry(k: int, shape: tuple[int, ...]) -> list[int]:
    """Row and column, from 0, of entry k of a matrix of that shape."""
    return [k // shape[-1], k % shape[-1]]


def _distance(a: Array, b: Array) -> float:
    return float(np.abs(a - b).max())


def _scale(a: Array, b: Array) -> float:
    return float(max(np.abs(a).max(), np.abs(b).max()))


def _relative(a: Array, b: Array) -> float:
    scale = _scale(a, b)
    return _distance(a, b) / scale if scale else 0.0

"""Derivatives of one value by several variables, checked together.

All variables move at once, each along a random direction of its own, and the complex step gives
how the value moves: the sum of what the formulas state for each. One evaluation of the problem for
all variables takes the place of one for each. So that no derivative hides behind a larger one, the
directions are scaled until every formula states about 1; a formula that is wrong by a part of its
own size is then off by that part.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from diagrad.evaluate import Environment, evaluate, with_definitions
from diagrad.expression import Expression
from diagrad.operations.room import Array
from diagrad.verify.layouts import restore
from diagrad.verify.numeric import STEP, Directions
from diagrad.verify.path import Path, path
from diagrad.verify.points import STYLES, draw

if TYPE_CHECKING:
    from diagrad.language import Source

# A wrong formula is off along almost every direction.
TRIES, DIRECTIONS = 4, 4


class Stated(NamedTuple):
    """A formula for the derivative by one variable, and its layout."""

    formula: Expression
    layout: str


class Agreement(NamedTuple):
    error: float
    sizes: Mapping[str, int]


@dataclass(frozen=True)
class Together:
    """The comparison of several formulas with how the value moves."""

    source: Source
    path: Path
    stated: Mapping[str, Stated]
    seed: int

    def point(self, number: int) -> Agreement | None:
        """The comparison at the first point tried that decides for all; None where none does."""
        for k, style in enumerate(STYLES):
            for t in range(TRIES):
                rng = np.random.default_rng((self.seed, number, k * TRIES + t))
                with np.errstate(all="ignore"):
                    found = self._compared(rng, style)
                if found is not None:
                    return found
        return None

    def _compared(self, rng: np.random.Generator, style: str) -> Agreement | None:
        try:
            environment = with_definitions(self.path.all, draw(self.source, rng, style))
            value = evaluate(self.path.of, environment)
        except np.linalg.LinAlgError:
            return None
        moved, total = {}, np.zeros((DIRECTIONS, *value.shape[-2:]))
        for name, stated in self.stated.items():
            array = environment.arrays[name]
            along = rng.standard_normal((DIRECTIONS, *array.shape))
            slopes = _slopes(environment, stated, value, along)
            size = np.abs(slopes).max()
            if not np.isfinite(size) or size == 0:
                return None
            moved[name] = array + 1j * STEP * along / size
            total = total + slopes / size
        measured = np.imag(self.path.value(environment, moved)) / STEP
        if not np.isfinite(measured).all():
            return None
        return Agreement(float(np.abs(measured - total).max()), environment.sizes)


def _slopes(environment: Environment, stated: Stated, value: Array, along: Array) -> Array:
    """What a formula states of the value along directions. Raises InternalError where its shape is
    not the layout's."""
    formula = evaluate(stated.formula, environment)
    rows, columns = along.shape[-2:]
    of_shape = (value.shape[-2], value.shape[-1])
    tensor = restore(formula, stated.layout, of_shape, [(rows, columns)])
    return Directions((along,), whole=False).contract(tensor)


def compared(
    source: Source,
    of: Expression,
    stated: Mapping[str, tuple[Expression, str]],
    introduced: Mapping[str, Expression],
    points: int,
    seed: int,
) -> list[Agreement] | None:
    """The comparisons at random points; None where they cannot be made so: an operation is not
    analytic, or at no point all derivatives are finite and other than 0."""
    formulas = [formula for formula, _ in stated.values()]
    route = path(source, of, tuple(stated), formulas, introduced)
    if not route.analytic:
        return None
    told = {name: Stated(*pair) for name, pair in stated.items()}
    check = Together(source, route, told, seed)
    found = [check.point(number) for number in range(points)]
    decided = [one for one in found if one is not None]
    return decided if len(decided) == points else None

"""Everything that an answer is compared with: the derivative asked for, points, and the tape."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from diagrad.check.tape import Adjoints, Tape
from diagrad.check.witness import Point, Target, definitions, points
from diagrad.derivation.restate import restated
from diagrad.dimensions import is_scalar
from diagrad.errors import DerivationError, InternalError
from diagrad.evaluate import evaluate
from diagrad.expression import Expression, Symbol
from diagrad.facts import structure_of
from diagrad.formula import Formula
from diagrad.layouts import arranged
from diagrad.operations.room import Array
from diagrad.request import Request

if TYPE_CHECKING:
    from diagrad.problem import Problem

# Of the points, those by whose values quantities and mistakes are recognised.
LOOKED_AT = 2


class Bench:
    """One question that is checked: the derivative of `of` by `wrt`, in a layout."""

    def __init__(
        self, problem: Problem, of: str, wrt: tuple[str, ...], layout: str, seed: int = 0
    ) -> None:
        self.problem, self.of, self.wrt, self.seed = problem, of, wrt, seed
        self.expression = problem.expression(of)
        for name in wrt:
            if name not in problem.shapes:
                known = ", ".join(problem.shapes)
                raise DerivationError(
                    f"{name!r} is not a variable or definition of the problem: {known}"
                )
        self.arrangement = arranged(layout, self.expression.shape, [problem.shapes[n] for n in wrt])
        self.layout = self.arrangement.layout
        self.restated = restated(problem.source, self.expression, wrt[:1])
        self.source = self.restated.source

    @cached_property
    def formula(self) -> Formula | None:
        """The derivative as the engine finds it, checked; None where it cannot."""
        wrt = self.wrt[0] if len(set(self.wrt)) == 1 else (self.wrt[0], self.wrt[1])
        try:
            asked = Request(self.problem, self.of, [wrt], len(self.wrt), self.layout)
            (derivation,) = asked.derivations()
            return derivation.result
        except (DerivationError, InternalError):
            return None

    @cached_property
    def target(self) -> Target:
        formula = self.formula
        of = Symbol(self.expression.shape, self.restated.of, "definition")
        if formula is None:
            return Target(self.source, of, self.wrt, None, self.layout)
        layout = formula.layout or self.layout
        return Target(self.source, of, self.wrt, formula.expression, layout)

    @cached_property
    def points(self) -> list[Point]:
        """Raises DerivationError where there is none."""
        found = list(points(self.target, self.seed))
        if not found:
            raise DerivationError(
                f"the derivative of {self.of} by {' and '.join(self.wrt)} has no finite value at "
                "any random point tried, so nothing can be compared with it"
            )
        return found

    @property
    def looked_at(self) -> list[Point]:
        return self.points[:LOOKED_AT]

    @property
    def structure(self) -> str:
        """How the entries of the variable are tied by a fact, "" where they are not."""
        declared = self.problem.source.variables.get(self.wrt[0])
        if declared is None or len(self.wrt) > 1 or not is_scalar(self.expression.shape):
            return ""
        return structure_of(declared.facts)

    @cached_property
    def tapes(self) -> list[Tape]:
        """One for each point looked at: the way from the variable to the value."""
        named = definitions(self.source)
        end = [name for name, _ in named].index(self.restated.of)
        needed = self.source.needed(named[end][1])
        way = [(name, e) for name, e in named[:end] if name in needed]
        return [Tape(way, named[end][1], point.environment) for point in self.looked_at]

    @cached_property
    def moving(self) -> frozenset[str]:
        """Everything that adjoints are worked out for: all variables, and `wrt` itself."""
        return frozenset(self.source.variables) | frozenset(self.wrt)

    @cached_property
    def adjoints(self) -> list[Adjoints]:
        return [tape.adjoints(self.moving) for tape in self.tapes]

    @cached_property
    def summaries(self) -> Mapping[str, list[Array]]:
        """Adjoints by name, each in the shape of the name: of a scalar value only."""
        if not is_scalar(self.expression.shape):
            return {}
        names = self.adjoints[0].names
        return {name: [a.names[name][0] for a in self.adjoints] for name in names}

    def values(self, expression: Expression) -> list[Array]:
        """The values of an expression at the points looked at."""
        with np.errstate(all="ignore"):
            return [evaluate(expression, point.environment) for point in self.looked_at]

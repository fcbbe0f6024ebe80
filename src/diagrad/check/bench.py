"""Everything that an answer is compared with: the derivative asked for, points, and the tape."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from diagrad.check.branches import untaken
from diagrad.check.tape import Adjoints, Tape, plain
from diagrad.check.witness import Point, Target, definitions, further, points
from diagrad.derivation.restate import restated
from diagrad.dimensions import is_scalar
from diagrad.errors import DerivationError, InternalError
from diagrad.evaluate import evaluate
from diagrad.expression import Apply, Expression, Symbol, walk
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
        self.arrangement = arranged(layout, self.expression.shape, [problem.shapes[n] for n in wrt])
        self.layout = self.arrangement.layout
        self.scales: Sequence[float] = ()
        self._derivatives: dict[str, Expression | None] = {}
        self.on_the_way = self._gradient() if len(wrt) == 2 else self.expression
        self.restated = restated(problem.source, self.on_the_way, wrt[-1:])
        self.source = self.restated.source

    @property
    def called(self) -> str:
        """What the value is called in a derivative: f where it has no name."""
        return self.of if self.of.isidentifier() else "f"

    @cached_property
    def expressions(self) -> list[Expression]:
        """All that the problem says: its definitions, and the value."""
        return [*(e for _, e in definitions(self.problem.source)), self.expression]

    def _gradient(self) -> Expression:
        """The first derivative, of which a second one is the Jacobian; where it is not found, the
        value itself."""
        try:
            return self.problem.derive(self.of, self.wrt[0]).result.expression
        except (DerivationError, InternalError):
            return self.expression

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
        if formula is None:
            return Target(self.source, self.expression, self.wrt, None, self.layout)
        layout = formula.layout or self.layout
        return Target(self.source, self.expression, self.wrt, formula.expression, layout)

    @cached_property
    def points(self) -> list[Point]:
        """Raises DerivationError where there is none."""
        found = list(points(self.target, self.seed, self.scales))
        if not found:
            raise DerivationError(
                f"the derivative of {self.of} by {' and '.join(self.wrt)} has no finite value at "
                "any random point tried, so nothing can be compared with it"
            )
        return found + self._reaching(found)

    def _branches(self, points: Sequence[Point]) -> list[Apply]:
        """Branches of the problem that none of the points takes."""
        return untaken(self.expressions, [point.environment for point in points])

    def _reaching(self, found: list[Point]) -> list[Point]:
        """More points, for branches of the problem that none of those found takes."""
        more: list[Point] = []
        unseen = self._branches(found)
        for point in further(self.target, self.seed) if unseen else ():
            left = self._branches([*found, *more, point])
            if len(left) < len(unseen):
                more.append(point)
                unseen = left
            if not left:
                break
        return more

    @cached_property
    def out_of_reach(self) -> list[Apply]:
        """Branches of the problem that no point takes, however it is drawn: relu of what is
        positive."""
        return self._branches(self.points)

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
        defined = self.source.definitions.get(self.restated.of)
        return self._tapes(defined.expression if defined else self.on_the_way)

    def _tapes(self, top: Expression) -> list[Tape]:
        needed = self.source.needed(top)
        way = [(name, e) for name, e in definitions(self.source) if name in needed]
        return [Tape(way, top, point.environment) for point in self.looked_at]

    @cached_property
    def variables(self) -> frozenset[str]:
        """The variables, scalars aside, that the value depends on."""
        return self.depends(self.expression)

    @cached_property
    def penalties(self) -> list[Expression]:
        """Terms of a scalar value, of several, that depend on one variable alone."""
        if not is_scalar(self.on_the_way.shape):
            return []
        terms = list(self._terms(self.on_the_way))
        alone = [term for term in terms if len(self.depends(term)) == 1]
        return alone if len(terms) > 1 and len(self.variables) > 1 else []

    @cached_property
    def counts(self) -> frozenset[str]:
        """Sizes that the problem uses as numbers, or takes means over."""
        found: set[str] = set()
        for node in (n for e in self.expressions for n in walk(e)):
            if isinstance(node, Symbol) and node.role == "dimension":
                found.add(node.name)
            elif isinstance(node, Apply) and node.operation.name in ("mean", "mse"):
                shapes = (operand.shape for operand in node.operands)
                found |= {d.name for shape in shapes for size in shape for d in size.dimensions}
        return frozenset(found)

    @cached_property
    def penalised(self) -> frozenset[str]:
        return frozenset(n for term in self.penalties for n in self.depends(term))

    def depends(self, expression: Expression) -> frozenset[str]:
        """The variables, scalars aside, that an expression depends on."""
        declared = self.source.variables
        needed = self.source.needed(expression)
        return frozenset(n for n in needed if n in declared and not is_scalar(declared[n].shape))

    def _terms(self, node: Expression) -> Iterator[Expression]:
        """The terms of a scalar, through names, sums and constant factors."""
        if isinstance(node, Symbol) and node.name in self.source.definitions:
            yield from self._terms(self.source.definitions[node.name].expression)
        elif isinstance(node, Apply) and node.operation.name in ("+", "-", "negate", "*", "/"):
            inner = [operand for operand in node.operands if self.depends(operand)]
            if node.operation.name in ("*", "/") and len(inner) > 1:
                yield node
                return
            for operand in inner:
                yield from self._terms(operand)
        else:
            yield node

    @cached_property
    def moving(self) -> frozenset[str]:
        """Everything that adjoints are worked out for: all variables, and `wrt` itself."""
        return frozenset(self.source.variables) | frozenset(self.wrt)

    @cached_property
    def adjoints(self) -> list[Adjoints]:
        return [tape.adjoints(self.moving) for tape in self.tapes]

    def derivative(self, name: str) -> Expression | None:
        """The derivative of the value by a name on the way, as the engine finds it."""
        if name not in self._derivatives:
            try:
                problem = type(self.problem)(self.source)
                found = problem.derive(self.restated.of, name).result.expression
            except (DerivationError, InternalError):
                found = None
            self._derivatives[name] = found
        return self._derivatives[name]

    def between(self, above: str, below: str) -> list[Array] | None:
        """The derivative of a name by a name below it; None where it does not depend on it."""
        defined = self.source.definitions.get(above)
        if defined is None or below not in self.source.needed(defined.expression):
            return None
        moving = self.moving | {below}
        tapes = self._tapes(defined.expression)
        return [plain(tape.adjoints(moving).names[below]) for tape in tapes]

    def values(self, expression: Expression) -> list[Array]:
        """The values of an expression at the points looked at."""
        with np.errstate(all="ignore"):
            return [evaluate(expression, point.environment) for point in self.looked_at]

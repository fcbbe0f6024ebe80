"""Whether an answer is right: every claim of its last line against the derivative at every point,
in every convention; and whether the lines that lead there say what they seem to say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

from diagrad.check.bench import Bench
from diagrad.check.branches import branches, untaken
from diagrad.check.conventions import Convention, laid_out
from diagrad.check.conventions import conventions as all_conventions
from diagrad.check.quantities import Match, Quantities, Quantity
from diagrad.check.reading import Claim, Line, Work
from diagrad.check.running import Failed, Running, fits, needed, value_of
from diagrad.check.targets import Targets
from diagrad.check.witness import Point, alike, apart, equal
from diagrad.errors import DerivationError, ProblemError
from diagrad.expression import Apply, Expression
from diagrad.index.term import as_sum
from diagrad.operations import OPERATORS
from diagrad.operations.room import Array
from diagrad.recursion import deep_recursion
from diagrad.setting import Setting

UNSEEN = "it has a branch that was taken at no random point"


class Found(NamedTuple):
    """What comes of a claim: the convention in which it is right, None where it is wrong; or that
    nothing decides. `why` is a reason that has nothing to do with its value."""

    convention: Convention | None
    undecided: bool = False
    why: str = ""
    error: float = 0.0
    worst: str = ""


class Judge:
    """One answer to one question."""

    def __init__(self, bench: Bench, work: Work, strict: bool) -> None:
        self.bench, self.work, self.strict = bench, work, strict
        self.quantities = Quantities(bench)
        self.targets = Targets(self)
        self.last = self.targets.last()

    @property
    def lines(self) -> tuple[Line, ...]:
        return self.work.lines

    @cached_property
    def runs(self) -> list[Running]:
        return [Running(self.work, point) for point in self.bench.points]

    @cached_property
    def looked_at(self) -> list[Running]:
        return self.runs[: len(self.bench.looked_at)]

    @cached_property
    def allowed(self) -> list[list[tuple[Convention, Array]]]:
        """At each point, what a right answer may be: as asked first."""
        return [self.conventions(point) for point in self.bench.points]

    def conventions(self, point: Point) -> list[tuple[Convention, Array]]:
        found = list(all_conventions(point, self.bench.layout, self.bench.structure))
        return found[:1] if self.strict else found

    def laid_out(self, point: Point) -> Array:
        """The derivative at any point, as it was asked for."""
        return laid_out(point, self.bench.layout)

    @cached_property
    def needed(self) -> set[int]:
        """The lines that the last one depends on."""
        return needed(self.lines, self.last)

    @cached_property
    def truth(self) -> list[Array]:
        """The derivative as it was asked for, at the points looked at."""
        return [allowed[0][1] for allowed in self.allowed[: len(self.looked_at)]]

    def values(self, index: int, number: int = -1) -> list[Array] | None:
        """A claim's values at the points looked at; None where there are none."""
        return self.values_of(index, self.lines[index].claims[number].expression)

    def values_of(self, index: int, part: Expression) -> list[Array] | None:
        """Likewise of any expression on a line."""
        try:
            return [run.value(index, part) for run in self.looked_at]
        except Failed:
            return None

    def judged(self, index: int, number: int) -> Found:
        """A claim of the last line."""
        claim = self.lines[index].claims[number]
        if not fits(claim.expression):
            return Found(None, why=_misfit(claim, self.lines[: index + 1]))
        values: dict[int, Array] = {}
        for k, run in enumerate(self.runs):
            try:
                values[k] = run.claim(index, number)
            except Failed:
                continue
        finite = {k: v for k, v in values.items() if np.isfinite(v).all()}
        if not finite:
            return Found(None, why="it has no finite value at any random point tried")
        return self._compared(index, number, finite)

    def _compared(self, index: int, number: int, values: dict[int, Array]) -> Found:
        """The first convention that fits at all points; of the one asked for, the worst error."""
        lost, why = False, "rounding hides whether it is right"
        for which, (convention, _) in enumerate(self.allowed[0]):
            decided: list[bool | None] = []
            for k in values:
                decided.append(self.equal(k, which, lambda run: run.claim(index, number)))
                if decided[-1] is False:
                    break
            if False in decided:
                continue
            enough = 2 * decided.count(True) >= len(self.runs)
            seen = self._seen(index)
            if enough and seen:
                return Found(convention, error=self._error(values, which)[0])
            lost, why = True, UNSEEN if enough else why
        error, worst = self._error(values, 0)
        if len(values) < len(self.runs) / 2:
            why = f"it has a finite value at {len(values)} of {len(self.runs)} random points alone"
        if lost and self._proved(self.lines[index].claims[number].expression):
            return Found(self.allowed[0][0][0])
        return Found(None, lost, why if lost else "", error, worst)

    def _seen(self, index: int) -> bool:
        """Whether every branch of the answer was taken at some point, but for what the problem
        itself never takes."""
        lines = [self.lines[k] for k in sorted(self.needed | {index})]
        answer = [claim.expression for line in lines for claim in line.claims]
        if not any(map(branches, answer)):
            return True
        unseen = untaken(answer, [run.before(self.last) for run in self.runs])
        out_of_reach = [node.operands[-1] for node in self.bench.out_of_reach]
        return all(node.operands[-1] in out_of_reach for node in unseen)

    def equal(self, k: int, which: int, of: Callable[[Running], Array]) -> bool | None:
        """Whether a value of the answer is the derivative in a convention, at point k."""

        def value(point: Point) -> Array:
            run = self.runs[k] if point is self.bench.points[k] else Running(self.work, point)
            try:
                return of(run)
            except Failed as failed:
                raise ValueError from failed

        def truth(point: Point) -> Array:
            if point is self.bench.points[k]:
                return self.allowed[k][which][1]
            return self.conventions(point)[which][1]

        return equal(self.bench.points[k], value, truth)

    def _error(self, values: dict[int, Array], which: int) -> tuple[float, str]:
        worst, where = 0.0, ""
        for k, value in values.items():
            truth = self.allowed[k][which][1]
            if truth.shape != value.shape:
                return float("inf"), ""
            error = apart(value, truth)
            if error > worst:
                at = np.unravel_index(np.abs(value - truth).argmax(), truth.shape)
                entry = list(map(int, at))
                where = f"entry {entry} is {value[at]:.6g} and should be {truth[at]:.6g}"
                worst = error
        return worst, where

    def _proved(self, expression: Expression) -> bool:
        """Whether the normal form of the difference is 0: exact, where numbers do not decide."""
        formula = self.bench.formula
        if formula is None or formula.expression.shape != expression.shape:
            return False
        difference = Apply(expression.shape, OPERATORS["-"], (expression, formula.expression))
        try:
            with deep_recursion():
                setting = Setting(self.work.problem, ())
                head = setting.context.normal(setting.lowered(difference))
                return not as_sum(head).terms
        except (DerivationError, ProblemError, ArithmeticError, KeyError, ValueError):
            return False

    def otherwise(self) -> Convention | None:
        """Of an answer to be given in one layout: another convention in which it is right."""
        if not self.strict:
            return None
        found = Judge(self.bench, self.work, False).final().convention
        return None if found is None or found.name.startswith("rows") else found

    def final(self) -> Found:
        """What comes of the last line: of all its claims, the first that is not right."""
        found = self._claims
        wrong = [f for f in found if f.convention is None and not f.undecided]
        lost = [f for f in found if f.undecided]
        other = [f for f in found if f.convention != self.allowed[0][0][0]]
        return next(iter([*wrong, *lost, *other, *found]))

    @cached_property
    def _claims(self) -> list[Found]:
        return [self.judged(self.last, k) for k in range(len(self.lines[self.last].claims))]

    def wrong_claim(self) -> int:
        """The number of the first claim of the last line that is wrong."""
        found = self._claims
        return next((k for k, f in enumerate(found) if f.convention is None), len(found) - 1)

    def elsewhere(self) -> tuple[int, Match] | None:
        """Of an answer that is right: a line that is a constant times what its name says, made up
        for further down."""
        for index in sorted(self.needed - {self.last}):
            values, meant = self.values(index), self.targets.meant(index)
            if not self.targets.is_own(index):
                continue
            if values is None or meant is None or self._is(values, meant):
                continue
            match = self.quantities.multiple(values, meant)
            if match is not None:
                return index, match
        return None

    def contradicted(self) -> int | None:
        """Of an answer that is right: a line that says in so many words what is not so. Lines below
        the last one, and other derivatives that it does not need, are not asked about."""
        for index in range(self.last + 1):
            if self._is_false(index):
                return index
        return None

    def _is_false(self, index: int) -> bool:
        line = self.lines[index]
        if index != self.last and index not in self.needed and self.targets.is_aside(index):
            return False
        if len(line.claims) > 1 and not self._consistent(index):
            return True
        stated = self.targets.restated(index)
        meant = self.targets.stands_for(index, certain=True)
        values = self.values(index)
        if values is None:
            return index != self.last and not fits(line.value)
        if meant is None or self._is(values, meant):
            return False
        if stated is not None:
            return True
        return self.quantities.multiple(values, meant) is None and self._differs(values, meant)

    def _differs(self, values: Sequence[Array], meant: Quantity) -> bool:
        """Whether a line differs from a derivative also as the engine finds it, if it does."""
        if meant.role != "adjoint" or not meant.name:
            return True
        found = self.bench.derivative(meant.name)
        if found is None or self.quantities.match(values, self.quantities.partial(meant.name)):
            return False
        theirs = [value_of(found, run.point.environment) for run in self.looked_at]
        return not alike(values, theirs, 1e-6)

    def _consistent(self, index: int) -> bool:
        claims = [self.values(index, k) for k in range(len(self.lines[index].claims))]
        first = claims[0]
        return all(
            first is not None
            and other is not None
            and all(
                a.shape == b.shape and apart(a, b) < 1e-8 for a, b in zip(first, other, strict=True)
            )
            for other in claims[1:]
        )

    def in_problem(self, expression: Expression) -> Expression:
        """The expression without the names that the derivation introduces and neither the problem
        nor the answer has."""
        given = {name for line in self.lines for name in line.names}
        return self.quantities.in_problem(expression, frozenset(given))

    def varies(self, expression: Expression) -> bool:
        """Whether an expression depends on the variable."""
        return bool(self.bench.source.needed(expression) & set(self.bench.wrt))

    def _is(self, values: Sequence[Array], meant: Quantity) -> bool:
        return self.quantities.match(values, [meant]) is not None


def _misfit(claim: Claim, lines: Sequence[Line]) -> str:
    if claim.misfit is not None:
        return claim.misfit.message
    for line in lines:
        for other in line.claims:
            if other.misfit is not None:
                return f"line {line.number}: {other.misfit.message}"
    return "its shapes do not fit"

"""One derivative that was asked for: what is stated of it, and the check of that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from diagrad.derivation import Record
from diagrad.derivation.program import Programs
from diagrad.engine import Engine
from diagrad.errors import DerivationError, InternalError, ProblemError
from diagrad.expression import Apply, Expression, Number, is_call, walk
from diagrad.facts import LABELS, closure
from diagrad.formula import Formula
from diagrad.language import read_expression
from diagrad.layouts import Arrangement
from diagrad.recursion import deep_recursion
from diagrad.verify import Verification, verify

if TYPE_CHECKING:
    from diagrad.language import Declaration, Source

# Facts that fix entries of a variable, and operations with kinks, or with poles or kinks at 0.
EXACT = frozenset({"onehot", "pm1", "diagonal", "lower", "upper"})
KINKED = frozenset(
    "relu step abs sign maximum minimum max min prod clip where norm norm1 sqrt / log".split()  # noqa: SIM905
)

# Of a symmetric variable, entries that move by themselves start as equals.
CHOOSING = frozenset({"max", "min", "maximum", "minimum"})


def _is_kinked(node: Expression) -> bool:
    """Whether a function has a kink or a pole, or a power may have one."""
    if not isinstance(node, Apply):
        return False
    if node.operation.name != "**":
        return node.operation.name in KINKED
    exponent = node.operands[1]
    if not isinstance(exponent, Number):
        return True
    return exponent.value.denominator != 1 or exponent.value < 0


class Stated(NamedTuple):
    """A formula as its source says it, for what is checked is what is printed; `introduced` are the
    names that it has beside those of the problem."""

    formula: Expression
    layout: str | None
    introduced: Mapping[str, Expression]


class Answer:
    """The derivative by some names. With `programs` it is stated as one of these, and its formula
    in one line is made and checked when it is first asked for."""

    def __init__(
        self,
        engine: Engine,
        of: str,
        by: tuple[str, ...],
        arrangement: Arrangement,
        programs: Programs | None,
    ) -> None:
        self.engine, self.of, self.by = engine, of, by
        self.arrangement, self.programs = arrangement, programs

    @property
    def source(self) -> Source:
        return self.engine.source

    @cached_property
    def _derived(self) -> tuple[Formula, Record]:
        with deep_recursion():
            return self.engine.derived(self.by, self.arrangement)

    @property
    def record(self) -> Record:
        """What the engine did for the formula in one line."""
        return self._derived[1]

    @cached_property
    def formula(self) -> Formula:
        """The derivative in one line, checked. Raises as `check` does."""
        if self.programs is not None:
            self._check(self._in_one_line, 3, 0)
        return self._derived[0]

    @cached_property
    def layout(self) -> str:
        """The layout of the formula: where no matrix says it, another than was asked for."""
        if self.programs is not None:
            return self.arrangement.layout
        return self._derived[0].layout or self.arrangement.layout

    @cached_property
    def stated(self) -> Stated:
        """What was found, in one line or as the last line of a program. Raises DerivationError."""
        if self.programs is None:
            return self._in_one_line
        again = self.programs.read_again
        name = self.programs.name(self.by[0])
        return Stated(again[name], self.arrangement.layout, again)

    @cached_property
    def _in_one_line(self) -> Stated:
        formula = self._derived[0]
        try:
            with deep_recursion():
                again = read_expression(formula.source, self.source)
        except ProblemError:
            raise DerivationError(
                "the formula in one line is longer than the language reads"
                + (
                    ": `program` has it line by line"
                    if self.programs
                    else ": give parts of the problem names of their own"
                )
            ) from None
        return Stated(again, formula.layout, {})

    def check(self, points: int = 3, seed: int = 0) -> Verification:
        """The check of what is stated. Raises InternalError where it fails, DerivationError where
        it cannot be made."""
        return self._check(self.stated, points, seed)

    def _check(self, stated: Stated, points: int, seed: int) -> Verification:
        if points < 1:
            raise DerivationError(f"a check needs at least 1 point, not {points}")
        wrt = self.by[0] if len(set(self.by)) == 1 else self.by
        asked = f"d {self.of} / d {wrt}"
        try:
            verification = self._compared(stated, points, seed)
        except MemoryError:
            raise DerivationError(
                f"{asked} cannot be checked: its arrays do not fit in memory; write large sizes as "
                "names, which are checked at small ones"
            ) from None
        where = "" if verification.passed else self._without_derivative()
        if where:
            raise DerivationError(
                f"{asked} cannot be checked: what is declared of {self.by[0]} puts it {where}"
            )
        if not verification.passed:
            formula = self._derived[0]
            raise InternalError(
                f"the formula {formula.source} for {asked} failed its check "
                f"({verification}, worst at {verification.worst}): please report this problem"
            )
        return verification

    def _compared(self, stated: Stated, points: int, seed: int) -> Verification:
        return verify(
            self.source,
            self.engine.expression,
            self.by,
            self.arrangement.layout,
            stated.formula,
            stated.layout,
            points,
            seed,
            stated.introduced,
            self.engine.kinds(self.by),
        )

    def _without_derivative(self) -> str:
        """Where a function has no derivative and a variable may be by what is declared of it; ""
        where there is no such place."""
        expression = self.engine.expression
        needed = self.source.needed(expression) & self.source.definitions.keys()
        parts = [expression, *(self.source.definitions[name].expression for name in needed)]
        nodes = [node for part in parts for node in walk(part)]
        declared = [self.source.variables.get(name) for name in self.by]
        if self._on_a_kink(declared, nodes):
            return "on a kink, where only the convention says what the derivative is"
        labels = any(d is not None and d.facts & LABELS for d in declared)
        if labels and any(is_call(node, "pinv") for node in nodes):
            return "where pinv may jump, as its rank changes when an entry moves"
        return ""

    def _on_a_kink(
        self, declared: Sequence[Declaration | None], nodes: Sequence[Expression]
    ) -> bool:
        """Whether entries of a variable may be where functions have kinks: exactly 0 or 1 by a
        fact, equal to each other by one, or those of a definition, which has the value that it
        has."""
        if any(d is None or d.facts & EXACT for d in declared) and any(map(_is_kinked, nodes)):
            return True
        mirrored = any(d is not None and "symmetric" in closure(d.facts) for d in declared)
        chosen = any(is_call(node, *CHOOSING) for node in nodes)
        return mirrored and chosen and not self.engine.structure

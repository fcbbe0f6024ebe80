"""A request: one value to differentiate by one or several names, and what its derivatives share."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from diagrad.answer import Answer
from diagrad.derivation import Derivation
from diagrad.derivation.program import Programs
from diagrad.derivation.telling import Telling
from diagrad.dimensions import is_scalar
from diagrad.engine import Engine, operations, signs, speaks_of_means
from diagrad.errors import DerivationError, ProblemError
from diagrad.layouts import Arrangement, arranged
from diagrad.matrix.contract import NoMatrixForm
from diagrad.recursion import deep_recursion
from diagrad.verify import Verification, verify_together

if TYPE_CHECKING:
    from diagrad.problem import Problem

Wrt = str | tuple[str, str]

# With fewer names, or fewer operations in them, the formula in one line is made at once: a program
# lives by the names that the problem gives.
NAMED, LARGE = 5, 24


class Request:
    """What is asked of a problem. Derivatives whose formulas would be long are worked out, and
    checked, as programs of named intermediates that all variables share; a formula in one line is
    then made, and checked too, when someone asks for it."""

    def __init__(
        self,
        problem: Problem,
        of: str,
        wrt: Sequence[Wrt],
        order: int,
        layout: str,
        structure: bool = False,
    ) -> None:
        self.expression = problem.expression(of)
        self.problem, self.source = problem, problem.source
        self.of, self.order, self.layout = of, order, layout
        self.wrt = [(one, variables_of(problem, one, order)) for one in wrt]
        shapes = problem.shapes
        self.engine = Engine(self.source, problem.names, shapes, self.expression, order, structure)
        for _, by in self.wrt:
            self._check_structure(by)
        self._tellings: dict[tuple[str, ...], Telling] = {}

    def derivations(self) -> list[Derivation]:
        """The derivatives, each checked. Raises DerivationError."""
        answers = self.answers()
        return [
            Derivation(self.problem, self.of, wrt, self.order, answer, check, self._telling(by))
            for (wrt, by), answer, check in zip(
                self.wrt, answers, self.verified(answers), strict=True
            )
        ]

    def answers(self) -> list[Answer]:
        """The derivatives, not yet checked."""
        with deep_recursion():
            return [self._answer(by) for _, by in self.wrt]

    def verified(self, answers: Sequence[Answer]) -> list[Verification]:
        """The checks of answers: of all together, where one of them is a program."""
        programs = next((a.programs for a in answers if a.programs), None)
        if programs is not None and self._together is not None:
            stated = {a.by[0]: (a.stated.formula, a.layout) for a in answers}
            found = verify_together(self.source, self.expression, stated, programs.read_again)
            if found is not None:
                return [found for _ in answers]
        return [answer.check() for answer in answers]

    def _answer(self, by: tuple[str, ...]) -> Answer:
        shapes = [self.problem.shapes[name] for name in by]
        arrangement = arranged(self.layout, self.expression.shape, shapes)
        answer = Answer(self.engine, self.of, by, arrangement, self._programs(by, arrangement))
        _ = answer.stated
        return answer

    def _programs(self, by: tuple[str, ...], arrangement: Arrangement) -> Programs | None:
        """The programs, where one of their formulas would be long and they have this one."""
        usual = arranged("auto", self.expression.shape, [self.problem.shapes[by[0]]])
        if not self._is_large or arrangement.layout != usual.layout:
            return None
        try:
            programs = self._telling(by).programs
            told = programs.are_long and programs.has(by[0]) and bool(programs.read_again)
        except (DerivationError, NoMatrixForm, ProblemError):
            return None
        return programs if told else None

    @cached_property
    def _is_large(self) -> bool:
        """Whether programs are worth their while: for gradients of what has many named parts."""
        needed = self.source.needed(self.expression) & self.source.definitions.keys()
        if self.order != 1 or self.engine.structure or len(needed) < NAMED:
            return False
        if not is_scalar(self.expression.shape):
            return False
        return sum(1 for _ in operations(self.source, self.expression)) >= LARGE

    def _telling(self, by: tuple[str, ...]) -> Telling:
        return self._together or self._told(by)

    @cached_property
    def _together(self) -> Telling | None:
        """What derivations by several variables share; by definitions each has its own, for what
        lies before a definition is then constant."""
        names = dict.fromkeys(by[0] for _, by in self.wrt)
        if self.order == 2 or len(names) < 2 or not names.keys() <= self.source.variables.keys():
            return None
        return self._told(tuple(names))

    def _told(self, by: tuple[str, ...]) -> Telling:
        if by not in self._tellings:
            letters = frozenset(signs(self.source))
            means = speaks_of_means(self.source, self.expression)
            told = Telling(self.source, self.expression, by, self.order, letters, means)
            self._tellings[by] = told
        return self._tellings[by]

    def _check_structure(self, by: tuple[str, ...]) -> None:
        """Raises DerivationError where structured derivatives are asked for and nothing is tied."""
        if self.engine.structure and not any(self.engine.kinds(by)):
            raise DerivationError(
                "a structured derivative is by a variable declared symmetric, spd, diagonal, lower "
                f"or upper, and {' and '.join(dict.fromkeys(by))} is none of these"
            )


def variables_of(problem: Problem, wrt: Wrt, order: int) -> tuple[str, ...]:
    """One name per order. Raises DerivationError for what cannot be differentiated by."""
    if order not in (1, 2) or not isinstance(order, int):
        raise DerivationError(f"order is 1 or 2, not {order!r}")
    if not isinstance(wrt, str | tuple):
        raise DerivationError(f"wrt is a name, a pair or a list of names, not {wrt!r}")
    by = (wrt,) * order if isinstance(wrt, str) else wrt
    if len(by) != order:
        raise DerivationError(f"order {order} needs {order} variable{'s'[: order - 1]}, not {by}")
    for name in by:
        if name not in problem.shapes:
            known = ", ".join(problem.shapes)
            raise DerivationError(
                f"{name!r} is not a variable or definition of the problem: {known}"
            )
    return by

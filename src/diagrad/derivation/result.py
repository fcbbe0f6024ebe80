"""A derivation: what was asked, the formula that came out, its check, and its steps."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from diagrad.derivation.account import ROUTES
from diagrad.derivation.program import LONG, program
from diagrad.derivation.step import Step
from diagrad.derivation.telling import Telling
from diagrad.errors import DerivationError
from diagrad.formula import Formula
from diagrad.index.context import Application
from diagrad.index.differentiate import Link
from diagrad.matrix.cost import tokens
from diagrad.verify import Verification

if TYPE_CHECKING:
    from diagrad.answer import Answer
    from diagrad.problem import Problem


@dataclass(frozen=True)
class Record:
    """What the engine did: the links of the chain rule, and every rewriting of a term."""

    links: tuple[Link, ...]
    rewritings: tuple[Application, ...]


@dataclass(frozen=True, eq=False)
class Derivation:
    """The derivative of `of` with respect to `wrt`: a verified formula, and how it comes about.

    `wrt` is a name, or a pair of names for a mixed second derivative. `answer` is what was found
    and checked: the formula, or where that is long a program. `telling` is shared by the
    derivations of one request, and with it their steps.
    """

    problem: Problem = field(repr=False)
    of: str
    wrt: str | tuple[str, str]
    order: int
    answer: Answer = field(repr=False, compare=False)
    verification: Verification
    telling: Telling = field(repr=False, compare=False)

    @property
    def result(self) -> Formula:
        """The derivative in one line, over the problem's names. A long one is made and checked when
        it is first asked for. Raises DerivationError where it is too long to be read again."""
        return self.answer.formula

    @property
    def layout(self) -> str:
        """The layout of the result: the one that was asked for, but "tensor" where that stacks
        columns and no matrix form was found."""
        return self.answer.layout

    @property
    def record(self) -> Record:
        """What the engine did for the result."""
        return self.answer.record

    @cached_property
    def is_long(self) -> bool:
        """Whether the result, or that of another variable, is so long that a program tells more."""
        return self.answer.programs is not None or tokens(self.result.expression) > LONG

    @cached_property
    def steps(self) -> list[Step]:
        """The steps of the route by Jacobians; `steps_by` gives those of any route."""
        return self.steps_by("jacobian")

    def steps_by(self, route: str) -> list[Step]:
        """The steps of a route, "jacobian", "elements" or "differential". Each `after` equals the
        derivative of its target; the last is the result. Raises DerivationError for another."""
        kinds = self.answer.engine.kinds(self.answer.by)
        return self.telling.finished(self._steps(route), self._last, self.result, kinds)

    def told(self, route: str) -> list[Step]:
        """Likewise, but a long result is not written out: the last step has it in the names that
        the steps introduce."""
        return self.steps_by(route) if self.answer.programs is None else self._steps(route)

    def _steps(self, route: str) -> list[Step]:
        if route not in ROUTES:
            raise DerivationError(f"unknown route {route!r}: there are {', '.join(ROUTES)}")
        return self.telling.steps(self._last, route)

    @property
    def _last(self) -> str:
        return self.wrt if isinstance(self.wrt, str) else self.wrt[-1]

    @cached_property
    def definitions(self) -> tuple[tuple[str, Formula], ...]:
        """The names that the steps introduce, in an order in which they can be defined: those of
        intermediates (z1), of adjoints (dJ_dh) and of long adjoints (delta1)."""
        steps = [step for route in ROUTES for step in self.told(route)]
        return self.telling.definitions(steps)

    def verify(self, points: int = 3, seed: int = 0) -> Verification:
        """Checks what was found again, at other random points. Raises as `Problem.derive` does."""
        return self.answer.check(points, seed)

    @cached_property
    def program(self) -> tuple[tuple[str, Formula], ...]:
        """Names with their formulas, each over the problem's names and those before it, ending in
        the result: what backpropagation computes once stands there once."""
        if self.answer.programs is not None:
            return self.answer.programs.lines(self._last)
        return program(self.telling, self._last, self.result)

    def text(
        self,
        route: str = "jacobian",
        depth: str = "standard",
        width: int = 100,
        ascii: bool = False,
    ) -> str:
        """The derivation as text of a width: `route` is "jacobian", "elements", "differential",
        "both" for the first two or "all", `depth` "overview", "standard" or "full". Raises
        DerivationError for another."""
        from diagrad import pages

        return pages.text([self], route, depth, width, ascii)

    def latex(
        self, route: str = "jacobian", depth: str = "standard", document: bool = False
    ) -> str:
        """The derivation as LaTeX, to be put into a text; with `document` a complete article."""
        from diagrad import pages

        return pages.latex([self], route, depth, document)

    def markdown(self, route: str = "jacobian", depth: str = "standard") -> str:
        """The derivation as Markdown with formulas in $ and $$."""
        from diagrad import pages

        return pages.markdown([self], route, depth)

    def html(self, route: str = "both", depth: str = "standard") -> str:
        """The derivation as a page for a browser, one file that needs no other: formulas in MathML,
        routes side by side."""
        from diagrad import pages

        return pages.html([self], route, depth)

    def typst(self, route: str = "both", depth: str = "standard") -> str:
        """The derivation as a document of Typst."""
        from diagrad import pages

        return pages.typst([self], route, depth)

    def code(self, backend: str, single: bool = False) -> str:
        """The text of a function that computes the value and the derivative, for any sizes, and
        needs nothing of Diagrad: `backend` is "numpy" or "c". With `single` it computes in float32.
        Raises DerivationError for another back end, and for what one has no code for."""
        from diagrad.code import code

        return code([self], backend, single)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        from diagrad import pages

        return pages.shown([self])

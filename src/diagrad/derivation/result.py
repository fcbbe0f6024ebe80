"""A derivation: what was asked, the formula that came out, its check, and its steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from diagrad.derivation.account import ROUTES
from diagrad.derivation.step import Step
from diagrad.derivation.telling import Telling
from diagrad.errors import DerivationError
from diagrad.formula import Formula
from diagrad.index.context import Application
from diagrad.index.differentiate import Link
from diagrad.verify import Verification

if TYPE_CHECKING:
    from diagrad.problem import Problem


@dataclass(frozen=True)
class Record:
    """What the engine did: the links of the chain rule, and every rewriting of a term."""

    links: tuple[Link, ...]
    rewritings: tuple[Application, ...]


@dataclass(frozen=True, eq=False)
class Derivation:
    """The derivative of `of` with respect to `wrt`: a verified formula, and how it comes about.

    `wrt` is a name, or a pair of names for a mixed second derivative. `layout` is that of the
    result: the one that was asked for, but "tensor" where that stacks columns and no matrix form
    was found. `telling` is shared by the derivations of one request, and with it their steps.
    """

    problem: Problem = field(repr=False)
    of: str
    wrt: str | tuple[str, str]
    order: int
    layout: str
    result: Formula
    verification: Verification
    record: Record = field(repr=False)
    check: Callable[[int, int], Verification] = field(repr=False, compare=False)
    telling: Telling = field(repr=False, compare=False)

    @cached_property
    def steps(self) -> list[Step]:
        """The steps of the route by Jacobians; `steps_by` gives those of any route."""
        return self.steps_by("jacobian")

    def steps_by(self, route: str) -> list[Step]:
        """The steps of a route, "jacobian", "elements" or "differential". Each `after` equals the
        derivative of its target; the last is the result. Raises DerivationError for another."""
        if route not in ROUTES:
            raise DerivationError(f"unknown route {route!r}: there are {', '.join(ROUTES)}")
        wrt = self.wrt if isinstance(self.wrt, str) else self.wrt[-1]
        return self.telling.steps(wrt, route, self.result)

    @cached_property
    def definitions(self) -> tuple[tuple[str, Formula], ...]:
        """The names that the steps introduce, in an order in which they can be defined: those of
        intermediates (z1), of adjoints (dJ_dh) and of long adjoints (delta1)."""
        steps = [step for route in ROUTES for step in self.steps_by(route)]
        return self.telling.definitions(steps)

    def verify(self, points: int = 3, seed: int = 0) -> Verification:
        """Checks the formula again, at other random points. Raises as `Problem.derive` does."""
        return self.check(points, seed)

    @cached_property
    def program(self) -> tuple[tuple[str, Formula], ...]:
        """Names with their formulas, each over the problem's names and those before it, ending in
        the result: what backpropagation computes once stands there once."""
        from diagrad.derivation.program import program

        wrt = self.wrt if isinstance(self.wrt, str) else self.wrt[-1]
        return program(self.telling, wrt, self.result)

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

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        from diagrad import pages

        return pages.bundle(self)

"""Every derivative is checked at random points against derivatives obtained from values alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import inf, log10
from typing import TYPE_CHECKING

from diagrad.expression import Expression
from diagrad.verify.compare import Check
from diagrad.verify.layouts import arrange as arrange
from diagrad.verify.numeric import EXACT, METHODS
from diagrad.verify.path import path
from diagrad.verify.together import compared as compared_together

if TYPE_CHECKING:
    from diagrad.language import Source

BOUNDS = (1e-12, 1e-9, 1e-6, 1e-5, 1e-3, 1.0)


@dataclass(frozen=True)
class Verification:
    """How far a formula is from derivatives obtained from values alone, at random points.

    `max_relative_error` is the largest difference over the largest entry; what rounding alone
    explains counts as 0.
    """

    max_relative_error: float
    points: int
    worst: str
    method: str
    sizes: Mapping[str, int]
    tolerance: float

    @property
    def passed(self) -> bool:
        return self.max_relative_error <= self.tolerance

    @property
    def bound(self) -> float:
        """A coarse power of ten above the error, the same on every machine: for differences, whose
        error varies with rounding, not below the tolerance."""
        least = 0.0 if self.method == EXACT else self.tolerance
        coarse = (bound for bound in BOUNDS if bound >= least)
        return next((bound for bound in coarse if self.max_relative_error < bound), inf)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        power = r"\ge 1" if self.bound == inf else f"< 10^{{{log10(self.bound):.0f}}}"
        error = f": relative error ${power}$ ({self.method})"
        return {"text/plain": str(self), "text/markdown": self._where(maths=True) + error}

    def _where(self, maths: bool = False) -> str:
        """At how many points, of which sizes; names of sizes as mathematics where that is asked."""
        wrap = r"$\mathrm{{{}}} = {}$" if maths else "{} {}"
        sizes = ", ".join(wrap.format(name, size) for name, size in self.sizes.items())
        points = f"{self.points} random point{'s' if self.points != 1 else ''}"
        return f"{points}, sizes {sizes}" if sizes else points

    def __str__(self) -> str:
        error = "≥ 1" if self.bound == inf else f"< {self.bound:.0e}"
        return f"{self._where()}: relative error {error} ({self.method})"


def verify(
    source: Source,
    of: Expression,
    wrt: tuple[str, ...],
    layout: str,
    formula: Expression,
    formula_layout: str | None = None,
    points: int = 3,
    seed: int = 0,
    introduced: Mapping[str, Expression] | None = None,
    structure: tuple[str, ...] = (),
) -> Verification:
    """Compares `formula` with the derivative of `of` by the names `wrt`, one per order, at random
    points.

    `formula_layout` where the formula has another layout than was asked for; `introduced` are
    names that only the formula uses; `structure` says how the entries of each name are tied. Raises
    InternalError where the formula has the wrong shape,
    DerivationError where it or `of` has no finite value or derivative, or one lost in rounding, at
    any point tried.
    """
    route = replace(path(source, of, wrt, [formula], introduced or {}), structure=structure)
    method, tolerance = METHODS[len(wrt), route.analytic]
    check = Check(source, route, formula, formula_layout or layout, tolerance, seed)
    compared = [check.point(number) for number in range(points)]
    worst = max(compared, key=lambda c: c.error)
    return Verification(worst.error, points, worst.worst, method, compared[0].sizes, tolerance)


def verify_together(
    source: Source,
    of: Expression,
    stated: Mapping[str, tuple[Expression, str]],
    introduced: Mapping[str, Expression],
    points: int = 3,
    seed: int = 0,
) -> Verification | None:
    """Compares formulas, each with its layout, with the derivatives of `of` by several variables
    at once, as `verify` does for one.

    None where that does not show all of them to be right: each is then to be looked at by itself.
    """
    found = compared_together(source, of, stated, introduced, points, seed)
    if found is None:
        return None
    method, tolerance = METHODS[1, True]
    worst = max(one.error for one in found)
    verification = Verification(worst, points, "", method, found[0].sizes, tolerance)
    return verification if verification.passed else None

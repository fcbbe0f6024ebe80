"""A derivation: what was asked, the formula that came out, and its check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from diagrad.formula import Formula
from diagrad.index.context import Application
from diagrad.index.differentiate import Link
from diagrad.verify import Verification


@dataclass(frozen=True)
class Record:
    """What the engine did: the links of the chain rule, and every rewriting of a term."""

    links: tuple[Link, ...]
    rewritings: tuple[Application, ...]


@dataclass(frozen=True, eq=False)
class Derivation:
    """The derivative of `of` with respect to `wrt`: a verified formula.

    `wrt` is a name, or a pair of names for a mixed second derivative. `layout` is that of the
    result: the one that was asked for, but "tensor" where that stacks columns and no matrix form
    was found.
    """

    of: str
    wrt: str | tuple[str, str]
    order: int
    layout: str
    result: Formula
    verification: Verification
    record: Record
    check: Callable[[int, int], Verification] = field(repr=False, compare=False)

    @property
    def definitions(self) -> tuple[tuple[str, Formula], ...]:
        """Names that the derivation introduced. None are yet."""
        return ()

    def verify(self, points: int = 3, seed: int = 0) -> Verification:
        """Checks the formula again, at other random points. Raises as `Problem.derive` does."""
        return self.check(points, seed)

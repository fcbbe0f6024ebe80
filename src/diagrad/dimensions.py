"""Symbolic sizes and shapes.

A size is a polynomial with integer coefficients in dimension names, so that `m*n` and `n*m` are one
size and `H + 1` is not `H`. Dimensions are ordered by their first appearance in the problem, never
by their names: a problem in which only names change takes the same path through everything that
follows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import NamedTuple


class Dimension(NamedTuple):
    """A dimension's place in the order of first appearance, and its name."""

    position: int
    name: str


Monomial = tuple[Dimension, ...]


@dataclass(frozen=True)
class Size:
    """An integer polynomial: sorted pairs (monomial, coefficient), no coefficient zero."""

    terms: tuple[tuple[Monomial, int], ...]

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash(self.terms)

    @staticmethod
    def of(number: int) -> Size:
        return _polynomial([((), number)])

    @staticmethod
    def named(dimension: Dimension) -> Size:
        return Size((((dimension,), 1),))

    def __add__(self, other: Size) -> Size:
        return _polynomial([*self.terms, *other.terms])

    def __sub__(self, other: Size) -> Size:
        return self + Size.of(-1) * other

    def __mul__(self, other: Size) -> Size:
        return _polynomial(
            (tuple(sorted(a + b)), c * d) for a, c in self.terms for b, d in other.terms
        )

    @property
    def number(self) -> int | None:
        """The value of a size without dimensions, otherwise None."""
        if not self.terms:
            return 0
        return self.terms[0][1] if len(self.terms) == 1 and not self.terms[0][0] else None

    @property
    def dimensions(self) -> frozenset[Dimension]:
        return frozenset(d for monomial, _ in self.terms for d in monomial)

    @cached_property
    def key(self) -> tuple[tuple[tuple[int, ...], int], ...]:
        """Orders sizes by the positions of their dimensions, whatever the names."""
        return tuple((tuple(d.position for d in monomial), c) for monomial, c in self.terms)

    def evaluate(self, sizes: Mapping[str, int]) -> int:
        """The value at given sizes of the dimensions; KeyError for a dimension without one."""
        return sum(c * prod(sizes[d.name] for d in monomial) for monomial, c in self.terms)

    def __str__(self) -> str:
        if not self.terms:
            return "0"
        constants_last = sorted(self.terms, key=lambda term: not term[0])
        pieces = [_signed(monomial, c) for monomial, c in constants_last]
        text = "".join(sign + body for sign, body in pieces)
        return text.removeprefix("+")


def _signed(monomial: Monomial, coefficient: int) -> tuple[str, str]:
    names = [d.name for d in monomial]
    factors = names if abs(coefficient) == 1 and names else [str(abs(coefficient)), *names]
    return ("-" if coefficient < 0 else "+"), "*".join(factors)


def _polynomial(terms: Iterable[tuple[Monomial, int]]) -> Size:
    total: dict[Monomial, int] = {}
    for monomial, coefficient in terms:
        total[monomial] = total.get(monomial, 0) + coefficient
    return Size(tuple(sorted((m, c) for m, c in total.items() if c)))


UNIT = Size.of(1)
Shape = tuple[Size, ...]
SCALAR: Shape = (UNIT, UNIT)


def is_scalar(shape: Shape) -> bool:
    return all(size == UNIT for size in shape)


def is_vector(shape: Shape) -> bool:
    """A row or a column, not a scalar."""
    return len(shape) == 2 and (shape[0] == UNIT) != (shape[1] == UNIT)


def is_row(shape: Shape) -> bool:
    return is_vector(shape) and shape[0] == UNIT


def describe(shape: Shape) -> str:
    """`1×Dx` for a shape, `scalar` for (1, 1)."""
    if is_scalar(shape):
        return "scalar"
    texts = (str(size) for size in shape)
    return "×".join(f"({t})" if any(c in t for c in "*+-") else t for t in texts)


def broadcast(first: Shape, second: Shape) -> Shape | None:
    """NumPy's rule on two axes: equal sizes, or one of them 1. None where the shapes do not fit."""
    together = []
    for a, b in zip(first, second, strict=True):
        if a != b and UNIT not in (a, b):
            return None
        together.append(b if a == UNIT else a)
    return tuple(together)


# Where a dimension stands squared, sizes up to this are tried.
LARGEST_TRIED = 10_000


class SizeMismatch(ValueError):
    """Given arrays contradict the declared sizes."""


def solve(equations: Iterable[tuple[Size, int, str]]) -> dict[str, int]:
    """Sizes of dimensions from equations `size = number`, each with a text naming its origin.

    Solves for one unknown dimension at a time: `H + 1 = 5`, and `m*n = 12` once m is known. Raises
    SizeMismatch for a contradiction or where no unknown can be told.
    """
    pending = list(equations)
    known: dict[str, int] = {}
    while pending:
        solvable = [
            e for e in pending if len({d.name for d in e[0].dimensions} - known.keys()) <= 1
        ]
        if not solvable:
            size, number, where = pending[0]
            raise SizeMismatch(f"{where}: cannot tell the dimensions of {size} = {number} apart")
        for equation in solvable:
            _settle(equation, known)
        pending = [e for e in pending if e not in solvable]
    return known


def _settle(equation: tuple[Size, int, str], known: dict[str, int]) -> None:
    size, number, where = equation
    unknown = {d.name for d in size.dimensions} - known.keys()
    if not unknown:
        if size.evaluate(known) != number:
            raise SizeMismatch(f"{where}: {size} is {size.evaluate(known)}, not {number}")
        return
    (name,) = unknown
    root = _root(_coefficients(size, name, known), number)
    if root is None:
        least = ": sizes are 1 or more" if number < 1 else ""
        raise SizeMismatch(f"{where}: no size {name} makes {size} equal to {number}{least}")
    known[name] = root


def _coefficients(size: Size, name: str, known: Mapping[str, int]) -> list[int]:
    """c₀, c₁, c₂, … for which the size is c₀ + c₁ n + c₂ n² + …, n the dimension of that name."""
    coefficients = [0, 0]
    for monomial, c in size.terms:
        names = [d.name for d in monomial]
        power = names.count(name)
        coefficients += [0] * (power + 1 - len(coefficients))
        coefficients[power] += c * prod(known[other] for other in names if other != name)
    return coefficients


def _root(coefficients: list[int], number: int) -> int | None:
    """The least n ≥ 1 with that value; beyond the first power at most LARGEST_TRIED."""
    rest, slope, *higher = coefficients
    if slope and not any(higher):
        n, remainder = divmod(number - rest, slope)
        return n if n >= 1 and remainder == 0 else None
    tried = range(1, LARGEST_TRIED + 1)
    return next((n for n in tried if _value(coefficients, n) == number), None)


def _value(coefficients: list[int], n: int) -> int:
    return sum(c * n**power for power, c in enumerate(coefficients))

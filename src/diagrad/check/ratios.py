"""Constants that people lose or have too many of, and the one between two values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import inf, prod
from typing import NamedTuple

import numpy as np

from diagrad.check.bench import Bench
from diagrad.check.witness import same
from diagrad.dimensions import SCALAR
from diagrad.expression import Apply, Expression, Symbol, number
from diagrad.operations import OPERATORS, WORDS
from diagrad.operations.room import Array, applied
from diagrad.show import printed

WHOLE = (-1, 2, -2, 3, 4)
NUMBERS = [Fraction(w) for w in WHOLE] + [Fraction(1, w) for w in WHOLE if abs(w) != 1]
CLOSE = 1e-8


class Ratio(NamedTuple):
    """A constant in the problem's names. `kind` is "sign", "number", "dimension" or "scalar"."""

    kind: str
    expression: Expression
    values: Sequence[float]

    @property
    def text(self) -> str:
        return printed(self.expression, "unicode")


class Ratios:
    """The constants of one question, the simplest first."""

    def __init__(self, bench: Bench) -> None:
        points = bench.looked_at
        numbers = [
            Ratio("sign" if n == -1 else "number", number(n), [float(n)] * len(points))
            for n in NUMBERS
        ]
        scalars: list[Ratio] = []
        for dimension in bench.source.dimensions:
            symbol = Symbol(SCALAR, dimension.name, "dimension")
            sizes = [float(point.environment.sizes[dimension.name]) for point in points]
            scalars.append(Ratio("dimension", symbol, sizes))
        named = {name: "variable" for name in bench.source.variables}
        named |= {name: "definition" for name in bench.problem.source.definitions}
        for name, role in named.items():
            arrays = [point.environment.arrays[name] for point in points]
            if all(prod(array.shape) == 1 for array in arrays):
                values = [float(array[0, 0]) for array in arrays]
                scalars.append(Ratio("scalar", Symbol(SCALAR, name, role), values))
        self.all = [*numbers, *_powers(scalars), *_products(numbers, scalars)]

    def between(self, values: Sequence[Array], theirs: Sequence[Array]) -> Ratio | None:
        """The constant c with value = c · theirs at every point, where it is not 1 and known."""
        found: list[float] = []
        for a, b in zip(values, theirs, strict=True):
            c = constant(a, b)
            if c is None:
                return None
            found.append(c)
        return next((ratio for ratio in self.all if _is(ratio, found)), None)


def constant(a: Array, b: Array) -> float | None:
    """c with a = c b, neither 0 nor 1; None where there is none."""
    if a.shape != b.shape or not np.isfinite(a).all() or not b.any():
        return None
    c = float(np.vdot(b, a) / np.vdot(b, b))
    return c if c != 0 and abs(c - 1) > CLOSE and same(a, c * b) else None


def _is(ratio: Ratio, found: Sequence[float]) -> bool:
    return all(
        abs(c - value) <= CLOSE * abs(value) for c, value in zip(found, ratio.values, strict=True)
    )


def _powers(scalars: Sequence[Ratio]) -> Iterator[Ratio]:
    """s, 1/s, s², 1/s², √s, 1/√s."""
    one, two = number(1), number(2)
    for scalar in scalars:
        yield scalar
        symbol, values = scalar.expression, scalar.values
        if any(v * v in (0, inf) for v in values):
            continue
        yield Ratio(scalar.kind, _made("/", one, symbol), [1 / v for v in values])
        square = _made("**", symbol, two)
        yield Ratio(scalar.kind, square, [v * v for v in values])
        yield Ratio(scalar.kind, _made("/", one, square), [1 / (v * v) for v in values])
        if all(v > 0 for v in values):
            root = applied(WORDS["sqrt"], (symbol,))
            yield Ratio(scalar.kind, root, [v**0.5 for v in values])
            yield Ratio(scalar.kind, _made("/", one, root), [v**-0.5 for v in values])


def _products(numbers: Sequence[Ratio], scalars: Sequence[Ratio]) -> Iterator[Ratio]:
    """A number times s or 1/s; one scalar over another."""
    for scalar in scalars:
        if not all(scalar.values):
            continue
        for n in numbers:
            both = list(zip(n.values, scalar.values, strict=True))
            yield Ratio(
                scalar.kind, _made("*", n.expression, scalar.expression), [a * b for a, b in both]
            )
            yield Ratio(
                scalar.kind, _made("/", n.expression, scalar.expression), [a / b for a, b in both]
            )
        for other in scalars:
            if other is not scalar:
                pairs = zip(other.values, scalar.values, strict=True)
                kind = "dimension" if "dimension" in (other.kind, scalar.kind) else "scalar"
                made = _made("/", other.expression, scalar.expression)
                yield Ratio(kind, made, [a / b for a, b in pairs])


def _made(sign: str, *operands: Expression) -> Apply:
    return applied(OPERATORS[sign], operands)

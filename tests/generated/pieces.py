"""Expression text that knows how tightly it binds: brackets stand only where needed."""

import math
import re
from typing import NamedTuple

SUM, PRODUCT, UNARY, POWER, ATOM = range(5)
Shape = tuple[str, str]
SCALAR: Shape = ("1", "1")
TIMES = re.compile(r"\*(?![^(]*\))")


class Piece(NamedTuple):
    """Expression text with the level of its outermost operator."""

    text: str
    level: int = ATOM

    def at(self, level: int) -> str:
        """The text, bracketed where it binds less tightly than `level`."""
        return self.text if self.level >= level else f"({self.text})"


def words(text: str) -> list[str]:
    return text.split()


def total(a: Piece, b: Piece, sign: str = "+") -> Piece:
    return Piece(f"{a.at(SUM)} {sign} {b.at(PRODUCT)}", SUM)


def product(a: Piece, b: Piece, sign: str = "*") -> Piece:
    return Piece(f"{a.at(PRODUCT)} {sign} {b.at(UNARY)}", PRODUCT)


def negative(a: Piece) -> Piece:
    return Piece(f"-{a.at(POWER)}", UNARY)


def power(a: Piece, exponent: str) -> Piece:
    return Piece(f"{a.at(ATOM)} ** {exponent}", POWER)


def transpose(a: Piece) -> Piece:
    return Piece(f"{a.at(ATOM)}.T")


def matmul(a: Piece, b: Piece) -> Piece:
    return Piece(f"{a.at(PRODUCT)} @ {b.at(PRODUCT + 1)}", PRODUCT)


def call(name: str, *arguments: "Piece | str") -> Piece:
    return Piece(f"{name}({', '.join(a if isinstance(a, str) else a.text for a in arguments)})")


def flip(shape: Shape) -> Shape:
    return shape[1], shape[0]


def is_vector(shape: Shape) -> bool:
    return shape != SCALAR and "1" in shape


def size(dimension: str) -> Piece:
    """A dimension as a number in an expression."""
    if "*" in dimension:
        return Piece(dimension, PRODUCT)
    return Piece(dimension, SUM if "+" in dimension else ATOM)


def times(*dimensions: str) -> str:
    """The product of dimensions, as a dimension."""
    factors = [f for dimension in dimensions for f in TIMES.split(dimension) if f != "1"]
    if len(factors) == 1 or not factors:
        return factors[0] if factors else "1"
    return "*".join(f"({f})" if "+" in f and f[0] != "(" else f for f in factors)


def extent(*shapes: Shape) -> int:
    """About how many entries arrays of these shapes have together, one for each of the others'."""
    factors = [f for shape in shapes for dimension in shape for f in TIMES.split(dimension)]
    return math.prod(int(f) if f.isdigit() else 4 for f in factors)


def halves(dimension: str) -> tuple[str, str]:
    """Two dimensions whose product it is; the second is 1 for one that is no product."""
    first, *rest = (f[1:-1] if f[0] == "(" else f for f in TIMES.split(dimension))
    return first, times(*rest)

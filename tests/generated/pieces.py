"""Expression text that knows how tightly it binds: brackets stand only where needed."""

from typing import NamedTuple

SUM, PRODUCT, UNARY, POWER, ATOM = range(5)
Shape = tuple[str, str]
SCALAR: Shape = ("1", "1")


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


def call(name: str, *arguments: "Piece | str") -> Piece:
    return Piece(f"{name}({', '.join(a if isinstance(a, str) else a.text for a in arguments)})")


def flip(shape: Shape) -> Shape:
    return shape[1], shape[0]


def is_vector(shape: Shape) -> bool:
    return shape != SCALAR and "1" in shape


def size(dimension: str) -> Piece:
    """A dimension as a number in an expression."""
    return Piece(dimension, SUM if "+" in dimension else PRODUCT if "*" in dimension else ATOM)

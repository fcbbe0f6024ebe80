"""The notations as data, and how each writes numbers and sizes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import NamedTuple

from diagrad.dimensions import Shape, Size
from diagrad.operations.room import ATOM, CHAIN, POSTFIX, POWER, PRODUCT, SIGN, SUPERSCRIPT
from diagrad.show.names import SUBSCRIPTS, Names

VULGAR = {
    Fraction(int(n), int(d)): character
    for character, n, d in (
        "½12",
        "⅓13",
        "⅔23",
        "¼14",
        "¾34",
        "⅕15",
        "⅖25",
        "⅗35",
        "⅘45",
        "⅙16",
        "⅚56",
    )
} | {Fraction(n, 8): "⅛⅜⅝⅞"[n // 2] for n in (1, 3, 5, 7)}


class Piece(NamedTuple):
    """Printed text, how tightly it binds, whether it opens with a minus, and the free labels of a
    formula by elements (then the text is an entry, not the array)."""

    text: str
    binds: int = ATOM
    minus: bool = False
    labels: str = ""


@dataclass(frozen=True)
class Notation:
    """What the notations do differently; operations add their own signs by `form`. With `shapes`
    the factors of a matrix product have their shape below them."""

    name: str
    minus: str = "-"
    brackets: tuple[str, str] = ("(", ")")
    function: str = "{0}"
    beside: str = " * "
    dot: str = " * "
    numeral: int = ATOM
    fraction: tuple[str, int] = ("{0} / {1}", PRODUCT)
    scientific: tuple[str, str] | None = None
    escapes: tuple[tuple[str, str], ...] = ()
    shapes: bool = False

    def bracketed(self, text: str) -> str:
        return self.brackets[0] + text + self.brackets[1]

    def word(self, name: str) -> str:
        """A function's name in front of its brackets."""
        for plain, escaped in self.escapes:
            name = name.replace(plain, escaped)
        return self.function.format(name)


NOTATIONS: dict[str, Notation] = {
    notation.name: notation
    for notation in (
        # A numeral is no atom where Python reads the text: 2.T is a syntax error.
        Notation("source", numeral=POSTFIX),
        Notation("ascii", numeral=POSTFIX),
        Notation("unicode", minus="−", beside=" ", dot=" · ", scientific=("10{0}", "{0} · 10{1}")),
        Notation(
            "latex",
            brackets=(r"\left(", r"\right)"),
            function=r"\operatorname{{{0}}}",
            beside=" ",
            dot=r" \cdot ",
            fraction=(r"\frac{{{0}}}{{{1}}}", SIGN),
            scientific=("10^{{{0}}}", r"{0} \cdot 10^{{{1}}}"),
            escapes=(("_", r"\_"),),
        ),
    )
}

# LaTeX with shapes, to be drawn on a page that has room for them.
SHAPED = replace(NOTATIONS["latex"], shapes=True)


class Indexing(NamedTuple):
    """How a notation writes labels below a factor and below Σ, δ, and an array by its entries."""

    below: Callable[[str], str]
    total: str
    delta: str
    entries: tuple[str, str]

    def array(self, entry: str, labels: str) -> str:
        """The array with these entries: [Σⱼ Aᵢⱼ Bⱼₖ]ᵢₖ."""
        return self.entries[0] + entry + self.entries[1] + self.below(labels)

    def sum(self, bound: str) -> str:
        return self.total.format(self.below(bound), bound)


INDEXING: dict[str, Indexing] = {
    "unicode": Indexing(lambda at: "".join(SUBSCRIPTS[c] for c in at), "Σ{0}", "δ", ("[", "]")),
    "ascii": Indexing(lambda at: f"[{','.join(at)}]", "sum_{1}", "delta", ("[", "]")),
    "latex": Indexing(lambda at: f"_{{{at}}}", r"\sum{0}", r"\delta", (r"\left[", r"\right]")),
}


def numeral(value: Fraction, notation: Notation) -> Piece:
    """A rational number: exact, and in the shortest of its usual spellings."""
    piece = _magnitude(abs(value), notation)
    if value >= 0:
        return piece
    return Piece(notation.minus + piece.text, min(SIGN, piece.binds), minus=True)


def _magnitude(value: Fraction, notation: Notation) -> Piece:
    whole = value.denominator == 1
    if whole and value < 10**16:
        return Piece(str(value), notation.numeral)
    if notation.name == "unicode" and value in VULGAR:
        return Piece(VULGAR[value], SIGN)
    template, binds = notation.fraction
    quotient = str(value) if whole else template.format(value.numerator, value.denominator)
    decimal = _decimal(value)
    if decimal and value.denominator not in range(2, 13) and len(decimal) < len(quotient):
        return _scientific(decimal, notation)
    return Piece(quotient, notation.numeral if whole else binds)


def _decimal(value: Fraction) -> str:
    """The decimal spelling that is exactly the value, or nothing."""
    try:
        text = repr(float(value))
    except OverflowError:
        return ""
    return text if Fraction(text) == value else ""


def _scientific(decimal: str, notation: Notation) -> Piece:
    mantissa, e, exponent = decimal.partition("e")
    if not e or notation.scientific is None:
        return Piece(decimal, notation.numeral)
    raised = str(int(exponent))
    if notation.name == "unicode":
        raised = raised.translate(SUPERSCRIPT)
    power, product = notation.scientific
    if mantissa == "1":
        return Piece(power.format(raised), POWER)
    return Piece(product.format(mantissa, raised), CHAIN)


def size_text(size: Size, notation: Notation, names: Names) -> str:
    """A size with the problem's names; in source and ASCII as it is written there."""
    times = "*" if notation.beside == " * " else notation.beside
    text = ""
    for monomial, coefficient in sorted(size.terms, key=lambda term: not term[0]):
        shown = [names.shown(d.name, notation.name) for d in monomial]
        count = [] if abs(coefficient) == 1 and shown else [str(abs(coefficient))]
        sign = notation.minus if coefficient < 0 else "+"
        spaced = f" {sign} " if text else notation.minus if coefficient < 0 else ""
        text += spaced + times.join(count + shown)
    return text or "0"


def with_shape(text: str, shape: Shape, notation: Notation, names: Names) -> str:
    """A factor in LaTeX with its shape below it."""
    return labelled(text, r" \times ".join(size_text(size, notation, names) for size in shape))


def labelled(text: str, label: str) -> str:
    return rf"\underset{{{label}}}{{{text}}}"

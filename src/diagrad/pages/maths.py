"""The formulas of a page that no expression holds: derivatives by their names, chain rules."""

from __future__ import annotations

from collections.abc import Sequence

from diagrad.derivation.step import Factor
from diagrad.dimensions import SCALAR
from diagrad.expression import Expression, Symbol
from diagrad.formula import Formula
from diagrad.pages import words
from diagrad.pages.page import Maths
from diagrad.show import Names, printed
from diagrad.show.entries import Entry
from diagrad.show.glyphs import prepared
from diagrad.show.inline import in_math_mode
from diagrad.show.names import DERIVATIVES
from diagrad.show.notation import INDEXING
from diagrad.show.notation import labelled as labelled_by

TIMES = {"unicode": " · ", "ascii": " * ", "latex": r" \cdot "}
MATRIX_TIMES = TIMES | {"ascii": " @ "}
TRANSPOSED = {"unicode": "({0})ᵀ", "ascii": "({0}).T", "latex": r"\left({0}\right)^{{\top}}"}
SECOND = {
    "unicode": ("∂²{0}/", "∂{0}", "∂{0}²", ""),
    "ascii": ("d2{0}/", "d{0}", "d{0}2", " "),
    "latex": (r"\frac{{\partial^2 {0}}}", r"\partial {0}", r"\partial {{{0}}}^2", r" \, "),
}
PAIRING = {
    "unicode": "⟨{0}, {1}⟩",
    "ascii": "<{0}, {1}>",
    "latex": r"\left\langle {0},\; {1} \right\rangle",
}
ARROW = {"unicode": " ← ", "ascii": " <- ", "latex": r" \leftarrow "}


def plain(style: str) -> str:
    """The notation in which "shaped" is written, or the notation itself."""
    return "latex" if style == "shaped" else style


def written(formula: Formula) -> Maths:
    """The formula in any notation."""

    def show(style: str) -> str:
        return printed(formula.expression, style, formula.names)

    return show


def of_expression(expression: Expression, names: Names) -> Maths:
    return lambda style: printed(expression, style, names)


def named(name: str, names: Names, labels: str = "") -> Maths:
    """A name, or an entry of what it stands for: hᵢ, (W₁)ᵢⱼ."""
    symbol = Symbol(SCALAR, name, "definition")
    return of_expression(Entry(SCALAR, symbol, labels) if labels else symbol, names)


def derivative(names: Names, of: str, wrt: str, above: str = "", below: str = "") -> Maths:
    """∂of/∂wrt, or with labels of both an entry: ∂ŷᵢ/∂(z₁)ⱼ."""
    top, bottom = named(of, names, above), named(wrt, names, below)
    return lambda style: DERIVATIVES[plain(style)].format(top(style), bottom(style))


def second_derivative(names: Names, of: str, by: Sequence[str], below: Sequence[str]) -> Maths:
    """∂²J/∂x², ∂²J/∂x∂W₁, or an entry: ∂²J/∂xᵢ∂xⱼ."""

    def show(style: str) -> str:
        above, single, squared, between = SECOND[plain(style)]
        places = [named(n, names, at)(style) for n, at in zip(by, below, strict=True)]
        if places[0] == places[1]:
            under = squared.format(places[0])
        else:
            under = between.join(single.format(place) for place in places)
        top = above.format(named(of, names)(style))
        return f"{top}{{{under}}}" if plain(style) == "latex" else top + under

    return show


def labelled(maths: Maths, labels: str) -> Maths:
    """An entry of what is written: (∂h/∂W)ᵢⱼ."""

    def show(style: str) -> str:
        left, right = (r"\left(", r"\right)") if plain(style) == "latex" else "()"
        return left + maths(style) + right + INDEXING[plain(style)].below(labels)

    return show


def product(names: Names, factors: Sequence[Factor]) -> Maths:
    """∂J/∂h · ∂h/∂z₁, or (∂h/∂z₁)ᵀ · ∂J/∂h."""

    def show(style: str) -> str:
        shown = []
        for factor in factors:
            text = derivative(names, factor.of, factor.wrt)(style)
            text = TRANSPOSED[plain(style)].format(text) if factor.transposed else text
            if style == "shaped" and factor.shape:
                text = labelled_by(text, factor_shape(factor, names))
            shown.append(text)
        return MATRIX_TIMES[plain(style)].join(shown)

    return show


def factor_shape(factor: Factor, names: Names) -> str:
    """1×Dy of a factor, in LaTeX."""
    sizes = "×".join(words.size_words(size, names) for size in factor.shape or ())
    return in_math_mode(prepared(sizes))


def product_of_entries(names: Names, factors: Sequence[Factor]) -> Maths:
    """Σⱼ ∂J/∂hⱼ · ∂hⱼ/∂(z₁)ᵢ, whatever the order of the factors as matrices."""
    ordered = sorted(factors, key=lambda f: f.transposed)
    bound = ordered[0].wrt_labels if len(ordered) > 1 else ""

    def show(style: str) -> str:
        shown = [derivative(names, f.of, f.wrt, f.of_labels, f.wrt_labels)(style) for f in ordered]
        total = INDEXING[plain(style)].sum(bound) + " " if bound else ""
        return total + TIMES[plain(style)].join(shown)

    return show


def added(terms: Sequence[Maths]) -> Maths:
    return lambda style: " + ".join(term(style) for term in terms)


def pairing(first: Maths, second: Maths) -> Maths:
    """⟨A, B⟩ = Σᵢⱼ Aᵢⱼ Bᵢⱼ."""
    return lambda style: PAIRING[plain(style)].format(first(style), second(style))


def way(names: Names, stations: Sequence[Sequence[str]]) -> Maths:
    """J ← ŷ ← z₂ ← h, W₂."""

    def show(style: str) -> str:
        return ARROW[plain(style)].join(
            ", ".join(names.shown(name, plain(style)) for name in station) for station in stations
        )

    return show

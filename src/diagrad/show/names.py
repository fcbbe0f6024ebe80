"""How names print: W1 as W₁, yhat as ŷ, alpha as α, in every notation.

A name is read as a base, an accent and a subscript; `yhat_i` is y, hat, i. A derivative's name
`dJ/dx` is ∂J/∂x, and so is a name that `Names` is told to be that derivative's.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

ALPHABET = (
    "alpha α beta β gamma γ delta δ epsilon ε zeta ζ eta η theta θ iota ι kappa κ lambda λ mu μ "
    "nu ν xi ξ pi π rho ρ sigma σ tau τ upsilon υ phi φ chi χ psi ψ omega ω Gamma Γ Delta Δ "
    "Theta Θ Lambda Λ Xi Ξ Pi Π Sigma Σ Upsilon Υ Phi Φ Psi Ψ Omega Ω"
)
LETTERS = ALPHABET.split()
SPELLED = dict(zip(LETTERS[1::2], LETTERS[::2], strict=True))
# `lambda` is a word of Python, so people write `lam`.
GREEK = dict(zip(LETTERS[::2], LETTERS[1::2], strict=True)) | {"lam": "λ", "Lam": "Λ"}
COMBINING = {"hat": "\u0302", "bar": "\u0304", "tilde": "\u0303"}
ENGLISH = frozenset({"what", "that", "chat"})
SUBSCRIPTS = dict(
    zip("0123456789aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ", strict=True)
) | {"beta": "ᵦ", "gamma": "ᵧ", "rho": "ᵨ", "phi": "ᵩ", "chi": "ᵪ"}
DERIVATIVE = re.compile(r"d(\w+)/d(\w+)")


class Parts(NamedTuple):
    """A name as mathematics: `base` is a letter, a Greek letter's character, or a word."""

    base: str
    accent: str
    below: tuple[str, ...]


def parts(name: str) -> Parts:
    head, *rest = name.split("_") if re.fullmatch(r"[^\W_].*[^\W_]", name) else [name]
    base, digits = re.fullmatch(r"(.*?)([0-9]*)", head).groups()  # type: ignore[union-attr]
    if not base:
        return Parts(name, "", ())
    accent = ""
    if rest and rest[0] in COMBINING and not digits and _is_letter(base):
        accent = rest.pop(0)
    elif base not in ENGLISH:
        base, accent = _accented(base)
    below = ([digits] if digits else []) + [piece for piece in rest if piece]
    return Parts(GREEK.get(base, base), accent, tuple(below))


def _is_letter(base: str) -> bool:
    return len(base) == 1 or base in GREEK


def _accented(base: str) -> tuple[str, str]:
    for accent in COMBINING:
        stem = base.removesuffix(accent)
        if stem != base and stem and _is_letter(stem):
            return stem, accent
    return base, ""


def in_unicode(name: str) -> str:
    base, accent, below = parts(name)
    letter = unicodedata.normalize("NFC", base + COMBINING[accent]) if accent else base
    return letter + "".join(_below(piece) for piece in below)


def _below(piece: str) -> str:
    """As a subscript, where all of it has one."""
    if piece in SUBSCRIPTS:
        return SUBSCRIPTS[piece]
    if all(c in SUBSCRIPTS for c in piece):
        return "".join(SUBSCRIPTS[c] for c in piece)
    return "_" + GREEK.get(piece, piece)


def in_latex(name: str) -> str:
    base, accent, below = parts(name)
    letter = _latex_word(base, "mathrm")
    if accent:
        letter = rf"\{accent}{{{letter}}}"
    marks = ",".join(map(_latex_mark, below))
    return f"{letter}_{{{marks}}}" if marks else letter


def _latex_mark(piece: str) -> str:
    """A subscript; r2 as r₂."""
    letter = re.fullmatch(r"([A-Za-z])([0-9]+)", piece)
    if letter:
        return f"{letter[1]}_{{{letter[2]}}}"
    return piece if piece.isdigit() else _latex_word(GREEK.get(piece, piece), "text")


def _latex_word(word: str, command: str) -> str:
    if word in SPELLED:
        return "\\" + {"epsilon": "varepsilon"}.get(SPELLED[word], SPELLED[word])
    if len(word) == 1 and word.isalpha():
        return word
    return rf"\{command}{{{_escaped(word)}}}"


def _escaped(word: str) -> str:
    return word.replace("_", r"\_")


def in_ascii(name: str) -> str:
    return "".join(c if c.isascii() else SPELLED.get(c, f"u{ord(c):04x}") for c in name)


PRETTY: dict[str, Callable[[str], str]] = {
    "source": str,
    "unicode": in_unicode,
    "ascii": in_ascii,
    "latex": in_latex,
}
WRITTEN: dict[str, Callable[[str], str]] = {
    "source": str,
    "unicode": str,
    "ascii": lambda name: "".join(c if c.isascii() else f"u{ord(c):04x}" for c in name),
    "latex": lambda name: name if len(name) == 1 else rf"\mathrm{{{_escaped(name)}}}",
}
DERIVATIVES = {
    "source": "d{0}/d{1}",
    "unicode": "∂{0}/∂{1}",
    "ascii": "d{0}/d{1}",
    "latex": r"\frac{{\partial {0}}}{{\partial {1}}}",
}


DIFFERENTIAL = {"unicode": "d", "ascii": "d", "latex": r"\mathrm{d}"}
# Where d is a name, for else dd would be its differential, and d x a product.
CHANGE = {"unicode": "Δ", "ascii": "Delta ", "latex": r"\Delta "}


class Quotient(NamedTuple):
    """The derivative that a name stands for. Of the labels of its entries the first `leading`
    belong to `of`, the others to `wrt`; None where that is not known."""

    of: str
    wrt: str
    leading: int | None = 0


class Names:
    """The printed names of a problem, no two alike: a name that would print as an earlier one, or
    as one of the `signs` that stand for operations, keeps its spelling.

    A name that was not given prints by itself, without that promise. `derivatives` maps a name to
    the derivative it stands for, (of, wrt) or (of, wrt, leading) as in `Quotient`; source has the
    name, the other notations the derivative: dJ_dx is ∂J/∂x. `differentials` maps the name of a
    differential to what moves: dz1 is dz₁, as z1 is z₁, or Δz₁ where d is a name.
    """

    def __init__(
        self,
        names: Iterable[str] = (),
        signs: Iterable[str] = (),
        derivatives: Mapping[str, tuple[str, str] | tuple[str, str, int]] = MappingProxyType({}),
        differentials: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.names = tuple(dict.fromkeys([*names, *differentials]))
        self.differentials = dict(differentials)
        self.signs = frozenset(signs)
        self.derivatives = {name: Quotient(*of) for name, of in derivatives.items()}
        self.sign = CHANGE if "d" in self.names else DIFFERENTIAL
        self._shown = {notation: self._apart(notation) for notation in PRETTY}

    def _apart(self, notation: str) -> dict[str, str]:
        """Pretty where that is nobody's yet; spelled out, no two names are alike, so those stay
        reserved."""
        spelled = {WRITTEN[notation](name): name for name in self.names}
        shown: dict[str, str] = {}
        taken: set[str] = set(self.signs)
        for name in self.names:
            moving = self.differentials.get(name)
            pretty = PRETTY[notation](name)
            if moving is not None and notation != "source":
                pretty = self.sign[notation] + shown.get(moving, PRETTY[notation](moving))
            free = pretty not in taken and spelled.get(pretty, name) == name
            shown[name] = pretty if free else WRITTEN[notation](name)
            taken.add(shown[name])
        return shown

    def shown(self, name: str, notation: str) -> str:
        """How the notation ("source", "unicode", "ascii", "latex") prints the name."""
        quotient = self.quotient(name, notation)
        if quotient:
            of, wrt = (self.shown(piece, notation) for piece in quotient[:2])
            return DERIVATIVES[notation].format(of, wrt)
        known = self._shown[notation].get(name)
        return PRETTY[notation](name) if known is None else known

    def quotient(self, name: str, notation: str) -> Quotient | None:
        """The derivative as whose quotient the notation prints the name."""
        if name in self.derivatives and notation != "source":
            return self.derivatives[name]
        written = DERIVATIVE.fullmatch(name)
        return Quotient(written[1], written[2], None) if written else None

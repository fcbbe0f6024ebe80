"""Formulas as Typst's math mode."""

from __future__ import annotations

from diagrad.show.layout import (
    Accented,
    Box,
    Cases,
    Fenced,
    Fraction,
    Labelled,
    Root,
    Row,
    Script,
    Token,
    boxes,
)

ACCENTS = {"hat": "hat", "bar": "macron", "tilde": "tilde"}
SPACES = {"thin": "thin", "thick": "thick", "space": "space", "quad": "quad"}
TRANSPOSE = Token("⊤", "sign")
# What Typst's math mode would take for something else.
ESCAPED = frozenset(r"""\"#$&_^/'`,;()[]{}|""")


# What a document needs that has factors with their shapes.
FACTOR = """\
#let factor(body, shape) = {
  let below = text(fill: luma(30%), $script(shape)$)
  $class("normal", thin limits(body)_below thin)$
}
"""


def in_typst(latex: str) -> str:
    """A formula for Typst's math mode, without the dollars; of factors with their shapes one that
    needs FACTOR."""
    return piece(boxes(latex))


def piece(box: Box) -> str:
    match box:
        case Token():
            return _token(box)
        case Row(parts=parts):
            return " ".join(filter(None, map(piece, parts))) or '""'
        case Script():
            return _script(box)
        case Accented(base=base, accent=accent):
            return f"{ACCENTS[accent]}({piece(base)})"
        case Labelled(base=base, label=label):
            return f"factor({piece(base)}, {piece(label)})"
        case Fraction(above=above, below=below):
            return f"frac({piece(above)}, {piece(below)})"
        case Root(inner=inner):
            return f"sqrt({piece(inner)})"
        case Fenced(opening=opening, inner=inner, closing=closing):
            within = f"{opening} {piece(inner)} {closing}"
            return within if opening in "([" else f"lr({within})"
        case Cases(lines=lines):
            return f"cases({', '.join(' & '.join(map(piece, line)) for line in lines)})"
    raise AssertionError(box)


def _token(token: Token) -> str:
    match token.kind:
        case "function":
            return f"op({quoted(token.text)})"
        case "word":
            # Typst puts space around a string, none around letters.
            letters = " ".join(token.text) if token.text.isalpha() else quoted(token.text)
            return f"upright({letters})"
        case "text":
            return quoted(token.text)
        case "space":
            return SPACES[token.text]
        case "times" | "apply":
            return ""
    return "".join("\\" + c if c in ESCAPED else c for c in token.text)


def quoted(text: str) -> str:
    """A string of Typst."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _script(box: Script) -> str:
    text = piece(box.base)
    if isinstance(box.base, Script | Row):
        parts = [("b", box.below), ("t", box.above)]
        given = "".join(f", {at}: {piece(part)}" for at, part in parts if part)
        return f"attach({text}{given})"
    for sign, part in (("_", box.below), ("^", box.above)):
        if part:
            text += sign + (piece(part) if _is_plain(part) else f"({piece(part)})")
    return text


def _is_plain(box: Box) -> bool:
    """Whether it stays together without brackets."""
    return (isinstance(box, Token) and box.kind in ("letter", "number")) or box == TRANSPOSE

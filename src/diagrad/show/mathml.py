"""Formulas as MathML, by the elements that MathML Core has."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from html import escape
from types import MappingProxyType

from diagrad.show.layout import (
    BRACKET,
    LETTER,
    TIMES,
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

ACCENTS = {"hat": "^", "bar": "‾", "tilde": "~"}
WIDTHS = {"thin": "0.167em", "thick": "0.278em", "space": "0.25em", "quad": "1em"}
LIMITS = frozenset("∑∏")
BARS = frozenset("|‖")
# What MathML Core has no spacing for.
SPACED = frozenset("/")
# Before what a formula between words may go on in the next line; in a line of its own before each
# term, and where that is too long before the factors.
BREAKS = frozenset(Token(sign, "sign") for sign in "=≈≤≥←→↦⇒·+−")
TERMS = frozenset(Token(sign, "sign") for sign in "=+−")
FACTORS = frozenset(Token(sign, "sign") for sign in "∘⊘·") | {TIMES}
OPENING = frozenset(Token(bracket, BRACKET) for bracket in "([")
CLOSING = frozenset(Token(bracket, BRACKET) for bracket in ")]")
MINUS = Token("−", "sign")
Marks = Mapping[Box, str]
NO_MARKS: Marks = MappingProxyType({})


def in_mathml(latex: str, marks: Marks = NO_MARKS) -> str:
    """A formula as one `math` element. The boxes among `marks` get those attributes."""
    return f"<math>{element(boxes(latex), marks)}</math>"


def in_words(latex: str, marks: Marks = NO_MARKS) -> str:
    """A formula between words: a `math` element for each side of an equation and each term, because
    no line breaks within one."""
    return "".join(_drawn(_pieces(_split(latex, marks), BREAKS), marks))


def in_terms(latex: str, marks: Marks = NO_MARKS) -> list[list[str]]:
    """A formula in a line of its own: its terms, and of each the factors, as `math` elements."""
    terms = _pieces(_split(latex, marks), TERMS)
    return [_drawn(_pieces(t, FACTORS), marks, begins=k == 0) for k, t in enumerate(terms)]


def _split(latex: str, marks: Marks) -> tuple[Box, ...]:
    box = boxes(latex)
    return (box,) if box in marks else _parts(box)


def _drawn(pieces: Sequence[Sequence[Box]], marks: Marks, begins: bool = True) -> list[str]:
    """Each piece as a `math` element; with `begins` the first is the beginning of a formula."""
    drawn = [_continued(piece, marks) for piece in pieces]
    if begins:
        box = pieces[0][0] if len(pieces[0]) == 1 else Row(tuple(pieces[0]))
        drawn[0] = element(box, marks)
    return [f"<math>{piece}</math>" for piece in drawn]


def _pieces(parts: Sequence[Box], breaks: Container[Box]) -> list[list[Box]]:
    """The parts, with a new piece where one of the breaks stands outside brackets."""
    pieces: list[list[Box]] = [[]]
    depth = 0
    for part in parts:
        bracket = part.base if isinstance(part, Script) else part
        depth += (bracket in OPENING) - (bracket in CLOSING)
        # A sign after a sign is that of a number.
        if part in breaks and depth == 0 and pieces[-1] and pieces[-1][-1] not in BREAKS:
            pieces.append([])
        pieces[-1].append(part)
    return pieces


def _continued(parts: Sequence[Box], marks: Marks) -> str:
    """A piece of a formula whose sign keeps the space that it has in the middle."""
    shown, first = _side_by_side(parts, marks), parts[0]
    if isinstance(first, Token) and first in BREAKS:
        shown[0] = _tag("mo", ' form="infix"', first.text)
    return _tag("mrow", "", *shown)


def element(box: Box, marks: Marks = NO_MARKS) -> str:
    """The box as one element. What is inside a marked box gets no marks of its own."""
    mark = marks.get(box, "")
    return _element(box, f" {mark}" if mark else "", NO_MARKS if mark else marks)


def _element(box: Box, mark: str, marks: Marks) -> str:
    match box:
        case Token():
            return _token(box, mark)
        case Row(parts=parts):
            return _tag("mrow", mark, *_side_by_side(parts, marks))
        case Script(base=base, below=None, above=Token(text=text)) if text[0] == "′":
            # Of itself the sign stands high already.
            prime = f'<mo lspace="0" rspace="0">{text}</mo>'
            return _tag("mrow", mark, element(base, marks), prime)
        case Script():
            return _script(box, mark, marks)
        case Accented(base=base, accent=accent):
            sign = f'<mo stretchy="false">{ACCENTS[accent]}</mo>'
            return f'<mover accent="true"{mark}>{element(base, marks)}{sign}</mover>'
        case Labelled(base=base, label=label):
            factor = f'{mark} class="factor"'
            return _tag("munder", factor, element(base, marks), element(label, marks))
        case Fraction(above=above, below=below):
            return _tag("mfrac", mark, element(above, marks), element(below, marks))
        case Root(inner=inner):
            return _tag("msqrt", mark, element(inner, marks))
        case Fenced(opening=opening, inner=inner, closing=closing):
            within = _side_by_side(_parts(inner), marks)
            fences = (_fence(opening, "prefix", inner), _fence(closing, "postfix", inner))
            return _tag("mrow", mark, fences[0], *within, fences[1])
        case Cases(lines=lines):
            return _tag("mrow", mark, _fence("{", "prefix", box), _table(lines, marks))
    raise AssertionError(box)


def _tag(name: str, mark: str, *inner: str) -> str:
    return f"<{name}{mark}>{''.join(inner)}</{name}>"


def _parts(box: Box) -> tuple[Box, ...]:
    return box.parts if isinstance(box, Row) else (box,)


def _token(token: Token, mark: str) -> str:
    text = escape(token.text, quote=False)
    match token.kind:
        case "letter" | "word" | "function":
            upright = token.kind != LETTER and len(token.text) == 1
            return _tag("mi", mark + ' mathvariant="normal"' * upright, text)
        case "number":
            return _tag("mn", mark, text)
        case "text":
            return _tag("mtext", mark, text.replace(" ", "\u00a0"))
        case "space":
            return f'<mspace width="{WIDTHS[token.text]}"></mspace>'
        case "prefix" if token.text not in LIMITS:
            return f'<mi mathvariant="normal">{text}</mi>'
        case "bracket":
            return f'<mo stretchy="false">{text}</mo>'
    wide = ' lspace="0.222em" rspace="0.222em"' if token.text in SPACED else ""
    return f"<mo{wide}>{text}</mo>"


def _script(box: Script, mark: str, marks: Marks) -> str:
    base = element(box.base, marks)
    below, above = (part and element(part, marks) for part in (box.below, box.above))
    alone = marks.get(Script(box.base, box.below), "") if below and above and not mark else ""
    if alone:
        base, mark = element(box.base), f" {alone}"
    if isinstance(box.base, Token) and box.base.text in LIMITS:
        names = {"below": "munder", "above": "mover", "both": "munderover"}
    else:
        names = {"below": "msub", "above": "msup", "both": "msubsup"}
    kind = "both" if below and above else "below" if below else "above"
    return _tag(names[kind], mark, base, below or "", above or "")


def _side_by_side(parts: Sequence[Box], marks: Marks) -> list[str]:
    """Boxes in a row. A minus after another sign belongs to what follows: there is no space
    between them, which MathML gives to all that does not stand first."""
    shown = [element(part, marks) for part in parts]
    for k in range(1, len(parts)):
        if parts[k] == MINUS and parts[k - 1] in BREAKS:
            shown[k] = _tag("mo", ' form="prefix"', "−")
    return shown


def _fence(bracket: str, form: str, inner: Box) -> str:
    """A bracket, which grows with what is tall only: browsers set those that may grow apart. A
    bar does not say by itself on which side it stands."""
    if bracket in BARS:
        return f'<mo fence="true" form="{form}" stretchy="true">{escape(bracket)}</mo>'
    return f"<mo>{bracket}</mo>" if _is_tall(inner) else f'<mo stretchy="false">{bracket}</mo>'


def _is_tall(box: Box) -> bool:
    """Whether it has more than one line."""
    match box:
        case Fraction() | Cases() | Root() | Labelled():
            return True
        case Row(parts=parts):
            return any(map(_is_tall, parts))
        case Script(base=base):
            return _is_tall(base) or (isinstance(base, Token) and base.text in LIMITS)
        case Fenced(inner=inner):
            return _is_tall(inner)
        case Accented(base=base):
            return _is_tall(base)
    return isinstance(box, Token) and box.text in LIMITS


def _table(lines: tuple[tuple[Box, ...], ...], marks: Marks) -> str:
    cell = '<mtd style="text-align: left">{}</mtd>'
    rows = ("".join(cell.format(element(box, marks)) for box in line) for line in lines)
    return f"<mtable>{''.join(f'<mtr>{row}</mtr>' for row in rows)}</mtable>"

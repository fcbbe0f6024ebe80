"""The printer: every notation by the same walk, brackets exactly where the binding powers need
them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from diagrad.dimensions import is_scalar
from diagrad.expression import Apply, Expression, Number, Symbol
from diagrad.operations.room import ATOM, PRODUCT, SIGN, SUM, Form, is_letter
from diagrad.show.contraction import Contraction, by_elements
from diagrad.show.entries import Entry
from diagrad.show.names import DERIVATIVES, SUBSCRIPTS, Names, Quotient
from diagrad.show.notation import (
    INDEXING,
    NOTATIONS,
    SHAPED,
    VULGAR,
    Notation,
    Piece,
    numeral,
    size_text,
    with_shape,
)

NO_NAMES = Names()
DIGITS = "0123456789" + "".join(VULGAR.values())
LEADING = re.compile(r"\{(\d+)\}")
MIXED = re.compile(r"(\\frac\{)+\d")
WORD_LAST = re.compile(r"\\mathrm\{[^{}]*\}([_^]\{([^{}]|\{[^{}]*\})*\})*$")
SLOPE_LAST = re.compile(f"/∂[^ ]*[{''.join(c for k, c in SUBSCRIPTS.items() if k.isalpha())}]$")
# A derivative that a factor follows, and no sign.
SLOPE_ALONE = re.compile(r"(?<![^\s−])(∂[^\s()]*/∂[^\s()]*)$")
# A subscript needs an operand that has none yet: (W₁)ᵢⱼ.
BARE = ATOM + 1


def printed(expression: Expression, notation: str, names: Names = NO_NAMES) -> str:
    """The expression in "source", "unicode", "ascii", "latex", "mathml" or "typst"; "shaped" is
    LaTeX with the shapes of factors.

    Source is the problem language: read again it has the same structure, but that a number which is
    negative or a fraction is read as the operation it is written with.
    """
    if notation in ("mathml", "typst"):
        return _drawn(printed(expression, "latex", names), notation)
    style = SHAPED if notation == "shaped" else NOTATIONS[notation]
    pieces: list[Piece] = []
    for node in reversed(list(_outermost_first(expression, style.name))):
        inner = [pieces.pop() for _ in _parts(node)]
        pieces.append(_piece(node, inner, style, names))
    return pieces.pop().text


def _drawn(latex: str, notation: str) -> str:
    """What LaTeX says, in a notation that draws it, so that no room has to say it again. What reads
    the LaTeX is imported at its first use, for most programs print in a line."""
    if notation == "mathml":
        from diagrad.show.mathml import in_mathml

        return in_mathml(latex)
    from diagrad.show.typst import in_typst

    return in_typst(latex)


def _outermost_first(expression: Expression, notation: str) -> Iterator[Expression]:
    """All that is printed."""
    stack = [expression]
    while stack:
        node = by_elements(stack.pop(), notation)
        yield node
        stack.extend(reversed(_parts(node)))


def _parts(node: Expression) -> tuple[Expression, ...]:
    match node:
        case Apply():
            return node.operands
        case Entry():
            return (node.array,)
        case Contraction():
            return (node.body,)
    return ()


def _piece(node: Expression, inner: Sequence[Piece], style: Notation, names: Names) -> Piece:
    match node:
        case Number():
            return numeral(node.value, style)
        case Symbol():
            return _symbol(node.name, style, names)
        case Apply():
            return _applied(node, inner, style, names)
        case Entry():
            return _entry(node, inner[0], style, names)
        case Contraction():
            return _contraction(node, inner[0], style)
    raise AssertionError(node)


def _symbol(name: str, style: Notation, names: Names) -> Piece:
    text = names.shown(name, style.name)
    if names.quotient(name, style.name):
        return Piece(text, ATOM if style.name == "source" else SIGN)
    if style.name == "unicode":
        return Piece(text, BARE if is_letter(text) else ATOM)
    return Piece(text, ATOM if "_" in text and style.name == "latex" else BARE)


def _entry(node: Entry, piece: Piece, style: Notation, names: Names) -> Piece:
    indexing = INDEXING[style.name]
    match node.array:
        case Apply() if node.array.operation.name == "eye":
            return Piece(indexing.delta + indexing.below(node.labels))
        case Symbol(name=name):
            quotient = names.quotient(name, style.name)
            if quotient and quotient.leading is not None:
                return _entry_of_quotient(quotient, node.labels, style, names)
    return Piece(_indexed(piece, node.labels, style))


def _entry_of_quotient(quotient: Quotient, labels: str, style: Notation, names: Names) -> Piece:
    """∂ŷᵢ/∂(z₁)ⱼ."""
    of, wrt = (_symbol(name, style, names) for name in quotient[:2])
    above = _indexed(of, labels[: quotient.leading], style)
    below = _indexed(wrt, labels[quotient.leading :], style)
    return Piece(DERIVATIVES[style.name].format(above, below), SIGN)


def _indexed(piece: Piece, labels: str, style: Notation) -> str:
    """With labels below; what has a subscript already gets brackets: (W₁)ᵢⱼ."""
    if not labels:
        return piece.text
    bare = piece.binds >= BARE and not piece.labels
    base = piece.text if bare else style.bracketed(piece.text)
    return base + INDEXING[style.name].below(labels)


def _contraction(node: Contraction, body: Piece, style: Notation) -> Piece:
    if not node.bound:
        return body._replace(labels=node.free)
    summand = _placed(body, PRODUCT, False, True, style)
    binds = SUM + 1 if style.name == "ascii" else PRODUCT
    return Piece(f"{INDEXING[style.name].sum(node.bound)} {summand}", binds, labels=node.free)


def _applied(node: Apply, operands: Sequence[Piece], style: Notation, names: Names) -> Piece:
    form = node.operation.form(style.name, node) or _call(node, style)
    shared = _shared_labels(node, operands)
    leading = LEADING.match(form.template)
    first = int(leading[1]) if leading else None
    texts = []
    for k, piece in enumerate(operands):
        slot = form.slots[k] if k < len(form.slots) else 0
        texts.append(_placed(piece, slot, k == first, piece.labels == shared, style))
    prefix = form.template.startswith(style.minus)
    binds = BARE if form.binds == ATOM else form.binds
    if prefix and texts[0] == operands[0].text:
        binds = min(binds, operands[0].binds)
    minus = prefix or (
        first is not None and operands[first].minus and texts[first] == operands[first].text
    )
    if style.shapes and _is_matrix_product(node):
        texts = _with_shapes(texts, node, operands, style, names)
    text = _filled(form.template, texts, node, style, names)
    return Piece(text, binds, minus, shared)


def _is_matrix_product(node: Expression) -> bool:
    if not isinstance(node, Apply) or node.operation.name != "@":
        return False
    return not any(is_scalar(operand.shape) for operand in node.operands)


def _with_shapes(
    texts: Sequence[str],
    node: Apply,
    operands: Sequence[Piece],
    style: Notation,
    names: Names,
) -> list[str]:
    """The factors with their shapes; one that is a product without brackets has them already."""
    return [
        text
        if _is_matrix_product(operand) and text == piece.text
        else with_shape(text, operand.shape, style, names)
        for text, operand, piece in zip(texts, node.operands, operands, strict=True)
    ]


def _call(node: Apply, style: Notation) -> Form:
    """A plain call: a specification first, then operands, sizes, and the axis where one is
    given."""
    takes = node.operation.takes
    arguments = [f"{{{k}}}" for k in range(len(node.operands))]
    if takes.subscripts:
        arguments.insert(0, f'"{node.parameters[0]}"')
    arguments += [f"{{sizes[{k}]}}" for k in range(len(takes.sizes))]
    if takes.axis and node.parameters and node.parameters[0] is not None:
        arguments.append(f"axis={node.parameters[0]}")
    word = style.word(node.operation.name).replace("{", "{{").replace("}", "}}")
    return Form(word + style.bracketed(", ".join(arguments)))


def _placed(piece: Piece, slot: int, leads: bool, joins: bool, style: Notation) -> str:
    """The operand, in brackets where it binds too loosely, or where its minus would follow another
    sign.

    A slot of exactly SIGN is one where a sign may stand, as in x ** -1.
    """
    if piece.labels and not joins:
        return INDEXING[style.name].array(piece.text, piece.labels)
    misplaced = piece.minus and not leads and slot >= SUM and slot != SIGN
    return style.bracketed(piece.text) if piece.binds < slot or misplaced else piece.text


def _shared_labels(node: Apply, operands: Sequence[Piece]) -> str:
    """The free labels under which an operation on formulas by elements is one too: a sum of such, a
    multiple."""
    labels = {piece.labels for piece in operands}
    shapes = {operand.shape for operand in node.operands}
    if len(labels) == len(shapes) == 1 and node.operation.name in ("+", "-", "negate"):
        return labels.pop()
    if node.operation.name not in ("*", "/") or len(operands) != 2:
        return ""
    scalar = [is_scalar(operand.shape) for operand in node.operands]
    if scalar == [False, True]:
        return operands[0].labels
    return operands[1].labels if scalar == [True, False] and node.operation.name == "*" else ""


def _filled(template: str, texts: Sequence[str], node: Apply, style: Notation, names: Names) -> str:
    """The template with its operands; `{by}` in it sets two factors side by side."""
    takes = node.operation.takes
    sizes = [size_text(s, style, names) for s in node.parameters] if takes.sizes else []
    name = names.shown(node.operation.name, style.name) if "{name}" in template else ""
    factors = [part.format(*texts, sizes=sizes, name=name) for part in template.split("{by}")]
    if style.name == "unicode":
        factors[:-1] = [_bracketed_slope(factor) for factor in factors[:-1]]
    for k, (left, right) in enumerate(pairwise(factors)):
        factors[k + 1] = _between(left, right, style) + right
    return "".join(factors)


def _bracketed_slope(left: str) -> str:
    """The factor with a derivative at its end in brackets, where no dot follows: (∂J/∂z) x."""
    return left if SLOPE_LAST.search(left) else SLOPE_ALONE.sub(r"(\1)", left)


def _between(left: str, right: str, style: Notation) -> str:
    """What stands between two factors: a dot where two numbers would run together and after
    ∂J/∂hⱼ, a space in LaTeX where two words would."""
    if style.name == "unicode" and SLOPE_LAST.search(left):
        return style.dot
    if right[0] in DIGITS or (left[-1] in DIGITS and MIXED.match(right)):
        return style.dot
    if style.name == "latex" and (right.startswith(r"\mathrm") or WORD_LAST.search(left)):
        return r" \, "
    return style.beside

r"""What the LaTeX of our printer looks like, as boxes: the notations in two dimensions.

A room says how its operation looks in one line, and how in two dimensions: that is its LaTeX. What
MathML and Typst show is the same picture, so they are not asked again. `boxes` reads the LaTeX that
we print, and no other: an unknown command is an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from diagrad.show.glyphs import ACCENTS, IN_LATEX
from diagrad.show.names import GREEK


@dataclass(frozen=True, slots=True)
class Box:
    """A part of a formula that is set as one."""


@dataclass(frozen=True, slots=True)
class Token(Box):
    """A character or word; `kind` is one of those below."""

    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class Row(Box):
    parts: tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class Script(Box):
    base: Box
    below: Box | None = None
    above: Box | None = None


@dataclass(frozen=True, slots=True)
class Accented(Box):
    base: Box
    accent: str


@dataclass(frozen=True, slots=True)
class Labelled(Box):
    """A factor with its shape below it."""

    base: Box
    label: Box


@dataclass(frozen=True, slots=True)
class Fraction(Box):
    above: Box
    below: Box


@dataclass(frozen=True, slots=True)
class Root(Box):
    inner: Box


@dataclass(frozen=True, slots=True)
class Fenced(Box):
    opening: str
    inner: Box
    closing: str


@dataclass(frozen=True, slots=True)
class Cases(Box):
    """Lines of a value and when it is taken."""

    lines: tuple[tuple[Box, ...], ...]


# Kinds of tokens. A letter slants; a function is a word in front of its argument.
LETTER, WORD, FUNCTION, NUMBER, TEXT = "letter", "word", "function", "number", "text"
# An operator or relation; what stands before an operand and belongs to it, as ∂ and Σ; a bracket
# alone; a space.
SIGN, PREFIX, BRACKET, SPACE = "sign", "prefix", "bracket", "space"
# What a reader supplies: that two factors are multiplied, that a function is applied.
TIMES, APPLY = Token("\u2062", "times"), Token("\u2061", "apply")

FUNCTIONS = frozenset(
    "log exp sin cos tan tanh sinh cosh arcsin arccos arctan max min det arg".split()  # noqa: SIM905
)
SPACES = {r"\,": "thin", r"\;": "thick", r"\ ": "space", r"\quad": "quad"}
ALSO = {r"\top": "⊤", r"\|": "‖", r"\sim": "∼", r"\backslash": "∖", r"\surd": "√"}
COMMANDS = {"\\" + name: character for name, character in GREEK.items()}
COMMANDS |= {latex: sign for sign, latex in reversed(IN_LATEX.items()) if latex.startswith("\\")}
COMMANDS |= ALSO | {r"\varepsilon": "ε"} | {"\\" + c: c for c in "%&#$_{}"}
OF_KIND = {c: PREFIX for c in "∂∇∑∏"} | {c: BRACKET for c in "()[]{}⟨⟩|‖"} | {"∞": LETTER}
STYLED = {r"\mathbb": {"1": "𝟙", "R": "ℝ"}, r"\mathbf": {"0": "𝟎", "1": "𝟏"}}
WORDS = {r"\operatorname": FUNCTION, r"\mathop": FUNCTION, r"\mathrm": WORD, r"\text": TEXT}
LEXICAL = re.compile(r"\\[A-Za-z]+|\\.|\d+(?:\.\d+)?|\s+|.", re.DOTALL)
CASES = r"\begin{cases}"


def boxes(latex: str) -> Box:
    """The boxes of a formula in LaTeX's math mode, as our notations print it."""
    reader = _Reader(LEXICAL.findall(latex))
    box = reader.row(())
    assert reader.at == len(reader.tokens), latex
    return box


class _Reader:
    def __init__(self, tokens: Sequence[str]) -> None:
        self.tokens, self.at, self.alone = tokens, 0, True

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1]

    def row(self, ends: Sequence[str]) -> Box:
        """All up to one of the tokens, which is left."""
        parts: list[Box] = []
        spaced = False
        while self.at < len(self.tokens) and self.peek() not in ends:
            if self.peek().isspace():
                self.take()
                spaced = True
                continue
            if self.peek() in ("_", "^", "'"):
                parts.append(self.script(parts.pop() if parts else Row(())))
                continue
            box = self.box()
            if box != Row(()):
                parts += [*_between(parts[-1:], box, spaced), box]
            spaced = False
        return parts[0] if len(parts) == 1 else Row(tuple(parts))

    def script(self, base: Box) -> Box:
        """The base with what stands below or above it; a second one there goes to the whole."""
        sign = self.take()
        if sign == "'":
            marks = 1
            while self.peek() == "'":
                marks += len(self.take())
            return Script(base, above=Token("′" * marks, SIGN))
        script = self.argument()
        if not isinstance(base, Script):
            return Script(base, script) if sign == "_" else Script(base, above=script)
        if sign == "_" and base.below is None and not _is_prime(base):
            return Script(base.base, script, base.above)
        if sign == "^" and base.above is None:
            return Script(base.base, base.below, script)
        return Script(base, script) if sign == "_" else Script(base, above=script)

    def argument(self) -> Box:
        while self.peek().isspace():
            self.take()
        if self.peek() != "{":
            return self.box()
        self.take()
        box = self.row(("}",))
        self.take()
        return box

    def raw(self) -> str:
        """The words in braces."""
        assert self.take() == "{"
        text = ""
        while self.peek() != "}":
            token = self.take()
            text += " " if token in SPACES else token.removeprefix("\\")
        self.take()
        return text

    def box(self) -> Box:
        if self.peek() == "{":
            return self.argument()
        token = self.take()
        match token:
            case r"\frac":
                return Fraction(self.argument(), self.argument())
            case r"\sqrt":
                return Root(self.argument())
            case r"\underset":
                return self.labelled()
            case r"\left":
                return self.fenced()
            case r"\begin":
                assert self.raw() == "cases"
                return self.cases()
        if token.removeprefix("\\") in ACCENTS.values() and token[0] == "\\":
            return Accented(self.argument(), token[1:])
        if token in STYLED:
            return Token(STYLED[token][self.raw()], NUMBER)
        return Token(self.raw(), WORDS[token]) if token in WORDS else _token(token)

    def labelled(self) -> Box:
        """A factor with its shape; within it factors have none, for brackets would grow by them."""
        label = self.argument()
        alone, self.alone = self.alone, False
        base = self.argument()
        self.alone = alone
        return Labelled(base, label) if alone else base

    def fenced(self) -> Box:
        opening = self.take()
        inner = self.row((r"\right",))
        self.take()
        closing = self.take()
        return Fenced(COMMANDS.get(opening, opening), inner, COMMANDS.get(closing, closing))

    def cases(self) -> Box:
        lines: list[tuple[Box, ...]] = []
        while True:
            value = self.row(("&",))
            self.take()
            lines.append((value, self.row((r"\\", r"\end"))))
            if self.take() == r"\end":
                self.raw()
                return Cases(tuple(lines))


def _token(token: str) -> Token:
    if token in SPACES:
        return Token(SPACES[token], SPACE)
    if token.startswith("\\") and token[1:] in FUNCTIONS:
        return Token(token[1:], FUNCTION)
    if token[0].isdigit():
        return Token(token, NUMBER)
    character = COMMANDS[token] if token.startswith("\\") else token
    character = {"-": "−", "*": "∗"}.get(character, character)
    return Token(character, OF_KIND.get(character, LETTER if character.isalpha() else SIGN))


def _is_prime(box: Script) -> bool:
    return isinstance(box.above, Token) and box.above.text.startswith("′")


def _between(before: Sequence[Box], box: Box, spaced: bool) -> Iterator[Token]:
    """What a reader supplies between two boxes that stand side by side."""
    after = _is_operand(box) or box == Token("(", BRACKET)
    if spaced and after and before[:1] == [Token(")", BRACKET)]:
        yield Token("space", SPACE)
    if not before or not _is_operand(before[0]) or not (_is_operand(box) or _is_prefix(box)):
        return
    if spaced:
        yield TIMES
    elif isinstance(box, Fenced):
        yield APPLY


def _is_operand(box: Box) -> bool:
    match box:
        case Token(kind=kind):
            return kind in (LETTER, WORD, FUNCTION, NUMBER)
        case Script(base=base) | Labelled(base=base):
            return _is_operand(base) or base == Token(")", BRACKET)
        case Row():
            return False
    return True


def _is_prefix(box: Box) -> bool:
    base = box.base if isinstance(box, Script) else box
    return isinstance(base, Token) and base.kind == PREFIX

"""An answer's text as lines: names, and the expressions that are claimed to be their values.

A line is split at each top-level `=`, so that `dJ/dx = A = B` is a chain of claims; an unspaced
dJ/dx is one name. Operands whose shapes do not fit are a wrong answer, not bad syntax: such an
expression is kept, with NOWHERE for its shape, and what the reader would have said of it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from keyword import iskeyword

from diagrad.dimensions import Shape
from diagrad.errors import ProblemError
from diagrad.expression import Apply, Expression, Symbol
from diagrad.language import Definition, Source
from diagrad.language.expressions import ExpressionReader
from diagrad.language.lexical import Token, tokens
from diagrad.language.names import RESERVED, Names
from diagrad.language.page import Page
from diagrad.language.statements import Statement, statements
from diagrad.operations import OPERATORS
from diagrad.operations.room import Operation, applied

NOWHERE: Shape = ()
QUOTIENT = re.compile(r"(?<![\w.])(d\w+)/(d\w+)(?![\w(])")
TARGET = re.compile(r"^[ \t]*(\w+)[ \t]*[-+*/]?=", re.MULTILINE)
STEPS = {"+=": "+", "-=": "-", "*=": "*", "/=": "/"}
LONGEST, MOST_LINES, MOST_TOKENS = 20_000, 200, 3000


@dataclass(frozen=True)
class Claim:
    """One expression of a line, and what is wrong with its shapes, if anything."""

    text: str
    expression: Expression
    misfit: ProblemError | None = None


@dataclass(frozen=True)
class Line:
    """A line of the answer: its number in the text, from 1, the names it gives (the first is its
    target, None for a bare expression) and what it claims their value to be, in one or more ways.
    """

    number: int
    names: tuple[str, ...]
    claims: tuple[Claim, ...]
    text: str

    @property
    def target(self) -> str | None:
        return self.names[0] if self.names else None

    @property
    def value(self) -> Expression:
        """What the lines below it get: the last of its claims."""
        return self.claims[-1].expression


@dataclass(frozen=True)
class Work:
    """All that was handed in, and its text. `quotients` are the names written dJ/dx, as they are
    kept and as they were written; `problem` is the problem with all names of the answer, `known`
    those of a derivation that it uses without defining them, with what they stand for."""

    lines: tuple[Line, ...]
    quotients: dict[str, tuple[str, str]]
    problem: Source
    known: tuple[tuple[str, Expression], ...] = ()
    text: str = ""

    def shown(self, name: str) -> str:
        """A name as its writer wrote it."""
        return (
            "/".join(f"d{part}" for part in self.quotients[name])
            if name in self.quotients
            else name
        )


class LooseReader(ExpressionReader):
    """Keeps what does not fit, and the first reason why."""

    first: ProblemError | None = None

    def misfit(self, error: ProblemError, operands: list[Expression]) -> Shape:
        self.first = self.first or error
        return NOWHERE

    def _shape(
        self, operation: Operation, shapes: list[Shape], parameters: tuple[object, ...]
    ) -> Shape:
        if NOWHERE in shapes:
            return NOWHERE
        return super()._shape(operation, shapes, parameters)


def read_answer(text: str, problem: Source, known: Sequence[tuple[str, Expression]] = ()) -> Work:
    """The lines of an answer. `known` are names of a derivation that the answer may use without
    defining them. Raises ProblemError where it is not in the language."""
    if not isinstance(text, str):
        raise ProblemError(f"an answer is text (str), not {type(text).__name__}")
    if len(text) > LONGEST:
        raise ProblemError(f"an answer has at most {LONGEST} characters, and this {len(text)}")
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    kept, quotients = _quotients(text.replace("∂", "d"), problem)
    page = Page(kept, "answer")
    page.lines = text.split("\n")
    found = tokens(page)
    if len(found) > MOST_TOKENS:
        raise ProblemError(f"an answer has at most {MOST_TOKENS} words and signs")
    signs, parted = _parted(found)
    pieces = statements(page, parted)
    if not pieces:
        raise ProblemError("answer: nothing is written here")
    definitions = dict(problem.definitions)
    position = len(problem.variables) + len(definitions)
    for name, expression in known:
        place = position + len(definitions)
        definitions[name] = Definition(name, expression, place, page.span(0, 1))
    reader = _Reader(page, text, replace(problem, definitions=definitions), quotients)
    try:
        for line in _grouped(pieces, signs):
            reader.take(*line)
    except ProblemError as error:
        raise _as_written(error, quotients, page) from None
    return Work(tuple(reader.lines), quotients, reader.problem, tuple(known), text)


def _as_written(
    error: ProblemError, quotients: dict[str, tuple[str, str]], page: Page
) -> ProblemError:
    """The error with dJ/dx for what is kept as dJ_dx."""
    message = error.message.partition("; declare it above")[0]
    for kept, (above, below) in quotients.items():
        message = message.replace(kept, f"d{above}/d{below}")
    line = page.lines[error.span.line - 1] if error.span else ""
    return type(error)(message, error.span, line, page.file)


def _quotients(text: str, problem: Source) -> tuple[str, dict[str, tuple[str, str]]]:
    """The text with each dJ/dx as the name dJ_dx, which is as long, and what these stand for. Where
    dJ and dx are both names, it is a quotient like any other."""
    found: dict[str, tuple[str, str]] = {}
    given = problem.names | set(TARGET.findall(text))

    def name(match: re.Match[str]) -> str:
        above, below = match[1], match[2]
        if {above, below} <= given:
            return match[0]
        kept = f"{above}_{below}"
        if kept in given:
            kept = f"{above}\N{MODIFIER LETTER APOSTROPHE}{below}"
        found[kept] = above[1:], below[1:]
        return kept

    lines = [_outside_comment(name, line) for line in text.split("\n")]
    return "\n".join(lines), found


def _outside_comment(name: object, line: str) -> str:
    code, sign, comment = line.partition("#")
    return QUOTIENT.sub(name, code) + sign + comment  # type: ignore[call-overload,no-any-return]


def _parted(found: list[Token]) -> tuple[list[Token], list[Token]]:
    """The equals signs outside brackets; and the tokens with ends of lines in their places. A line
    that begins with = goes on with the one above."""
    depth, signs, parted = 0, [], []
    for token in found:
        depth += (token.text in "([" and token.kind == "sign") - (
            token.text in ")]" and token.kind == "sign"
        )
        if depth == 0 and token.kind == "sign" and (token.text == "=" or token.text in STEPS):
            signs.append(token)
            token = Token("newline", "", token.start, token.end)
        parted.append(token)
    return signs, parted


def _grouped(
    pieces: list[Statement], signs: list[Token]
) -> Iterable[tuple[list[Statement], list[Token]]]:
    """The parts of each line, and the signs between them."""
    group: list[Statement] = [pieces[0]]
    between: list[Token] = []
    page = pieces[0].page
    before = [sign for sign in signs if sign.end <= pieces[0].start]
    if before:
        raise page.error("left of = stands a name or an expression", before[0].start, before[0].end)
    for left, right in pairwise(pieces):
        joined = [sign for sign in signs if left.end <= sign.start < right.start]
        if len(joined) > 1:
            raise page.error("something is missing before this =", joined[1].start, joined[1].end)
        if not joined:
            yield group, between
            group, between = [], []
        group.append(right)
        between += joined
    yield group, between
    after = [sign for sign in signs if sign.start >= pieces[-1].end]
    if after:
        raise page.error("something is missing after this =", after[0].start, after[0].end)


class _Reader:
    """Takes the lines in order; a name may be given a new value, as code does."""

    def __init__(
        self, page: Page, text: str, problem: Source, quotients: dict[str, tuple[str, str]]
    ) -> None:
        self.page, self.text, self.problem, self.quotients = page, text, problem, quotients
        self.lines: list[Line] = []
        self.given: set[str] = set()

    def take(self, parts: list[Statement], signs: list[Token]) -> None:
        if len(self.lines) == MOST_LINES:
            raise self.page.error(
                f"an answer has at most {MOST_LINES} lines", parts[0].start, parts[0].end
            )
        targets: list[str] = []
        while len(targets) < len(parts) - 1 and self._is_target(parts[len(targets)], bool(targets)):
            targets.append(parts[len(targets)].tokens[0].text)
        claims = [self._claim(part) for part in parts[len(targets) :]]
        steps = [sign for sign in signs if sign.text in STEPS]
        if steps:
            claims = [self._stepped(steps[0], parts, targets, claims)]
        text = self._written(parts[0].start, parts[-1].end)
        self.lines.append(Line(parts[0].line, tuple(targets), tuple(claims), text))
        for name in targets:
            self._define(name, claims[-1].expression)

    def _is_target(self, part: Statement, again: bool) -> bool:
        """Whether a part is a name that the line gives a value to."""
        if len(part.tokens) != 1 or part.tokens[0].kind != "name":
            return False
        name, start, end = part.tokens[0].text, part.start, part.end
        if iskeyword(name):
            raise self.page.error(f"{name} is a word of Python and cannot be a name", start, end)
        known = self.problem.names
        if again and (name in known or name in self.given):
            return False
        if name in self.problem.definitions or name in self.given or name not in known | RESERVED:
            return True
        if name in RESERVED:
            message = f"{name} is a word of the language: choose another name, such as {name}1"
        else:
            message = f"{name} is given by the problem: choose another name, such as {name}1"
        raise self.page.error(message, start, end)

    def _claim(self, part: Statement) -> Claim:
        tree = part.parse()
        if not isinstance(tree, ast.Expr):
            raise part.error("an answer has expressions, and names for them with =", tree)
        reader = LooseReader(part, Names.of(self.problem))
        expression = reader.read(tree.value)
        dimensions = tuple(reader.names.dimensions.values())
        if dimensions != self.problem.dimensions:
            self.problem = replace(self.problem, dimensions=dimensions)
        return Claim(self._written(part.start, part.end), expression, reader.first)

    def _written(self, start: int, end: int) -> str:
        """A piece of the answer, as it was written, on one line."""
        return " ".join(self.text[start:end].split())

    def _stepped(
        self, sign: Token, parts: list[Statement], targets: list[str], claims: list[Claim]
    ) -> Claim:
        """x += A as x = x + A. Raises ProblemError where x has no value yet."""
        if len(parts) != 2 or len(targets) != 1 or targets[0] not in self.problem.definitions:
            raise self.page.error(
                f"{sign.text} changes a name that has a value", sign.start, sign.end
            )
        shape = self.problem.definitions[targets[0]].expression.shape
        before = Symbol(shape, targets[0], "definition")
        made = combined(STEPS[sign.text], before, claims[0].expression)
        return Claim(f"{targets[0]} {STEPS[sign.text]} ({claims[0].text})", made, claims[0].misfit)

    def _define(self, name: str, expression: Expression) -> None:
        definitions = dict(self.problem.definitions)
        position = len(self.problem.variables) + len(definitions)
        definitions[name] = Definition(name, expression, position, self.page.span(0, 1))
        self.problem = replace(self.problem, definitions=definitions)
        self.given.add(name)


def combined(sign: str, *operands: Expression) -> Apply:
    """The operands under an operator, without a shape where they do not fit."""
    return rebuilt(Apply(NOWHERE, OPERATORS[sign], operands))


def rebuilt(node: Apply) -> Apply:
    """The same operation with the shape that its operands give it, NOWHERE where they do not fit.
    Values of more than two axes keep the shape of the first that has them."""
    shapes = [operand.shape for operand in node.operands]
    if NOWHERE in shapes:
        return replace(node, shape=NOWHERE)
    if any(len(shape) != 2 for shape in shapes):
        highest = max(shapes, key=len)
        linear = node.operation.name in ("+", "-", "*", "/", "negate")
        return replace(node, shape=highest if linear else NOWHERE)
    try:
        return applied(node.operation, node.operands, node.parameters)
    except ValueError:
        return replace(node, shape=NOWHERE)


def exchanged(tree: Expression, old: Expression, new: Expression) -> Expression:
    """The tree with another part in all places of one."""
    if tree == old:
        return new
    if not isinstance(tree, Apply):
        return tree
    operands = tuple(exchanged(operand, old, new) for operand in tree.operands)
    same = all(a is b for a, b in zip(operands, tree.operands, strict=True))
    return tree if same else rebuilt(replace(tree, operands=operands))

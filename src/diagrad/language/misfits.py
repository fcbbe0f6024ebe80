"""What to say of operands whose shapes do not fit, or fit in a way that is rarely meant."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from diagrad.dimensions import Shape, describe, is_row, is_vector
from diagrad.language.limits import LONGEST_SHOWN
from diagrad.language.page import shortened
from diagrad.language.statements import Statement
from diagrad.operations import OPERATORS
from diagrad.operations.room import Operation, ShapeError

ENTRYWISE = (
    frozenset({"+", "-", "*", "/", "**"})
    | frozenset({">", ">=", "<", "<=", "==", "!="})
    | frozenset({"maximum", "minimum", "clip", "where"})
    | frozenset({"cross_entropy", "softmax_cross_entropy", "mse"})
)
Candidate = tuple[str, Operation, list[Shape]]


def written(
    message: str,
    operation: Operation,
    statement: Statement,
    nodes: Sequence[ast.expr],
    shapes: Sequence[Shape],
) -> str:
    """A room's message, `{k}` replaced by the operand's text and shape, and the evident cure."""

    def operand(match: re.Match[str]) -> str:
        k = int(match[1])
        if k >= len(nodes):
            return match[0]
        return f"{shortened(statement.words(nodes[k]))} ({described(shapes[k])})"

    return re.sub(r"\{(\d)\}", operand, message) + _cure(operation, statement, nodes, shapes)


def described(shape: Shape) -> str:
    """The shape, of bounded length."""
    return shortened(describe(shape))


def mixed(operation: Operation, shapes: Sequence[Shape]) -> bool:
    """Whether a row and a column are stretched to a matrix."""
    vectors = [is_row(shape) for shape in shapes if is_vector(shape)]
    return operation.name in ENTRYWISE and len(set(vectors)) == 2


def mixture(
    statement: Statement, nodes: Sequence[ast.expr], shapes: Sequence[Shape], shape: Shape
) -> str:
    """The warning about a row combined with a column."""
    pairs = list(zip(nodes, shapes, strict=True))
    row = next(node for node, s in pairs if is_vector(s) and is_row(s))
    column = next(node for node, s in pairs if is_vector(s) and not is_row(s))
    texts = [shortened(statement.words(node)) for node in (row, column)]
    through = "" if all(size.number == 1 for size in shape) else f" to a matrix {described(shape)}"
    return (
        f"warning: this stretches the row {texts[0]} and the column {texts[1]}{through}; "
        "transpose one of them if that is not meant"
    )


def _cure(
    operation: Operation, statement: Statement, nodes: Sequence[ast.expr], shapes: Sequence[Shape]
) -> str:
    if not operation.operator or len(nodes) != 2 or any(len(shape) != 2 for shape in shapes):
        return ""
    for text, candidate, tried in _candidates(operation, statement, nodes, shapes):
        try:
            candidate.shape(tried, ())
        except ShapeError:
            continue
        if len(text) <= 2 * LONGEST_SHOWN and not mixed(candidate, tried):
            return f"; did you mean {text}?"
    return ""


def _candidates(
    operation: Operation, statement: Statement, nodes: Sequence[ast.expr], shapes: Sequence[Shape]
) -> Iterator[Candidate]:
    (first, second), (A, B) = (_factor(statement, node) for node in nodes), shapes
    sign = operation.name
    yield f"{first} {sign} {_transposed(second)}", operation, [A, B[::-1]]
    yield f"{_transposed(first)} {sign} {second}", operation, [A[::-1], B]
    if sign == "@":
        yield f"{second} @ {first}", operation, [B, A]
        yield f"{_transposed(first)} @ {_transposed(second)}", operation, [A[::-1], B[::-1]]
    if sign == "*":
        yield f"{first} @ {second}", OPERATORS["@"], [A, B]


def _factor(statement: Statement, node: ast.expr) -> str:
    """The operand as written, in brackets unless it is a name, a call or a transpose."""
    words = " ".join(statement.words(node).split())
    return words if isinstance(node, ast.Name | ast.Call | ast.Attribute) else f"({words})"


def _transposed(words: str) -> str:
    return words.removesuffix(".T") if words.endswith(".T") else f"{words}.T"

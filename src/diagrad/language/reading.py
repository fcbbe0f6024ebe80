"""From text to a problem's source, statement by statement."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import replace

from diagrad.errors import ProblemError
from diagrad.expression import Expression
from diagrad.language.cures import STATEMENTS
from diagrad.language.declarations import declare
from diagrad.language.expressions import ExpressionReader
from diagrad.language.lexical import tokens
from diagrad.language.names import Names
from diagrad.language.page import Page, shortened
from diagrad.language.source import Definition, Source
from diagrad.language.statements import Statement, statements

EMPTY = "nothing declared and nothing defined; a problem begins like x: row[n]"


def read(text: str, file: str = "problem") -> Source:
    """The problem that a text says; nothing in it is executed.

    Raises ProblemError and nothing else, whatever the text: Unsupported where the language does
    not have something yet.
    """
    page = Page(text, file)
    found = statements(page, tokens(page))
    if not found:
        raise ProblemError(f"{file}: {EMPTY}")
    names, warnings = Names(found), []
    for statement in found:
        warnings += _take_up(names, statement)
    return Source(
        text,
        file,
        tuple(names.dimensions.values()),
        names.variables,
        names.functions,
        names.definitions,
        tuple(warnings),
    )


def read_expression(text: str, source: Source) -> Expression:
    """An expression over the names of a problem that was read. Raises ProblemError."""
    return read_over(text, source)[0]


def read_over(text: str, source: Source) -> tuple[Expression, Source]:
    """The same, and the problem with the dimensions that stand in the expression alone. Raises
    ProblemError."""
    page = Page(text, "expression")
    found = statements(page, tokens(page))
    if not found:
        raise ProblemError("expression: nothing is written here")
    if len(found) > 1:
        raise page.error("one expression stands here, not several", found[1].start, found[1].end)
    tree = found[0].parse()
    if not isinstance(tree, ast.Expr):
        message = "an expression stands here, not a declaration or definition"
        raise found[0].error(message, tree)
    reader = ExpressionReader(found[0], Names.of(source))
    expression = reader.read(tree.value)
    dimensions = tuple(reader.names.dimensions.values())
    if dimensions == source.dimensions:
        return expression, source
    warnings = (*source.warnings, *reader.warnings)
    return expression, replace(source, dimensions=dimensions, warnings=warnings)


def read_definitions(lines: Iterable[str], source: Source) -> dict[str, Expression]:
    """More definitions over the names of a problem that was read, one on each line. Raises
    ProblemError."""
    names = Names.of(source)
    names.definitions = dict(source.definitions)
    for line in lines:
        page = Page(line, "definitions")
        for statement in statements(page, tokens(page)):
            _take_up(names, statement)
    return {n: d.expression for n, d in names.definitions.items() if n not in source.definitions}


def _take_up(names: Names, statement: Statement) -> list[str]:
    """Take up one statement; its warnings."""
    match statement.parse():
        case ast.AnnAssign() as tree:
            declare(names, statement, tree)
            return []
        case ast.Assign(targets=[ast.Name() as target], value=value):
            return _define(names, statement, target, value)
        case ast.Assign() as tree:
            message = "one definition has one name: write every = on a line of its own"
            if len(tree.targets) == 1:
                message = "left of = stands one name, as in h = sigmoid(x)"
            raise statement.error(message, tree.targets[-1])
        case ast.AugAssign(target=target) as tree:
            words = statement.words(target)
            message = f"{shortened(words)} has one value: give the new one another name"
            raise statement.error(message, tree)
        case ast.Expr(value=value) as tree:
            raise _without_name(statement, value)
        case tree:
            raise statement.error(STATEMENTS, tree)


def _define(names: Names, statement: Statement, target: ast.Name, value: ast.expr) -> list[str]:
    names.check_free(statement, target)
    reader = ExpressionReader(statement, names)
    expression = reader.read(value)
    position = names.position
    span = names.introduce(statement, target)
    names.bounds.define(target.id, expression)
    names.definitions[target.id] = Definition(target.id, expression, position, span)
    return reader.warnings


def _without_name(statement: Statement, value: ast.expr) -> ProblemError:
    if isinstance(value, ast.Compare) and isinstance(value.ops[0], ast.Eq):
        return statement.error("a definition is written with one =", value)
    if isinstance(value, ast.UnaryOp):
        message = "this line has no name; if it goes on from the line above, put both in brackets"
        return statement.error(message, value)
    words = statement.words(value)
    shown = words if len(words) <= 60 else "…"
    return statement.error(f"{STATEMENTS}; to define a value, write J = {shown}", value)

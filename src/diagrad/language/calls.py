"""Calls: operations by name, declared functions, and `prime(f)(z)`."""

from __future__ import annotations

import ast
from difflib import get_close_matches
from typing import TYPE_CHECKING

from diagrad.dimensions import Size
from diagrad.errors import ProblemError, Unsupported
from diagrad.expression import Apply
from diagrad.language.limits import MOST_LABELS
from diagrad.language.page import shortened
from diagrad.language.sizes import size
from diagrad.operations import WORDS
from diagrad.operations.elementwise import Elementwise
from diagrad.operations.functions import BY_NAME
from diagrad.operations.room import Operation
from diagrad.operations.unspecified import Prime, Unspecified

if TYPE_CHECKING:
    from diagrad.language.expressions import ExpressionReader


def call(reader: ExpressionReader, node: ast.Call) -> Apply:
    """The application that a call says. Raises ProblemError."""
    match node.func:
        case ast.Name(id=name) if name in reader.names.functions:
            return _entrywise(reader, node, reader.names.functions[name])
        case ast.Name(id="prime"):
            example = shortened(reader.statement.words(node))
            raise reader.error(f"a derivative is a function: write {example}(z)", node)
        case ast.Name(id=name) if name in WORDS:
            return _word(reader, node, WORDS[name])
        case ast.Name() as name:
            raise _no_function(reader, name, node)
        case ast.Call(func=ast.Name(id="prime")) as inner:
            return _entrywise(reader, node, _derivative(reader, inner))
        case ast.Attribute(value=inner, attr=attr) if attr in WORDS:
            raise reader.error(_method(shortened(reader.statement.words(inner)), attr), node.func)
        case ast.Attribute():
            reader.read(node.func)
    words = shortened(reader.statement.words(node.func))
    message = (
        f"{words} is no function; a product is written * (entry by entry) or @ (matrix product)"
    )
    raise reader.error(message, node)


def _method(words: str, attr: str) -> str:
    library = words in ("np", "numpy", "torch", "jnp", "math")
    return f"write {attr}(…) without {words}." if library else f"write {attr}({words})"


def _no_function(reader: ExpressionReader, name: ast.Name, node: ast.Call) -> ProblemError:
    names = reader.names
    if name.id == "pi" or name.id in {**names.variables, **names.definitions, **names.dimensions}:
        message = f"{name.id} is no function; a product is written * (entry by entry) or @"
        return reader.error(message, node)
    return names.unknown(reader.statement, name, called=True)


def _derivative(reader: ExpressionReader, node: ast.Call) -> Elementwise:
    """The function prime(f), f declared, built in, or such a derivative."""
    if len(node.args) != 1 or node.keywords:
        raise reader.error("prime takes one function, as in prime(g)(z)", node)
    match node.args[0]:
        case ast.Name(id=name) if name in reader.names.functions:
            return reader.names.functions[name].differentiated()
        case ast.Name(id=name) if name in BY_NAME:
            return Prime(BY_NAME[name])
        case ast.Call(func=ast.Name(id="prime")) as inner:
            base = _derivative(reader, inner)
            if isinstance(base, Unspecified):
                return base.differentiated()
            message = "the second derivative of a built-in function is not supported yet"
            raise reader.error(message, node, Unsupported)
    message = "prime takes a function that works entry by entry, such as sigmoid or a declared g"
    raise reader.error(message, node.args[0])


def _entrywise(reader: ExpressionReader, node: ast.Call, function: Elementwise) -> Apply:
    """An entrywise function on its one argument."""
    name = shortened(reader.statement.words(node.func))
    _no_keywords(reader, node, name)
    if len(node.args) != 1:
        raise reader.error(f"{name} takes one operand, not {len(node.args)}: {name}(z)", node)
    return reader.apply(function, node, node.args)


def _word(reader: ExpressionReader, node: ast.Call, operation: Operation) -> Apply:
    takes = operation.takes
    if takes.axis:
        axis = _axis(reader, node, operation)
        _count(reader, node, operation, node.args)
        return reader.apply(operation, node, node.args, (axis,))
    _no_keywords(reader, node, operation.name)
    if takes.sizes:
        return _of_sizes(reader, node, operation)
    if takes.subscripts:
        return _einsum(reader, node, operation)
    _count(reader, node, operation, node.args)
    return reader.apply(operation, node, node.args)


def _no_keywords(reader: ExpressionReader, node: ast.Call, name: str) -> None:
    for keyword in node.keywords:
        raise reader.error(f"{name} has no {keyword.arg}=", keyword)


def _count(
    reader: ExpressionReader, node: ast.Call, operation: Operation, given: list[ast.expr]
) -> None:
    takes = operation.takes
    most = len(takes.operands) + len(takes.sizes)
    if most - takes.optional <= len(given) <= most:
        return
    wanted = f"{most} operand{'s' * (most != 1)}"
    if takes.optional:
        wanted = f"{most - takes.optional} to {wanted}"
    names = ", ".join(takes.operands + takes.sizes)
    message = f"{operation.name} takes {wanted}, not {len(given)}: {operation.name}({names})"
    if takes.axis and len(given) == 2:
        message = (
            f"{message}; an axis is written axis={shortened(reader.statement.words(given[1]))}"
        )
    raise reader.error(message, node)


def _axis(reader: ExpressionReader, node: ast.Call, operation: Operation) -> int | None:
    """The axis given by keyword, None for all; keepdims may only be True."""
    axis: int | None = None
    given: set[str | None] = set()
    for keyword in node.keywords:
        if keyword.arg in given:
            raise reader.error(f"{keyword.arg}= is given twice", keyword)
        given.add(keyword.arg)
        words = reader.statement.words(keyword.value)
        match keyword.arg:
            case "axis" if words in ("0", "1", "None"):
                axis = None if words == "None" else int(words)
            case "axis":
                message = "axis is 0 (over the rows, one result a column) or 1 (one result a row)"
                raise reader.error(message, keyword.value)
            case "keepdims" if words == "True":
                pass
            case "keepdims":
                message = "keepdims is always True: every value stays two-dimensional"
                raise reader.error(message, keyword)
            case other:
                message = f"{operation.name} has no {other}=, only axis="
                raise reader.error(message, keyword)
    return axis


def _of_sizes(reader: ExpressionReader, node: ast.Call, operation: Operation) -> Apply:
    _count(reader, node, operation, node.args)

    def known(name: ast.Name) -> Size:
        dimension = reader.names.dimensions.get(name.id)
        if dimension is not None:
            return Size.named(dimension)
        if name.id in {**reader.names.variables, **reader.names.definitions}:
            raise reader.error(f"{name.id} is a value, not a dimension", name)
        near = get_close_matches(name.id, reader.names.dimensions, 1)
        listed = ", ".join(reader.names.dimensions) or "none"
        hint = f"; did you mean {near[0]}?" if near else f"; the dimensions are {shortened(listed)}"
        raise reader.error(f"no dimension is called {name.id}{hint}", name)

    sizes = tuple(size(reader.statement, argument, known) for argument in node.args)
    return reader.apply(operation, node, [], sizes)


def _einsum(reader: ExpressionReader, node: ast.Call, operation: Operation) -> Apply:
    match node.args:
        case [ast.Constant(value=str() as labels), *operands]:
            output = labels.replace(" ", "").partition("->")[2]
            if len(output) > MOST_LABELS:
                message = f"a result has at most {MOST_LABELS} labels"
                raise reader.error(message, node.args[0])
            return reader.apply(operation, node, operands, (labels,))
    message = 'einsum begins with its labels as text: einsum("ij,jk->ik", A, B)'
    raise reader.error(message, node)

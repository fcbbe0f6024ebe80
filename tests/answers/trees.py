"""Expression text as Python's syntax trees: making them, their parts, and trees with one part
replaced. No tree is ever changed, so trees share parts."""

import ast
import copy
from collections.abc import Iterator
from fractions import Fraction
from functools import reduce

Place = tuple[str | int, ...]
SIZES = {"eye", "ones", "zeros", "commutation"}
REDUCTIONS = {"sum", "mean", "max", "min", "prod", "norm", "norm1", "logsumexp"}
LINEAR = (ast.Add, ast.Sub)


def parsed(text: str) -> ast.expr:
    return ast.parse(text.strip(), mode="eval").body


def text(node: ast.AST) -> str:
    return ast.unparse(node)


def same(a: ast.AST, b: ast.AST) -> bool:
    return ast.dump(a) == ast.dump(b)


def name(identifier: str) -> ast.expr:
    return ast.Name(identifier, ast.Load())


def number(value: int | float | Fraction) -> ast.expr:
    if isinstance(value, Fraction) and value.denominator != 1:
        return divided(number(value.numerator), number(value.denominator))
    if value < 0:
        return negative(number(-value))
    return ast.Constant(int(value) if value == int(value) else float(value))


def binary(op: ast.operator, a: ast.expr, b: ast.expr) -> ast.expr:
    return ast.BinOp(a, op, b)


def plus(a: ast.expr, b: ast.expr) -> ast.expr:
    return binary(ast.Add(), a, b)


def minus(a: ast.expr, b: ast.expr) -> ast.expr:
    return binary(ast.Sub(), a, b)


def times(a: ast.expr, b: ast.expr) -> ast.expr:
    return binary(ast.Mult(), a, b)


def divided(a: ast.expr, b: ast.expr) -> ast.expr:
    return binary(ast.Div(), a, b)


def product(a: ast.expr, b: ast.expr) -> ast.expr:
    """The matrix product."""
    return binary(ast.MatMult(), a, b)


def power(a: ast.expr, exponent: int | float) -> ast.expr:
    return binary(ast.Pow(), a, number(exponent))


def turned(node: ast.expr) -> ast.expr:
    """The transpose, of a transpose what is in it."""
    return node.value if isinstance(node, ast.Attribute) else transposed(node)


def negative(a: ast.expr) -> ast.expr:
    return ast.UnaryOp(ast.USub(), a)


def transposed(a: ast.expr) -> ast.expr:
    return ast.Attribute(a, "T", ast.Load())


def call(function: str, *arguments: ast.expr, axis: int | None = None) -> ast.expr:
    keywords = [] if axis is None else [ast.keyword("axis", ast.Constant(axis))]
    return ast.Call(name(function), list(arguments), keywords)


def is_(node: ast.AST, *ops: type[ast.operator]) -> bool:
    """Whether it is one of these operations on two values."""
    return isinstance(node, ast.BinOp) and isinstance(node.op, ops)


def is_transpose(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute)


def is_number(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float)


def called(node: ast.AST) -> str:
    """The name of the function that a call is of; empty for what is no call."""
    return node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""


def axis_of(node: ast.Call) -> int | None:
    return next((k.value.value for k in node.keywords if k.arg == "axis"), None)  # type: ignore[attr-defined]


def with_axis(node: ast.Call, axis: int | None) -> ast.expr:
    return call(called(node), *node.args, axis=axis)


def children(node: ast.AST) -> Iterator[tuple[Place, ast.expr]]:
    """The operands that are values: no exponents, sizes or specifications."""
    match node:
        case ast.BinOp(left=left, op=op, right=right):
            yield ("left",), left
            if not isinstance(op, ast.Pow):
                yield ("right",), right
        case ast.UnaryOp(operand=operand):
            yield ("operand",), operand
        case ast.Attribute(value=value):
            yield ("value",), value
        case ast.Call(args=args) if called(node) not in SIZES:
            for k, argument in enumerate(args):
                if isinstance(argument, ast.Compare):
                    yield ("args", k, "left"), argument.left
                elif not isinstance(argument, ast.Constant):
                    yield ("args", k), argument


def parts(node: ast.expr, place: Place = ()) -> Iterator[tuple[Place, ast.expr]]:
    """The expression and all its parts that are values, outermost first, with their places."""
    yield place, node
    for step, child in children(node):
        yield from parts(child, (*place, *step))


def at(node: ast.AST, place: Place) -> ast.AST:
    for step in place:
        node = node[step] if isinstance(step, int) else getattr(node, step)  # type: ignore[index]
    return node


def replaced(node: ast.expr, place: Place, new: ast.expr) -> ast.expr:
    """The tree with another part at a place."""
    return _replaced(node, place, new)  # type: ignore[return-value]


def _replaced(node: object, place: Place, new: ast.expr) -> object:
    if not place:
        return new
    step, *rest = place
    if isinstance(step, int):
        items = list(node)  # type: ignore[call-overload]
        items[step] = _replaced(items[step], tuple(rest), new)
        return items
    made = copy.copy(node)
    setattr(made, step, _replaced(getattr(node, step), tuple(rest), new))
    return made


def swapped(node: ast.expr, old: ast.expr, new: ast.expr) -> ast.expr:
    """The tree with every part equal to `old` replaced."""
    if same(node, old):
        return new
    for step, child in children(node):
        made = swapped(child, old, new)
        if made is not child:
            node = replaced(node, step, made)
    return node


def names_in(node: ast.AST) -> set[str]:
    """The names of values; not of functions."""
    functions = {id(n.func) for n in ast.walk(node) if isinstance(n, ast.Call)}
    found = (n for n in ast.walk(node) if isinstance(n, ast.Name) and id(n) not in functions)
    return {n.id for n in found}


def terms(node: ast.expr, sign: int = 1) -> list[tuple[int, ast.expr]]:
    """The terms of a sum, each with its sign."""
    match node:
        case ast.BinOp(left=a, op=ast.Add(), right=b):
            return terms(a, sign) + terms(b, sign)
        case ast.BinOp(left=a, op=ast.Sub(), right=b):
            return terms(a, sign) + terms(b, -sign)
        case ast.UnaryOp(operand=a):
            return terms(a, -sign)
    return [(sign, node)]


def total(found: list[tuple[int, ast.expr]]) -> ast.expr:
    """The sum of terms with their signs."""
    first = found[0][1] if found[0][0] > 0 else negative(found[0][1])

    def joined(a: ast.expr, term: tuple[int, ast.expr]) -> ast.expr:
        return plus(a, term[1]) if term[0] > 0 else minus(a, term[1])

    return reduce(joined, found[1:], first)


def size(node: ast.AST) -> int:
    """How many operations and leaves."""
    return sum(isinstance(n, ast.expr) for n in ast.walk(node))

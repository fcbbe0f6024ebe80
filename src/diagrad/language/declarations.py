"""`name: kind & fact & fact`."""

from __future__ import annotations

import ast
from difflib import get_close_matches

from diagrad.dimensions import SCALAR, UNIT, Dimension, Shape, Size, is_row, is_scalar
from diagrad.errors import ProblemError, Unsupported
from diagrad.facts import DECLARABLE, ROWWISE, SQUARE, closure
from diagrad.language.misfits import described
from diagrad.language.names import KINDS, RESERVED, Names
from diagrad.language.sizes import size
from diagrad.language.source import Declaration
from diagrad.language.statements import Statement
from diagrad.operations.unspecified import Unspecified

SIZES = {"row": ("n",), "column": ("n",), "matrix": ("m", "n")}
WRITTEN = "scalar, row[n], column[n], matrix[m, n], elementwise"

# Pairs of facts that no value of more than one entry has, with what each says.
CONTRADICTIONS = {
    ("positive", "onehot"): "every entry is greater than 0, but a one-hot has entries 0",
    ("positive", "lower"): "every entry is greater than 0, but those above the diagonal are 0",
    ("positive", "upper"): "every entry is greater than 0, but those below the diagonal are 0",
    ("positive", "orthogonal"): "rows of positive entries are not orthogonal",
    ("pm1", "nonneg"): "entries are +1 and -1, but none is negative",
    ("pm1", "lower"): "entries are +1 and -1, but those above the diagonal are 0",
    ("pm1", "upper"): "entries are +1 and -1, but those below the diagonal are 0",
    ("pm1", "spd"): "entries are +1 and -1, and such a matrix is not positive definite",
}


def declare(names: Names, statement: Statement, tree: ast.AnnAssign) -> None:
    """Take up a declaration. Raises ProblemError."""
    if not isinstance(tree.target, ast.Name) or not tree.simple:
        raise statement.error("left of the colon stands one name", tree.target)
    if tree.value is not None:
        name = tree.target.id
        message = f"{name} is declared and defined at once: declare it, or write {name} = …"
        raise statement.error(message, tree.value)
    kind, *facts = _joined(tree.annotation)
    if isinstance(kind, ast.Name) and kind.id == "elementwise":
        _declare_function(names, statement, tree.target, facts)
        return
    name, position = tree.target.id, names.position
    span = names.introduce(statement, tree.target)
    shape = _shape(names, statement, kind)
    known, along = _facts(statement, facts, name, shape)
    names.variables[name] = Declaration(name, shape, known, along, position, span)


def _joined(node: ast.expr) -> list[ast.expr]:
    """The parts of `a & b & c`."""
    parts = []
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitAnd):
        parts.append(node.right)
        node = node.left
    return [node, *reversed(parts)]


def _declare_function(
    names: Names, statement: Statement, name: ast.Name, facts: list[ast.expr]
) -> None:
    if facts:
        raise statement.error("an unspecified function has no facts", facts[0])
    names.introduce(statement, name)
    names.functions[name.id] = Unspecified(name.id, len(names.functions))


def _shape(names: Names, statement: Statement, kind: ast.expr) -> Shape:
    match kind:
        case ast.Name(id="scalar"):
            return SCALAR
        case ast.Name(id=name) if name in SIZES:
            example = f"{name}[{', '.join(SIZES[name])}]"
            raise statement.error(f"{name} needs its size: write {example}", kind)
        case ast.Subscript(value=ast.Name(id=name), slice=inside) if name in SIZES:
            return _sized(names, statement, kind, name, inside)
        case ast.Subscript(value=ast.Name(id="scalar")):
            raise statement.error("a scalar has no size: write scalar", kind)
        case ast.Call(func=ast.Name(id=name)) if name in SIZES:
            raise statement.error(f"sizes stand in square brackets: {name}[…]", kind)
    raise _unknown_kind(statement, kind)


def _unknown_kind(statement: Statement, kind: ast.expr) -> ProblemError:
    word = kind.value if isinstance(kind, ast.Subscript) else kind
    text = statement.words(word)
    if text in ("tensor", "array"):
        message = "an array of more than two dimensions is not supported yet"
        return statement.error(message, kind, Unsupported)
    if text in ("vector", "vec"):
        return statement.error("a vector is a row[n] or a column[n]: say which", kind)
    if text in DECLARABLE:
        return statement.error(f"the kind stands first: {WRITTEN}", kind)
    near = get_close_matches(text, KINDS, 1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return statement.error(f"the kinds of variables are {WRITTEN}{hint}", kind)


def _sized(
    names: Names, statement: Statement, kind: ast.expr, name: str, inside: ast.expr
) -> Shape:
    written = list(inside.elts) if isinstance(inside, ast.Tuple) else [inside]
    if len(written) > 2:
        message = (
            f"{name} with {len(written)} sizes: more than two dimensions are not supported yet"
        )
        raise statement.error(message, kind, Unsupported)
    if len(written) != len(SIZES[name]):
        cure = {"row": "row[n]", "column": "column[n]", "matrix": "matrix[m, n]"}[name]
        raise statement.error(f"a {name} is written {cure}", kind)
    sizes = [size(statement, node, lambda n: _dimension(names, statement, n)) for node in written]
    match name:
        case "row":
            return (UNIT, sizes[0])
        case "column":
            return (sizes[0], UNIT)
    return (sizes[0], sizes[1])


def _dimension(names: Names, statement: Statement, node: ast.Name) -> Size:
    name = node.id
    if name not in names.dimensions:
        later = names.following.get(name)
        if later is not None and name not in names.lines and name not in RESERVED:
            message = f"{name} is a dimension here and something else on line {later.line}"
            raise statement.error(f"{message}: choose another name", node)
        names.introduce(statement, node)
        names.dimensions[name] = Dimension(len(names.dimensions), name)
    return Size.named(names.dimensions[name])


def _facts(
    statement: Statement, nodes: list[ast.expr], variable: str, shape: Shape
) -> tuple[frozenset[str], int | None]:
    facts: dict[str, ast.expr] = {}
    along: int | None = None
    for node in nodes:
        fact = _fact_name(statement, node)
        if problem := _misplaced(fact, variable, shape):
            raise statement.error(problem, node)
        if fact in ROWWISE:
            axis = _axis(statement, node, shape)
            if along not in (None, axis):
                raise statement.error("the entries sum to 1 along one axis only", node)
            along = axis
        facts[fact] = node
        _check_contradictions(statement, facts, shape)
    return frozenset(facts), along


def _fact_name(statement: Statement, node: ast.expr) -> str:
    word = node.func if isinstance(node, ast.Call) else node
    if not isinstance(word, ast.Name):
        raise statement.error("after & stands a fact, such as positive", node)
    if word.id not in DECLARABLE:
        near = get_close_matches(word.id, DECLARABLE, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        message = f"{word.id} is no fact; the facts are {', '.join(sorted(DECLARABLE))}{hint}"
        raise statement.error(message, word)
    if isinstance(node, ast.Call) and word.id not in ROWWISE:
        raise statement.error(f"{word.id} stands without brackets", node)
    return word.id


def _misplaced(fact: str, variable: str, shape: Shape) -> str | None:
    if fact in SQUARE and is_scalar(shape):
        return f"{fact} is said of square matrices, and {variable} is a scalar"
    if fact in SQUARE and shape[0] != shape[1]:
        return f"{fact} is said of square matrices, and {variable} is {described(shape)}"
    if fact in ROWWISE and is_scalar(shape):
        return f"{fact} is said of rows, columns and matrices, and {variable} is a scalar"
    return None


def _axis(statement: Statement, node: ast.expr, shape: Shape) -> int:
    """Along which axis entries sum to 1: of a row 1, a column 0, a matrix 1 unless given."""
    only = 1 if is_row(shape) else 0 if shape[1] == UNIT else None
    if not isinstance(node, ast.Call):
        return 1 if only is None else only
    match node:
        case ast.Call(args=[], keywords=[ast.keyword(arg="axis", value=ast.Constant() as value)]):
            axis = {"0": 0, "1": 1}.get(statement.words(value))
            if axis is not None and only in (None, axis):
                return axis
            if axis is not None:
                kind = "row" if only else "column"
                raise statement.error(f"the entries of a {kind} sum along axis={only}", node)
    word = statement.words(node.func)
    raise statement.error(f"write {word}, {word}(axis=0) or {word}(axis=1)", node)


def _check_contradictions(statement: Statement, facts: dict[str, ast.expr], shape: Shape) -> None:
    *_, newest = facts
    for earlier in facts:
        pair = (closure(frozenset({earlier})), closure(frozenset({newest})))
        for (one, other), why in CONTRADICTIONS.items():
            if is_scalar(shape) and one != "pm1":
                continue
            if (one in pair[0] and other in pair[1]) or (other in pair[0] and one in pair[1]):
                message = f"{earlier} and {newest} contradict each other: {why}"
                raise statement.error(message, facts[newest])

"""Reads a problem's text and draws sizes and values that respect its facts."""

import ast
from dataclasses import dataclass, field

import numpy as np

from .functions import Array
from .interpreter import Interpreter

Rng = np.random.Generator


@dataclass(frozen=True)
class Declaration:
    """A variable's two axes, as expressions of dimension names, and its facts."""

    axes: tuple[str, str]
    facts: frozenset[str]


@dataclass
class Problem:
    variables: dict[str, Declaration] = field(default_factory=dict)
    definitions: dict[str, str] = field(default_factory=dict)
    functions: list[str] = field(default_factory=list)

    def dimensions(self) -> list[str]:
        """The names that occur in axes, in order of appearance."""
        trees = [ast.parse(a) for v in self.variables.values() for a in v.axes]
        names = [n.id for tree in trees for n in ast.walk(tree) if isinstance(n, ast.Name)]
        return list(dict.fromkeys(names))

    def literals(self) -> set[int]:
        return {int(a) for v in self.variables.values() for a in v.axes if a.isdigit()}


@dataclass
class Env:
    """A point: every value two-dimensional, dimensions and scalars (1, 1)."""

    values: dict[str, Array]
    sizes: dict[str, int]

    def arrays(self, problem: Problem) -> dict[str, Array]:
        """What `Problem.evaluate` takes: the declared variables."""
        return {name: self.values[name] for name in problem.variables}


def read(text: str) -> Problem:
    """The statements of a problem's text."""
    problem = Problem()
    for statement in ast.parse(text).body:
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name), annotation=ast.Name(id="elementwise")):
                problem.functions.append(name)
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation):
                problem.variables[name] = declaration(annotation)
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                problem.definitions[name] = ast.unparse(value)
            case _:
                raise ValueError(ast.unparse(statement))
    return problem


def declaration(node: ast.expr) -> Declaration:
    facts: set[str] = set()
    while isinstance(node, ast.BinOp):
        facts.add(ast.unparse(node.right))
        node = node.left
    match node:
        case ast.Name(id="scalar"):
            axes = ("1", "1")
        case ast.Subscript(value=ast.Name(id="row"), slice=n):
            axes = ("1", ast.unparse(n))
        case ast.Subscript(value=ast.Name(id="column"), slice=m):
            axes = (ast.unparse(m), "1")
        case ast.Subscript(value=ast.Name(id="matrix"), slice=ast.Tuple(elts=[m, n])):
            axes = (ast.unparse(m), ast.unparse(n))
        case _:
            raise ValueError(ast.unparse(node))
    return Declaration(axes, frozenset(facts))


def draw_sizes(problem: Problem, first: tuple[str, ...], which: int) -> dict[str, int]:
    """All different, at least 3, none a literal one; the smallest for the variables in `first`."""
    names = problem.dimensions()
    leading = [n for v in first if v in problem.variables for n in problem.variables[v].axes]
    names.sort(key=lambda n: n not in leading)
    if which % 2:
        half = sum(n in leading for n in names)
        names = names[:half][::-1] + names[half:][::-1]
    free = [n for n in range(3, 12) if n not in problem.literals()]
    return dict(zip(names, free, strict=False))


def draw_env(problem: Problem, wrt: tuple[str, ...], which: int, rng: Rng, shrink: float) -> Env:
    """Random sizes and values; `shrink` scales the values that no fact confines."""
    sizes = draw_sizes(problem, wrt, which)
    values = {name: np.full((1, 1), float(size)) for name, size in sizes.items()}
    run = Interpreter({name: v[None] for name, v in values.items()}, [])
    for name, variable in problem.variables.items():
        m, n = (round(float(run.text(axis).item())) for axis in variable.axes)
        values[name] = draw(rng, m, n, set(variable.facts), shrink)
    return Env(values, sizes)


def orthogonal(rng: Rng, n: int) -> Array:
    q, r = np.linalg.qr(rng.normal(size=(n, n)))
    return q * np.sign(np.diag(r))


def draw(rng: Rng, m: int, n: int, facts: set[str], shrink: float) -> Array:
    """A random matrix with these facts."""
    if facts & {"onehot(axis=0)", "simplex(axis=0)"} or (
        n == 1 and facts & {"onehot", "simplex"} and m > 1
    ):
        return draw(rng, n, m, {fact.split("(")[0] for fact in facts}, shrink).T
    if "onehot" in facts:
        return np.eye(n)[rng.integers(n, size=m)]
    if "simplex" in facts:
        weights = rng.uniform(0.2, 1.0, (m, n))
        return weights / weights.sum(axis=1, keepdims=True)
    if "orthogonal" in facts:
        return orthogonal(rng, n)
    if {"spd", "diagonal"} <= facts:
        return np.diag(rng.uniform(0.4, 1.4, n))
    if "spd" in facts or facts == {"symmetric", "invertible"}:
        signs = 1.0 if "spd" in facts else rng.choice([-1.0, 1.0], n)
        q = orthogonal(rng, n)
        a = (q * (signs * rng.uniform(0.4, 1.4, n))) @ q.T
        return (a + a.T) / 2
    if facts == {"invertible"}:
        return (orthogonal(rng, n) * rng.uniform(0.4, 1.4, n)) @ orthogonal(rng, n)
    return masked(entrywise(rng, m, n, facts, shrink), facts)


def entrywise(rng: Rng, m: int, n: int, facts: set[str], shrink: float) -> Array:
    if "pm1" in facts:
        return rng.choice([-1.0, 1.0], (m, n))
    if "prob" in facts:
        return rng.uniform(0.1, 0.9, (m, n))
    if facts & {"positive", "nonneg"}:
        return rng.uniform(0.3, 1.5, (m, n))
    signs = rng.choice([-1.0, 1.0], (m, n))
    return shrink * signs * rng.uniform(0.2, 1.3, (m, n))


def masked(a: Array, facts: set[str]) -> Array:
    """The entries that structure leaves free; a diagonal without zeros makes it invertible."""
    if "symmetric" in facts:
        a = (a + a.T) / 2
    if "diagonal" in facts:
        a = np.diag(np.diag(a))
    if "lower" in facts:
        a = np.tril(a)
    if "upper" in facts:
        a = np.triu(a)
    return a

"""What the mistakes need to know of the answer they are made in."""

import ast
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from generated.functions import Array

from .trees import Place, at, called, is_, is_number, names_in, parsed, same, terms, text
from .world import World

DERIVED = {"step", "cos", "sign", "exp", "sigmoid", "tanh", "sin"}
PLAIN = {"sign", "norm", "sqrt", "sum"}  # what the gradient of a penalty may call
INNER = {"softmax", "log", "log_softmax", "inv", "solve", "det", "relu", "softplus", "prime"}


@dataclass(frozen=True)
class Setting:
    """An answer, or one line of it, with the value of every part at the first point.

    `known` are names that lines before it gave values to, beside those of the problem.
    """

    world: World
    root: ast.expr
    seen: dict[int, Array]
    known: tuple[str, ...] = ()

    def shape(self, node: ast.AST) -> tuple[int, ...]:
        """Rows and columns; (1, 1) where the part has no value of its own."""
        found = self.seen.get(id(node))
        return (1, 1) if found is None else found.shape[1:]

    def scalar(self, node: ast.AST) -> bool:
        return self.shape(node) == (1, 1)

    def square(self, node: ast.AST) -> bool:
        shape = self.shape(node)
        return len(shape) == 2 and shape[0] == shape[1] > 1

    @cached_property
    def definitions(self) -> dict[str, ast.expr]:
        return {name: parsed(body) for name, body in self.world.problem.definitions.items()}

    @cached_property
    def dimensions(self) -> set[str]:
        return set(self.world.sizes)

    @cached_property
    def words(self) -> set[str]:
        """The functions that the problem calls."""
        bodies = [parsed(self.world.of), *self.definitions.values()]
        return {called(n) for body in bodies for n in ast.walk(body)} - {""}

    @cached_property
    def normalises(self) -> bool:
        """Whether the problem divides by a mean, a norm or a sum, or takes a softmax."""
        if self.words & {"mean", "norm", "softmax", "log_softmax"}:
            return True
        bodies = [parsed(self.world.of), *self.definitions.values()]
        under = [n.right for b in bodies for n in ast.walk(b) if is_(n, ast.Div)]  # type: ignore[attr-defined]
        return any(called(n) == "sum" for u in under for n in ast.walk(u))

    @cached_property
    def inverts(self) -> bool:
        """Whether there is an inverse in the problem or its answer."""
        answer = {called(n) for n in ast.walk(self.world.answer)}
        return bool({"inv", "solve", "pinv"} & (self.words | answer))

    @cached_property
    def words_in_answer(self) -> set[str]:
        return {called(n) for n in ast.walk(self.root)}

    @cached_property
    def matrices(self) -> dict[str, tuple[int, ...]]:
        """The problem's names of arrays and their shapes."""
        env = self.world.points[0][0]
        found = {n: v.shape for n, v in env.values.items()}
        return {n: s for n, s in found.items() if not n.startswith("spare_")}

    @cached_property
    def data(self) -> set[str]:
        """Names that an array's value goes by, but not the variable's and no scalar's."""
        return {n for n, s in self.matrices.items() if s != (1, 1) and n != self.world.wrt}

    def is_penalty(self, node: ast.AST) -> bool:
        """Whether a term is a penalty's share: made of the variable and scalars only, beside others
        that are not."""
        names, shares = names_in(node), [t for _, t in terms(unscaled(self.root, self))]
        calls = {called(n) for n in ast.walk(node)} - {"", *PLAIN}
        alone = len(terms(parsed(self.world.of))) == 1 and self.world.of not in self.definitions
        if self.world.wrt not in names or names & self.data or calls or alone:
            return False
        others = [t for t in shares if not same(t, node)]
        return len(others) < len(shares) and any(names_in(t) & self.data for t in others)

    def in_call(self, place: Place) -> bool:
        """Whether a part stands inside an elementwise function, a softmax or an inverse."""
        above = (at(self.root, place[:k]) for k in range(len(place)))
        return any(called(n) in DERIVED | INNER for n in above)

    def is_under(self, place: Place, function: str) -> bool:
        """Whether a part stands in a call of a function."""
        return any(called(at(self.root, place[:k])) == function for k in range(len(place)))

    def symmetric(self, node: ast.AST) -> bool:
        """Whether the part's value is a symmetric matrix at the first point."""
        value = self.seen.get(id(node))
        return value is not None and self.square(node) and np.allclose(value[0], value[0].T)

    def in_slope(self, place: Place) -> bool:
        """Whether a part stands in a factor that looks like an activation's derivative."""
        above = (at(self.root, place[:k]) for k in range(len(place) + 1))
        return any(is_slope(n) for n in above)

    def is_residual(self, node: ast.expr) -> bool:
        """Whether a sum is a difference of two values, such as ŷ − y, no sum over occurrences."""
        simple = all(
            isinstance(t, ast.Name) or called(t) or is_number(t) or is_(t, ast.MatMult, ast.Mult)
            for _, t in terms(node)
        )
        bare = any(isinstance(t, ast.Name) or called(t) for _, t in terms(node))
        written = [self.world.of, *self.world.problem.definitions.values()]
        return (simple and bare) or any(text(node) in body for body in written)

    def names_like(self, identifier: str) -> list[str]:
        """Other names of the same shape: first what it is made of and what is made of it."""
        shape = self.matrices.get(identifier)
        if shape is None or (identifier in self.dimensions):
            return sorted(self.dimensions - {identifier}) if identifier in self.dimensions else []
        others = [n for n, s in self.matrices.items() if s == shape and n != identifier]
        mine = names_in(self.definitions[identifier]) if identifier in self.definitions else set()
        near = mine | {n for n, d in self.definitions.items() if identifier in names_in(d)}
        return sorted((n for n in others if n not in self.dimensions), key=lambda n: n not in near)


def unscaled(node: ast.expr, s: Setting) -> ast.expr:
    """A sum without the scalar that stands before or under it."""
    match node:
        case ast.BinOp(left=c, op=ast.Mult() | ast.MatMult(), right=x) if s.scalar(c):
            return unscaled(x, s)
        case ast.BinOp(left=x, op=ast.Div() | ast.Mult(), right=c) if s.scalar(c):
            return unscaled(x, s)
        case ast.UnaryOp(operand=x):
            return unscaled(x, s)
    return node


def is_slope(node: ast.AST) -> bool:
    """h(1 − h), 1 − h², step(z), cos(z): an elementwise derivative."""
    match node:
        case ast.BinOp(left=ast.Constant(value=1), op=ast.Sub(), right=b):
            return is_(b, ast.Pow) or isinstance(b, ast.Name) or called(b) in DERIVED
        case ast.BinOp(left=a, op=ast.Mult(), right=ast.BinOp(left=one, op=ast.Sub(), right=b)):
            last = a.right if is_(a, ast.Mult) else a  # type: ignore[attr-defined]
            return is_number(one) and same(last, b)
        case ast.Call():
            return called(node) in ("step", "cos", "sign")
    return False

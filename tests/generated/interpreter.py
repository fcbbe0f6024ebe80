"""Evaluates expression text on batches of arrays.

Every value is (batch, rows, columns), or of higher rank.
A scalar is (batch, 1, 1), so NumPy's broadcasting is the language's.
"""

import ast
import math
import operator
from collections.abc import Callable, Mapping
from functools import lru_cache

import numpy as np

from .algebra import (
    MATRICES,
    OF_FULL_RANK,
    NotInLanguage,
    einsum,
    log_softmax,
    logsumexp,
    near_singular,
    transposed,
)
from .functions import ELEMENTWISE, KINKED, Array, prime, unspecified

COMPARISONS: dict[type, Callable[[Array, Array], Array]] = {
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Eq: lambda a, b: np.isclose(a, b, rtol=1e-12, atol=1e-12),
    ast.NotEq: lambda a, b: ~np.isclose(a, b, rtol=1e-12, atol=1e-12),
}
OPERATORS: dict[type, Callable[[Array, Array], Array]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
ROUNDING = 1e-12


@lru_cache(maxsize=4096)
def parsed(text: str) -> ast.expr:
    return ast.parse(text.strip(), mode="eval").body


def scalar(value: float) -> Array:
    return np.full((1, 1, 1), value)


def is_scalar(a: Array) -> bool:
    return a.ndim == 3 and a.shape[-2:] == (1, 1)


def matmul(a: Array, b: Array) -> Array:
    return a * b if is_scalar(a) or is_scalar(b) else a @ b


def power(a: Array, b: Array) -> Array:
    """Integer powers of anything; other powers of positive numbers."""
    if b.size == 1 and not np.iscomplexobj(b) and float(b.flat[0]).is_integer():
        return a ** int(b.flat[0]) if b.flat[0] >= 0 else 1 / a ** int(-b.flat[0])
    return np.exp(b * np.log(a))


class Interpreter:
    """Evaluates text in an environment of batches.

    `nearest`: how near a perturbed argument came to a kink; `peak`: the largest intermediate value;
    `inverts`: whether a matrix was inverted, which may lose digits.
    """

    def __init__(self, values: Mapping[str, Array], functions: list[str]) -> None:
        self.values = dict(values)
        self.phases = {name: 0.3 + 0.5 * i for i, name in enumerate(functions)}
        self.nearest = math.inf
        self.peak = 0.0
        self.inverts = False

    def text(self, source: str) -> Array:
        with np.errstate(all="ignore"):
            return self.value(parsed(source))

    def value(self, node: ast.expr) -> Array:
        result = self._value(node)
        self.peak = max(self.peak, float(np.max(np.abs(result.real), initial=0.0)))
        if np.isnan(result.real).any():
            self.peak = math.inf
        return result

    def _value(self, node: ast.expr) -> Array:
        match node:
            case ast.Constant(value=int() | float() as number):
                return scalar(number)
            case ast.Name(id="pi"):
                return scalar(math.pi)
            case ast.Name(id=name) if name in self.values:
                return self.values[name]
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self.value(operand)
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.value(operand)
            case ast.Attribute(value=inner, attr="T"):
                return transposed(self.value(inner))
            case ast.BinOp(left=left, op=op, right=right):
                return self.binary(op, self.value(left), self.value(right))
            case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords):
                return self.call(name, args, {k.arg or "": k.value for k in keywords})
            case ast.Call(func=ast.Call() as function, args=[argument], keywords=[]):
                return self.primed(function, self.value(argument))
        raise NotInLanguage(ast.unparse(node))

    def binary(self, op: ast.operator, a: Array, b: Array) -> Array:
        if isinstance(op, ast.MatMult):
            return matmul(a, b)
        if a.ndim != b.ndim:
            if not (is_scalar(a) or is_scalar(b)):
                raise NotInLanguage(f"rank {a.ndim - 1} with rank {b.ndim - 1}")
            rank = max(a.ndim, b.ndim)
            a, b = (x.reshape(len(x), *(1,) * (rank - 1)) if is_scalar(x) else x for x in (a, b))
        return power(a, b) if isinstance(op, ast.Pow) else OPERATORS[type(op)](a, b)

    def call(self, name: str, args: list[ast.expr], keywords: dict[str, ast.expr]) -> Array:
        if name == "einsum":
            return einsum(ast.literal_eval(args[0]), [self.value(a) for a in args[1:]])
        if name == "where":
            return np.where(self.condition(args[0]), self.value(args[1]), self.value(args[2]))
        values = [self.value(a) for a in args]
        if name in OF_FULL_RANK:
            self.inverts = True
            if near_singular(values[0]):
                self.nearest = 0.0
        if name in MATRICES and not keywords:
            return MATRICES[name](*values)
        if name in ("maximum", "minimum", "clip"):
            return self.selected(name, *values)
        if name in self.phases or name in ELEMENTWISE:
            (z,) = values
            if name in KINKED:
                self.watch(z, scalar(0.0))
            return (
                unspecified(self.phases[name], 0)(z)
                if name in self.phases
                else ELEMENTWISE[name](z)
            )
        return self.reduced(name, *values, axis=axes(keywords))

    def primed(self, function: ast.Call, z: Array) -> Array:
        order, inner = 0, function
        while isinstance(inner, ast.Call) and ast.unparse(inner.func) == "prime":
            (inner,), order = inner.args, order + 1  # type: ignore[assignment]
        name = inner.id if isinstance(inner, ast.Name) else ""
        if order == 0 or (name not in self.phases and name not in ELEMENTWISE):
            raise NotInLanguage(ast.unparse(function))
        if name in KINKED:
            self.watch(z, scalar(0.0))
        return (
            unspecified(self.phases[name], order)(z)
            if name in self.phases
            else prime(name, order)(z)
        )

    def condition(self, node: ast.expr) -> Array:
        if not isinstance(node, ast.Compare) or len(node.ops) != 1:
            raise NotInLanguage(ast.unparse(node))
        a, b = self.value(node.left), self.value(node.comparators[0])
        if not isinstance(node.ops[0], ast.Eq | ast.NotEq):
            self.watch(a, b)
        return COMPARISONS[type(node.ops[0])](a.real, b.real)

    def selected(self, name: str, a: Array, b: Array, *rest: Array) -> Array:
        if name == "clip":
            return self.selected("minimum", self.selected("maximum", a, b), *rest)
        self.watch(a, b)
        first = a.real >= b.real if name == "maximum" else a.real <= b.real
        return np.where(first, a, b)

    def reduced(self, name: str, a: Array, axis: tuple[int, ...]) -> Array:
        match name:
            case "sum":
                return a.sum(axis=axis, keepdims=True)
            case "mean":
                return a.mean(axis=axis, keepdims=True)
            case "prod":
                if not a.all():  # the others' product is no quotient there
                    self.nearest = 0.0
                return a.prod(axis=axis, keepdims=True)
            case "max" | "min":
                return self.extreme(a, axis, 1 if name == "max" else -1)
            case "norm":
                length = np.sqrt((a * a).sum(axis=axis, keepdims=True))
                self.watch(length, scalar(0.0))
                if not length.real.all():  # at 0 a norm has no derivative, moved or not
                    self.nearest = 0.0
                return length
            case "norm1":
                self.watch(a, scalar(0.0))
                return ELEMENTWISE["abs"](a).sum(axis=axis, keepdims=True)
            case "logsumexp":
                return logsumexp(a, axis)
            case "log_softmax":
                return log_softmax(a, axis)
            case "softmax":
                return np.exp(log_softmax(a, axis))
        raise NotInLanguage(name)

    def extreme(self, a: Array, axis: tuple[int, ...], sense: int) -> Array:
        """The largest entry, or with −1 the smallest; a kink is where another entry is as large."""
        lines = a if len(axis) == 1 else a.reshape(len(a), 1, -1)
        along = axis[0] if len(axis) == 1 else -1
        place = np.expand_dims(np.argmax(sense * lines.real, along), along)
        value = np.take_along_axis(lines, place, along)
        others = lines.copy()
        np.put_along_axis(others, place, -sense * math.inf, along)
        self.watch(value, others)
        return value

    def watch(self, a: Array, b: Array) -> None:
        """Notes the distance from the kink at a = b of entries that move apart: by a complex step,
        or from one point of the batch to the next. Those that move together, as mirror images do,
        move apart by their rounding alone."""
        gap = np.asarray(a - b) + 0.0
        size = np.abs(a.imag) + np.abs(b.imag)
        moved = np.abs(gap.imag) > ROUNDING * size
        if gap.ndim > 2:
            size = np.max(np.abs(a.real) + np.abs(b.real), axis=0, keepdims=True)
            moved = moved | (np.ptp(gap.real, axis=0, keepdims=True) > ROUNDING * size)
        self.nearest = min(self.nearest, float(np.min(np.abs(gap.real)[moved], initial=math.inf)))


def axes(keywords: dict[str, ast.expr]) -> tuple[int, ...]:
    """The array axes of a call: `axis=0` goes down the rows, which are the last but one."""
    if set(keywords) - {"axis", "keepdims"}:
        raise NotInLanguage(", ".join(keywords))
    if "axis" not in keywords:
        return (-2, -1)
    return (ast.literal_eval(keywords["axis"]) - 2,)

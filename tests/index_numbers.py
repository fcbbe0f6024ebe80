"""Index forms as numbers, by sums over all labels; independent of raising, printing and the laws.

The second half collects what several test files ask of the engine: heads of a text, points where
they have values, and numerical differences.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

import diagrad as dg
from diagrad.dimensions import UNIT, Size
from diagrad.evaluate import Environment, with_definitions
from diagrad.expression import Apply, Symbol
from diagrad.index.term import (
    Applied,
    Constant,
    Definition,
    Delta,
    Digit,
    Extent,
    Factor,
    Head,
    Numeral,
    Sum,
    Term,
    Variable,
)
from diagrad.setting import Setting
from diagrad.verify.points import STYLES, draw

Array = np.ndarray

# Sums over all labels at once are too many for the terms of the larger examples, which
# test_large.py and test_steps.py have instead.
LARGE = {"ten_layers", "lstm", "gru", "transformer"}
EXAMPLES = [
    path
    for path in sorted((Path(__file__).parents[1] / "examples").glob("*.dg"))
    if path.stem not in LARGE
]


class Values:
    """Values of heads at one point; `fixed` heads have given values instead of their own."""

    def __init__(self, environment: Environment, fixed: Mapping[Head, Array] | None = None) -> None:
        self.environment = environment
        self._known = dict(fixed or {})

    def of(self, head: Head) -> Array:
        """One axis for each axis of the head."""
        if head not in self._known:
            with np.errstate(all="ignore"):
                value = np.asarray(self._value(head), float)
            self._known[head] = np.broadcast_to(value, self.sizes(head.axes))
        return self._known[head]

    def sizes(self, axes: Sequence[Size]) -> tuple[int, ...]:
        return tuple(size.evaluate(self.environment.sizes) for size in axes)

    def total(self, terms: Sequence[Term], free: Mapping[int, int]) -> Array:
        """The sum of terms over their bound labels; `free` are the sizes of the others."""
        with np.errstate(all="ignore"):
            return sum((self._term(t, free) for t in terms), np.zeros(list(free.values())))

    def free(self, terms: Sequence[Term]) -> dict[int, int]:
        """The free labels that stand in the terms, with their sizes."""
        factors = [f for t in terms for f in t.factors]
        pairs = [(k, n) for f in factors for k, n in zip(f.labels, f.head.axes, strict=True)]
        sizes = {k: n.evaluate(self.environment.sizes) for k, n in pairs if k >= 0}
        return dict(sorted(sizes.items()))

    def _value(self, head: Head) -> Any:
        match head:
            case Numeral():
                return float(head.value)
            case Constant():
                return {"pi": np.pi}[head.name]
            case Extent():
                return self.environment.sizes[head.dimension.name]
            case Delta():
                return np.eye(head.size.evaluate(self.environment.sizes))
            case Digit():
                sizes = self.sizes(head.sizes)
                digits = np.unravel_index(np.arange(np.prod(sizes)), sizes)
                return digits[head.place][:, None] == np.arange(sizes[head.place])
            case Variable():
                return self.environment.arrays[head.name].reshape(self.sizes(head.axes))
            case Definition():
                return self.of(head.body)
            case Applied():
                return self._applied(head, [self.of(a) for a in head.arguments])
            case Sum():
                return self.total(head.terms, dict(enumerate(self.sizes(head.axes))))
        raise AssertionError(head)

    def _term(self, term: Term, free: Mapping[int, int]) -> Array:
        """np.einsum with labels numbered from 0, bound ones after the free ones."""
        sizes = dict(free)
        sizes |= {-n - 1: size for n, size in enumerate(self.sizes(term.bound))}
        number = {label: n for n, label in enumerate(sizes)}
        operands: list[Any] = []
        for factor in term.factors:
            operands += [self._power(factor), [number[k] for k in factor.labels]]
        for label in sizes.keys() - {k for f in term.factors for k in f.labels}:
            operands += [np.ones(sizes[label]), [number[label]]]
        product = np.einsum(float(term.coefficient), [], *operands, [number[k] for k in free])
        return np.asarray(product)

    def _power(self, factor: Factor) -> Array:
        base = self.of(factor.head)
        if isinstance(factor.exponent, Head):
            return base ** float(self.of(factor.exponent))
        whole = factor.exponent.denominator == 1
        return base ** (int(factor.exponent) if whole else float(factor.exponent))

    def _applied(self, head: Applied, arguments: list[Array]) -> Array:
        """By the room's own NumPy; those along axes, whose parameters are index axes, directly."""
        room = head.operation
        if hasattr(room, "user_name"):
            return self.environment.functions[room.user_name][room.order](arguments[0])
        if room.name in ("softmax", "log_softmax", "logsumexp"):
            z, along = arguments[0], tuple(head.parameters)
            total = np.exp(z).sum(axis=along, keepdims=room.name != "logsumexp")
            ways = {"softmax": lambda: np.exp(z) / total, "log_softmax": lambda: z - np.log(total)}
            return ways.get(room.name, lambda: np.log(total))()
        if room.name in ("max", "min", "prod"):
            return getattr(np, room.name)(arguments[0], axis=tuple(head.parameters))
        if room.name == "first":
            return first(arguments[0], arguments[1], tuple(head.parameters))
        if room.entrywise:
            flat = [a.reshape(1, -1) for a in arguments]
            return room.evaluate(flat, node(head), self.environment.sizes).reshape(
                arguments[0].shape
            )
        shaped = [a.reshape(a.shape + (1,) * (2 - a.ndim)) for a in arguments]
        value = room.evaluate(shaped, node(head), self.environment.sizes)
        return value.reshape(self.sizes(head.axes))


def first(a: Array, m: Array, along: tuple[int, ...]) -> Array:
    """1 at the first entry, along these axes, that is nearest to m; elsewhere 0."""
    distance = np.abs(a - np.expand_dims(m, along))
    kept = [k for k in range(a.ndim) if k not in along]
    turned = distance.transpose([*kept, *along])
    flat = turned.reshape(*(a.shape[k] for k in kept), -1)
    hit = np.zeros_like(flat)
    np.put_along_axis(hit, np.expand_dims(flat.argmin(-1), -1), 1, -1)
    return hit.reshape(turned.shape).transpose(np.argsort([*kept, *along]))


def node(head: Applied) -> Apply:
    """The head as an expression of symbols, columns where there is one axis."""
    shapes = [(*a.axes, UNIT, UNIT)[:2] for a in [head, *head.arguments]]
    operands = tuple(Symbol(shape, name="_", role="variable") for shape in shapes[1:])
    return Apply(shapes[0], head.operation, operands, head.parameters)


def head_of(problem: dg.Problem, setting: Setting, text: str) -> Head:
    return setting.lowered(problem.expression(text))


def points(
    problem: dg.Problem, seed: int = 0, without: tuple[str, ...] = ()
) -> Iterator[Environment]:
    """A point of each style, with definitions; what is declared of `without` does not hold."""
    source = problem.source
    unruly = {n: replace(source.variables[n], facts=frozenset()) for n in without}
    source = replace(source, variables={**source.variables, **unruly})
    pairs = [(name, d.expression) for name, d in source.definitions.items()]
    for number, style in enumerate(STYLES):
        environment = draw(source, np.random.default_rng([seed, number]), style)
        yield with_definitions(pairs, environment)


def good_point(
    problem: dg.Problem, heads: Sequence[Head], seed: int = 0, without: tuple[str, ...] = ()
) -> Environment:
    """The first point where all these heads are finite."""
    for environment in points(problem, seed, without):
        values = Values(environment)
        if all(np.isfinite(values.of(head)).all() for head in heads):
            return environment
    raise AssertionError("no point where everything is finite")


def difference(a: Array, b: Array) -> float:
    """The largest difference over the largest entry, or over 1e-3 where that is larger."""
    scale = max(1e-3, np.max(np.abs(a), initial=0), np.max(np.abs(b), initial=0))
    return float(np.max(np.abs(a - b), initial=0) / scale)


def slopes(function: Any, x: Array) -> Array:
    """∂function/∂x at the array x, the axes of x last: central differences, extrapolated twice."""
    columns = []
    for k in range(x.size):
        step = np.zeros(x.size)
        step[k] = 1.0
        step = step.reshape(x.shape)
        h = np.clip(abs(x.flat[k]) / 50, 1e-6, 1e-3)
        rough = [
            (function(x + s * step) - function(x - s * step)) / (2 * s) for s in (h, h / 2, h / 4)
        ]
        finer = [(4 * b - a) / 3 for a, b in pairwise(rough)]
        columns.append((16 * finer[1] - finer[0]) / 15)
    return np.stack(columns, -1).reshape(columns[0].shape + x.shape)

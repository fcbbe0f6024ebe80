"""Branches of a problem and of an answer: a value that was compared on one side of a kink alone is
not known on the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction

import numpy as np

from diagrad.check.running import Failed, value_of
from diagrad.evaluate import Environment
from diagrad.expression import Apply, Expression, Number, walk
from diagrad.operations.room import Array

Side = Callable[[Array, int], Array]
COMPARED = frozenset({"<", ">", "<=", ">="})
TWO = frozenset({"maximum", "minimum"}) | COMPARED
ONE = frozenset({"relu", "abs", "sign", "step", "relu′", "abs′"})
# Which sides of 0 are two branches. Elsewhere 0 counts for both: what relu gives is on the kink.
SIDES: dict[str, tuple[Side, Side]] = {
    "relu": (np.less_equal, np.greater),
    "step": (np.less_equal, np.greater),
    "<": (np.less, np.greater_equal),
    ">": (np.less_equal, np.greater),
    "<=": (np.less_equal, np.greater),
    ">=": (np.less, np.greater_equal),
}
# Numbers beyond these set a scale of their own.
ORDINARY = (Fraction(1, 10), 4)
MOST_SCALES = 4


def branches(expression: Expression) -> list[Apply]:
    """The parts at which an expression does one thing or another."""
    names = ONE | TWO | {"clip"}
    return [n for n in walk(expression) if isinstance(n, Apply) and n.operation.name in names]


def untaken(expressions: Iterable[Expression], environments: Sequence[Environment]) -> list[Apply]:
    """The parts of which one branch was taken at none of the points."""
    found = (node for expression in expressions for node in branches(expression))
    return [node for node in found if not _both(node, environments)]


def _both(node: Apply, environments: Sequence[Environment]) -> bool:
    """Whether every difference that decides was on both sides; where there is none, nothing was
    seen to contradict."""
    found: list[tuple[Array, ...]] = []
    for environment in environments:
        try:
            values = [value_of(operand, environment) for operand in node.operands]
        except Failed:
            continue
        found.append(_differences(node, values))
    low, high = SIDES.get(node.operation.name, (np.less_equal, np.greater_equal))
    return all(
        any(low(each, 0).any() for each in one)
        and any(high(each, 0).any() for each in one)
        and any(each.any() for each in one)
        for one in zip(*found, strict=True)
    )


def _differences(node: Apply, values: Sequence[Array]) -> tuple[Array, ...]:
    """What decides between the branches: its sign does."""
    if node.operation.name in ONE:
        return (np.real(values[0]),)
    if node.operation.name == "clip":
        a, low, high = values
        return a - low, a - high
    return (values[0] - values[1],)


def scales(expressions: Iterable[Expression]) -> list[float]:
    """Magnitudes that numbers of the expressions set: c and 1/c of those that are not ordinary."""
    found: list[float] = []
    for expression in expressions:
        for node in walk(expression):
            if isinstance(node, Number) and node.value:
                size = abs(node.value)
                if not ORDINARY[0] <= size <= ORDINARY[1]:
                    found += [float(size), float(1 / size)]
    useful = [size for size in dict.fromkeys(found) if 1e-12 < size < 1e12]
    return useful[:MOST_SCALES]

"""The lines of an answer, worked out at a point, with or without one of them changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from diagrad.check.reading import NOWHERE, Line, Work, rebuilt
from diagrad.check.witness import Point
from diagrad.dimensions import Size
from diagrad.evaluate import Environment, evaluate, with_definitions
from diagrad.expression import Apply, Expression, Symbol, walk
from diagrad.operations.room import Array


class Failed(Exception):
    """A value that cannot be worked out: shapes that do not fit, a singular matrix."""


class Running:
    """An answer at one point."""

    def __init__(self, work: Work, point: Point) -> None:
        self.work, self.point = work, point
        with np.errstate(all="ignore"):
            self.start = with_definitions(work.known, point.environment)
        self._before: dict[int, Environment] = {0: self.start}

    def before(self, index: int) -> Environment:
        """Values of all names above a line. Names whose line fails have none."""
        for k in range(len(self._before), index + 1):
            line, above = self.work.lines[k - 1], self._before[k - 1]
            try:
                value = value_of(line.value, above)
            except Failed:
                arrays = {n: a for n, a in above.arrays.items() if n not in line.names}
                self._before[k] = Environment(
                    arrays, above.sizes, above.functions, above.dtype, above.rounded
                )
            else:
                self._before[k] = above.having(dict.fromkeys(line.names, value))
        return self._before[index]

    def value(self, index: int, expression: Expression) -> Array:
        """The value of an expression on a line. Raises Failed."""
        return value_of(expression, self.before(index))

    def claim(self, index: int, number: int = -1) -> Array:
        """The value of a claim of a line. Raises Failed."""
        return self.value(index, self.work.lines[index].claims[number].expression)

    def final(self, last: int, index: int, change: Expression) -> Array:
        """The value of line `last` with line `index` changed. Raises Failed."""
        environment = self.before(index)
        for k in range(index, last + 1):
            line = self.work.lines[k]
            made = change if k == index else self._typed(line.value, environment)
            value = value_of(made, environment)
            if k == last:
                return value
            environment = environment.having(dict.fromkeys(line.names, value))
        raise Failed

    def _typed(self, expression: Expression, environment: Environment) -> Expression:
        """An expression that did not fit, with the shapes that its names have now. Raises Failed
        where it still does not fit."""
        if fits(expression):
            return expression
        return retyped(expression, environment)


def retyped(expression: Expression, environment: Environment) -> Expression:
    """The expression with sizes that are numbers: names have the shapes of their values, constants
    such as eye(n) those of the sizes at the point. Raises Failed."""
    if isinstance(expression, Symbol) and expression.role in ("variable", "definition"):
        if expression.name not in environment.arrays:
            raise Failed
        shape = environment.arrays[expression.name].shape[-2:]
        return replace(expression, shape=tuple(map(Size.of, shape)))
    if not isinstance(expression, Apply):
        return expression
    if not expression.operands:
        sizes = (size.evaluate(environment.sizes) for size in expression.shape)
        return replace(expression, shape=tuple(map(Size.of, sizes)))
    operands = tuple(retyped(operand, environment) for operand in expression.operands)
    made = rebuilt(replace(expression, operands=operands))
    if made.shape == NOWHERE:
        raise Failed
    return made


def value_of(expression: Expression, environment: Environment) -> Array:
    """The value. Raises Failed where there is none."""
    try:
        with np.errstate(all="ignore"):
            value = evaluate(expression, environment)
    except (ValueError, KeyError, IndexError, ArithmeticError, np.linalg.LinAlgError) as error:
        raise Failed from error
    if value.ndim < 2:
        raise Failed
    return value


def mentioned(expression: Expression) -> set[str]:
    return {node.name for node in walk(expression) if isinstance(node, Symbol)}


def fits(expression: Expression) -> bool:
    return all(node.shape != NOWHERE for node in walk(expression))


def needed(lines: Sequence[Line], last: int) -> set[int]:
    """The lines that the value of line `last` depends on, itself included."""
    found, wanted = {last}, mentioned(lines[last].value)
    for k in range(last - 1, -1, -1):
        if wanted & set(lines[k].names):
            found.add(k)
            wanted = (wanted - set(lines[k].names)) | mentioned(lines[k].value)
    return found


def size_of(expression: Expression) -> int:
    return sum(1 for _ in walk(expression))

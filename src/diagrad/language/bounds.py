"""How large the exact constants of an expression can become, told before anyone computes them.

`growth` is an upper bound for log₁₀ of the numerators and denominators that a value's constants
have once they are multiplied out. Constants are folded exactly while their growth is small.
"""

from __future__ import annotations

from fractions import Fraction
from math import log10

from diagrad.dimensions import is_scalar
from diagrad.expression import Apply, Expression, Number, Symbol, walk
from diagrad.language.limits import LARGEST_POWER, MOST_GROWTH
from diagrad.operations.elementwise import Elementwise
from diagrad.operations.softmax import AlongAxis, LogSumExp

TWICE = frozenset({"square", "mse", "norm"})
FOLDED = frozenset({"+", "-", "*", "/", "**", "@", "negate", "T", "square", "sum", "mean", "trace"})


class TooLarge(ValueError):
    """A constant beyond the limits; the message says which."""


class Bounds:
    """Growth and constant value of every expression noted, and of every definition."""

    def __init__(self) -> None:
        self._growth: dict[str, float] = {}
        self._value: dict[str, Fraction | None] = {}
        self._noted: dict[int, tuple[Expression, float, Fraction | None]] = {}

    def define(self, name: str, expression: Expression) -> None:
        """Note an expression with all its parts, as the value of a name."""
        for part in reversed(list(walk(expression))):
            if id(part) not in self._noted:
                self.note(part)
        _, self._growth[name], self._value[name] = self._noted[id(expression)]
        self._noted.clear()

    def note(self, node: Expression) -> None:
        """Note one expression whose operands are noted. Raises TooLarge."""
        growth, value = 0.0, None
        match node:
            case Number(value=exact):
                growth, value = _digits(exact), exact
            case Symbol(name=name):
                growth, value = self._growth.get(name, 0.0), self._value.get(name)
            case Apply():
                growth = self._apply(node)
                value = self._fold(node) if growth <= MOST_GROWTH else None
        if growth > MOST_GROWTH:
            raise TooLarge(
                f"powers and products of numbers here have more than {MOST_GROWTH} digits"
            )
        self._noted[id(node)] = (node, growth, value)

    def _apply(self, node: Apply) -> float:
        growths = [self._noted[id(operand)][1] for operand in node.operands]
        operation = node.operation
        if operation.name in ("+", "-"):
            return max(growths) + log10(2)
        if operation.name == "**":
            return growths[0] * self._exponent(node.operands[1])
        if operation.name in TWICE:
            return 2 * sum(growths)
        headed = isinstance(operation, Elementwise) and operation.formula is None
        if headed or isinstance(operation, AlongAxis | LogSumExp):
            return 0.0
        return sum(growths)

    def _exponent(self, exponent: Expression) -> float:
        value = self._noted[id(exponent)][2]
        if value is None:
            return 1.0
        if abs(value) > LARGEST_POWER or value.denominator > 10**6:
            raise TooLarge(f"a constant exponent goes from -{LARGEST_POWER} to {LARGEST_POWER}")
        return max(1.0, abs(float(value)))

    def _fold(self, node: Apply) -> Fraction | None:
        values = [self._noted[id(operand)][2] for operand in node.operands]
        known = [value for value in values if value is not None]
        name = node.operation.name
        last = known[-1] if values and values[-1] is not None else None
        if name == "/" and last == 0:
            raise TooLarge("this divides by zero")
        if len(known) < len(values) or name not in FOLDED or not is_scalar(node.shape):
            return None
        return _computed(name, known)


def _computed(name: str, values: list[Fraction]) -> Fraction | None:
    first, last = values[0], values[-1]
    match name:
        case "+":
            return first + last
        case "-":
            return first - last
        case "*" | "@":
            return first * last
        case "/":
            return first / last
        case "**":
            if first == 0 and last < 0:
                raise TooLarge("this divides by zero")
            return first ** int(last) if last.denominator == 1 else None
        case "negate":
            return -first
        case "square":
            return first * first
    return first


def _digits(value: Fraction) -> float:
    return log10(max(abs(value.numerator), value.denominator))

"""+ − * / ** and unary minus, entry by entry; a row or a column stretches as in NumPy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from diagrad.dimensions import Shape, is_scalar
from diagrad.expression import Apply, Expression, Number
from diagrad.index.build import Indexed, Polynomial, delta, labels, matrix, tensor
from diagrad.index.term import Applied, Sum, as_number
from diagrad.operations import kernels
from diagrad.operations.functions import log
from diagrad.operations.room import (
    ATOM,
    CHAIN,
    POSTFIX,
    POWER,
    PRODUCT,
    SIGN,
    SUM,
    SUPERSCRIPT,
    Array,
    Form,
    Operation,
    Takes,
    Use,
    entry,
    same_axes,
    together,
)
from diagrad.operations.saying import is_constant, stretched
from diagrad.operations.saying_arithmetic import (
    added,
    divided,
    multiplied,
    negated,
    powered,
    subtracted,
)


class Entrywise(Operation):
    """An operator that combines two operands entry by entry."""

    operator = True
    takes = Takes(operands=("A", "B"))
    verb: str

    def shape(self, shapes: Sequence[Shape], parameters: tuple[Any, ...]) -> Shape:
        return together(shapes, self.verb)

    def combine(self, a: Polynomial, b: Polynomial) -> Polynomial:
        raise NotImplementedError

    def elements(self, operands: Sequence[Indexed], parameters: tuple[Any, ...]) -> Indexed:
        rows, columns = same_axes(operands)
        i, j = labels(rows), labels(columns)
        first, second = (entry(operand, i, j) for operand in operands)
        return matrix(i, j, self.combine(first, second))


class Add(Entrywise):
    name, verb = "+", "add"
    summary = "The sum, entry by entry."
    example = "A + row_n"
    because = "the derivative of a sum is the sum of the derivatives"

    def says(self, use: Use) -> str:
        return added(use)

    def rule_of(self, use: Use) -> str:
        return "broadcasting" if stretched(use) else "sum rule"

    def combine(self, a: Polynomial, b: Polynomial) -> Polynomial:
        return a + b

    def evaluate(self, arrays: Sequence[Array], node: Apply, sizes: Mapping[str, int]) -> Array:
        return arrays[0] + arrays[1]

    def form(self, notation: str, node: Apply) -> Form:
        return Form("{0} + {1}", SUM, (SUM, SUM + 1))


class Subtract(Entrywise):
    name, verb = "-", "subtract"
    summary = "The difference, entry by entry."
    example = "A - row_n"
    because = "the derivative of a difference is the difference of the derivatives"

    def says(self, use: Use) -> str:
        return subtracted(use)

    def rule_of(self, use: Use) -> str:
        return "broadcasting" if stretched(use) else "sum rule"

    def combine(self, a: Polynomial, b: Polynomial) -> Polynomial:
        return a - b

    def evaluate(self, arrays: Sequence[Array], node: Apply, sizes: Mapping[str, int]) -> Array:
        return arrays[0] - arrays[1]

    def form(self, notation: str, node: Apply) -> Form:
        minus = "−" if notation == "unicode" else "-"
        return Form(f"{{0}} {minus} {{1}}", SUM, (SUM, SUM + 1))


class Multiply(Entrywise):
    name, verb = "*", "multiply"
    summary = "The product, entry by entry (Hadamard product); a scalar multiplies every entry."
    example = "A * row_n"
    because = "product rule: differentiate one factor at a time and add"

    def says(self, use: Use) -> str:
        return multiplied(use)

    def rule_of(self, use: Use) -> str:
        other = use.node.operands[1 - use.operand]
        return "constant factor" if is_constant(other) else "product rule"

    def combine(self, a: Polynomial, b: Polynomial) -> Polynomial:
        return a * b

    def evaluate(self, arrays: Sequence[Array], node: Apply, sizes: Mapping[str, int]) -> Array:
        return arrays[0] * arrays[1]

    def form(self, notation: str, node: Apply) -> Form:
        multiple = any(is_scalar(operand.shape) for operand in node.operands)
        if notation in ("source", "ascii"):
            sign = "*" if multiple or notation == "source" else ".*"
            return Form(f"{{0}} {sign} {{1}}", PRODUCT, (PRODUCT, PRODUCT + 1))
        if multiple:
            return scaled(node)
        sign = {"unicode": "∘", "latex": r"\circ"}[notation]
        return Form(f"{{0}} {sign} {{1}}", PRODUCT, (PRODUCT, CHAIN))


class Divide(Entrywise):
    name, verb = "/", "divide"
    summary = "The quotient, entry by entry."
    example = "A / (1 + square(row_n))"
    because = "a quotient is a product with a power of −1"
    rule = "quotient rule"

    def says(self, use: Use) -> str:
        return divided(use)

    def rule_of(self, use: Use) -> str:
        return "constant factor" if is_constant(use.node.operands[1]) else self.rule

    def combine(self, a: Polynomial, b: Polynomial) -> Polynomial:
        return a / b

    def evaluate(self, arrays: Sequence[Array], node: Apply, sizes: Mapping[str, int]) -> Array:
        return arrays[0] / arrays[1]

    def form(self, notation: str, node: Apply) -> Form:
        by_scalar = is_scalar(node.operands[1].shape)
        if notation in ("source", "ascii"):
            sign = "/" if by_scalar or notation == "source" else "./"
            return Form(f"{{0}} {sign} {{1}}", PRODUCT, (PRODUCT, PRODUCT + 1))
        if notation == "latex" and is_scalar(node.shape):
            return Form(r"\frac{{{0}}}{{{1}}}", SIGN, (0, 0))
        if by_scalar:
            return Form("{0} / {1}", PRODUCT, (PRODUCT, SIGN + 1))
        sign = {"unicode": "⊘", "latex": r"\oslash"}[notation]
        return Form(f"{{0}} {sign} {{1}}", PRODUCT, (PRODUCT, CHAIN))


class Negate(Operation):
    exact = True
    name, operator = "negate", True
    takes = Takes(operands=("A",))
    summary = "−A."
    example = "-A"
    because = "a constant factor stays"
    rule = "constant factor"

    def says(self, use: Use) -> str:
        return negated(use)

    def shape(self, shapes: Sequence[Shape], parameters: tuple[Any, ...]) -> Shape:
        return shapes[0]

    def elements(self, operands: Sequence[Indexed], parameters: tuple[Any, ...]) -> Indexed:
        (a,) = operands
        i, j = labels(a.rows), labels(a.columns)
        return matrix(i, j, -a.tensor[i, j])

    def evaluate(self, arrays: Sequence[Array], node: Apply, sizes: Mapping[str, int]) -> Array:
        return -arrays[0]

    def form(self, notation: str, node: Apply) -> Form:
        if notation in ("source", "ascii"):
            return Form("-{0}", SIGN, (SIGN + 1,))
        return Form("−{0}" if notation == "unicode" else "-{0}", SIGN, (PRODUCT,))


class Power(Operation):
    """A scalar exponent stays an exponent in index notation; powers by arrays are heads."""

    name, operator, curved = "**", True, True
    takes = Takes(operands=("A", "B"))
    summary = "The power, entry by entry."
    example = "square(A) ** 2"
    because = "power rule: the exponent comes down and is lowered by one"
    rule = "power rule"

    def says(self, use: Use) -> str:
        return powered(use, _whole(use.node.operands[1]))

    def moves(self, use: Use) -> str:
        """Without what becomes of the derivative from above."""
        return self.says(use).partition(", so ")[0]

    def rule_of(self, use: Use) -> str:
        return "exponential rule" if use.operand else self.rule

    def shape(self, shapes: Sequence[Shape], parameters: tuple[Any, ...]) -> Shape:
        return together(shapes, "raise")

    def elements(self, operands: Sequence[Indexed], parameters: tuple[Any, ...]) -> Indexed:
        base, exponent = operands
        rows, columns = same_axes(operands)
        i, j = labels(rows), labels(columns)
        if not exponent.tensor.axes:
            value = as_number(exponent.tensor)
            return matrix(i, j, entry(base, i, j) ** (exponent.tensor if value is None else value))
        both = tuple(tensor((i, j), entry(operand, i, j)) for operand in operands)
        head = Applied(self, both, both[0].axes)
        return matrix(i, j, head[i, j])

    def derivative(self, head: Applied, argument: int) -> Sum:
        i, j = labels(head.axes), labels(head.axes)
        base, exponent = (a[i] for a in head.arguments)
        local = exponent * head[i] / base if argument == 0 else head[i] * log(base)
        return tensor((i, j), local * delta(i, j))

    def evaluate(self, arrays: Sequence[Array], node: Apply, sizes: Mapping[str, int]) -> Array:
        exponent = node.operands[1]
        power: Any = _plain(exponent.value) if isinstance(exponent, Number) else arrays[1]
        if np.iscomplexobj(arrays[0]) or np.iscomplexobj(power):
            return kernels.analytic_power(arrays[0], power)
        value: Array = arrays[0] ** power
        return value

    def form(self, notation: str, node: Apply) -> Form:
        base, exponent = node.operands
        if notation in ("source", "ascii"):
            return Form("{0} ** {1}", POWER, (POSTFIX, SIGN))
        entrywise = "" if is_scalar(base.shape) else "∘" if notation == "unicode" else r"\circ "
        if notation == "latex":
            return Form(f"{{0}}^{{{{{entrywise}{{1}}}}}}", POWER, (ATOM, 0))
        whole = _whole(exponent)
        if whole is not None:
            raised = str(whole).translate(SUPERSCRIPT)
            return Form(f"{{0}}{entrywise}{raised}", POWER, (ATOM,))
        return Form(f"{{0}}{entrywise}^{{1}}", POWER, (ATOM, ATOM))


def _whole(exponent: Expression) -> int | None:
    """A whole number that an exponent is, also as the negative of one."""
    match exponent:
        case Number(value=value) if value.denominator == 1:
            return int(value)
        case Apply(operation=Negate(), operands=(Number(value=value),)) if value.denominator == 1:
            return -int(value) if value > 0 else None
    return None


def is_entrywise_product(expression: Expression) -> bool:
    """A product or quotient entry by entry in which no operand is a scalar."""
    return (
        isinstance(expression, Apply)
        and isinstance(expression.operation, Multiply | Divide)
        and not any(is_scalar(operand.shape) for operand in expression.operands)
    )


def scaled(node: Apply) -> Form:
    """A product with a scalar in textbook notation: the scalar in front (numbers first of all), and
    no brackets around the rest, because (a B) C = a (B C)."""
    first, second = node.operands
    swapped = not is_scalar(first.shape) or (
        isinstance(second, Number) and not isinstance(first, Number)
    )
    front = second if swapped else first
    slot = CHAIN if _only_scalars(front) else CHAIN + 1
    if swapped:
        return Form("{1}{by}{0}", CHAIN, (CHAIN, slot))
    return Form("{0}{by}{1}", CHAIN, (slot, CHAIN))


def _only_scalars(factor: Expression) -> bool:
    """Whether all that stands side by side is scalar: in (x xᵀ) A the brackets have to stay."""
    while isinstance(factor, Apply) and factor.operation.name in ("*", "@"):
        if not all(is_scalar(operand.shape) for operand in factor.operands):
            return False
        first, factor = factor.operands
        if not _only_scalars(first):
            return False
    return True


def _plain(value: Fraction) -> int | float:
    """Whole exponents stay whole, so that negative bases have powers; others as a float."""
    return int(value) if value.denominator == 1 and abs(value) < 2**31 else float(value)


OPERATIONS: tuple[Operation, ...] = (Add(), Subtract(), Multiply(), Divide(), Negate(), Power())

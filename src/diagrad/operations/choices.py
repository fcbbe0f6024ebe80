"""Operations that choose among their operands entry by entry, and the conditions of `where`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from diagrad.dimensions import Shape, is_scalar
from diagrad.expression import Apply, Number
from diagrad.index.build import Indexed, delta, labels, tensor
from diagrad.index.term import Applied, Head, Sum, constant
from diagrad.operations.functions import step
from diagrad.operations.kernels import real
from diagrad.operations.room import (
    ATOM,
    COMPARE,
    POSTFIX,
    Array,
    Form,
    Operation,
    Takes,
    Use,
    entry,
    same_axes,
    together,
)
from diagrad.operations.saying import above, stretched


class Larger(Operation):
    """maximum(A, B); a tie counts for the first."""

    exact = True
    flat = True
    name = "maximum"
    takes = Takes(operands=("A", "B"))
    summary = "The larger of two entries; at a tie the derivative goes to the first."
    example = "maximum(A, B)"
    because = "only the larger of the two moves the result"
    curved = True
    keeps = frozenset({"positive", "nonneg", "nonzero", "prob"})
    sense = 1
    rule = "entrywise choice"

    def says(self, use: Use) -> str:
        sign = {(1, 0): "≥", (1, 1): ">", (-1, 0): "≤", (-1, 1): "<"}[self.sense, use.operand]
        return passes(use, f"{use.variable} {sign} {use.others[0]}")

    def shape(self, shapes: Sequence[Shape], parameters: tuple[Any, ...]) -> Shape:
        return together(shapes, "compare")

    def elements(self, operands: Sequence[Indexed], parameters: tuple[Any, ...]) -> Indexed:
        return broadcast_head(self, operands)

    def derivative(self, head: Applied, argument: int) -> Sum:
        i, j = labels(head.axes), labels(head.axes)
        a, b = (argument_[i] for argument_ in head.arguments)
        second = step((b - a) * self.sense)
        return tensor((i, j), (1 - second if argument == 0 else second) * delta(i, j))

    def evaluate(self, arrays: Sequence[Array], node: Apply, sizes: Mapping[str, int]) -> Array:
        a, b = arrays
        return np.where((self.sense * real(b) > self.sense * real(a)) | np.isnan(b), b, a)

    def form(self, notation: str, node: Apply) -> Form | None:
        if notation == "latex":
            word = r"\max" if self.sense > 0 else r"\min"
            return Form(rf"{word}\left({{0}}, {{1}}\right)", ATOM, (0, 0))
        return None


class Smaller(Larger):
    """minimum(A, B); a tie counts for the first."""

    name = "minimum"
    summary = "The smaller of two entries; at a tie the derivative goes to the first."
    example = "minimum(A, B)"
    because = "only the smaller of the two moves the result"
    sense = -1


class Clip(Operation):
    exact = True
    flat = True
    name, curved = "clip", True
    takes = Takes(operands=("A", "low", "high"))
    summary = "The entry, but at least `low` and at most `high`; its derivative at the ends is 0."
    example = "clip(A, -1, 1)"
    because = "clip passes the entries inside and stops the others"
    rule = "entrywise choice"

    def says(self, use: Use) -> str:
        x, low, high = use.operands
        where = (
            f"{low} < {x} < {high}",
            f"{x} ≤ {low} < {high}",
            f"{x} or {low} is at least {high}",
        )
        return passes(use, where[use.operand])

    def shape(self, shapes: Sequence[Shape], parameters: tuple[Any, ...]) -> Shape:
        return together(shapes, "clip")

    def elements(self, operands: Sequence[Indexed], parameters: tuple[Any, ...]) -> Indexed:
        return broadcast_head(self, operands)

    def derivative(self, head: Applied, argument: int) -> Sum:
        i, j = labels(head.axes), labels(head.axes)
        x, low, high = (a[i] for a in head.arguments)
        inside = step(x - low) * step(high - x)
        local = (
            inside,
            (1 - step(x - low)) * step(high - low),
            1 - step(high - x) * step(high - low),
        )
        return tensor((i, j), local[argument] * delta(i, j))

    def evaluate(self, arrays: Sequence[Array], node: Apply, sizes: Mapping[str, int]) -> Array:
        x, low, high = arrays
        raised = np.where(real(x) <= real(low), low, x)
        return np.where(real(raised) >= real(high), high, raised)


class Compare(Operation):
    """A comparison, the condition of `where`: 1 where it holds and 0 elsewhere; constant."""

    exact = True
    operator = True
    takes = Takes(operands=("A", "B"))
    because = "a condition is constant on both sides of where it changes"
    rule = "condition"

    def __init__(
        self, name: str, unicode: str, latex: str, test: Callable[[Any, Any], Any]
    ) -> None:
        self.name, self.unicode, self.latex, self.test = name, unicode, latex, test
        self.summary = f"The condition a {unicode} b of a `where`."
        self.example = f"where(A {name} B, A, B)"

    def shape(self, shapes: Sequence[Shape], parameters: tuple[Any, ...]) -> Shape:
        return together(shapes, "compare")

    def elements(self, operands: Sequence[Indexed], parameters: tuple[Any, ...]) -> Indexed:
        return broadcast_head(self, operands)

    def derivative(self, head: Applied, argument: int) -> Sum:
        return constant(0, head.axes + head.axes)

    def evaluate(self, arrays: Sequence[Array], node: Apply, sizes: Mapping[str, int]) -> Array:
        return np.asarray(self.test(real(arrays[0]), real(arrays[1])))

    def form(self, notation: str, node: Apply) -> Form:
        sign = {"unicode": self.unicode, "latex": self.latex}.get(notation, self.name)
        return Form(f"{{0}} {sign} {{1}}", COMPARE, (COMPARE + 1, COMPARE + 1))


CASES = r"\begin{{cases}} {1} & \text{{if }} {0} \\ {2} & \text{{otherwise}} \end{{cases}}"


class Where(Operation):
    exact = True
    flat = True
    name = "where"
    takes = Takes(operands=("condition", "A", "B"), condition=True)
    summary = "The entry of A where the condition holds, otherwise that of B."
    example = "where(A > B, A, square(B))"
    because = "where the condition holds only A counts, elsewhere only B"
    rule = "case distinction"

    def says(self, use: Use) -> str:
        condition = use.operands[0]
        if use.operand == 0:
            return f"{condition} is constant on both sides of where it changes: its derivative is 0"
        return passes(use, condition if use.operand == 1 else f"{condition} does not hold")

    def shape(self, shapes: Sequence[Shape], parameters: tuple[Any, ...]) -> Shape:
        return together(shapes, "choose from")

    def elements(self, operands: Sequence[Indexed], parameters: tuple[Any, ...]) -> Indexed:
        return broadcast_head(self, operands)

    def derivative(self, head: Applied, argument: int) -> Sum:
        i, j = labels(head.axes), labels(head.axes)
        if argument == 0:
            return constant(0, head.axes + head.axes)
        chosen = tuple(constant(int(k == argument), head.axes) for k in (1, 2))
        indicator = Applied(self, (head.arguments[0], *chosen), head.axes)
        return tensor((i, j), indicator[i] * delta(i, j))

    def simplified(self, head: Applied) -> Head | None:
        _, first, second = head.arguments
        return first if first is second else None

    def evaluate(self, arrays: Sequence[Array], node: Apply, sizes: Mapping[str, int]) -> Array:
        return np.where(arrays[0], arrays[1], arrays[2])

    def form(self, notation: str, node: Apply) -> Form | None:
        """1 where a condition holds and 0 elsewhere is its indicator."""
        values = [o.value if isinstance(o, Number) else None for o in node.operands[1:]]
        if notation == "unicode" and values == [1, 0]:
            return Form("𝟙[{0}]", POSTFIX, (0,))
        if notation == "latex" and values == [1, 0]:
            return Form(r"\mathbb{{1}}\left[{0}\right]", POSTFIX, (0,))
        if notation == "latex":
            return Form(CASES, COMPARE, (0, 0, 0))
        return None


def passes(use: Use, where: str) -> str:
    """The derivative goes on to the operand that was chosen, and stops elsewhere."""
    if is_scalar(use.node.shape):
        return (
            f"{use.value} is {use.variable} where {where}: there the derivative is 1, elsewhere 0"
        )
    entries = f"the entries of {use.value} are those of {use.variable} where {where}"
    collected = ""
    if stretched(use):
        collected = f", summed because {use.variable} is stretched"
    return f"{entries}: there {above(use)} goes on, elsewhere 0{collected}"


def broadcast_head(operation: Operation, operands: Sequence[Indexed]) -> Indexed:
    """An operation on several operands entry by entry, each stretched to the common axes."""
    rows, columns = same_axes(operands)
    i, j = labels(rows), labels(columns)
    arguments = tuple(tensor((i, j), entry(operand, i, j)) for operand in operands)
    return Indexed(Applied(operation, arguments, rows + columns), len(rows))


OPERATIONS: tuple[Operation, ...] = (Larger(), Smaller(), Clip(), Where())
COMPARISONS: tuple[Compare, ...] = (
    Compare(">", ">", ">", np.greater),
    Compare(">=", "≥", r"\ge", np.greater_equal),
    Compare("<", "<", "<", np.less),
    Compare("<=", "≤", r"\le", np.less_equal),
    Compare("==", "=", "=", np.equal),
    Compare("!=", "≠", r"\ne", np.not_equal),
)

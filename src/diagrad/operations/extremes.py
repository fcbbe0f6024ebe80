"""The largest entry, the smallest and the product, of everything or along an axis that is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from diagrad.dimensions import Shape
from diagrad.expression import Apply, Expression, Symbol
from diagrad.index.build import Indexed, delta, labels, tensor
from diagrad.index.term import Applied, Head, Sum, as_number, constant
from diagrad.operations.kernels import real
from diagrad.operations.linear_algebra import TRANSPOSE
from diagrad.operations.reductions import (
    Whole,
    effective_axis,
    line_of,
    named_reduction,
    numpy_axis,
    others,
    summed_over,
)
from diagrad.operations.room import (
    ATOM,
    COMPARE,
    PRODUCT,
    SIGN,
    Array,
    Form,
    Operation,
    Show,
    Takes,
    Use,
    applied,
)
from diagrad.operations.saying import letters, of_value, of_variable
from diagrad.operations.ties import body_of, may_tie

ENTRYWISE_FACTS = frozenset({"positive", "nonneg", "nonzero", "prob"})


class Largest(Whole):
    """max(A). At a tie the entry that stands first, row by row, is the largest."""

    exact = True
    name = "max"
    summary = (
        "The largest entry, of all or along an axis. Its derivative is 1 at that entry and 0 at "
        "the others; of several that are largest, the first (row by row, as `numpy.argmax` has "
        "it) counts alone. The derivative is printed as `where(A == max(A), 1, 0)`, which says "
        "the same where there is no tie; over the sum of that where entries may be equal by their "
        "formula, as those of `A @ A.T` and its transpose are."
    )
    example = "max(A, axis=1)"
    because = "only the largest entry moves the maximum, and the maximum moves as it does"
    rule = "largest entry"
    keeps = ENTRYWISE_FACTS
    sense = 1
    word = "largest"
    flat = True

    def says(self, use: Use) -> str:
        if not summed_over(use):
            return ""
        at = letters(use.node.operands[0].shape)
        value, own, line = of_value(use, at), of_variable(use, at), line_of(use)
        of = f" of each {line}" if line else f" of {use.variable}"
        tie = f"of several that are {self.word} the first counts alone"
        moves = f"only the {self.word} entry{of} moves {value}"
        return f"{moves}: ∂{value}/∂{own} is 1 where {own} = {value}, elsewhere 0; {tie}"

    def simplified(self, head: Applied) -> Head | None:
        value = as_number(head.arguments[0])
        return None if value is None else constant(value, head.axes)

    def derivative(self, head: Applied, argument: int) -> Sum:
        (a,) = head.arguments
        i, j = labels(head.axes), labels(a.axes)
        first = Applied(FIRST, (a, head), a.axes, head.parameters)
        return tensor((i, j), delta(i, others(j, head.parameters)) * first[j])

    def evaluate(self, arrays: Sequence[Array], node: Apply, sizes: Mapping[str, int]) -> Array:
        """Chosen by the real part, so that a complex step moves what the entry moves."""
        a, axis = lined_up(arrays[0], node)
        place = np.expand_dims(np.argmax(self.sense * real(a), axis), axis)
        value: Array = np.take_along_axis(a, place, axis)
        return value

    def form(self, notation: str, node: Apply) -> Form | None:
        if notation == "latex" and effective_axis(node) is None:
            return Form(rf"\{self.name}\left({{0}}\right)", ATOM, (0,))
        return named_reduction(self.name, notation, node)


class Smallest(Largest):
    """min(A), likewise."""

    name = "min"
    summary = (
        "The smallest entry, of all or along an axis. Its derivative is 1 at that entry and 0 at "
        "the others; of several that are smallest, the first counts alone, as for `max`."
    )
    example = "min(A, axis=0)"
    because = "only the smallest entry moves the minimum, and the minimum moves as it does"
    rule = "smallest entry"
    sense = -1
    word = "smallest"


class First(Operation):
    """1 at the first entry of A that equals m (along the axes over which m is the largest or the
    smallest), elsewhere 0: the derivative of m by A.

    It is no word of the language. Where there is no tie it is the `where` as which it is printed.
    By values it is the entry nearest to m, so that rounding A and m apart makes it no other. With
    `turned`, the first is the first of the transpose.
    """

    name = "first"
    takes = Takes(operands=("A", "m"))
    summary = "1 at the first entry of A that equals m, elsewhere 0."
    because = "which entry is the largest does not change where there is no tie"
    rule = "largest entry"
    entrywise = False
    facts = frozenset({"nonneg"})
    idempotent = True

    def __init__(self, turned: bool = False) -> None:
        self.turned = turned

    @property
    def identity(self) -> tuple[Any, ...]:
        return (self.name, int(self.turned))

    def shape(self, shapes: Sequence[Shape], parameters: tuple[Any, ...]) -> Shape:
        return shapes[0]

    def elements(self, operands: Sequence[Indexed], parameters: tuple[Any, ...]) -> Indexed:
        A, m = operands
        rows, all_axes = A.row_axes, len(A.tensor.axes)
        along = {0: range(rows), 1: range(rows, all_axes)}.get(parameters[0], range(all_axes))
        arguments = (A.tensor, m.tensor)
        return Indexed(Applied(self, arguments, A.tensor.axes, tuple(along)), rows)

    def derivative(self, head: Applied, argument: int) -> Sum:
        return constant(0, head.axes + head.arguments[argument].axes)

    def written(self, head: Applied, row: int | None, column: int | None, show: Show) -> Expression:
        a, m = head.arguments
        along = head.parameters
        turned = row is not None and column is not None and row > column
        tie = may_tie(a, along, show)
        if tie and turned:  # of the same array: rounding may leave another entry in another one
            return applied(TRANSPOSE, [self.written(head, column, row, show)])
        shown = show(a, row, column)
        if len(along) == len(a.axes):
            room = SHARED if tie else FIRST_TURNED if turned else self
            return applied(room, [shown, extreme(m, shown, None, show(m, None, None))], (None,))
        down = row in along
        axis = 0 if down else 1
        named = show(m, None, 0) if down else show(m, 0, None)
        return applied(SHARED if tie else self, [shown, extreme(m, shown, axis, named)], (axis,))

    def evaluate(self, arrays: Sequence[Array], node: Apply, sizes: Mapping[str, int]) -> Array:
        a, m = (np.swapaxes(x, -1, -2) if self.turned else x for x in arrays)
        distance, axis = lined_up(abs(real(a) - real(m)), node)
        hit: Array = np.zeros(distance.shape, arrays[0].dtype)
        np.put_along_axis(hit, np.expand_dims(np.argmin(distance, axis), axis), 1, axis)
        hit = hit.reshape(np.broadcast_shapes(a.shape, m.shape))
        return np.swapaxes(hit, -1, -2) if self.turned else hit

    def form(self, notation: str, node: Apply) -> Form:
        loose = (COMPARE + 1, COMPARE + 1)
        match notation:
            case "unicode":
                return Form("𝟙[{0} = {1}]", ATOM, loose)
            case "latex":
                return Form(r"\mathbb{{1}}\left[{0} = {1}\right]", ATOM, loose)
        return Form("where({0} == {1}, 1, 0)", ATOM, loose)


class Shared(First):
    """Where entries are equal by their formula, as those of S Sᵀ and its transpose: 1 at all that
    equal m, over how many these are."""

    name = "shared"
    summary = "1 at the entries of A that equal m, over their number; elsewhere 0."
    idempotent = False

    def evaluate(self, arrays: Sequence[Array], node: Apply, sizes: Mapping[str, int]) -> Array:
        a, m = arrays
        near = np.isclose(real(a), real(m), rtol=1e-12, atol=0)
        value: Array = near / near.sum(axis=numpy_axis(node), keepdims=True)
        return value.astype(a.dtype)

    def form(self, notation: str, node: Apply) -> Form:
        one = super().form(notation, node)
        axis = effective_axis(node)
        along = "" if axis is None else f", axis={axis}"
        word = {"unicode": "sum", "latex": r"\mathrm{{{{sum}}}}"}.get(notation, "sum")
        ways = {"unicode": "∑({})", "latex": r"\sum\left({}\right)"} if axis is None else {}
        sign = ways.get(notation, f"{word}({{}}{along})")
        return Form(f"{one.template} / {sign.format(one.template)}", PRODUCT, one.slots)


def extreme(m: Head, shown: Expression, axis: int | None, named: Expression) -> Expression:
    """The largest or smallest entry, of the very expression that it is compared with, so that no
    rounding tells the two apart; by its name where what it is taken of has one."""
    value = body_of(m)
    if isinstance(shown, Symbol) or not isinstance(value, Applied):
        return named
    room = value.operation
    return applied(room, [shown], (axis,)) if isinstance(room, Largest) else named


class Product(Whole):
    name = "prod"
    summary = (
        "The product of all entries, or along an axis. Its derivative by an entry is the product "
        "of the others, printed as `prod(A) / A`: that has no value (0 / 0) at an entry that is 0, "
        "and says so by NaN."
    )
    example = "prod(A, axis=1)"
    because = "∂p/∂aᵢ is the product of the other entries, p/aᵢ where aᵢ is not 0"
    rule = "product of entries"
    keeps = ENTRYWISE_FACTS

    def says(self, use: Use) -> str:
        if not summed_over(use):
            return ""
        at = letters(use.node.operands[0].shape)
        value, own = of_value(use, at), of_variable(use, at)
        the_others = f"the other entries of its {line}" if (line := line_of(use)) else "the others"
        derivative = f"∂{value}/∂{own} is the product of {the_others}"
        return f"{derivative}, which is {value}/{own} unless {own} is 0"

    def derivative(self, head: Applied, argument: int) -> Sum:
        (a,) = head.arguments
        i, j = labels(head.axes), labels(a.axes)
        return tensor((i, j), delta(i, others(j, head.parameters)) * head[i] * a[j] ** -1)

    def evaluate(self, arrays: Sequence[Array], node: Apply, sizes: Mapping[str, int]) -> Array:
        value: Array = np.prod(arrays[0], axis=numpy_axis(node), keepdims=True)
        return value

    def form(self, notation: str, node: Apply) -> Form | None:
        if effective_axis(node) is not None or notation not in ("unicode", "latex"):
            return named_reduction("prod", notation, node)
        return Form("∏({0})" if notation == "unicode" else r"\prod\left({0}\right)", SIGN, (0,))


def lined_up(a: Array, node: Apply) -> tuple[Array, int]:
    """The array and the axis along which to look, all entries of a matrix row by row in one."""
    axis = numpy_axis(node)
    if isinstance(axis, int):
        return a, axis
    return a.reshape(*a.shape[:-2], 1, a.shape[-2] * a.shape[-1]), -1


FIRST, FIRST_TURNED, SHARED = First(), First(turned=True), Shared()
OPERATIONS: tuple[Operation, ...] = (Largest(), Smallest(), Product())

"""softmax, log_softmax and logsumexp, stable by subtracting the largest entry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from diagrad.dimensions import UNIT, Shape, is_row, is_scalar, is_vector
from diagrad.expression import Apply, Expression
from diagrad.index.build import Indexed, delta, labels, tensor
from diagrad.index.term import Applied, Sum, constant
from diagrad.operations.arithmetic import Subtract
from diagrad.operations.functions import BY_NAME
from diagrad.operations.reductions import (
    Whole,
    named_reduction,
    numpy_axis,
    others,
    summed_over,
)
from diagrad.operations.room import (
    SUBSCRIPT_LETTERS,
    Array,
    Form,
    Operation,
    Show,
    Takes,
    Use,
    applied,
    in_brackets,
    is_name,
)
from diagrad.operations.saying import (
    Letters,
    bare,
    changed,
    entry_of,
    free_letter,
    from_above,
    handed_on,
    letters,
    of_value,
    of_variable,
    sign_of_change,
    summed,
)


class AlongAxis(Operation):
    """An operation on each row of a matrix, on the entries of a row or column, or along a given
    axis.

    In index notation its parameters are the positions of the axes it runs along.
    """

    takes = Takes(operands=("A",), axis=True)
    entrywise = False
    curved = True
    of_one: int

    def shape(self, shapes: Sequence[Shape], parameters: tuple[Any, ...]) -> Shape:
        return shapes[0]

    def elements(self, operands: Sequence[Indexed], parameters: tuple[Any, ...]) -> Indexed:
        (A,) = operands
        axes = A.tensor.axes
        along = self.along(A, parameters[0])
        if not along:
            return Indexed(constant(self.of_one, axes), A.row_axes)
        return Indexed(Applied(self, (A.tensor,), axes, along), A.row_axes)

    def written(self, head: Applied, row: int | None, column: int | None, show: Show) -> Expression:
        """Along rows or a vector without `axis`, down columns with it; or the transpose."""
        argument = show(head.arguments[0], row, column)
        if len(head.parameters) == 2:
            return self.of_everything(argument)
        return applied(self, [argument], (axis_of(head.parameters, row, column, argument),))

    def of_everything(self, argument: Expression) -> Expression:
        """Along both axes of a matrix at once, which has no word: by logsumexp."""
        raise NotImplementedError

    def along(self, A: Indexed, axis: int | None) -> tuple[int, ...]:
        rows = tuple(range(A.row_axes))
        columns = tuple(range(A.row_axes, len(A.tensor.axes)))
        if axis is None:
            return columns or rows
        return rows if axis == 0 else columns


def axis_of(
    along: tuple[int, ...], row: int | None, column: int | None, argument: Expression
) -> int | None:
    """The `axis` to write for an operation along these axes; None where it is the natural one."""
    vector = UNIT in argument.shape
    return None if vector or column in along else 0


def axis_labels(head: Applied) -> tuple[Any, Any, Any, Any]:
    """Labels i of the head's axes, a second run j of them, and those of both it runs along."""
    i, j = labels(head.arguments[0].axes), labels(head.arguments[0].axes)
    along = head.parameters
    return i, j, tuple(i[k] for k in along), tuple(j[k] for k in along)


class Softmax(AlongAxis):
    name, of_one = "softmax", 1
    summary = (
        "exp divided by its sum: along each row, over the entries of a vector, or along `axis`."
    )
    example = "softmax(A)"
    because = (
        "∂pᵢ/∂zⱼ = pᵢ(δᵢⱼ − pⱼ): every entry of z moves every entry of p, because they share "
        "the sum, so this Jacobian, diag(p) − p pᵀ, is not diagonal"
    )

    def says(self, use: Use) -> str:
        if not runs(use):
            return "the softmax of a single entry is 1 whatever it is, so its derivative is 0"
        i, j, _ = places(use)
        p, named = (use.value, "") if is_name(use.value) else named_softmax(use)
        at_i, at_j = (entry_of(p, use.node.shape, at) for at in (i, j))
        moves = f"every entry of {use.variable} moves every entry of {p}"
        slope = f"{at_i}({delta_of(i, j)} − {at_j}){named}"
        known = f"{moves}, because they share {quotient_rule(use, at_i)} = {slope}"
        if is_vector(use.node.shape):
            product = f"{p}ᵀ {p}" if is_row(use.node.shape) else f"{p} {p}ᵀ"
            return f"{known}, so the Jacobian diag({p}) − {product} is not diagonal"
        within = f"within {line(use)} {'j' if along_axis(use.node) == -2 else 'i'} {known}"
        if not use.gradient:
            return within
        of = use.incoming.removesuffix(use.value)
        both = summed(i[along_axis(use.node)], f"{of}{at_i} · {at_i}")
        return f"{within}; summed up, {of}{of_variable(use, j)} = {at_j}({of}{at_j} − {both})"

    def moves(self, use: Use) -> str:
        if not runs(use):
            return self.says(use)
        i, _, k = places(use)
        p, named = (use.value, "") if is_name(use.value) else named_softmax(use)
        change = changed(use)
        at_i, at_k = (entry_of(p, use.node.shape, at) for at in (i, k))
        own, all_of_them = (entry_of(change, use.node.shape, at) for at in (i, k))
        share = summed(k[along_axis(use.node)], f"exp({of_variable(use, k)})")
        mean = summed(k[along_axis(use.node)], f"{at_k} {all_of_them}")
        entry = entry_of(f"{sign_of_change(use)}{in_brackets(use.value)}", use.node.shape, i)
        each = "" if is_vector(use.node.shape) else f"in each {line(use)} "
        moved = f"{entry} = {at_i}({own} − {mean}){named}"
        return f"{each}all entries share {share}, so each change moves all of them: {moved}"

    facts = frozenset({"positive"})
    reuses_value = True

    def of_everything(self, argument: Expression) -> Expression:
        """exp(A − logsumexp(A))."""
        return applied(EXP, [LOG_SOFTMAX.of_everything(argument)])

    def derivative(self, head: Applied, argument: int) -> Sum:
        i, j, k, m = axis_labels(head)
        rest_i, rest_j = others(i, head.parameters), others(j, head.parameters)
        same_row = delta(rest_i, rest_j)
        return tensor((i, j), same_row * head[i] * delta(k, m) - same_row * head[i] * head[j])

    def evaluate(self, arrays: Sequence[Array], node: Apply, sizes: Mapping[str, int]) -> Array:
        e = np.exp(shifted(arrays[0], node))
        p: Array = e / e.sum(axis=along_axis(node), keepdims=True)
        return p

    def form(self, notation: str, node: Apply) -> Form | None:
        return named_reduction("softmax", notation, node)


class LogSoftmax(AlongAxis):
    name, of_one = "log_softmax", 0
    summary = "The logarithm of softmax."
    example = "log_softmax(A)"
    because = "∂ log pᵢ/∂zⱼ = δᵢⱼ − pⱼ, p the softmax"
    rule = "log-softmax"

    def says(self, use: Use) -> str:
        if not runs(use):
            return "the softmax of a single entry is 1, so its logarithm is 0 and stays it"
        i, j, k = places(use)
        p, named = named_softmax(use)
        value, z = of_value(use, i), of_variable(use, i)
        share = summed(k[along_axis(use.node)], f"exp({of_variable(use, k)})")
        entry = f"{delta_of(i, j)} − {entry_of(p, use.node.shape, j)}{named} ({explained(i, j)})"
        said = f"{value} = {z} − log({share}), so ∂{value}/∂{of_variable(use, j)} = {entry}"
        if not use.gradient:
            return said
        own, all_of_them = from_above(use, j), from_above(use, i)
        both = summed(i[along_axis(use.node)], all_of_them)
        at_j = entry_of(p, use.node.shape, j)
        return f"{said}; summed up, {handed_on(use, j)} = {own} − ({both}) {at_j}"

    def of_everything(self, argument: Expression) -> Expression:
        """A − logsumexp(A)."""
        return applied(SUBTRACT, [argument, applied(LOGSUMEXP, [argument], (None,))])

    def derivative(self, head: Applied, argument: int) -> Sum:
        i, j, k, m = axis_labels(head)
        same_row = delta(others(i, head.parameters), others(j, head.parameters))
        p = Applied(SOFTMAX, head.arguments, head.axes, head.parameters)
        return tensor((i, j), same_row * delta(k, m) - same_row * p[j])

    def evaluate(self, arrays: Sequence[Array], node: Apply, sizes: Mapping[str, int]) -> Array:
        s = shifted(arrays[0], node)
        log_p: Array = s - np.log(np.exp(s).sum(axis=along_axis(node), keepdims=True))
        return log_p

    def form(self, notation: str, node: Apply) -> Form | None:
        if notation == "latex":
            return named_reduction(r"log\,softmax", notation, node)
        return None


class LogSumExp(Whole):
    name = "logsumexp"
    summary = "log Σ exp, of all entries or along an axis."
    example = "logsumexp(A, axis=1)"
    because = "∂ log Σ exp / ∂zⱼ = exp zⱼ / Σ exp: the softmax"
    rule = "log-sum-exp"

    def says(self, use: Use) -> str:
        over, shape = summed_over(use), use.node.operands[0].shape
        if not over:
            return ""
        at = letters(shape)
        again = ["ijkl"["ij".index(c) + 2] if c in over else c for c in at]
        own, other = of_variable(use, at), of_variable(use, (again[0], again[1]))
        running = "".join("ijkl"["ij".index(c) + 2] for c in over)
        share = f"exp({own})/({summed(running, f'exp({other})')})"
        where = "" if is_scalar(use.node.shape) else f" of each {line(use)}"
        return f"∂{of_value(use, at)}/∂{own} = {share}: the softmax{where}"

    def derivative(self, head: Applied, argument: int) -> Sum:
        (z,) = head.arguments
        i, j = labels(head.axes), labels(z.axes)
        p = Applied(SOFTMAX, (z,), z.axes, head.parameters)
        return tensor((i, j), delta(i, others(j, head.parameters)) * p[j])

    def evaluate(self, arrays: Sequence[Array], node: Apply, sizes: Mapping[str, int]) -> Array:
        axis = numpy_axis(node)
        top = np.max(np.real(arrays[0]), axis=axis, keepdims=True)
        value: Array = np.log(np.exp(arrays[0] - top).sum(axis=axis, keepdims=True)) + top
        return value

    def form(self, notation: str, node: Apply) -> Form | None:
        return named_reduction("logsumexp", notation, node)


def quotient_rule(use: Use, value: str) -> str:
    """s = Σₖ exp(zₖ); quotient rule: ∂pᵢ/∂zⱼ = δᵢⱼ exp(zᵢ)/s − exp(zᵢ) exp(zⱼ)/s²."""
    i, j, k = places(use)
    s = free_letter(use, "scqSC")
    own, by, running = (of_variable(use, at) for at in (i, j, k))
    share = f"{s} = {summed(k[along_axis(use.node)], f'exp({running})')}"
    quotient = f"{delta_of(i, j)} exp({own})/{s} − exp({own}) exp({by})/{s}²"
    return f"{share}; quotient rule: ∂{value}/∂{by} = {quotient}"


def runs(use: Use) -> bool:
    """Whether it runs over more than one entry."""
    return use.node.shape[along_axis(use.node)] != UNIT


def line(use: Use) -> str:
    """What it runs along."""
    return "column" if along_axis(use.node) == -2 else "row"


def places(use: Use) -> tuple[Letters, Letters, Letters]:
    """Where an entry of the value stands, one of the operand, and those of the sum."""
    if is_vector(use.node.shape):
        return ("i", "i"), ("j", "j"), ("k", "k")
    if along_axis(use.node) == -2:
        return ("i", "j"), ("k", "j"), ("l", "j")
    return ("i", "j"), ("i", "k"), ("i", "l")


def delta_of(i: Letters, j: Letters) -> str:
    """δ of the labels that differ."""
    first, second = next(pair for pair in zip(i, j, strict=True) if pair[0] != pair[1])
    return f"δ{SUBSCRIPT_LETTERS[first]}{SUBSCRIPT_LETTERS[second]}"


def explained(i: Letters, j: Letters) -> str:
    first, second = next(pair for pair in zip(i, j, strict=True) if pair[0] != pair[1])
    return f"{delta_of(i, j)} is 1 for {first} = {second}, else 0"


def named_softmax(use: Use, k: int = 0) -> tuple[str, str]:
    """A letter for the softmax of operand k, that the use does not speak of, and what it is."""
    letter = free_letter(use, "pqr" if UNIT in use.node.operands[k].shape else "PQR")
    down = use.node.parameters == (0,) and UNIT not in use.node.shape
    return letter, f" with {letter} = softmax({bare(use.operands[k])}{', axis=0' if down else ''})"


def along_axis(node: Apply) -> int:
    axis: int | None = node.parameters[0]
    if axis is None:
        return -2 if node.shape[1] == UNIT else -1
    return axis - 2


def shifted(a: Array, node: Apply) -> Array:
    top: Array = np.max(np.real(a), axis=along_axis(node), keepdims=True)
    return a - top


EXP, SUBTRACT = BY_NAME["exp"], Subtract()
SOFTMAX, LOG_SOFTMAX, LOGSUMEXP = Softmax(), LogSoftmax(), LogSumExp()
OPERATIONS: tuple[Operation, ...] = (SOFTMAX, LOG_SOFTMAX, LOGSUMEXP)

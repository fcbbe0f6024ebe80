"""Losses: each is its textbook composition of other operations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from diagrad.dimensions import SCALAR, UNIT, Shape, is_scalar
from diagrad.expression import Apply
from diagrad.index.build import Indexed, extent, labels, matrix
from diagrad.operations.functions import function
from diagrad.operations.room import (
    Array,
    Operation,
    Takes,
    Use,
    entry,
    in_brackets,
    same_axes,
    together,
)
from diagrad.operations.saying import (
    Letters,
    count,
    entry_of,
    factor,
    held,
    letters,
    of_operand,
    of_variable,
    summed,
)
from diagrad.operations.saying import labels as labels_at
from diagrad.operations.softmax import LogSoftmax, named_softmax


class Loss(Operation):
    """A scalar from two values compared entry by entry."""

    entrywise = False
    curved = True

    def shape(self, shapes: Sequence[Shape], parameters: tuple[Any, ...]) -> Shape:
        together(shapes, "compare")
        return SCALAR


def broad(use: Use) -> Shape:
    """The shape in which the operands are compared."""
    return together([operand.shape for operand in use.node.operands], "compare")


def compared(use: Use) -> tuple[Letters, str]:
    """The letters of the operands, and the labels over which that of the way stretches."""
    shape, own = broad(use), use.node.operands[use.operand].shape
    at = letters(shape)
    return at, "".join(c for a, b, c in zip(shape, own, at, strict=True) if a != b)


def added_up(rest: str, local: str) -> str:
    """The sum over the labels `rest`, if there are any."""
    return summed(rest, factor(local)) if rest else local


class CrossEntropy(Loss):
    name = "cross_entropy"
    takes = Takes(operands=("y", "yhat"))
    summary = "−Σ y log ŷ."
    example = "cross_entropy(B, prob_A)"
    because = "cross-entropy is −Σ y log ŷ"
    rule = "cross-entropy"

    def says(self, use: Use) -> str:
        at, rest = compared(use)
        y, yhat = (of_operand(use, k, at) for k in range(2))
        local = f"−log {yhat}" if use.operand == 0 else f"−{y}/{yhat}"
        derivative = f"{held(use)}∂{in_brackets(use.value)}/∂{of_variable(use, at)}"
        whole = summed(labels_at(broad(use), at), f"{y} log {yhat}")
        return f"{use.value} = −{whole}, so {derivative} = {added_up(rest, local)}"

    def elements(self, operands: Sequence[Indexed], parameters: tuple[Any, ...]) -> Indexed:
        rows, columns = same_axes(operands)
        i, j = labels(rows), labels(columns)
        y, yhat = (entry(operand, i, j) for operand in operands)
        return matrix((), (), -(y * function("log")(yhat)))

    def evaluate(self, arrays: Sequence[Array], node: Apply, sizes: Mapping[str, int]) -> Array:
        y, yhat = arrays
        loss: Array = -np.sum(y * np.log(yhat), axis=(-2, -1), keepdims=True)
        return loss


class SoftmaxCrossEntropy(Loss):
    name = "softmax_cross_entropy"
    takes = Takes(operands=("y", "z"))
    summary = (
        "−Σ y log_softmax(z), z the scores, the softmax along each row "
        "(of a column: over its entries)."
    )
    example = "softmax_cross_entropy(B, A)"
    because = "cross-entropy after softmax is −Σ y log_softmax(z)"
    rule = "cross-entropy after softmax"

    def says(self, use: Use) -> str:
        z = use.node.operands[1]
        if is_scalar(z.shape):
            return "the softmax of a single entry is 1, so its logarithm is 0 and so is the loss"
        at, rest = compared(use)
        letter, named = named_softmax(use, 1)
        p, own, label = entry_of(letter, z.shape, at), of_variable(use, at), of_operand(use, 0, at)
        loss = f"{use.value} = −{summed(labels_at(broad(use), at), f'{label} log {p}')}{named}"
        derivative = f"{held(use)}∂{in_brackets(use.value)}/∂{own}"
        if use.operand == 0:
            return f"{loss}, so {derivative} = {added_up(rest, f'−log {p}')}"
        axis = 0 if z.shape[1] == UNIT else 1
        along = ("k", at[1]) if axis == 0 else (at[0], "k")
        total = f"Σₖ {of_operand(use, 0, along)}"
        if use.node.operands[0].shape[axis] == UNIT:
            total = f"{factor(use.size(z.shape[axis]))} {label}"
        inside = f"{p} ({total}) − {label}"
        if rest:
            return f"{loss}, so {derivative} = {added_up(rest, inside)}"
        entries = f"{loss}, so {derivative} = {inside}"
        return f"{entries}; where {total} = 1, as in a one-hot label, this is {p} − {label}"

    def elements(self, operands: Sequence[Indexed], parameters: tuple[Any, ...]) -> Indexed:
        y, z = operands
        log_p = LogSoftmax().elements([z], (None,))
        rows, columns = same_axes([y, log_p])
        i, j = labels(rows), labels(columns)
        return matrix((), (), -(entry(y, i, j) * entry(log_p, i, j)))

    def evaluate(self, arrays: Sequence[Array], node: Apply, sizes: Mapping[str, int]) -> Array:
        y, z = arrays
        axis = -2 if node.operands[1].shape[1] == UNIT else -1
        s = z - np.max(np.real(z), axis=axis, keepdims=True)
        log_p = s - np.log(np.exp(s).sum(axis=axis, keepdims=True))
        loss: Array = -np.sum(y * log_p, axis=(-2, -1), keepdims=True)
        return loss


class MeanSquaredError(Loss):
    name = "mse"
    takes = Takes(operands=("a", "b"))
    summary = "The mean of (a − b)²."
    example = "mse(A, B)"
    because = "the mean of squares is a sum of squares divided by the number of entries"
    rule = "mean squared error"

    def says(self, use: Use) -> str:
        at, rest = compared(use)
        own, other = of_variable(use, at), of_operand(use, 1 - use.operand, at)
        number = count(broad(use), use)
        local = summed(rest, f"2({own} − {other})/{factor(number)}")
        derivative = f"{held(use)}∂{in_brackets(use.value)}/∂{own} = {local}"
        return f"{use.value} is the mean of {number} squared differences, so {derivative}"

    def elements(self, operands: Sequence[Indexed], parameters: tuple[Any, ...]) -> Indexed:
        rows, columns = same_axes(operands)
        i, j = labels(rows), labels(columns)
        a, b = (entry(operand, i, j) for operand in operands)
        square = (a - b) ** 2
        for label in (*i, *j):
            square = square / extent(label.size)
        return matrix((), (), square)

    def evaluate(self, arrays: Sequence[Array], node: Apply, sizes: Mapping[str, int]) -> Array:
        a, b = arrays
        loss: Array = np.mean((a - b) ** 2, axis=(-2, -1), keepdims=True)
        return loss


OPERATIONS: tuple[Operation, ...] = (CrossEntropy(), SoftmaxCrossEntropy(), MeanSquaredError())

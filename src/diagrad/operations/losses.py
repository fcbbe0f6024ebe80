"""Losses: each is its textbook composition of other operations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from diagrad.dimensions import SCALAR, UNIT, Shape
from diagrad.expression import Apply
from diagrad.index.build import Indexed, extent, labels, matrix
from diagrad.operations.functions import function
from diagrad.operations.room import Array, Operation, Takes, entry, same_axes, together
from diagrad.operations.softmax import LogSoftmax


class Loss(Operation):
    """A scalar from two values compared entry by entry."""

    def shape(self, shapes: Sequence[Shape], parameters: tuple[Any, ...]) -> Shape:
        together(shapes, "compare")
        return SCALAR


class CrossEntropy(Loss):
    name = "cross_entropy"
    takes = Takes(operands=("y", "yhat"))
    summary = "−Σ y log ŷ."
    example = "cross_entropy(B, prob_A)"
    because = "cross-entropy is −Σ y log ŷ"

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

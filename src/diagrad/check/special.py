"""Answers that are right in a special case alone: a symmetric matrix, labels that sum to 1,
matrices that commute."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from diagrad.check.running import Failed, Running
from diagrad.check.witness import Point, apart, at
from diagrad.expression import is_call, walk
from diagrad.operations.room import Array

if TYPE_CHECKING:
    from diagrad.check.judge import Judge

Change = Callable[[str, Array], Array]
CLOSE = 1e-9


def special(judge: Judge) -> str | None:
    """The kind of mistake of an answer that is right in a special case, or None."""
    for kind, change in _cases(judge):
        if all(_right(judge, point, change) for point in judge.bench.looked_at):
            return kind
    return None


def _cases(judge: Judge) -> Iterator[tuple[str, Change]]:
    source = judge.bench.problem.source
    square = {n for n in source.variables if _is_square(judge, n)}
    free = {n for n in square if source.variables[n].facts <= {"invertible"}}
    if free:
        yield "special-case", lambda n, a: (a + a.T) / 2 if n in free else a
    softmaxed = any(
        is_call(node, *MIXING) for d in source.definitions.values() for node in walk(d.expression)
    )
    if softmaxed:
        for name in sorted(_labels(judge)):
            for axis in (0, 1):
                if source.variables[name].shape[axis].number != 1:
                    yield "fused-identity", _summing(name, axis)
    simple = {n for n in square if source.variables[n].facts <= SIMPLE}
    if simple and _inverts(judge):
        yield "scalar-rule", lambda n, a: np.diag(np.diag(a)) if n in simple else a


def _labels(judge: Judge) -> set[str]:
    """Variables that could be labels: nothing else is declared of them than a sign, and no softmax
    depends on them."""
    source = judge.bench.problem.source
    loose = {n for n, d in source.variables.items() if d.facts <= {"positive", "nonneg"}}
    for node in (n for e in judge.bench.expressions for n in walk(e)):
        if is_call(node, *MIXING):
            operands = node.operands[-1:]  # of softmax_cross_entropy(y, z) the logits
            loose -= {n for operand in operands for n in source.needed(operand)}
    return loose - set(judge.bench.wrt)


SIMPLE = frozenset({"invertible", "symmetric", "spd", "positive", "nonneg"})
MIXING = frozenset({"softmax", "log_softmax", "logsumexp", "softmax_cross_entropy", "sigmoid"})
INVERSES = frozenset({"inv", "pinv", "solve", "det", "logdet", "**"})


def _summing(name: str, axis: int) -> Change:
    def change(n: str, a: Array) -> Array:
        if n != name:
            return a
        positive = np.abs(a) + 0.1
        return np.asarray(positive / positive.sum(axis=axis, keepdims=True))

    return change


def _is_square(judge: Judge, name: str) -> bool:
    shape = judge.bench.source.variables[name].shape
    return shape[0] == shape[1] and shape[0].number != 1


def _inverts(judge: Judge) -> bool:
    answer = [claim.expression for line in judge.lines for claim in line.claims]
    expressions = [*judge.bench.expressions, *answer]
    return any(is_call(node, *INVERSES) for e in expressions for node in walk(e))


def _right(judge: Judge, point: Point, change: Change) -> bool:
    """Whether the answer is right at a point that is moved into the special case."""
    arrays = {n: change(n, a) for n, a in point.drawn.arrays.items()}
    try:
        moved = at(point.target, replace(point.drawn, arrays=arrays))
        value = Running(judge.work, moved).claim(judge.last, judge.wrong_claim())
    except (Failed, ValueError, ArithmeticError, np.linalg.LinAlgError):
        return False
    truth = judge.laid_out(moved)
    return value.shape == truth.shape and apart(value, truth) < CLOSE

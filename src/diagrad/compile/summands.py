"""The terms of a sum over a dimension, as a column: those of `-sum(Y * log(Yhat)) / N` over N are
`-sum(Y * log(Yhat), axis=1) / N`."""

from __future__ import annotations

from diagrad.dimensions import SCALAR, UNIT, Size, is_scalar
from diagrad.expression import Apply, Expression, Number, Symbol, is_call, number
from diagrad.language import Source
from diagrad.operations import OPERATORS, WORDS
from diagrad.operations.room import applied


def summands(source: Source, expression: Expression, dimension: str) -> Expression | None:
    """A column of the terms whose sum over the dimension the scalar is; None where it is none that
    is known: a sum, mean, squared norm or trace of rows, and sums and multiples of these."""
    sizes = {d.name: Size.named(d) for d in source.dimensions}
    return _Summands(source, sizes[dimension]).of(expression) if dimension in sizes else None


class _Summands:
    def __init__(self, source: Source, size: Size) -> None:
        self.source, self.size = source, size

    def of(self, node: Expression) -> Expression | None:
        if isinstance(node, Symbol) and node.name in self.source.definitions:
            return self.of(self.source.definitions[node.name].expression)
        if not isinstance(node, Apply):
            return None
        if is_call(node, "sum", "mean") and node.parameters[0] is None:
            return self._rows(node)
        if is_call(node, "**") and is_call(node.operands[0], "norm"):
            norm, power = node.operands
            assert isinstance(norm, Apply)
            if isinstance(power, Number) and power.value == 2 and norm.parameters[0] is None:
                return self._row_sums(applied(WORDS["square"], [norm.operands[0]]))
            return None
        if is_call(node, "+", "-"):
            parts = [self.of(operand) for operand in node.operands]
            known = [part for part in parts if part is not None]
            return applied(node.operation, known) if len(known) == len(parts) else None
        return self._multiple(node)

    def _multiple(self, node: Apply) -> Expression | None:
        """−s, c s, s c or s / c for a number c that holds for all rows."""
        if is_call(node, "negate"):
            inner = self.of(node.operands[0])
            return None if inner is None else applied(node.operation, [inner])
        if not is_call(node, "*", "/"):
            return None
        for k, operand in enumerate(node.operands[: 1 if is_call(node, "/") else 2]):
            inner = self.of(operand)
            if inner is not None and is_scalar(node.operands[1 - k].shape):
                pair = [*node.operands]
                pair[k] = inner
                return applied(node.operation, pair)
        return None

    def _rows(self, node: Apply) -> Expression | None:
        rows = self._row_sums(node.operands[0])
        if rows is None or is_call(node, "sum"):
            return rows
        count: Expression = number(1)
        for size in node.operands[0].shape:
            count = applied(OPERATORS["*"], [count, _count(size)])
        return applied(OPERATORS["/"], [rows, count])

    def _row_sums(self, matrix: Expression) -> Expression | None:
        """The sums of rows, one row for each value of the dimension."""
        if matrix.shape == (UNIT, self.size):
            return applied(OPERATORS["T"], [matrix])
        if matrix.shape[0] != self.size:
            return None
        return matrix if matrix.shape[1] == UNIT else applied(WORDS["sum"], [matrix], (1,))


def _count(size: Size) -> Expression:
    """A size as a number."""
    total: Expression | None = None
    for dimensions, coefficient in size.terms:
        term: Expression = number(coefficient)
        for dimension in dimensions:
            symbol = Symbol(SCALAR, dimension.name, "dimension")
            term = symbol if term == number(1) else applied(OPERATORS["*"], [term, symbol])
        total = term if total is None else applied(OPERATORS["+"], [total, term])
    assert total is not None
    return total

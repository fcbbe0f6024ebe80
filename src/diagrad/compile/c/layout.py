"""Tensors laid out as loops read them: what is read often and across is stored turned before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from diagrad.compile.statements import (
    LOCAL,
    Buffer,
    Loop,
    Read,
    Schedule,
    Statement,
    count_of,
    reads,
    replaced,
)

# A tensor is turned where each of its entries is read more often than this.
OFTEN = 2


# What is done of a loop by other means, for given sizes of its labels.
Other = Callable[[Loop, Mapping[int, int]], object | None]


def laid_out(schedule: Schedule, other: Other) -> Schedule:
    """The schedule, in which loops read side by side along the last axis of their target."""
    return _Layout(schedule, other).schedule()


class _Layout:
    def __init__(self, old: Schedule, other: Other) -> None:
        self.old, self.other = old, other
        self.turned: dict[tuple[Buffer, tuple[int, ...]], Buffer] = {}

    def schedule(self) -> Schedule:
        statements = tuple(s for old in self.old.statements for s in self._statement(old))
        return Schedule(self.old.inputs, self.old.outputs, statements, self.old.sizes)

    def _statement(self, statement: Statement) -> Iterator[Statement]:
        written = isinstance(statement, Loop) and statement.reduce in ("sum", "") and statement.at
        if not isinstance(statement, Loop) or not written or statement.at != statement.free:
            yield statement
            return
        size = {k: axis.evaluate(self.old.sizes) for k, axis in statement.sizes.items()}
        if self.other(statement, size) is not None:
            yield statement
            return
        j = statement.at[-1]
        used = [read for read in reads(statement.body) if j in read.at]
        across = [r for r in used if r.at[-1] != j and r.at.count(j) == 1]
        work = count_of(self.old.sizes, list(statement.sizes.values()))
        if not across or not all(self._is_often(read, work) for read in across):
            yield statement
            return
        body = statement.body
        for read in dict.fromkeys(across):
            order = (*(k for k in range(len(read.at)) if read.at[k] != j), read.at.index(j))
            if (read.buffer, order) not in self.turned:
                yield self._turn(read.buffer, order)
            buffer = self.turned[read.buffer, order]
            body = replaced(body, read, Read(buffer, tuple(read.at[k] for k in order)))
        yield statement._replace(body=body)

    def _is_often(self, read: Read, work: int) -> bool:
        return work > OFTEN * count_of(self.old.sizes, read.buffer.axes)

    def _turn(self, buffer: Buffer, order: tuple[int, ...]) -> Loop:
        """The statement that stores a tensor with its axes in this order."""
        axes = tuple(buffer.axes[k] for k in order)
        new = self.turned[buffer, order] = Buffer(f"{buffer.name}_turned", axes, LOCAL)
        body = Read(buffer, tuple(order.index(k) for k in range(len(order))))
        return Loop(new, tuple(range(len(axes))), body, dict(enumerate(axes)))

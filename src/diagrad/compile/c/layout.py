"""Tensors laid out as loops read them: what is read often and across is stored turned before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from diagrad.compile.statements import (
    LOCAL,
    Buffer,
    Call,
    Loop,
    Read,
    Schedule,
    Statement,
    count_of,
    factors_of,
    reads,
    relabelled,
    replaced,
    used,
)

# A tensor is turned where each of its entries is read more often than this.
OFTEN = 2


# What is done of a loop by other means, for given sizes of its labels.
Other = Callable[[Loop, Mapping[int, int]], object | None]


def laid_out(schedule: Schedule, other: Other) -> Schedule:
    """The schedule, in which loops read side by side along the last axis of their target."""
    return _Layout(_weighted(schedule, other), other).schedule()


def _weighted(schedule: Schedule, other: Other) -> Schedule:
    """The schedule without the tensors A diag(w) of large products Aᵀ diag(w) A alone."""

    def weighted(product: Loop, read: Read, scaled: Loop) -> Loop | None:
        whole = _with_factors(product, read, scaled)
        large = whole is not None and other(whole, _sizes(whole, schedule)) is not None
        return whole if large else None

    return without_copies(schedule, weighted)


def without_copies(
    schedule: Schedule, merged: Callable[[Loop, Read, Loop], Loop | None]
) -> Schedule:
    """The schedule without the tensors, filled entry by entry, that a sum alone reads, in one
    place: where `merged` makes one loop of the sum, this read and what fills the tensor."""
    statements = list(schedule.statements)
    fills = Counter(s.target for s in statements)
    uses = Counter(buffer for s in statements for buffer in set(used(s)))
    for copy in schedule.statements:
        buffer = copy.target
        if buffer.role != LOCAL or not isinstance(copy, Loop) or copy.reduce or copy.adds:
            continue
        if copy.at != copy.free or fills[buffer] != 1 or uses[buffer] != 1:
            continue
        place, of = next((k, s) for k, s in enumerate(statements) if buffer in used(s))
        if not isinstance(of, Loop) or of.reduce != "sum":
            continue
        read, *others = (
            r for entry in (of.body, of.finish) for r in reads(entry) if r.buffer is buffer
        )
        whole = None if others or read in reads(of.finish) else merged(of, read, copy)
        if whole is not None:
            statements[place] = whole
            statements.remove(copy)
    return replace(schedule, statements=tuple(statements))


def _with_factors(product: Loop, read: Read, scaled: Loop) -> Loop | None:
    """A sum in which what another loop stores is what it stores."""
    inner = tuple(reads(scaled.body))
    if not product.symmetric or factors_of(scaled.body) != inner:
        return None
    at = dict(zip(scaled.at, read.at, strict=True))
    others = (f for f in factors_of(product.body) if f != read)
    return product._replace(body=Call("*", (*others, *(relabelled(r, at) for r in inner))))


def _sizes(loop: Loop, schedule: Schedule) -> dict[int, int]:
    return {k: axis.evaluate(schedule.sizes) for k, axis in loop.sizes.items()}


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
        if self.other(statement, _sizes(statement, self.old)) is not None:
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

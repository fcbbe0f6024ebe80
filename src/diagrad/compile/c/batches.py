"""Statements about one example after the other: what is large for all examples stays near the
processor for one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from diagrad.compile.c.loops import Machine
from diagrad.compile.statements import (
    LOCAL,
    ZERO,
    Buffer,
    Loop,
    Read,
    Schedule,
    Statement,
    count_of,
    reads,
    replaced,
    used,
)
from diagrad.dimensions import Size

# The label along which examples lie, and the axes that the tensors of one example have at least.
EXAMPLE, FEWEST_AXES = 0, 2
# Tensors of so many bytes in all are near the processor anyway; those of one example, of so many
# bytes each, may be.
NEAR, MOST = 1 << 15, 1 << 16


class Batch(NamedTuple):
    """Statements that run one after the other for each value of a label, or a single one alone.
    `axis` is its size, `own` are the tensors that stand for one value."""

    statements: tuple[Statement, ...]
    label: int | None = None
    axis: tuple[Size, ...] = ()
    own: frozenset[Buffer] = frozenset()


def batched(schedule: Schedule, machine: Machine) -> list[Batch]:
    """The statements of a schedule in an order in which those about examples stand together."""
    return list(_Batches(schedule, machine).batches())


class _Batches:
    def __init__(self, schedule: Schedule, machine: Machine) -> None:
        self.schedule, self.machine = schedule, machine
        self.waiting: list[Loop] = []

    def batches(self) -> Iterator[Batch]:
        for statement in self.schedule.statements:
            if isinstance(statement, Loop) and self._is_by_example(statement):
                if not self._joins(statement):
                    yield from self._together()
                self.waiting.append(statement)
                continue
            if self._depends(statement):
                yield from self._together()
            yield Batch((statement,))
        yield from self._together()

    def _is_by_example(self, loop: Loop) -> bool:
        """Whether a loop fills tensors of some axes, not large, one for each example."""
        if len(loop.at) <= FEWEST_AXES or loop.at[0] != EXAMPLE or loop.at.count(EXAMPLE) != 1:
            return False
        *_, last = sizes = [axis.evaluate(self.schedule.sizes) for axis in loop.target.axes[1:]]
        size = {k: axis.evaluate(self.schedule.sizes) for k, axis in loop.sizes.items()}
        return (
            loop.body != ZERO
            and last >= self.machine.lanes
            and self._bytes(loop.target) <= MOST * size[EXAMPLE]
            and min(sizes) > 1
            and self.machine.product(loop, size) is None
        )

    def _bytes(self, buffer: Buffer) -> int:
        return count_of(self.schedule.sizes, buffer.axes) * self.machine.each

    def _joins(self, loop: Loop) -> bool:
        """Whether a loop reads, of what waits, entries of its own example alone."""
        if not self.waiting:
            return True
        made = {w.target for w in self.waiting}
        taken = {buffer for w in self.waiting for buffer in used(w)}
        same = loop.sizes[EXAMPLE] == self.waiting[0].sizes[EXAMPLE]
        own = all(
            read.at[0] == EXAMPLE
            for entry in (loop.body, loop.finish)
            for read in reads(entry)
            if read.buffer in made
        )
        return same and own and (loop.target in made or loop.target not in taken)

    def _depends(self, statement: Statement) -> bool:
        """Whether a statement has to come after what waits."""
        made = {w.target for w in self.waiting}
        taken = {buffer for w in self.waiting for buffer in used(w)}
        return statement.target in made | taken or not made.isdisjoint(used(statement))

    def _together(self) -> Iterator[Batch]:
        """What waits, for one example after the other where that keeps much near."""
        group, self.waiting = self.waiting, []
        own = self._own(group)
        if sum(map(self._bytes, own)) <= NEAR:
            yield from (Batch((loop,)) for loop in group)
            return
        of_one = {b: Buffer(b.name, b.axes[1:], LOCAL) for b in own}
        statements = tuple(_of_one(loop, of_one) for loop in group)
        axis = (group[0].sizes[EXAMPLE],)
        yield Batch(statements, EXAMPLE, axis, frozenset(of_one.values()))

    def _own(self, group: Sequence[Loop]) -> Iterable[Buffer]:
        """The tensors that no statement outside a group has to do with."""
        inside = set(map(id, group))
        outside = {
            buffer
            for s in self.schedule.statements
            if id(s) not in inside
            for buffer in (s.target, *used(s))
        }
        targets = dict.fromkeys(loop.target for loop in group)
        return [b for b in targets if b.role == LOCAL and b not in outside]


def _of_one(loop: Loop, of_one: dict[Buffer, Buffer]) -> Loop:
    """A loop for one example: these tensors lose their first axis."""
    body, finish = loop.body, loop.finish
    for read in {r: None for entry in (body, finish) for r in reads(entry)}:
        if read.buffer in of_one:
            new = Read(of_one[read.buffer], read.at[1:])
            body, finish = replaced(body, read, new), replaced(finish, read, new)
    loop = loop._replace(body=body, finish=finish)
    if loop.target not in of_one:
        return loop
    return loop._replace(target=of_one[loop.target], at=loop.at[1:])

"""What a schedule is made of: tensors that are stored, and the loops that fill them.

A back end writes these loops in its own language and knows nothing of derivatives.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import prod
from typing import Any, NamedTuple

from diagrad.dimensions import Size
from diagrad.index.term import Applied, Labels

INPUT, OUTPUT, LOCAL, PANEL = "input", "output", "local", "panel"


@dataclass(frozen=True, eq=False)
class Buffer:
    """A stored tensor, row-major in its axes; unit axes are left out. `role` is "input", "output",
    "local" or, for what has some columns of a tensor at a time, "panel"."""

    name: str
    axes: tuple[Size, ...]
    role: str


class Read(NamedTuple):
    """One entry of a stored tensor."""

    buffer: Buffer
    at: Labels


class Literal(NamedTuple):
    value: Fraction


class Count(NamedTuple):
    """A dimension, as a number."""

    name: str


class Named(NamedTuple):
    """A named constant: pi."""

    name: str


class Equal(NamedTuple):
    """1 where two labels are equal, otherwise 0."""

    at: Labels


class DigitOf(NamedTuple):
    """1 where the second label is a digit of the first, (first // faster) % size, otherwise 0."""

    at: Labels
    faster: Size
    size: Size


class Result(NamedTuple):
    """What a loop has added up, in the formula that finishes an entry."""


class Call(NamedTuple):
    """A function of entries: "+", "*", "**", or that of a room."""

    name: str
    arguments: tuple[Entry, ...]
    parameters: tuple[Any, ...] = ()


ZERO = Literal(Fraction(0))
Entry = Read | Literal | Count | Named | Equal | DigitOf | Result | Call


class Loop(NamedTuple):
    """target[at] = finish(reduce of body over the labels `over`), for all values of `at`.

    A label that stands in `at` twice fills a diagonal. `reduce` is "sum", "max", "min", "prod", or
    "" where nothing is reduced; `adds` says that the target has a value to which it is added,
    `symmetric` that exchanging the last two labels leaves the sum, not yet finished, as it is,
    `loose` that NaN may get lost. `panels` fill what this loop alone reads, for some values of its
    last label at a time.
    """

    target: Buffer
    at: Labels
    body: Entry
    sizes: Mapping[int, Size]
    over: Labels = ()
    reduce: str = ""
    finish: Entry = Result()
    adds: bool = False
    symmetric: bool = False
    loose: bool = False
    panels: tuple[Loop, ...] = ()

    @property
    def free(self) -> Labels:
        """The labels of the target, each once."""
        return tuple(dict.fromkeys(self.at))


class Library(NamedTuple):
    """target = an operation on whole tensors, which a back end has or has not."""

    target: Buffer
    head: Applied
    arguments: tuple[Buffer, ...]


Statement = Loop | Library


@dataclass(frozen=True)
class Schedule:
    """Statements over inputs, outputs and local tensors; `sizes` are those it was made for."""

    inputs: tuple[Buffer, ...]
    outputs: tuple[Buffer, ...]
    statements: tuple[Statement, ...]
    sizes: Mapping[str, int] = field(compare=False)

    @property
    def buffers(self) -> list[Buffer]:
        """All tensors, in order of appearance."""
        return [*self.inputs, *self.outputs, *self.locals]

    @property
    def locals(self) -> list[Buffer]:
        """The local tensors in the order in which they are filled."""
        targets = dict.fromkeys(s.target for s in self.statements)
        return [buffer for buffer in targets if buffer.role == LOCAL]


class Unwritten(Exception):
    """What a back end has no code for."""


def reads(entry: Entry) -> Iterator[Read]:
    """The reads that stand in an entry."""
    if isinstance(entry, Read):
        yield entry
    elif isinstance(entry, Call):
        for argument in entry.arguments:
            yield from reads(argument)


def used(statement: Statement) -> Iterator[Buffer]:
    """The tensors that a statement reads."""
    if isinstance(statement, Library):
        yield from statement.arguments
        return
    for entry in (*(panel.body for panel in statement.panels), statement.body, statement.finish):
        yield from (read.buffer for read in reads(entry) if read.buffer.role != PANEL)


def factors_of(entry: Entry) -> tuple[Entry, ...]:
    """The factors of a product, or the entry alone."""
    if isinstance(entry, Call) and entry.name == "*":
        return tuple(f for argument in entry.arguments for f in factors_of(argument))
    return (entry,)


def replaced(entry: Entry, old: Read, new: Read) -> Entry:
    """The entry with one read in place of another."""
    if isinstance(entry, Call):
        return entry._replace(arguments=tuple(replaced(a, old, new) for a in entry.arguments))
    return new if entry == old else entry


def relabelled(entry: Entry, at: Mapping[int, int]) -> Entry:
    """The entry with the labels of its reads renamed."""
    if isinstance(entry, Call):
        return entry._replace(arguments=tuple(relabelled(a, at) for a in entry.arguments))
    return entry._replace(at=tuple(at[k] for k in entry.at)) if isinstance(entry, Read) else entry


def work_of(schedule: Schedule) -> int:
    """How often the bodies of all loops are run."""
    loops = [s for s in schedule.statements if isinstance(s, Loop)]
    axes = ([loop.sizes[k] for k in (*loop.free, *loop.over)] for loop in loops)
    return sum(count_of(schedule.sizes, sizes) for sizes in axes)


def count_of(sizes: Mapping[str, int], axes: Sequence[Size]) -> int:
    """How many entries a tensor with such axes has."""
    return prod(size.evaluate(sizes) for size in axes)

"""The statements that compute what is asked for, in order: which tensors are stored, and the loops
that fill them.

A back end writes these loops in its own language and knows nothing of derivatives.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import prod
from typing import Any, NamedTuple

from diagrad.compile.plan import Planner, smallest_equal
from diagrad.dimensions import Size
from diagrad.index.composite import around
from diagrad.index.term import (
    Applied,
    Constant,
    Delta,
    Digit,
    Extent,
    Factor,
    Head,
    Labels,
    Numeral,
    Rational,
    Sum,
    Term,
    Variable,
)
from diagrad.operations.functions import TABLE
from diagrad.recursion import deep_recursion

INPUT, OUTPUT, LOCAL = "input", "output", "local"


@dataclass(frozen=True, eq=False)
class Buffer:
    """A stored tensor, row-major in its axes; unit axes are left out. `role` is "input", "output"
    or "local"."""

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


Entry = Read | Literal | Count | Named | Equal | DigitOf | Result | Call


class Loop(NamedTuple):
    """target[at] = finish(reduce of body over the labels `over`), for all values of the labels `at`.

    A label that stands in `at` twice fills a diagonal. `reduce` is "sum", "max", "min", "prod", or
    "" where nothing is reduced; `adds` says that the target has a value to which it is added,
    `symmetric` that the sum is a symmetric matrix.
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


REDUCTIONS = frozenset({"max", "min", "prod"})
# What an operation costs beside a multiplication; functions that only choose cost as much as one.
FUNCTION, DIVISION, CHOICE = 20, 5, 1
CHOICES = frozenset("relu step abs sign maximum minimum clip where square".split())  # noqa: SIM905
# Storing an entry, and reading it again.
STORE, LOAD = 2, 1


def is_reduction(head: Head) -> bool:
    """Whether a tensor is made by running over labels that it does not have."""
    if isinstance(head, Applied):
        return not head.operation.entrywise
    return isinstance(head, Sum) and any(term.bound for term in head.terms)


def is_leaf(head: Head) -> bool:
    return isinstance(head, Variable | Constant | Extent | Numeral | Delta)


def scheduled(
    goals: Sequence[tuple[str, Head]],
    inputs: Sequence[Variable],
    names: Mapping[Head, str],
    sizes: Mapping[str, int],
) -> Schedule:
    """The schedule for heads by name; `names` are what definitions are called."""
    planner = Planner(sizes)
    with deep_recursion():
        planned = [(name, planner.planned(head)) for name, head in goals]
        called = {planner.planned(head): name for head, name in names.items()}
        return _Scheduler(planner, inputs, called).schedule(planned)


class _Scheduler:
    def __init__(
        self, planner: Planner, inputs: Sequence[Variable], names: Mapping[Head, str]
    ) -> None:
        self.planner, self.names = planner, names
        self.inputs: dict[Head, Buffer] = {v: Buffer(v.name, v.axes, INPUT) for v in inputs}
        self.buffers: dict[Head, Buffer] = {**self.inputs}
        self.evaluations: dict[Head, int] = {}
        self.stored: set[Head] = set()
        self.references: dict[Head, int] = {}
        self.taken = {buffer.name for buffer in self.inputs.values()}
        self.statements: list[Statement] = []

    def schedule(self, goals: Sequence[tuple[str, Head]]) -> Schedule:
        self._choose([head for _, head in goals])
        outputs = []
        for name, head in goals:
            buffer = Buffer(name, head.axes, OUTPUT)
            outputs.append(buffer)
            if head not in self.buffers and not is_leaf(head):
                self.buffers[head] = buffer
        done: set[Head] = set()
        for buffer, (_, head) in zip(outputs, goals, strict=True):
            self._need(head, done)
            if self.buffers.get(head) is not buffer:
                self._fill(buffer, Sum(head.axes, (Term(1, (_whole(head),)),)))
        return Schedule(
            tuple(self.inputs.values()), tuple(outputs), tuple(self.statements), self.planner.sizes
        )

    # Which tensors are stored.

    def _choose(self, goals: Sequence[Head]) -> None:
        """From the deepest heads down, so that of each it is known how often it is evaluated."""
        self.stored.update(goals)
        heads = sorted(_below(goals), key=lambda h: -h.depth)
        for head in heads:
            for part, _ in _parts(head):
                self.references[part] = self.references.get(part, 0) + 1
        for head in heads:
            if is_leaf(head):
                continue
            if head not in self.stored and self._is_stored(head):
                self.stored.add(head)
            self._evaluate_parts(head)

    def _is_stored(self, head: Head) -> bool:
        if is_reduction(head) or _patterns(head) != {()}:
            return True
        size, times = self.planner.count(head.axes), self.evaluations.get(head, 0)
        if times > size and self._finishing(head) is not None:
            return True
        return _work(head) * (times - size) > STORE * size + LOAD * times

    def _evaluate_parts(self, head: Head) -> None:
        size = self.planner.count(head.axes)
        times = size if head in self.stored else self.evaluations[head]
        for part, over in _parts(head):
            count = times * self.planner.count(over)
            self.evaluations[part] = self.evaluations.get(part, 0) + count
            if (_is_product(head) or _is_library(head)) and not is_leaf(part):
                self.stored.add(part)

    # The statements.

    def _need(self, head: Head, done: set[Head]) -> None:
        """The statements that fill the tensors that a head is made of, and its own."""
        if head in done or is_leaf(head):
            return
        done.add(head)
        inner = self._finished(head)
        if inner is not None:
            done.add(inner)
        for part in (*(inner.children if inner else ()), *head.children):
            self._need(part, done)
        if head in self.stored:
            if head not in self.buffers:
                self.buffers[head] = Buffer(self._name(head), head.axes, LOCAL)
            self._fill(self.buffers[head], head)

    def _name(self, head: Head) -> str:
        name = self.names.get(head, "")
        number = 1
        while not name or name in self.taken:
            name, number = f"t{number}", number + 1
        self.taken.add(name)
        return name

    def _finished(self, head: Head) -> Head | None:
        """The contraction that stands in a stored tensor, once and entry for entry, and nowhere
        else: its loops finish the entries."""
        return self._finishing(head) if head in self.stored else None

    def _finishing(self, head: Head) -> Head | None:
        if is_reduction(head) or _patterns(head) != {()}:
            return None
        for factor in self._inline_factors(head):
            whole = sorted(factor.labels) == list(range(len(head.axes)))
            once = self.references[factor.head] == 1 and factor.head not in self.buffers
            if whole and once and _is_contraction(factor.head):
                return factor.head
        return None

    def _inline_factors(self, head: Head) -> Iterator[Factor]:
        """The factors of the formula of a stored head, with the labels of its axes."""
        waiting = [_whole(head)]
        first = True
        while waiting:
            factor = waiting.pop()
            if not first and (is_reduction(factor.head) or self._is_opaque(factor.head)):
                yield factor
                continue
            first = False
            match factor.head:
                case Applied():
                    waiting += [Factor(a, factor.labels) for a in factor.head.arguments]
                case Sum():
                    for term in factor.head.terms:
                        for f in term.factors:
                            waiting.append(f._replace(labels=_at(f.labels, factor.labels)))

    def _is_opaque(self, head: Head) -> bool:
        return head in self.stored or is_leaf(head)

    def _fill(self, target: Buffer, head: Head) -> None:
        if isinstance(head, Applied) and not head.operation.entrywise:
            self._reduce(target, head)
            return
        if _is_contraction(head):
            self._contract(target, head, Result(), tuple(range(len(head.axes))))
            return
        inner = self._finished(head)
        if inner is not None:
            entry = self._formula(head, tuple(range(len(head.axes))), inner)
            labels = next(f.labels for f in self._inline_factors(head) if f.head is inner)
            self._contract(target, inner, entry, labels)
            return
        self._entries(target, head)

    def _reduce(self, target: Buffer, head: Applied) -> None:
        if head.operation.name not in REDUCTIONS:
            arguments = tuple(self.buffers[argument] for argument in head.arguments)
            self.statements.append(Library(target, head, arguments))
            return
        (z,) = head.arguments
        at, number = [], 0
        for axis in range(len(z.axes)):
            bound = axis in head.parameters
            at.append(-1 - head.parameters.index(axis) if bound else number)
            number += not bound
        sizes = dict(zip(at, z.axes, strict=True))
        over = tuple(label for label in at if label < 0)
        body = self._entry(z, tuple(at))
        free = tuple(range(len(head.axes)))
        self.statements.append(Loop(target, free, body, sizes, over, head.operation.name))

    def _contract(self, target: Buffer, head: Head, finish: Entry, labels: Labels) -> None:
        """The loops of a contraction; its axis k is the label labels[k] of the target."""
        assert isinstance(head, Sum)
        (term,) = head.terms
        number = dict(enumerate(labels))
        factors = [
            f._replace(labels=tuple(number.get(k, k) for k in f.labels)) for f in term.factors
        ]
        body = _product([self._power(f) for f in factors], term.coefficient)
        sizes = {number[k]: size for k, size in enumerate(head.axes)}
        sizes |= {-k - 1: size for k, size in enumerate(term.bound)}
        over = tuple(-k - 1 for k in range(len(term.bound)))
        free = tuple(range(len(labels)))
        self.statements.append(Loop(target, free, body, sizes, over, "sum", finish))

    def _entries(self, target: Buffer, head: Head) -> None:
        """Entry by entry; what stands on a diagonal alone is added to it."""
        sizes = dict(enumerate(head.axes))
        free = tuple(range(len(head.axes)))
        if not isinstance(head, Sum):
            self.statements.append(Loop(target, free, self._formula(head, free), sizes))
            return
        patterns: dict[tuple[tuple[int, int], ...], list[Term]] = {(): []}
        for term in head.terms:
            patterns.setdefault(pattern(term), []).append(term)
        for pairs, terms in patterns.items():
            if not pairs and not terms and len(patterns) > 1:
                self.statements.append(Loop(target, free, Literal(Fraction(0)), sizes))
                continue
            one = smallest_equal(pairs)
            at = tuple(one.get(k, k) for k in free)
            body = _sum([self._term(_on_diagonal(term, pairs, one), free) for term in terms])
            self.statements.append(Loop(target, at, body, sizes, adds=bool(pairs)))

    # One entry.

    def _entry(self, head: Head, at: Labels, inner: Head | None = None) -> Entry:
        """An entry of a head: from the tensor in which it is stored, or by its formula."""
        if head is inner:
            return Result()
        if head in self.buffers:
            return Read(self.buffers[head], at)
        return self._formula(head, at, inner)

    def _formula(self, head: Head, at: Labels, inner: Head | None = None) -> Entry:
        match head:
            case Extent():
                return Count(head.dimension.name)
            case Constant():
                return Named(head.name)
            case Numeral():
                return Literal(Fraction(head.value))
            case Delta():
                return Equal(at)
            case Digit():
                return DigitOf(at, around(head)[1], head.axes[1])
            case Applied():
                of = tuple(self._entry(a, at, inner) for a in head.arguments)
                return Call(head.operation.name, of, head.parameters)
            case Sum():
                return _sum([self._term(term, at, inner) for term in head.terms])
        raise AssertionError(head)

    def _term(self, term: Term, at: Labels, inner: Head | None = None) -> Entry:
        assert not term.bound
        factors = [f._replace(labels=_at(f.labels, at)) for f in term.factors]
        return _product([self._power(f, inner) for f in factors], term.coefficient)

    def _power(self, factor: Factor, inner: Head | None = None) -> Entry:
        base = self._entry(factor.head, factor.labels, inner)
        if factor.exponent == 1:
            return base
        if isinstance(factor.exponent, Head):
            exponent = self._entry(factor.exponent, (), inner)
        else:
            exponent = Literal(Fraction(factor.exponent))
        return Call("**", (base, exponent))


def _whole(head: Head) -> Factor:
    return Factor(head, tuple(range(len(head.axes))))


def _at(labels: Labels, at: Labels) -> Labels:
    return tuple(at[k] if k >= 0 else k for k in labels)


def _below(goals: Sequence[Head]) -> set[Head]:
    """The heads that goals are made of, themselves included."""
    waiting, seen = list(goals), set(goals)
    while waiting:
        new = [child for child in waiting.pop().children if child not in seen]
        waiting += new
        seen.update(new)
    return seen


def _parts(head: Head) -> Iterator[tuple[Head, Sequence[Size]]]:
    """The heads that an entry of a head is made of, and the labels over which it runs for each."""
    match head:
        case Applied():
            for argument in head.arguments:
                runs = () if head.operation.entrywise else argument.axes
                kept = () if head.operation.entrywise else head.axes
                yield argument, _without(runs, kept)
        case Sum():
            for term in head.terms:
                for factor in term.factors:
                    yield factor.head, term.bound
                    if isinstance(factor.exponent, Head):
                        yield factor.exponent, term.bound


def _without(axes: Sequence[Size], kept: Sequence[Size]) -> list[Size]:
    left = list(axes)
    for size in kept:
        if size in left:
            left.remove(size)
    return left


def _is_contraction(head: Head) -> bool:
    """Whether a head is one sum over bound labels."""
    return isinstance(head, Sum) and any(term.bound for term in head.terms)


def _is_library(head: Head) -> bool:
    """Whether a head is an operation on whole tensors, which no loop does."""
    return is_reduction(head) and isinstance(head, Applied) and not _is_named(head, REDUCTIONS)


def _is_named(head: Applied, names: frozenset[str]) -> bool:
    return head.operation.name in names


def _is_product(head: Head) -> bool:
    """Whether a head is a sum of products of two tensors, which reads each many times."""
    return (
        _is_contraction(head)
        and isinstance(head, Sum)
        and len(head.terms[0].factors) > 1
        and (len({frozenset(f.labels) for f in head.terms[0].factors}) > 1)
    )


def pattern(term: Term) -> tuple[tuple[int, int], ...]:
    """The pairs of free labels that a term says are equal."""
    deltas = (f.labels for f in term.factors if isinstance(f.head, Delta))
    return tuple(sorted((min(at), max(at)) for at in deltas if at[0] != at[1]))


def _patterns(head: Head) -> set[tuple[tuple[int, int], ...]]:
    return {pattern(term) for term in head.terms} or {()} if isinstance(head, Sum) else {()}


def _on_diagonal(term: Term, pairs: Sequence[tuple[int, int]], one: Mapping[int, int]) -> Term:
    if not pairs:
        return term
    left = (f for f in term.factors if not isinstance(f.head, Delta))
    factors = (f._replace(labels=tuple(one.get(k, k) for k in f.labels)) for f in left)
    return term._replace(factors=tuple(factors))


def _work(head: Head) -> int:
    """What an entry costs beside the entries that it is made of."""
    match head:
        case Applied():
            return CHOICE if head.operation.name in CHOICES else FUNCTION
        case Sum():
            return max(0, sum(_work_of(term) for term in head.terms) + len(head.terms) - 1)
    return 0


def _work_of(term: Term) -> int:
    powers = sum(_power_work(f.exponent) for f in term.factors)
    return max(0, powers + len(term.factors) - (abs(term.coefficient) == 1))


def _power_work(exponent: Rational | Head) -> int:
    if exponent == 1:
        return 0
    if isinstance(exponent, Head) or exponent.denominator > 2:
        return FUNCTION
    return DIVISION if exponent < 0 or exponent.denominator == 2 else abs(int(exponent)) - 1


def _sum(entries: Sequence[Entry]) -> Entry:
    if not entries:
        return Literal(Fraction(0))
    return entries[0] if len(entries) == 1 else Call("+", tuple(entries))


def _product(entries: Sequence[Entry], coefficient: Rational) -> Entry:
    number = [] if coefficient == 1 and entries else [Literal(Fraction(coefficient))]
    factors = (*number, *entries)
    return factors[0] if len(factors) == 1 else Call("*", factors)


FUNCTION_NAMES = frozenset(row.name for row in TABLE) - CHOICES


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
    for entry in (statement.body, statement.finish):
        yield from (read.buffer for read in reads(entry))


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


def work_of(schedule: Schedule) -> int:
    """How often the bodies of all loops are run."""
    loops = [s for s in schedule.statements if isinstance(s, Loop)]
    axes = ([loop.sizes[k] for k in (*loop.free, *loop.over)] for loop in loops)
    return sum(count_of(schedule.sizes, sizes) for sizes in axes)


def count_of(sizes: Mapping[str, int], axes: Sequence[Size]) -> int:
    """How many entries a tensor with such axes has."""
    return prod(size.evaluate(sizes) for size in axes)

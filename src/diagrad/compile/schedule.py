"""The statements that compute what is asked for, in order: which tensors are stored, and how
they are filled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

from diagrad.compile.cost import (
    LOAD,
    REDUCTIONS,
    STORE,
    below,
    is_contraction,
    is_leaf,
    is_library,
    is_product,
    is_reduction,
    parts,
    pattern,
    patterns,
    work,
)
from diagrad.compile.deltas import smallest_equal
from diagrad.compile.graph import PEAK
from diagrad.compile.plan import Planner
from diagrad.compile.statements import (
    INPUT,
    LOCAL,
    OUTPUT,
    ZERO,
    Buffer,
    Call,
    Count,
    DigitOf,
    Entry,
    Equal,
    Library,
    Literal,
    Loop,
    Named,
    Read,
    Result,
    Schedule,
    Statement,
)
from diagrad.compile.symmetry import is_symmetric
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
from diagrad.recursion import deep_recursion

# So many levels of operations stand in one formula at most: Python and compilers have limits.
DEEPEST = 40
# An entry that costs so much is not worked out twice.
LONG = 64


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
        # What an entry costs that is written out down to tensors that are stored in any case.
        self.written: dict[Head, int] = {}
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
            tuple(self.inputs.values()),
            tuple(outputs),
            tuple(self.statements),
            self.planner.products.sizes,
        )

    # Which tensors are stored.

    def _choose(self, goals: Sequence[Head]) -> None:
        """From the deepest heads down, so that of each it is known how often it is evaluated."""
        self.stored.update(goals)
        heads = sorted(below(goals), key=lambda h: -h.depth)
        for head in reversed(heads):
            inner = (self.written.get(part, LOAD) for part, _ in parts(head))
            self.written[head] = LOAD if _is_read(head) else work(head) + sum(inner)
        for head in heads:
            for part, _ in parts(head):
                self.references[part] = self.references.get(part, 0) + 1
        for head in heads:
            if is_leaf(head):
                continue
            if head not in self.stored and self._is_stored(head):
                self.stored.add(head)
            self._evaluate_parts(head)

    def _is_stored(self, head: Head) -> bool:
        if is_reduction(head) or patterns(head) != {()} or head.depth % DEEPEST == 0:
            return True
        size, times = self.planner.products.count(head.axes), self.evaluations.get(head, 0)
        if times > size and self.written[head] >= LONG:
            return True
        if times > size and self._finishing(head) is not None:
            return True
        return work(head) * (times - size) > STORE * size + LOAD * times

    def _evaluate_parts(self, head: Head) -> None:
        size = self.planner.products.count(head.axes)
        times = size if head in self.stored else self.evaluations[head]
        for part, over in parts(head):
            count = times * self.planner.products.count(over)
            self.evaluations[part] = self.evaluations.get(part, 0) + count
            if (is_product(head) or is_library(head)) and not is_leaf(part):
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
        if is_reduction(head):
            return None
        for factor in self._inline_factors(dense_part(head)):
            whole = sorted(factor.labels) == list(range(len(head.axes)))
            once = self.references[factor.head] == 1 and factor.head not in self.buffers
            if whole and once and is_contraction(factor.head):
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
        if is_contraction(head):
            self._contract(target, head, Result(), tuple(range(len(head.axes))))
            return
        inner, dense = self._finished(head), dense_part(head)
        if inner is not None:
            entry = self._formula(dense, tuple(range(len(head.axes))), inner)
            labels = next(f.labels for f in self._inline_factors(dense) if f.head is inner)
            self._contract(target, inner, entry, labels)
        self._entries(target, head, inner is not None)

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
        loop = Loop(target, free, body, sizes, over, head.operation.name)
        self.statements.append(loop._replace(loose=head.operation is PEAK))

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
        last = [labels.index(k) for k in free[-2:]]
        symmetric = len(last) == 2 and is_symmetric(head, *last)
        loop = Loop(target, free, body, sizes, over, "sum", finish, symmetric=symmetric)
        self.statements.append(loop)

    def _entries(self, target: Buffer, head: Head, filled: bool) -> None:
        """Entry by entry, where it is not filled yet; what stands on a diagonal alone is added."""
        sizes = dict(enumerate(head.axes))
        free = tuple(range(len(head.axes)))
        dense = dense_part(head)
        if not filled:
            empty = isinstance(dense, Sum) and not dense.terms
            body = ZERO if empty else self._formula(dense, free)
            self.statements.append(Loop(target, free, body, sizes))
        groups: dict[tuple[tuple[int, int], ...], list[Term]] = {}
        for term in head.terms if isinstance(head, Sum) else ():
            if pattern(term):
                groups.setdefault(pattern(term), []).append(term)
        for pairs, terms in groups.items():
            one = smallest_equal(pairs)
            at = tuple(one.get(k, k) for k in free)
            body = _sum([self._term(_on_diagonal(term, pairs, one), free) for term in terms])
            self.statements.append(Loop(target, at, body, sizes, adds=True))

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


def _is_read(head: Head) -> bool:
    return is_leaf(head) or is_reduction(head)


def _whole(head: Head) -> Factor:
    return Factor(head, tuple(range(len(head.axes))))


def _at(labels: Labels, at: Labels) -> Labels:
    return tuple(at[k] if k >= 0 else k for k in labels)


def dense_part(head: Head) -> Head:
    """A sum without its terms that stand on a diagonal alone; another head as it is."""
    if not isinstance(head, Sum) or patterns(head) == {()}:
        return head
    return Sum(head.axes, tuple(term for term in head.terms if not pattern(term)))


def _on_diagonal(term: Term, pairs: Sequence[tuple[int, int]], one: Mapping[int, int]) -> Term:
    if not pairs:
        return term
    left = (f for f in term.factors if not isinstance(f.head, Delta))
    factors = (f._replace(labels=tuple(one.get(k, k) for k in f.labels)) for f in left)
    return term._replace(factors=tuple(factors))


def _sum(entries: Sequence[Entry]) -> Entry:
    if not entries:
        return ZERO
    return entries[0] if len(entries) == 1 else Call("+", tuple(entries))


def _product(entries: Sequence[Entry], coefficient: Rational) -> Entry:
    number = [] if coefficient == 1 and entries else [Literal(Fraction(coefficient))]
    factors = (*number, *entries)
    return factors[0] if len(factors) == 1 else Call("*", factors)

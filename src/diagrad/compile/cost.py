"""What heads are to a schedule: what they are made of, and what an entry costs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from diagrad.dimensions import Size
from diagrad.index.term import (
    Applied,
    Constant,
    Delta,
    Extent,
    Head,
    Numeral,
    Rational,
    Sum,
    Term,
    Variable,
)
from diagrad.operations.functions import TABLE

REDUCTIONS = frozenset({"max", "min", "prod"})
# What an operation costs beside a multiplication; functions that only choose cost as much as one.
FUNCTION, DIVISION, CHOICE = 20, 5, 1
CHOICES = frozenset("relu step abs sign maximum minimum clip where square".split())  # noqa: SIM905
# Storing an entry, and reading it again.
STORE, LOAD = 2, 1
FUNCTION_NAMES = frozenset(row.name for row in TABLE) - CHOICES


def is_reduction(head: Head) -> bool:
    """Whether a tensor is made by running over labels that it does not have."""
    if isinstance(head, Applied):
        return not head.operation.entrywise
    return isinstance(head, Sum) and any(term.bound for term in head.terms)


def is_leaf(head: Head) -> bool:
    return isinstance(head, Variable | Constant | Extent | Numeral | Delta)


def below(goals: Sequence[Head]) -> list[Head]:
    """The heads that goals are made of, themselves included, in the same order in every run."""
    waiting, seen = list(goals), dict.fromkeys(goals)
    while waiting:
        new = [child for child in waiting.pop().children if child not in seen]
        waiting += new
        seen |= dict.fromkeys(new)
    return list(seen)


def parts(head: Head) -> Iterator[tuple[Head, Sequence[Size]]]:
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


def is_contraction(head: Head) -> bool:
    """Whether a head is one sum over bound labels."""
    return isinstance(head, Sum) and any(term.bound for term in head.terms)


def is_library(head: Head) -> bool:
    """Whether a head is an operation on whole tensors, which no loop does."""
    return is_reduction(head) and isinstance(head, Applied) and not _is_named(head, REDUCTIONS)


def _is_named(head: Applied, names: frozenset[str]) -> bool:
    return head.operation.name in names


def is_product(head: Head) -> bool:
    """Whether a head is a sum of products of two tensors, which reads each many times."""
    return (
        is_contraction(head)
        and isinstance(head, Sum)
        and len(head.terms[0].factors) > 1
        and (len({frozenset(f.labels) for f in head.terms[0].factors}) > 1)
    )


def pattern(term: Term) -> tuple[tuple[int, int], ...]:
    """The pairs of free labels that a term says are equal."""
    deltas = (f.labels for f in term.factors if isinstance(f.head, Delta))
    return tuple(sorted((min(at), max(at)) for at in deltas if at[0] != at[1]))


def patterns(head: Head) -> set[tuple[tuple[int, int], ...]]:
    return {pattern(term) for term in head.terms} or {()} if isinstance(head, Sum) else {()}


def work(head: Head) -> int:
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

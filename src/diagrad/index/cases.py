"""Indicators put together: a 1[c] + b 1[not c] is where(c, a, b)."""

from __future__ import annotations

from diagrad.index.context import Context
from diagrad.index.relabel import dropped
from diagrad.index.term import Applied, Factor, Head, Sum, Term, as_number


def by_cases(terms: tuple[Term, ...], head: Sum, context: Context) -> tuple[Term, ...] | None:
    """The terms with all that one condition decides as one case distinction over the axes of the
    sum; None where no term has an indicator with just these axes."""
    every = tuple(range(len(head.axes)))
    for term in terms:
        for factor in term.factors:
            indicator = factor.head
            if not _decides(indicator) or factor.labels != every or factor.exponent != 1:
                continue
            assert isinstance(indicator, Applied)
            condition = indicator.arguments[0]
            chosen: dict[int, list[Term]] = {1: [], 2: []}
            others = [t for t in terms if not _sorted_in(t, condition, every, chosen)]
            values = [context.normal(Sum(head.axes, tuple(chosen[k]))) for k in (1, 2)]
            cases = Applied(indicator.operation, (condition, *values), head.axes)
            return (Term(1, (Factor(cases, every),)), *others)
    return None


def _decides(head: Head) -> int:
    """1 where a head is where(c, 1, 0), 2 where it is where(c, 0, 1), otherwise 0."""
    if not isinstance(head, Applied) or head.operation.name != "where":
        return 0
    first, second = (as_number(argument) for argument in head.arguments[1:])
    if first == 1 and second == 0:
        return 1
    return 2 if first == 0 and second == 1 else 0


def _sorted_in(
    term: Term, condition: Head, every: tuple[int, ...], chosen: dict[int, list[Term]]
) -> bool:
    """Whether the condition decides a term, which then joins the terms of its case."""
    for position, factor in enumerate(term.factors):
        case = _decides(factor.head)
        here = factor.labels == every and factor.exponent == 1
        if case and here and factor.head.children[0] is condition:
            chosen[case].append(dropped(term, position))
            return True
    return False

"""Products without δs where that can be: a label that must equal another is the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from diagrad.index.relabel import mapped
from diagrad.index.term import Delta, Factor, Sum, Term


def outside(term: Term) -> Term:
    """The term with every δ that stands in all terms of a group set outside the group."""
    factors: list[Factor] = []
    for factor in term.factors:
        taken = _common_delta(factor)
        while taken is not None:
            delta, factor = taken
            factors.append(delta)
            taken = _common_delta(factor)
        factors.append(factor)
    return term._replace(factors=tuple(factors))


def _common_delta(factor: Factor) -> tuple[Factor, Factor] | None:
    """δ and what it leaves of the group, where all terms of a group have one δ of its axes."""
    head = factor.head
    if not isinstance(head, Sum) or not head.terms or factor.exponent != 1:
        return None
    common = set(_pairs(head.terms[0])).intersection(*(_pairs(t) for t in head.terms))
    if not common:
        return None
    i, j = min(common)
    renamed = {j: i} | {k: k - 1 for k in range(j + 1, len(head.axes))}
    axes = head.axes[:j] + head.axes[j + 1 :]
    terms = tuple(_relabelled(term, (i, j), renamed) for term in head.terms)
    at = factor.labels[:j] + factor.labels[j + 1 :]
    delta = Factor(Delta(head.axes[i]), (factor.labels[i], factor.labels[j]))
    return delta, Factor(Sum(axes, terms), at)


def _pairs(term: Term) -> list[tuple[int, int]]:
    """The free labels that a term says are equal."""
    deltas = (f.labels for f in term.factors if isinstance(f.head, Delta))
    return [(min(at), max(at)) for at in deltas if min(at) >= 0 and at[0] != at[1]]


def _relabelled(term: Term, pair: tuple[int, int], renamed: Mapping[int, int]) -> Term:
    left = [
        f for f in term.factors if not (isinstance(f.head, Delta) and set(f.labels) == set(pair))
    ]
    return term._replace(factors=mapped(left, renamed))


def without_deltas(term: Term) -> Term:
    """The term without δs of a bound label: the label is replaced by the other one."""
    for position, factor in enumerate(term.factors):
        if not isinstance(factor.head, Delta) or factor.labels[0] == factor.labels[1]:
            continue
        bound = min(factor.labels)
        if bound < 0:
            other = max(factor.labels)
            rest = term.factors[:position] + term.factors[position + 1 :]
            moved = {bound: other} | {k: k + 1 for k in range(-len(term.bound), bound)}
            bounds = term.bound[: -bound - 1] + term.bound[-bound:]
            return without_deltas(Term(term.coefficient, mapped(rest, moved), bounds))
    return term._replace(factors=tuple(f for f in term.factors if not _is_one(f)))


def _is_one(factor: Factor) -> bool:
    return isinstance(factor.head, Delta) and factor.labels[0] == factor.labels[1]


def smallest_equal(pairs: Iterable[Sequence[int]]) -> dict[int, int]:
    """Of pairs of labels that are equal, also by others, the smallest that each is equal to."""
    one: dict[int, int] = {}
    for pair in pairs:
        low, high = sorted(one.get(k, k) for k in pair)
        one = {k: low if first == high else first for k, first in one.items()} | {high: low}
    return {k: first for k, first in one.items() if k != first}

"""Reverse differentiation: one chain rule, one product rule, and the rooms' derivatives."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from heapq import heappop, heappush
from typing import NamedTuple

from diagrad.index.build import (
    Label,
    Polynomial,
    as_polynomial,
    delta,
    indexed,
    labels,
    sum_of,
    tensor,
)
from diagrad.index.context import Context
from diagrad.index.expanding import settled
from diagrad.index.term import (
    Applied,
    Definition,
    Factor,
    Head,
    Rational,
    Sum,
    Term,
    rational,
)
from diagrad.operations.functions import log


class Link(NamedTuple):
    """One use of the chain rule: the adjoint of `head`, the local derivative ∂head/∂child, and
    their contraction, all with the axes of what is differentiated first."""

    head: Head
    adjoint: Head
    child: Head
    local: Sum
    contribution: Head


def derivative(
    of: Head,
    wrt: Head,
    context: Context,
    links: list[Link] | None = None,
    whole: bool = False,
    held: bool = False,
) -> Head:
    """∂of/∂wrt with the axes of `of`, then those of `wrt`, in normal form; the other definitions
    are `held` where that is said.

    Goes from `of` down to `wrt`, the deepest head first, so that each adjoint is complete when it
    is used. The terms of a local derivative are distributed over, the adjoint is not; with `whole`,
    a local derivative of several terms stays one factor, too.
    """
    # The normal form of a definition's body is the definition, which would be held.
    of = of if held else context.normal(of)
    depends = _Dependence(wrt, held)
    adjoints = _Adjoints()
    i, j = labels(of.axes), labels(of.axes)
    adjoints.receive(of, tensor((i, j), delta(i, j)))
    total: Head = Sum(of.axes + wrt.axes, ())
    for head, terms in adjoints.deepest_first():
        if not depends.on(head):
            continue
        adjoint = settled(context.normal(Sum(of.axes + head.axes, terms)), context)
        if head is wrt:
            total = adjoint
            continue
        for child, local in local_derivatives(head):
            if depends.on(child):
                contribution = chain(adjoint, local, len(of.axes), child, context, whole)
                adjoints.receive(child, contribution)
                if links is not None:
                    links.append(Link(head, adjoint, child, local, contribution))
    return total


class _Adjoints:
    """What each head has received so far from those above it."""

    def __init__(self) -> None:
        self._received: dict[Head, list[Term]] = {}
        self._waiting: list[tuple[int, int, Head]] = []

    def receive(self, head: Head, contribution: Sum) -> None:
        if head not in self._received:
            self._received[head] = []
            # Where depths are equal, the head that came first goes first, in every run.
            heappush(self._waiting, (-head.depth, len(self._received), head))
        self._received[head].extend(contribution.terms)

    def deepest_first(self) -> Iterator[tuple[Head, tuple[Term, ...]]]:
        """Heads with the terms of their adjoints. All that lies deeper has been handed out before,
        so the terms are complete."""
        while self._waiting:
            head = heappop(self._waiting)[2]
            yield head, tuple(self._received[head])


class _Dependence:
    """Which heads depend on one, directly where definitions are held."""

    def __init__(self, wrt: Head, held: bool) -> None:
        self._known: dict[Head, bool] = {wrt: True}
        self._lowest = wrt.depth
        self._held = held

    def on(self, head: Head) -> bool:
        """Without recursion, for a chain of definitions may be long."""
        waiting = [head]
        while waiting:
            top = waiting[-1]
            closed = top.depth <= self._lowest or (self._held and isinstance(top, Definition))
            below = () if closed else top.children
            unknown = [child for child in below if child not in self._known]
            if top in self._known or not unknown:
                waiting.pop()
                self._known.setdefault(top, any(self._known[child] for child in below))
            else:
                waiting += unknown
        return self._known[head]


def chain(
    adjoint: Head, local: Sum, output: int, child: Head, context: Context, whole: bool
) -> Sum:
    """Σₐ A[f, a] D[a, c] for the adjoint A[f, a] and the local derivative D[a, c]."""
    f = labels(adjoint.axes[:output])
    a = labels(adjoint.axes[output:])
    c = labels(child.axes)
    if whole and len(local.terms) > 1:
        return tensor((f, c), adjoint[f, a] * context.normal(local)[a, c])
    parts = [Sum(local.axes, (term,)) for term in local.terms]
    return tensor((f, c), sum_of(adjoint[f, a] * part[a, c] for part in parts))


def local_derivatives(head: Head) -> Iterator[tuple[Head, Sum]]:
    """The heads below a head, each with ∂head/∂child: axes of the head, then of the child."""
    match head:
        case Definition():
            i, j = labels(head.axes), labels(head.axes)
            yield head.body, tensor((i, j), delta(i, j))
        case Applied():
            for argument, child in enumerate(head.arguments):
                yield child, head.operation.derivative(head, argument)
        case Sum():
            for term in head.terms:
                yield from _product_rule(head, term)


def _product_rule(head: Sum, term: Term) -> Iterator[tuple[Head, Sum]]:
    """∂(c Π fᵉ)/∂f for each factor, and for each exponent that is itself a value."""
    free = labels(head.axes)
    bound = labels(term.bound)

    def at(factor: Factor) -> tuple[Label, ...]:
        return tuple(free[k] if k >= 0 else bound[-k - 1] for k in factor.labels)

    for position, factor in enumerate(term.factors):
        rest = as_polynomial(term.coefficient)
        for k, other in enumerate(term.factors):
            if k != position:
                rest = rest * _power(other, at(other))
        c = labels(factor.head.axes)
        here = delta(at(factor), c)
        yield factor.head, tensor((free, c), rest * _lowered(factor, at(factor)) * here)
        if isinstance(factor.exponent, Head):
            whole = rest * _power(factor, at(factor)) * log(indexed(factor.head, at(factor)))
            yield factor.exponent, tensor(free, whole)


def _power(factor: Factor, at: tuple[Label, ...]) -> Polynomial:
    base = indexed(factor.head, at)
    return base if factor.exponent == 1 else base**factor.exponent


def _lowered(factor: Factor, at: tuple[Label, ...]) -> Polynomial | Rational:
    """e fᵉ⁻¹."""
    exponent = factor.exponent
    if isinstance(exponent, Head):
        less = tensor((), indexed(exponent, ()) - 1)
        return indexed(exponent, ()) * indexed(factor.head, at) ** less
    if exponent == 1:
        return 1
    less_number = rational(Fraction(exponent) - 1)
    return exponent * _power(factor._replace(exponent=less_number), at)

"""Quantities that a line of an answer may stand for: values, adjoints, local derivatives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import combinations
from typing import NamedTuple

import numpy as np

from diagrad.check.bench import Bench
from diagrad.check.places import node_of
from diagrad.check.ratios import Ratio, Ratios
from diagrad.check.reading import combined, exchanged, rebuilt
from diagrad.check.tape import Use, plain, slopes
from diagrad.check.witness import definitions, same
from diagrad.evaluate import parts
from diagrad.expression import Apply, Expression, Symbol, number
from diagrad.operations.functions import BY_NAME
from diagrad.operations.room import Array, in_brackets
from diagrad.operations.unspecified import Prime
from diagrad.show import printed

MOST_ENTRIES, MOST_PLACES = 2000, 5


class Quantity(NamedTuple):
    """`role` is "value", "adjoint", "slope" (an entrywise f′ at its argument) or "jacobian"; `name`
    what it is the value of, or the derivative by; `expression` says it in the problem's names,
    where that is short."""

    role: str
    name: str
    words: str
    values: Sequence[Array]
    expression: Expression | None = None
    use: Use | None = None


class Match(NamedTuple):
    """A quantity, and what the value is of it: as it is, transposed, times a constant."""

    quantity: Quantity
    transposed: bool
    factor: Ratio | None


class Quantities:
    """All quantities of a question, to be recognised by their values."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.names = bench.problem.names
        self.ratios = Ratios(bench)

    @cached_property
    def listed(self) -> list[Quantity]:
        return [*self.forward, *self.backward, *self.local, *self.shares]

    @cached_property
    def forward(self) -> list[Quantity]:
        """Variables, definitions and their parts."""
        found: list[Quantity] = []
        for name in self.bench.source.variables:
            values = [point.environment.arrays[name] for point in self.bench.looked_at]
            shape = self.bench.source.variables[name].shape
            found.append(
                Quantity("value", name, self.shown(name), values, Symbol(shape, name, "variable"))
            )
        for name, expression in definitions(self.bench.source):
            values = [point.environment.arrays[name] for point in self.bench.looked_at]
            symbol = Symbol(expression.shape, name, "definition")
            found.append(Quantity("value", name, self.shown(name), values, symbol))
        for _, expression in definitions(self.bench.source):
            for node in parts(expression):
                if isinstance(node, Apply) and node is not expression:
                    words = printed(node, "unicode", self.names)
                    found.append(Quantity("value", "", words, self.bench.values(node), node))
        return found

    @cached_property
    def backward(self) -> list[Quantity]:
        """The derivative of the value by every name and part: in the numerator layout, where the
        value is no scalar."""
        found = [
            Quantity("adjoint", name, self.derivative(name), self._adjoints(name))
            for name in self.bench.adjoints[0].names
        ]
        top = self.bench.restated.of
        for name, expression in definitions(self.bench.source):
            if name not in self.bench.adjoints[0].names and name != top:
                continue
            for node in parts(expression):
                if isinstance(node, Apply) and id(node) in self.bench.adjoints[0].nodes:
                    words = (
                        f"∂{self.shown(self.bench.of)}/∂({printed(node, 'unicode', self.names)})"
                    )
                    values = [plain(a.nodes[id(node)]) for a in self.bench.adjoints]
                    found.append(Quantity("adjoint", "", words, values, node))
        return found

    @cached_property
    def shares(self) -> list[Quantity]:
        """What comes to the variable by some of its places, where it has several."""
        return self.partial(self.bench.wrt[-1])

    def partial(self, name: str) -> list[Quantity]:
        """The derivative by a name where other names that depend on it are held fixed: by some of
        its places alone."""
        first = self.bench.adjoints[0]
        at = [
            k
            for k, use in enumerate(first.uses)
            if isinstance(o := use.node.operands[use.operand], Symbol) and o.name == name
        ]
        sums = (c for n in range(1, len(at)) for c in combinations(at[:MOST_PLACES], n))
        return [
            Quantity(
                "share",
                name,
                f"a part of {self.derivative(name)}",
                [plain(sum((a.shares[k] for k in some), np.zeros(1))) for a in self.bench.adjoints],
            )
            for some in sums
        ]

    @cached_property
    def local(self) -> list[Quantity]:
        """f′ of functions that work entry by entry, and Jacobians from vector to vector."""
        found: list[Quantity] = []
        for use in self.bench.adjoints[0].uses:
            found += self._local(use)
        return found

    @cached_property
    def slopes(self) -> list[Quantity]:
        """f′ of every function on the way, as a person would write it."""
        return [q for q in self.local if q.role == "slope"]

    def in_problem(self, expression: Expression, given: frozenset[str] = frozenset()) -> Expression:
        """The expression without the names that neither the problem has nor are given."""
        own = self.bench.problem.source.names | given
        for name in reversed(self.bench.restated.introduced):
            if name not in own:
                e = self.bench.source.definitions[name].expression
                expression = exchanged(expression, Symbol(e.shape, name, "definition"), e)
        return expression

    def _slope(self, use: Use) -> Expression | None:
        """σ′(z) as h (1 − h), and otherwise as prime(f)(z)."""
        node, one = use.node, number(1)
        name = next(
            (n for n, e in definitions(self.bench.problem.source) if e == self.in_problem(node)), ""
        )
        value = Symbol(node.shape, name, "definition") if name else self.in_problem(node)
        argument = self.in_problem(node.operands[0])
        match node.operation.name:
            case "sigmoid":
                return combined("*", value, combined("-", one, value))
            case "tanh":
                return combined("-", one, combined("**", value, number(2)))
            case "exp":
                return value
            case "relu":
                return node_of("step", argument)
            case "square":
                return combined("*", number(2), argument)
        if node.operation.name in BY_NAME:
            return rebuilt(Apply((), Prime(BY_NAME[node.operation.name]), (argument,)))
        return None

    def _local(self, use: Use) -> Iterator[Quantity]:
        operation, operand = use.node.operation, use.node.operands[use.operand]
        jacobians = [tape.jacobian(use) for tape in self.bench.tapes]
        if operation.name in ("softmax", "log_softmax"):
            values = [slopes(jacobian) for jacobian in jacobians]
            yield Quantity("slope", operation.name, "p ∘ (1 − p)", values, None, use)
        if operation.entrywise and operation.curved and len(use.node.operands) == 1:
            argument = printed(operand, "unicode", self.names)
            words = f"{operation.name}′({argument})"
            values = [slopes(jacobian) for jacobian in jacobians]
            yield Quantity("slope", operation.name, words, values, self._slope(use), use)
        if all(1 in j.shape[1:] and j.size <= MOST_ENTRIES for j in jacobians):
            whole = self.named(use.node)
            argument = printed(operand, "unicode", self.names)
            words = f"∂{in_brackets(whole)}/∂{in_brackets(argument)}"
            values = [j.reshape(len(j), -1).T for j in jacobians]
            if values[0].size > 1:
                yield Quantity("jacobian", operation.name, words, values)

    def named(self, expression: Expression) -> str:
        """The name of what an expression is the value of, or its formula; printed."""
        for name, e in definitions(self.bench.source):
            if e == expression:
                return self.shown(name)
        return printed(expression, "unicode", self.names)

    @cached_property
    def chain(self) -> str:
        """J ← ŷ ← z₂ ← h ← z₁ ← x."""
        path = [*reversed(self.bench.restated.path), self.bench.wrt[-1]]
        return " ← ".join(self.shown(name) for name in dict.fromkeys(path))

    def _adjoints(self, name: str) -> list[Array]:
        return [plain(a.names[name]) for a in self.bench.adjoints]

    def shown(self, name: str) -> str:
        return printed(Symbol((), name, "definition"), "unicode", self.names)

    def derivative(self, name: str) -> str:
        of = self.shown(self.bench.called)
        if len(self.bench.wrt) > 1:
            return f"∂²{of}/∂{self.shown(self.bench.wrt[0])}∂{self.shown(name)}"
        return f"∂{of}/∂{self.shown(name)}"

    def match(
        self, values: Sequence[Array], among: Sequence[Quantity] | None = None
    ) -> Match | None:
        """The quantity that values are: as it is before transposed, before times a constant."""
        among = self.listed if among is None else among
        for transposed in (False, True):
            for quantity in among:
                if _all_same(values, quantity.values, transposed):
                    return Match(quantity, transposed, None)
        return None

    def multiple(self, values: Sequence[Array], quantity: Quantity) -> Match | None:
        """The same, times a constant that the problem knows."""
        for transposed in (False, True):
            theirs = [v.T if transposed else v for v in quantity.values]
            ratio = self.ratios.between(values, theirs)
            if ratio is not None:
                return Match(quantity, transposed, ratio)
        return None


def _all_same(values: Sequence[Array], theirs: Sequence[Array], transposed: bool) -> bool:
    return all(
        same(a, b.T if transposed else b) for a, b in zip(values, theirs, strict=True)
    ) and not (transposed and 1 in values[0].shape and values[0].size == 1)

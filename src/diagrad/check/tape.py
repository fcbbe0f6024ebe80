"""Adjoints of every part of a problem at a point, by numbers alone: reverse accumulation.

The local derivative of each operation is found by the complex step (differences where the
operation is not analytic), so nothing of the engine is used. A `Rule` may replace a local
derivative: what a derivation with a given mistake in one of its steps would have found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from diagrad.evaluate import Environment, evaluate, parts
from diagrad.expression import Apply, Expression, Symbol
from diagrad.operations.room import Array

STEP = 1e-40
DIFFERENCES = (4e-3, 2e-3, 1e-3)

Named = tuple[str, Expression]


@dataclass(frozen=True, eq=False)
class Use:
    """One operand of one operation on the way: where the way splits, each is a use of its own."""

    owner: str
    node: Apply
    operand: int


# The adjoint of an operand from that of the whole: given the use, its values and the local
# Jacobian (rows of operand entries by entries of the whole). None drops the use.
Rule = Callable[[Use, "Local"], Array | None]


@dataclass(frozen=True, eq=False)
class Local:
    """What is known at a use: values of the operands and of the whole, the adjoint of the whole,
    (f, rows, columns), and the true Jacobian, (entries of the operand, rows, columns)."""

    values: Sequence[Array]
    value: Array
    adjoint: Array
    jacobian: Array
    at: Callable[[Sequence[Array]], Array]

    def through(self, jacobian: Array) -> Array:
        """The operand's share of the adjoint, with this Jacobian in place of the true one."""
        return np.asarray(np.einsum("frc,erc->fe", self.adjoint, jacobian))


@dataclass(eq=False)
class Tape:
    """The definitions on the way to a value, evaluated at a point."""

    definitions: Sequence[Named]
    of: Expression
    environment: Environment
    values: dict[int, Array] = field(default_factory=dict)
    jacobians: dict[tuple[int, int], Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for _, expression in [*self.definitions, ("", self.of)]:
            for node in parts(expression):
                if id(node) not in self.values:
                    self.values[id(node)] = self._value(node)

    def _value(self, node: Expression) -> Array:
        if not isinstance(node, Apply):
            return evaluate(node, self.environment)
        return self._applied(node, [self.values[id(operand)] for operand in node.operands])

    def _applied(self, node: Apply, values: Sequence[Array]) -> Array:
        """The operation at other values of its operands, which may be batches."""
        names = [f"{k}" for k in range(len(values))]
        symbols = tuple(
            Symbol(operand.shape, name, "variable")
            for name, operand in zip(names, node.operands, strict=True)
        )
        alone = Apply(node.shape, node.operation, symbols, node.parameters)
        return evaluate(alone, self.environment.having(dict(zip(names, values, strict=True))))

    def local(self, use: Use, adjoint: Array) -> Local:
        values = [self.values[id(operand)] for operand in use.node.operands]

        def at(moved: Sequence[Array]) -> Array:
            return self._jacobian(use, moved)

        return Local(values, self.values[id(use.node)], adjoint, self.jacobian(use), at)

    def jacobian(self, use: Use) -> Array:
        """The true local Jacobian, (entries of the operand, rows and columns of the whole)."""
        key = id(use.node), use.operand
        if key not in self.jacobians:
            values = [self.values[id(operand)] for operand in use.node.operands]
            self.jacobians[key] = self._jacobian(use, values)
        return self.jacobians[key]

    def _jacobian(self, use: Use, values: Sequence[Array]) -> Array:
        """(entries of the operand, rows and columns of the whole)."""
        operand = values[use.operand]
        units = np.eye(operand.size).reshape(-1, *operand.shape)

        def moved(by: complex | Array) -> Array:
            changed = list(values)
            changed[use.operand] = operand + by * units
            return self._applied(use.node, changed)

        if use.node.operation.analytic:
            # In proportion to the entry: a probability may be far below any fixed step.
            steps = STEP * np.where(operand == 0, 1.0, np.abs(operand)).reshape(-1, 1, 1)
            slopes = np.imag(moved(1j * steps)) / steps
            return np.broadcast_to(slopes, (operand.size, *self._shape(use)))
        scale = max(1.0, float(np.abs(operand).max())) if operand.size else 1.0
        column = [(moved(h * scale) - moved(-h * scale)) / (2 * h * scale) for h in DIFFERENCES]
        finer = [(4 * b - a) / 3 for a, b in pairwise(column)]
        extrapolated: Array = (16 * finer[1] - finer[0]) / 15
        return np.broadcast_to(extrapolated, (operand.size, *self._shape(use)))

    def _shape(self, use: Use) -> tuple[int, int]:
        rows, columns = self.values[id(use.node)].shape[-2:]
        return rows, columns

    def adjoints(
        self,
        moving: frozenset[str],
        rule: Rule | None = None,
        changed: frozenset[int] = frozenset(),
    ) -> Adjoints:
        """Derivatives of the value by every name and part that depends on the names `moving`."""
        return _Backwards(self, moving, rule, changed).run()


@dataclass(frozen=True, eq=False)
class Adjoints:
    """By name and by part: (entries of the value, rows, columns of the part). `uses` are those of
    the way, the last first; `shares` what each contributes to its operand."""

    names: Mapping[str, Array]
    nodes: Mapping[int, Array]
    uses: Sequence[Use]
    shares: Sequence[Array]


class _Backwards:
    def __init__(
        self, tape: Tape, moving: frozenset[str], rule: Rule | None, changed: frozenset[int]
    ) -> None:
        self.tape, self.moving, self.rule, self.changed = tape, moving, rule, changed
        self.names: dict[str, Array] = {}
        self.nodes: dict[int, Array] = {}
        self.uses: list[Use] = []
        self.shares: list[Array] = []
        self.moves = self._moving()

    def _moving(self) -> dict[int, bool]:
        """Which parts depend on the variables."""
        found: dict[int, bool] = {}
        names = set(self.moving)
        for name, expression in [*self.tape.definitions, ("", self.tape.of)]:
            for node in parts(expression):
                if isinstance(node, Apply):
                    found[id(node)] = any(found[id(o)] for o in node.operands)
                else:
                    found[id(node)] = isinstance(node, Symbol) and node.name in names
            if found[id(expression)]:
                names.add(name)
        return found

    def run(self) -> Adjoints:
        value = self.tape.values[id(self.tape.of)]
        start = np.eye(value.size).reshape(-1, *value.shape[-2:])
        self._down("", self.tape.of, start)
        for name, expression in reversed(self.tape.definitions):
            if name in self.names and name not in self.moving:
                self._down(name, expression, self.names[name])
        return Adjoints(self.names, self.nodes, self.uses, self.shares)

    def _down(self, owner: str, expression: Expression, adjoint: Array) -> None:
        """From the value of a definition to the names in it."""
        here: dict[int, Array] = {id(expression): adjoint}
        for node in reversed(parts(expression)):
            if not self.moves[id(node)] or id(node) not in here:
                continue
            self._add(self.nodes, id(node), here[id(node)])
            if isinstance(node, Symbol):
                self._add(self.names, node.name, here[id(node)])
            elif isinstance(node, Apply):
                self._through(owner, node, here)

    def _through(self, owner: str, node: Apply, here: dict[int, Array]) -> None:
        for k, operand in enumerate(node.operands):
            if not self.moves[id(operand)]:
                continue
            use = Use(owner, node, k)
            local = self.tape.local(use, here[id(node)])
            share = self._share(use, local)
            self.uses.append(use)
            shape = self.tape.values[id(operand)].shape[-2:]
            share = share.reshape(-1, *shape)
            self.shares.append(share)
            self._add(here, id(operand), share)

    def _share(self, use: Use, local: Local) -> Array:
        if self.rule is not None and id(use.node) in self.changed:
            found = self.rule(use, local)
            if found is not None:
                return found
        return local.through(local.jacobian)

    def _add(self, into: dict, key: object, array: Array) -> None:  # type: ignore[type-arg]
        into[key] = into[key] + array if key in into else array


def plain(adjoint: Array) -> Array:
    """(f, rows, columns) as a matrix: the gradient of a scalar, or f by entries."""
    if len(adjoint) == 1:
        return np.asarray(adjoint[0])
    return adjoint.transpose(0, 2, 1).reshape(len(adjoint), -1)


def slopes(jacobian: Array) -> Array:
    """The diagonal of a Jacobian, (rows, columns)."""
    rows, columns = jacobian.shape[1:]
    square = jacobian.reshape(rows, columns, rows, columns)
    return np.asarray(np.einsum("rcrc->rc", square))

"""What a derivation with one mistaken step would have found.

Each slip is a rule applied to the true derivation: a softmax whose Jacobian is taken for diagonal,
a link that is skipped, σ′ at the wrong point, a mean held constant, an occurrence forgotten. Its
result is worked out by numbers, on the tape, for the variable and for everything on the way, and
compared with what stands in the answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, islice

import numpy as np

from diagrad.check.bench import Bench
from diagrad.check.tape import Adjoints, Local, Rule, Use, plain, slopes
from diagrad.dimensions import is_scalar
from diagrad.expression import Symbol, walk
from diagrad.operations.room import Array
from diagrad.show import printed

MOST_SLIPS, MOST_OCCURRENCES = 120, 4
STATISTICS = frozenset({"sum", "mean", "max", "min", "norm", "norm1", "logsumexp", "prod", "trace"})
MASKED = frozenset({"relu", "maximum", "minimum", "abs", "clip"})
MIXES = frozenset({"softmax", "log_softmax"})


@dataclass(frozen=True, eq=False)
class Slip:
    """A mistake at some uses: its kind, what it concerns, what it leads to at each point, and the
    uses through which nothing comes."""

    kind: str
    about: str
    use: Use
    found: Sequence[Adjoints]
    dropped: Sequence[Use] = ()

    def values(self, name: str) -> list[Array] | None:
        """The adjoint of a name that comes of it, in the shape of the name or by entries."""
        if name not in self.found[0].names:
            return None
        return [plain(adjoints.names[name]) for adjoints in self.found]


class Slips:
    """The slips of one question, the likely ones first."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench

    @cached_property
    def all(self) -> list[Slip]:
        return list(islice(self._each(), MOST_SLIPS))

    def _each(self) -> Iterator[Slip]:
        uses = [u for u in self.bench.adjoints[0].uses if self._on_the_way(u)]
        for use in uses:
            yield from self._at(use)
        yield from self._penalties(uses)
        yield from self._held(uses)
        yield from self._occurrences(uses)
        yield from self._terms(uses)

    def _on_the_way(self, use: Use) -> bool:
        """Whether the use leads to the variable, not only to another one."""
        operand = use.node.operands[use.operand]
        return id(operand) in self._leading

    @cached_property
    def _leading(self) -> set[int]:
        own = self.bench.tapes[0].adjoints(frozenset(self.bench.wrt))
        return {id(use.node.operands[use.operand]) for use in own.uses}

    def _slip(self, kind: str, use: Use, rule: Rule, nodes: Sequence[Use] = ()) -> Slip:
        changed = frozenset(id(one.node) for one in (nodes or [use]))
        found = [t.adjoints(self.bench.moving, rule, changed) for t in self.bench.tapes]
        about = printed(use.node, "unicode", self.bench.problem.names)
        return Slip(kind, about, use, found, nodes)

    def _at(self, use: Use) -> Iterator[Slip]:
        operation = use.node.operation
        if operation.name in MIXES:
            yield self._slip("softmax-diagonal", use, only(use, diagonal))
            yield self._slip("missing-link", use, only(use, skipped))
            yield self._slip("extra-derivative", use, only(use, diagonal_twice))
            yield self._slip("softmax-summed", use, only(use, summed))
        elif operation.name in MASKED and len(use.node.operands) == 2:
            yield self._slip("mask", use, only(use, masked))
        elif operation.entrywise and operation.curved and len(use.node.operands) == 1:
            yield self._slip("missing-link", use, only(use, skipped))
            yield self._slip("wrong-point", use, only(use, at_value))
            yield self._slip("extra-derivative", use, only(use, twice))
            wrong = in_wrong_form(operation.name)
            if wrong is not None:
                yield self._slip("wrong-point", use, only(use, wrong))
            if operation.name in MASKED:
                yield self._slip("mask", use, only(use, masked))
        elif operation.name == "mean":
            yield self._slip("batch-factor", use, only(use, unaveraged))

    def _occurrences(self, uses: Sequence[Use]) -> Iterator[Slip]:
        """Some of the places of the variable, or of a name on the way, alone."""
        by_name: dict[str, list[Use]] = {}
        for use in uses:
            operand = use.node.operands[use.operand]
            if isinstance(operand, Symbol):
                by_name.setdefault(operand.name, []).append(use)
        order = sorted(by_name, key=lambda name: name not in self.bench.wrt)
        for name in order:
            places = by_name[name]
            if 1 < len(places) <= MOST_OCCURRENCES:
                for count in range(1, len(places)):
                    for gone in combinations(places, count):
                        inside = self._is_in_penalty(gone[0])
                        kind = "regularisation" if inside else "one-occurrence"
                        yield self._slip(kind, gone[0], dropping(gone), gone)

    def _penalties(self, uses: Sequence[Use]) -> Iterator[Slip]:
        """A penalty that is not differentiated."""
        for use in uses:
            if any(use.node.operands[use.operand] is term for term in self.bench.penalties):
                yield self._slip("regularisation", use, dropping([use]), [use])

    def _is_in_penalty(self, use: Use) -> bool:
        return any(use.node is node for term in self.bench.penalties for node in walk(term))

    def _held(self, uses: Sequence[Use]) -> Iterator[Slip]:
        """Statistics of the variable taken for constants, one, two, or all of them."""
        held = [u for u in uses if u.node.operation.name in STATISTICS and self._is_inner(u)]
        held += [u for u in uses if self._is_scalar_name(u)]
        single = {id(u.node): u for u in held}
        several = list(single.values())
        for count in sorted({1, 2, len(several)}):
            if 0 < count <= len(several):
                for gone in combinations(several, count):
                    yield self._slip("held-constant", gone[0], dropping(gone), gone)

    def _is_scalar_name(self, use: Use) -> bool:
        """Whether a use is of a scalar that has a name, in something that has axes."""
        operand = use.node.operands[use.operand]
        named = isinstance(operand, Symbol) and operand.role == "definition"
        return named and is_scalar(operand.shape) and not is_scalar(use.node.shape)

    def _is_inner(self, use: Use) -> bool:
        """Whether it is not the last step to the value: its whole, or the name of that, is used."""
        owner = use.owner
        is_whole = owner and self.bench.source.definitions[owner].expression is use.node
        operands = [other.node.operands[other.operand] for other in self.bench.adjoints[0].uses]
        return any(
            operand is use.node
            or (is_whole and isinstance(operand, Symbol) and operand.name == owner)
            for operand in operands
        )

    def _terms(self, uses: Sequence[Use]) -> Iterator[Slip]:
        """A term of a sum that is not differentiated, as a penalty is forgotten."""
        for use in uses:
            if use.node.operation.name in ("+", "-"):
                yield self._slip("missing-term", use, dropping([use]), [use])


def only(use: Use, rule: Rule) -> Rule:
    """The rule at one use alone."""

    def applied(at: Use, local: Local) -> Array | None:
        same = at.node is use.node and at.operand == use.operand
        return rule(at, local) if same else None

    return applied


def dropping(uses: Sequence[Use]) -> Rule:
    """Nothing comes through these uses."""
    gone = {(id(use.node), use.operand) for use in uses}

    def dropped(use: Use, local: Local) -> Array | None:
        if (id(use.node), use.operand) not in gone:
            return None
        return np.zeros_like(local.through(local.jacobian))

    return dropped


def skipped(use: Use, local: Local) -> Array | None:
    """As though the function were not there: f′ = 1."""
    same = local.values[use.operand].shape == local.value.shape
    return local.adjoint.reshape(len(local.adjoint), -1) if same else None


def _times(local: Local, factors: Array) -> Array:
    return np.asarray((local.adjoint * factors).reshape(len(local.adjoint), -1))


def diagonal(use: Use, local: Local) -> Array:
    return _times(local, slopes(local.jacobian))


def twice(use: Use, local: Local) -> Array:
    return _times(local, slopes(local.jacobian) ** 2)


def diagonal_twice(use: Use, local: Local) -> Array:
    """The true derivative, times p(1 − p) once more."""
    return local.through(local.jacobian) * slopes(local.jacobian).reshape(1, -1)


def summed(use: Use, local: Local) -> Array:
    """The rows of the Jacobian summed, each sum a factor."""
    rows, columns = local.value.shape[-2:]
    sums = local.jacobian.sum((1, 2)).reshape(rows, columns)
    return _times(local, sums)


def at_value(use: Use, local: Local) -> Array:
    """f′ taken at f(z) for z."""
    moved = list(local.values)
    moved[use.operand] = local.value
    return _times(local, slopes(local.at(moved)))


def masked(use: Use, local: Local) -> Array | None:
    """The mask of the gradient that comes in, not of what went in."""
    if local.values[use.operand].shape != local.value.shape:
        return None
    return np.asarray((local.adjoint * (local.adjoint > 0)).reshape(len(local.adjoint), -1))


def unaveraged(use: Use, local: Local) -> Array:
    count = local.values[use.operand].size / local.value.size
    return local.through(local.jacobian) * count


def in_wrong_form(name: str) -> Rule | None:
    """f′ as it is written in f(z), but in z."""
    forms = {"sigmoid": lambda z: z * (1 - z), "tanh": lambda z: 1 - z * z}
    if name not in forms:
        return None

    def rule(use: Use, local: Local) -> Array:
        return _times(local, forms[name](local.values[use.operand]))

    return rule

"""What has to be computed again when some names change, and whether it is analytic in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from diagrad.evaluate import Environment, evaluate, parts, with_definitions
from diagrad.expression import Apply, Expression, Symbol
from diagrad.operations.room import Array

if TYPE_CHECKING:
    from diagrad.language import Source

Named = tuple[str, Expression]


@dataclass(frozen=True)
class Path:
    """From the names `wrt` to the value of `of`.

    `all` are the definitions that the value and the formula need, in order; `changing` those
    between wrt and `of`. A definition in `wrt` is a variable of its own: what it is made of does
    not change it.
    """

    of: Expression
    wrt: tuple[str, ...]
    all: tuple[Named, ...]
    changing: tuple[Named, ...]
    analytic: bool
    structure: tuple[str, ...] = ()

    def value(self, environment: Environment, changed: Mapping[str, Array]) -> Array:
        """The value of `of` with other values, or batches of values, of the names `wrt`."""
        moved = environment.having(changed)
        return evaluate(self.of, with_definitions(self.changing, moved) if self.changing else moved)


def path(
    source: Source,
    of: Expression,
    wrt: tuple[str, ...],
    formulas: Sequence[Expression],
    introduced: Mapping[str, Expression],
) -> Path:
    """The path from `wrt` to `of`; `introduced` are names of the formulas that the problem does not
    have."""
    definitions = {name: d.expression for name, d in source.definitions.items()} | dict(introduced)
    needed = _needed(definitions, [of])
    moving = set(wrt)
    changing = []
    for name, expression in needed:
        if name not in moving and _names(expression) & moving:
            moving.add(name)
            changing.append((name, expression))
    analytic = all(_analytic(e, moving) for e in (of, *(e for _, e in changing)))
    everything = _needed(
        definitions, [of, *formulas, *(definitions[n] for n in wrt if n in definitions)]
    )
    chosen = {name for name, _ in everything} | set(wrt)
    ordered = tuple((name, e) for name, e in definitions.items() if name in chosen)
    return Path(of, wrt, ordered, tuple(changing), analytic)


def _needed(definitions: Mapping[str, Expression], start: Iterable[Expression]) -> list[Named]:
    """The definitions that the expressions use, directly or not, in the order of the problem."""
    found: set[str] = set()
    pending = list(start)
    while pending:
        names = _names(pending.pop()) & definitions.keys() - found
        found |= names
        pending.extend(definitions[name] for name in names)
    return [(name, e) for name, e in definitions.items() if name in found]


def _names(expression: Expression) -> set[str]:
    return {node.name for node in parts(expression) if isinstance(node, Symbol)}


def _analytic(expression: Expression, moving: set[str]) -> bool:
    """Whether every operation on something that moves maps complex values by its analytic
    continuation."""
    moved: dict[int, bool] = {}
    for node in parts(expression):
        if isinstance(node, Apply):
            moved[id(node)] = any(moved[id(operand)] for operand in node.operands)
            if moved[id(node)] and not node.operation.analytic:
                return False
        else:
            moved[id(node)] = isinstance(node, Symbol) and node.name in moving
    return True

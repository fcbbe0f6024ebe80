"""What a problem's text says, once read."""

from __future__ import annotations

from dataclasses import dataclass, field

from diagrad.dimensions import Dimension, Shape, Size
from diagrad.errors import Span
from diagrad.expression import Apply, Expression, Symbol, walk
from diagrad.operations.unspecified import Unspecified


@dataclass(frozen=True)
class Declaration:
    """A variable: its shape, its facts as written, and the axis along which entries sum to 1.

    `position` counts variables and definitions together, in the order of their first appearance.
    """

    name: str
    shape: Shape
    facts: frozenset[str]
    sums_along: int | None
    position: int
    span: Span


@dataclass(frozen=True)
class Definition:
    """A name for an expression; `position` as for declarations."""

    name: str
    expression: Expression
    position: int
    span: Span


@dataclass(frozen=True)
class Source:
    """A problem: dimensions by first appearance, the rest by name in the order of the text."""

    text: str
    file: str
    dimensions: tuple[Dimension, ...] = ()
    variables: dict[str, Declaration] = field(default_factory=dict)
    functions: dict[str, Unspecified] = field(default_factory=dict)
    definitions: dict[str, Definition] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        """Every name: dimensions, variables, functions, definitions."""
        dimensions = (d.name for d in self.dimensions)
        return frozenset((*dimensions, *self.variables, *self.functions, *self.definitions))

    def needed(self, expression: Expression) -> frozenset[str]:
        """The names that an expression depends on, through definitions too: variables, definitions,
        dimensions and functions."""
        found: set[str] = set()
        pending = [expression]
        while pending:
            for node in walk(pending.pop()):
                new = _names(node) - found
                found |= new
                pending += [self.definitions[n].expression for n in new if n in self.definitions]
        return frozenset(found)


def _names(node: Expression) -> set[str]:
    if isinstance(node, Symbol):
        return {node.name}
    if not isinstance(node, Apply):
        return set()
    sizes = [p for p in node.parameters if isinstance(p, Size)]
    names = {d.name for size in sizes for d in size.dimensions}
    if isinstance(node.operation, Unspecified):
        names.add(node.operation.user_name)
    return names

"""What a problem's text says, once read."""

from __future__ import annotations

from dataclasses import dataclass, field

from diagrad.dimensions import Dimension, Shape
from diagrad.errors import Span
from diagrad.expression import Expression
from diagrad.operations.elementwise import Unspecified


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

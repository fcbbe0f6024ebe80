"""Parts of a tree, and trees with one part changed.

Shapes are worked out anew on the way up, so that an edit whose operands do not fit is seen at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from diagrad.check.reading import NOWHERE, combined, rebuilt
from diagrad.dimensions import is_scalar
from diagrad.expression import Apply, Expression, Number, is_call, number
from diagrad.operations import WORDS

PRODUCTS = frozenset({"*", "@", "/"})
COMPARISONS = frozenset({"<", ">", "<=", ">=", "==", "!="})
SUMS = frozenset({"+", "-"})


class Place(NamedTuple):
    """A part of a tree, and the way to it: what stands above it, outermost first."""

    node: Expression
    above: tuple[tuple[Apply, int], ...]

    @property
    def parent(self) -> Apply | None:
        return self.above[-1][0] if self.above else None

    def having(self, new: Expression) -> Expression:
        """The whole tree with another part here."""
        for parent, k in reversed(self.above):
            operands = (*parent.operands[:k], new, *parent.operands[k + 1 :])
            new = rebuilt(replace(parent, operands=operands))
        return new


class Edit(NamedTuple):
    """A change: which mistake it undoes, the part before and after, and the whole after."""

    kind: str
    old: Expression
    new: Expression
    whole: Expression


def places(tree: Expression) -> list[Place]:
    """All parts of a tree, the whole first; not the conditions of where, which are no values."""
    found = [Place(tree, ())]
    for place in found:
        if isinstance(place.node, Apply):
            node = place.node
            found += [Place(o, (*place.above, (node, k))) for k, o in enumerate(node.operands)]
    return [place for place in found if not is_call(place.node, *COMPARISONS)]


def edit(kind: str, place: Place, new: Expression) -> Edit:
    return Edit(kind, place.node, new, place.having(new))


def leads(place: Place, *names: str) -> bool:
    """Whether a part is the first operand of an operator, so that it belongs to that chain."""
    return bool(place.above) and place.above[-1][1] == 0 and is_call(place.parent, *names)


def transposed(node: Expression) -> Expression:
    """Aᵀ, and A of Aᵀ."""
    if isinstance(node, Apply) and node.operation.name == "T":
        return node.operands[0]
    return combined("T", node)


def has_axes(node: Expression) -> bool:
    return len(node.shape) == 2 and not is_scalar(node.shape)


def chain(node: Expression, sign: str) -> list[Expression]:
    """The factors of a b c under one operator, however they are grouped."""
    if not isinstance(node, Apply) or node.operation.name != sign:
        return [node]
    return [*chain(node.operands[0], sign), *chain(node.operands[1], sign)]


def product(sign: str, factors: Sequence[Expression]) -> Expression:
    made = factors[0]
    for factor in factors[1:]:
        made = combined(sign, made, factor)
    return made


def node_of(word: str, operand: Expression, parameters: tuple[object, ...] = ()) -> Apply:
    return rebuilt(Apply(NOWHERE, WORDS[word], (operand,), parameters))


def spine(node: Expression) -> tuple[list[Expression], list[str]]:
    """Operands and operators of a chain of products, from the left."""
    if not isinstance(node, Apply) or node.operation.name not in PRODUCTS:
        return [node], []
    operands, signs_ = spine(node.operands[0])
    return [*operands, node.operands[1]], [*signs_, node.operation.name]


def joined(operands: Sequence[Expression], between: Sequence[str]) -> Expression:
    made = operands[0]
    for sign, operand in zip(between, operands[1:], strict=True):
        made = combined(sign, made, operand)
    return made


def scaled(node: Expression, factor: Expression) -> Expression:
    """The part times a factor, written before it; 1/c as a quotient."""
    if isinstance(factor, Number) and factor.value == -1:
        return combined("negate", node)
    if isinstance(factor, Number) and factor.value.numerator == 1:
        return combined("/", node, number(factor.value.denominator))
    if isinstance(factor, Apply) and factor.operation.name == "/":
        above, below = factor.operands
        if isinstance(above, Number) and above.value == 1:
            return combined("/", node, below)
    return combined("*", factor, node)

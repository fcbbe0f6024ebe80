"""Changes that bring in other quantities: another name, one more factor, one more term."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from diagrad.check.places import (
    PRODUCTS,
    SUMS,
    Edit,
    Place,
    edit,
    has_axes,
    node_of,
    places,
    scaled,
    transposed,
)
from diagrad.check.reading import combined, exchanged, rebuilt
from diagrad.dimensions import is_scalar
from diagrad.expression import Apply, Expression, Symbol, is_call
from diagrad.operations import WORDS
from diagrad.operations.functions import BY_NAME

# What may be missing: "slope" or "value", and the expression.
Missing = tuple[str, Expression]

# Functions that are taken for one another.
CONFUSED = (
    ("sigmoid", "tanh", "relu", "softplus", "exp", "log"),
    ("sin", "cos"),
    ("step", "sign", "relu"),
    ("inv", "pinv"),
    ("softmax", "log_softmax", "sigmoid"),
    ("trace", "det", "logdet"),
    ("norm", "norm1"),
    ("max", "min"),
)


def others(tree: Expression, names: Sequence[Expression]) -> Iterator[Edit]:
    """Another name for one, everywhere in a part of the tree, or at one place alone."""
    found = places(tree)
    symbols = list(dict.fromkeys(p.node for p in found if isinstance(p.node, Symbol)))
    parts = [p for p in found if isinstance(p.node, Apply) and _stands(p)]
    for symbol in symbols:
        at = [p for p in found if p.node == symbol]
        for other in names:
            counts = isinstance(other, Symbol) and other.role == "dimension"
            if other == symbol or counts != (symbol.role == "dimension"):
                continue
            for place in parts:
                new = exchanged(place.node, symbol, other)
                if new is not place.node:
                    yield Edit("wrong-quantity", symbol, other, place.having(new))
            for place in at:
                yield Edit("wrong-quantity", symbol, other, place.having(other))
    for place in found:
        if isinstance(place.node, Apply) and place.above and has_axes(place.node):
            for other in names:
                if other != place.node and other.shape == place.node.shape:
                    yield Edit("wrong-quantity", place.node, other, place.having(other))


def _stands(place: Place) -> bool:
    """The whole, a term, a factor: what a reader takes for one quantity."""
    return not place.above or is_call(place.parent, *SUMS, *PRODUCTS)


def functions(place: Place) -> Iterator[Edit]:
    """A function taken for another; one that is missing."""
    node = place.node
    if not isinstance(node, Apply) or len(node.operands) != 1:
        return
    name = node.operation.name
    for group in CONFUSED:
        if name in group:
            for other in group:
                room = WORDS.get(other) or BY_NAME[other]
                if other != name and room.takes.axis == node.operation.takes.axis:
                    yield edit("other", place, rebuilt(replace(node, operation=room)))


def inverses(place: Place) -> Iterator[Edit]:
    """A⁻¹ for A."""
    node = place.node
    if has_axes(node) and node.shape[0] == node.shape[1] and isinstance(node, Symbol):
        yield edit("other", place, node_of("inv", node))


def factors(place: Place, missing: Sequence[Missing], sign: str) -> Iterator[Edit]:
    """One more factor, entry by entry or as a matrix, on either side; or a divisor."""
    node = place.node
    if len(node.shape) != 2 or (place.above and is_call(place.parent, "T")):
        return
    for role, k in missing:
        for made in _multiplied(node, k) if sign == "*" else _divided(node, k):
            yield Edit(f"missing-{role}", k, made, place.having(made))


def _divided(node: Expression, k: Expression) -> Iterator[Expression]:
    if is_scalar(k.shape) or k.shape == node.shape or _stretches(node, k):
        yield combined("/", node, k)


def _stretches(node: Expression, k: Expression) -> bool:
    return has_axes(node) and any(size.number == 1 for size in k.shape)


def _multiplied(node: Expression, k: Expression) -> Iterator[Expression]:
    if is_scalar(k.shape):
        yield scaled(node, k)
        return
    if k.shape == node.shape or _stretches(node, k):
        yield combined("*", node, k)
    elif k.shape[::-1] == node.shape:
        yield combined("*", node, transposed(k))
    for left, right in ((node, k), (node, transposed(k)), (k, node), (transposed(k), node)):
        if left.shape[1] == right.shape[0] and not is_scalar(left.shape):
            yield combined("@", left, right)


def terms(place: Place, names: Sequence[Expression]) -> Iterator[Edit]:
    """One more term."""
    if place.above and not is_call(place.parent, *PRODUCTS):
        return
    for k in names:
        if k.shape == place.node.shape:
            for sign in ("+", "-"):
                made = combined(sign, place.node, k)
                yield Edit("missing-term", k, made, place.having(made))

"""Small changes of an expression, each the undoing of a mistake that people make.

Every function here yields `Edit`s of one place of a tree; `whole` is the tree with the change made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import combinations

from diagrad.check.places import (
    PRODUCTS,
    SUMS,
    Edit,
    Place,
    chain,
    edit,
    has_axes,
    joined,
    leads,
    node_of,
    product,
    scaled,
    spine,
    transposed,
)
from diagrad.check.reading import NOWHERE, combined, rebuilt
from diagrad.dimensions import is_scalar, is_vector
from diagrad.expression import Apply, Expression, Number, is_call, number
from diagrad.language.misfits import mixed
from diagrad.operations import WORDS

LONGEST_CHAIN = 7


def signs(place: Place) -> Iterator[Edit]:
    node = place.node
    if isinstance(node, Apply) and node.operation.name in SUMS:
        a, b = node.operands
        yield edit("sign", place, combined("-" if node.operation.name == "+" else "+", a, b))
        if node.operation.name == "-":
            yield edit("sign", place, combined("-", b, a))
    if isinstance(node, Apply) and node.operation.name == "negate":
        yield edit("sign", place, node.operands[0])


def negated(place: Place) -> Iterator[Edit]:
    if not place.above or is_call(place.parent, *SUMS):
        yield edit("sign", place, combined("negate", place.node))


def transposes(place: Place) -> Iterator[Edit]:
    if has_axes(place.node):
        parent = place.parent
        outer = parent is not None and mixed(parent.operation, [o.shape for o in parent.operands])
        kind = "broadcast-outer" if outer else "transpose"
        yield edit(kind, place, transposed(place.node))


def orders(place: Place) -> Iterator[Edit]:
    """The factors of a matrix product in another order, one of them moved or all turned round."""
    if not is_call(place.node, "@") or leads(place, "@"):
        return
    factors = chain(place.node, "@")
    if len(factors) > LONGEST_CHAIN:
        return
    seen = {tuple(range(len(factors)))}
    for k in range(len(factors)):
        rest = [n for n in range(len(factors)) if n != k]
        for at in range(len(factors)):
            moved = (*rest[:at], k, *rest[at:])
            if moved not in seen:
                seen.add(moved)
                yield edit("factor-order", place, product("@", [factors[n] for n in moved]))
    if len(factors) == 2:
        a, b = factors
        for left, right in ((transposed(b), a), (b, transposed(a)), (transposed(b), transposed(a))):
            yield edit("factor-order", place, combined("@", left, right))


def hadamards(place: Place) -> Iterator[Edit]:
    """A matrix product where entries are multiplied, or the other way round."""
    node = place.node
    if not isinstance(node, Apply) or node.operation.name not in ("@", "*"):
        return
    a, b = node.operands
    if is_scalar(a.shape) or is_scalar(b.shape):
        return
    if node.operation.name == "@":
        for left, right in ((a, b), (a, transposed(b)), (transposed(a), b)):
            yield edit(
                "hadamard-matmul", place, product("*", [*chain(left, "*"), *chain(right, "*")])
            )
        yield from _undiagonal(place, a, b)
        return
    outer = node.shape != NOWHERE and a.shape != b.shape
    for left, right in ((a, b), (b, a)):
        for x, y in ((left, right), (transposed(left), right), (left, transposed(right))):
            kind = "unreduced" if outer else "hadamard-matmul"
            yield edit(kind, place, combined("@", x, y))
    yield from _undiagonal(place, a, b)


def _diagonal(node: Expression) -> Expression | None:
    return node_of("diag", node) if is_vector(node.shape) else None


def _undiagonal(place: Place, a: Expression, b: Expression) -> Iterator[Edit]:
    """diag(v) of what should be multiplied as it is, or v of what should be diag(v)."""
    for x, y in ((a, _diagonal(b)), (_diagonal(a), b)):
        if x is not None and y is not None:
            yield edit("hadamard-matmul", place, combined("@", x, y))


def axes(place: Place) -> Iterator[Edit]:
    """Another axis, a mean for a sum, a sum that is missing or too many."""
    node = place.node
    if isinstance(node, Apply) and node.operation.takes.axis and node.parameters:
        yield from _other_axes(place, node)
    if not place.above:
        yield from summed(place)


def summed(place: Place) -> Iterator[Edit]:
    """A sum that is missing."""
    node = place.node
    if has_axes(node) and (not place.above or is_call(place.parent, *SUMS, *PRODUCTS)):
        for axis in (0, 1, None):
            yield edit("broadcast-not-summed", place, node_of("sum", node, (axis,)))


def _other_axes(place: Place, node: Apply) -> Iterator[Edit]:
    name = node.operation.name
    for axis in (0, 1, None):
        if axis != node.parameters[0]:
            kind = "forward" if "softmax" in name else "wrong-axis"
            yield edit(kind, place, rebuilt(replace(node, parameters=(axis,))))
    if name in ("sum", "mean"):
        other = WORDS["mean" if name == "sum" else "sum"]
        kind = "bias-averaged" if name == "mean" else "batch-factor"
        for axis in dict.fromkeys((node.parameters[0], 0, 1, None)):
            yield edit(kind, place, rebuilt(replace(node, operation=other, parameters=(axis,))))
        yield edit("softmax-summed", place, node.operands[0])


def groupings(place: Place) -> Iterator[Edit]:
    """Brackets elsewhere: a * b @ c as a * (b @ c), a - b / n as (a - b) / n."""
    node = place.node
    if not isinstance(node, Apply) or node.operation.name not in PRODUCTS | SUMS:
        return
    if node.operation.name in PRODUCTS and not leads(place, *PRODUCTS):
        yield from _regrouped(place, *spine(node))
    a, b = node.operands
    if node.operation.name in SUMS and isinstance(b, Apply) and b.operation.name in PRODUCTS:
        for first, rest in _heads(b):
            left = combined(node.operation.name, a, first)
            yield edit("precedence", place, rest(left))
    if node.operation.name in SUMS and isinstance(a, Apply) and a.operation.name in PRODUCTS:
        x, y = a.operands
        right = combined(node.operation.name, y, b)
        yield edit("precedence", place, combined(a.operation.name, x, right))


def _heads(node: Expression) -> Iterator[tuple[Expression, Callable[[Expression], Expression]]]:
    """The first factor of a product, and the product with another in its place."""
    if not isinstance(node, Apply) or node.operation.name not in PRODUCTS:
        return
    a, b = node.operands
    sign = node.operation.name

    def having(new: Expression) -> Expression:
        return combined(sign, new, b)

    yield a, having
    for first, rest in _heads(a):
        yield first, lambda new, rest=rest: having(rest(new))  # type: ignore[misc]


def _regrouped(place: Place, operands: list[Expression], between: list[str]) -> Iterator[Edit]:
    count = len(operands)
    if count > LONGEST_CHAIN:
        return
    for start, end in combinations(range(count), 2):
        if start == 0:
            continue
        inner = joined(operands[start : end + 1], between[start:end])
        rest = [*operands[:start], inner, *operands[end + 1 :]]
        yield edit("precedence", place, joined(rest, [*between[:start], *between[end:]]))


def swapped(place: Place) -> Iterator[Edit]:
    """The operands of a Kronecker or outer product the other way round."""
    node = place.node
    if isinstance(node, Apply) and node.operation.name in ("kron", "outer", "solve"):
        a, b = node.operands
        for left in (b, transposed(b)):
            for right in (a, transposed(a)):
                new = rebuilt(replace(node, operands=(left, right)))
                yield edit("factor-order", place, new)


def contracted(place: Place) -> Iterator[Edit]:
    """A trace for the whole matrix."""
    if not place.above and has_axes(place.node) and place.node.shape[0] == place.node.shape[1]:
        yield edit("unreduced", place, node_of("trace", place.node))


def numbers(place: Place) -> Iterator[Edit]:
    """Another number where one stands, another power."""
    node = place.node
    if isinstance(node, Number):
        v = node.value
        for other in dict.fromkeys((v * 2, v / 2, v + 1, v - 1, -v, 1 / v if v else v)):
            if other != v:
                power = is_call(place.parent, "**") and place.above[-1][1] == 1
                yield edit("other" if power else "constant-factor", place, number(other))
    elif is_call(node, "square"):
        yield edit("constant-factor", place, node.operands[0])


def multiples(place: Place) -> Iterator[Edit]:
    """A term twice or three times, half or a third."""
    if is_call(place.parent, *SUMS):
        for factor in (Fraction(2), Fraction(1, 2), Fraction(3), Fraction(1, 3)):
            yield edit("constant-factor", place, scaled(place.node, number(factor)))


def scalars(place: Place) -> Iterator[Edit]:
    """A constant factor too many, or a square, where it is written."""
    node = place.node
    if is_call(node, "**") and isinstance(node.operands[1], Number):
        yield edit("constant-factor", place, node.operands[0])
    for found in removals(place):
        if found.kind == "extra-factor" and is_scalar(found.old.shape):
            yield found


def removals(place: Place) -> Iterator[Edit]:
    """One or two factors too many; a term too many."""
    node = place.node
    if not isinstance(node, Apply):
        return
    if node.operation.name in PRODUCTS and not leads(place, *PRODUCTS):
        operands, between = spine(node)
        if len(operands) <= LONGEST_CHAIN:
            for count in (1, 2):
                for gone in combinations(range(len(operands)), count):
                    yield from _without(place, operands, between, gone)
    elif node.operation.name in SUMS:
        a, b = node.operands
        yield edit("extra-term", place, a)
        yield edit("extra-term", place, combined("negate", b) if node.operation.name == "-" else b)
    elif len(node.operands) == 1 and node.operation.name != "T":
        yield edit("extra-function", place, node.operands[0])


def _without(
    place: Place, operands: list[Expression], between: list[str], gone: tuple[int, ...]
) -> Iterator[Edit]:
    """The chain without some of its factors. What is removed is the edit's `old`."""
    if len(gone) >= len(operands) or (0 in gone and between[0] == "/"):
        return
    kept = [k for k in range(len(operands)) if k not in gone]
    signs_ = [between[k - 1] for k in kept[1:]]
    new = joined([operands[k] for k in kept], signs_)
    removed = product("*", [operands[k] for k in gone])
    yield Edit("extra-factor", removed, new, place.having(new))


def softmaxed(place: Place) -> Iterator[Edit]:
    """p ∘ (g − Σ g p) for g ∘ p ∘ (1 − p), and diag(p) − p pᵀ for diag(p ∘ (1 − p))."""
    node = place.node
    if is_call(node, "diag"):
        factors = chain(node.operands[0], "*")
        for p in factors:
            if len(factors) == 2 and any(_is_complement(f, p) for f in factors):
                for outer in (combined("@", p, transposed(p)), combined("@", transposed(p), p)):
                    yield edit("softmax-diagonal", place, combined("-", node_of("diag", p), outer))
    if not is_call(node, "*") or leads(place, "*"):
        return
    factors = chain(node, "*")
    for p in factors:
        rest = [f for f in factors if f is not p and not _is_complement(f, p)]
        if len(rest) == len(factors) - 2 and rest:
            g = product("*", rest)
            for axis in (1, 0):
                inner = node_of("sum", combined("*", g, p), (axis,))
                new = combined("*", combined("-", g, inner), p)
                yield edit("softmax-diagonal", place, new)


def _is_complement(node: Expression, p: Expression) -> bool:
    """Whether a factor is 1 − p."""
    if not isinstance(node, Apply) or node.operation.name != "-":
        return False
    one, other = node.operands
    return isinstance(one, Number) and one.value == 1 and other == p


def symmetrised(place: Place) -> Iterator[Edit]:
    """A + Aᵀ for A, as where a variable occurs twice; also for 2 A."""
    node = place.node
    if not has_axes(node):
        return
    if node.shape[0] == node.shape[1]:
        both = combined("+", node, transposed(node))
        kind = "special-case" if is_call(place.parent, "*") else "one-occurrence"
        yield edit(kind, place, both)
    if is_call(node, "*") and isinstance(node.operands[0], Number) and node.operands[0].value == 2:
        inner = node.operands[1]
        if inner.shape[0] == inner.shape[1]:
            yield edit("special-case", place, combined("+", inner, transposed(inner)))
    if is_call(node, "@"):
        factors = chain(node, "@")
        for k, factor in enumerate(factors):
            if has_axes(factor) and factor.shape[0] == factor.shape[1] and not is_call(factor, "T"):
                turned = [*factors[:k], transposed(factor), *factors[k + 1 :]]
                new = combined("+", node, product("@", turned))
                yield edit("one-occurrence", place, new)
    if isinstance(node, Apply) and is_call(node.operands[0] if node.operands else None, "*"):
        yield from _doubled(place, node)


def _doubled(place: Place, node: Apply) -> Iterator[Edit]:
    """(2 A) x as (A + Aᵀ) x."""
    product_ = node.operands[0]
    assert isinstance(product_, Apply)
    two, matrix = product_.operands
    square = has_axes(matrix) and matrix.shape[0] == matrix.shape[1]
    if isinstance(two, Number) and two.value == 2 and square:
        both = combined("+", matrix, transposed(matrix))
        new = rebuilt(replace(node, operands=(both, *node.operands[1:])))
        yield edit("special-case", place, new)

"""Kronecker products: factors put in an order that fits the axes of rows and columns.

Where rows and columns want different orders, a commutation matrix puts that right.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby, permutations, product
from math import prod
from typing import NamedTuple

from diagrad.dimensions import UNIT, Size
from diagrad.expression import Expression, is_call
from diagrad.matrix import make
from diagrad.matrix.contract import NoMatrixForm
from diagrad.matrix.cost import cost

Axes = tuple[int, ...]
# Kronecker products of more factors are not looked for: their orders are too many.
MOST_SLOTS = 5
# No more products than this are tried for one result.
MOST_PRODUCTS = 300


class Slot(NamedTuple):
    """A factor of a Kronecker product, with the row and column axes that it has, slowest first."""

    rows: Axes
    columns: Axes
    shown: Expression


class Effort:
    """How many products may still be tried for one result."""

    def __init__(self) -> None:
        self.left = MOST_PRODUCTS

    def spend(self) -> None:
        """Raises NoMatrixForm when nothing is left: elements can still say it."""
        self.left -= 1
        if self.left < 0:
            raise NoMatrixForm("too many ways to write it by Kronecker products")


class Sides(NamedTuple):
    """The axes of the rows and of the columns, slowest first, the size of each axis, and in how
    many products A diag(v) B it stands."""

    rows: Axes
    columns: Axes
    sizes: dict[int, Size]
    effort: Effort
    depth: int = 0


def ordered(forms: list[list[Slot]], sides: Sides) -> Expression:
    """The Kronecker product of the slots in the order that costs least."""
    covered = {k for slots in forms for k in slots[0].rows + slots[0].columns}
    for k in sides.rows:
        if k not in covered:
            forms.append([Slot((k,), (), make.ones(sides.sizes[k], UNIT))])
    for k in sides.columns:
        if k not in covered:
            forms.append([Slot((), (k,), make.ones(UNIT, sides.sizes[k]))])
    if len(forms) > MOST_SLOTS:
        raise NoMatrixForm(f"a Kronecker product of {len(forms)} factors")
    ways: list[Expression] = []
    for chosen in product(*forms):
        for order in permutations(chosen):
            ways += _in_order(order, sides)
    if not ways:
        raise NoMatrixForm("axes in another order than any Kronecker product has them")
    return min(ways, key=cost)


def _in_order(slots: Sequence[Slot], sides: Sides) -> Iterator[Expression]:
    """The slots multiplied in this order, with the commutation matrices that it needs."""
    rows = tuple(k for slot in slots for k in slot.rows)
    columns = tuple(k for slot in slots for k in slot.columns)
    left = _permutation(rows, sides.rows, sides.sizes)
    right = _permutation(sides.columns, columns, sides.sizes)
    if left is None or right is None:
        return
    shown = _multiplied(slots)
    for factor, is_left in ((left, True), (right, False)):
        if factor and is_call(shown, "eye"):
            shown = factor[0]
        elif factor:
            pair = (factor[0], shown) if is_left else (shown, factor[0])
            shown = make.matmul(*pair)
    yield shown


def commuted(expression: Expression) -> Expression:
    """(P ⊗ Q) K as K (Q ⊗ P), and anything else as it is."""
    if not is_call(expression, "@"):
        return expression
    left, right = expression.operands
    if not (is_call(left, "kron") and is_call(right, "commutation")):
        return expression
    P, Q = left.operands
    if right.parameters != (P.shape[1], Q.shape[1]):
        return expression
    K = make.call("commutation", parameters=(P.shape[0], Q.shape[0]))
    return make.matmul(K, make.call("kron", Q, P))


def _permutation(given: Axes, wanted: Axes, sizes: dict[int, Size]) -> list[Expression] | None:
    """The matrix that brings a column over the axes `given` to the order `wanted`, by exchanging
    two neighbouring blocks; none where they are the same, None where one exchange is not enough."""
    if given == wanted:
        return []
    count = len(given)
    start = next(k for k in range(count) if given[k] != wanted[k])
    end = count - next(k for k in range(count) if given[-k - 1] != wanted[-k - 1])
    for middle in range(start + 1, end):
        first, second = given[start:middle], given[middle:end]
        if second + first == wanted[start:end]:
            swap = make.call(
                "commutation", parameters=(size_over(second, sizes), size_over(first, sizes))
            )
            before, after = size_over(given[:start], sizes), size_over(given[end:], sizes)
            parts: list[Expression] = [swap]
            if before != UNIT:
                parts.insert(0, make.call("eye", parameters=(before,)))
            if after != UNIT:
                parts.append(make.call("eye", parameters=(after,)))
            return [_kron(parts)]
    return None


def size_over(axes: Axes, sizes: dict[int, Size]) -> Size:
    return prod((sizes[k] for k in axes), start=UNIT)


def _multiplied(slots: Sequence[Slot]) -> Expression:
    """The Kronecker product of the slots; a column before a row is their matrix product."""
    runs = [(kind, _kron([s.shown for s in run])) for kind, run in groupby(slots, _kind)]
    parts: list[Expression] = []
    for place, (kind, shown) in enumerate(runs):
        if kind == "row" and place and runs[place - 1][0] == "column":
            parts[-1] = _outer(parts[-1], shown)
        else:
            parts.append(shown)
    return _kron(parts)


def _kind(slot: Slot) -> str:
    if slot.rows:
        return "matrix" if slot.columns else "column"
    return "row"


def _outer(column: Expression, row: Expression) -> Expression:
    if is_call(column, "ones") and is_call(row, "ones"):
        return make.ones(column.shape[0], row.shape[1])
    return make.matmul(column, row)


def _kron(parts: Sequence[Expression]) -> Expression:
    """A ⊗ B ⊗ …; neighbouring identities, or ones, are one."""
    total: Expression = make.ONE
    for part in parts:
        if make.is_one(total):
            total = part
        elif is_call(total, "eye") and is_call(part, "eye"):
            total = make.call("eye", parameters=(total.shape[0] * part.shape[0],))
        elif is_call(total, "ones") and is_call(part, "ones"):
            total = make.ones(total.shape[0] * part.shape[0], total.shape[1] * part.shape[1])
        elif not make.is_one(part):
            total = make.call("kron", total, part)
    return total

"""The "vectorise" step for one product: which sum is a matrix product, which an elementwise one,
which a row sum.

Bound labels go one at a time, vectors first: a label that two pieces share is a matrix product, one
that a single piece has is a sum along an axis, one that three or more share needs a vector among
them, which scales another piece.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from diagrad.expression import Apply, Expression
from diagrad.matrix import make
from diagrad.matrix.cost import cost
from diagrad.matrix.piece import (
    Diagonal,
    Hadamard,
    Leaf,
    Outer,
    Piece,
    Product,
    Scaled,
    Summed,
    chained,
    inverse,
)


class NoMatrixForm(Exception):
    """No expression in matrix notation was found; indices can still say it."""


ORDERS = 8


def contracted(
    pieces: Sequence[Piece], bound: frozenset[int], diagonal: bool
) -> Iterator[list[Piece]]:
    """Lists of pieces without bound labels, each with an elementwise product equal to the product
    of `pieces` summed over `bound`: one for each order in which equally good labels may go, at most
    ORDERS.

    `diagonal` says whether a vector between two matrices is shown as a diagonal matrix. Raises
    NoMatrixForm where no order leads through.
    """
    waiting = [merged(pieces)]
    found = 0
    failure: NoMatrixForm | None = None
    while waiting and found < ORDERS:
        current = waiting.pop()
        labels = _next(current, bound)
        if not labels:
            found += 1
            yield current
        for label in reversed(labels):
            try:
                waiting.append(merged(_eliminated(current, label, diagonal)))
            except NoMatrixForm as error:
                failure = error
    if not found:
        raise failure or NoMatrixForm("no matrix form")


def split(pieces: Sequence[Piece], bound: frozenset[int]) -> tuple[list[list[Piece]], list[Piece]]:
    """Groups of pieces that hang together by bound labels alone, and all other pieces."""
    apart: list[list[Piece]] = []
    together: list[Piece] = []
    unseen = list(pieces)
    while unseen:
        group = [unseen.pop(0)]
        for piece in group:
            linked = [p for p in unseen if piece.labels & p.labels & bound]
            group += linked
            unseen = [p for p in unseen if p not in linked]
        if all(piece.labels <= bound for piece in group):
            apart.append(group)
        else:
            together += group
    return apart, together


def merged(pieces: Sequence[Piece]) -> list[Piece]:
    """Pieces with the same labels multiplied entry by entry; δ stays by itself."""
    groups: dict[frozenset[int], list[Piece]] = {}
    result: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, Diagonal):
            result.append(piece)
        else:
            groups.setdefault(piece.labels, []).append(piece)
    for group in groups.values():
        alone = len(group) == 1 and not inverse(group[0])
        result.append(group[0] if alone else Hadamard(group))
    return result


def _next(pieces: Sequence[Piece], bound: frozenset[int]) -> list[int]:
    """The bound labels that may go next: to leave a vector, a row sum, a product, a scaling."""
    orders: dict[int, list[int]] = {}
    for label in sorted(bound, reverse=True):
        parts = [p for p in pieces if label in p.labels]
        if parts:
            vectors = any(len(p.labels) == 1 for p in parts)
            order = {1: 1, 2: 0 if vectors else 2}.get(len(parts), 3)
            orders.setdefault(order, []).append(label)
    if not orders:
        return []
    best = orders[min(orders)]
    return best if min(orders) == 2 else best[:1]


def _eliminated(pieces: Sequence[Piece], label: int, diagonal: bool) -> list[Piece]:
    parts = [p for p in pieces if label in p.labels]
    rest = [p for p in pieces if label not in p.labels]
    if len(parts) == 1:
        if len(parts[0].labels) == 1:
            raise NoMatrixForm("a closed sum inside a product")
        return [*rest, Summed(parts[0], label)]
    if len(parts) == 2:
        return [*rest, Product(parts[0], parts[1], label)]
    vectors = [p for p in parts if len(p.labels) == 1]
    matrices = sorted((p for p in parts if len(p.labels) == 2), key=lambda p: p.rank)
    if not vectors or len(matrices) > 2:
        raise NoMatrixForm("three matrices share an index")
    scaled = Scaled(matrices[-1], vectors) if diagonal else Hadamard([matrices[-1], *vectors])
    return [*rest, Product(matrices[0], scaled, label)]


def closed(pieces: Sequence[Piece], bound: frozenset[int], diagonal: bool) -> Expression:
    """The scalar that a product summed over all its labels is. Raises NoMatrixForm."""
    current: list[Piece] = [Hadamard([p]) if inverse(p) else p for p in pieces]
    while True:
        labels = frozenset().union(*(p.labels for p in current))
        if len(current) == 1:
            return _total(current[0], labels)
        if len(current) == 2 and current[0].labels == current[1].labels:
            return _inner(current[0], current[1], labels)
        together = merged(current)
        if len(together) < len(current):
            current = together
            continue
        current = _eliminated(current, _next(current, bound)[0], diagonal)


def _total(piece: Piece, labels: frozenset[int]) -> Expression:
    """Σ of all entries."""
    first, *others = sorted(labels, reverse=True)
    if isinstance(piece, Leaf) and piece.trace is not None:
        return piece.trace
    column = others[0] if others else None
    shown = min((piece.show(first, column), piece.show(column, first)), key=cost)
    return make.summed(shown, None)


def _inner(a: Piece, b: Piece, labels: frozenset[int]) -> Expression:
    """Σ aᵢ bᵢ as a product of a row and a column or a sum; Σ Aᵢⱼ Bᵢⱼ as a sum or a trace."""
    first, *others = sorted(labels, reverse=True)
    if not others:
        candidates = [
            chained(a.show(None, first), b.show(first, None)),
            chained(b.show(None, first), a.show(first, None)),
            _total(Hadamard([a, b]), labels),
        ]
        return min(candidates, key=_preferred)
    second = others[0]
    candidates = [
        _total(Hadamard([a, b]), labels),
        make.call("trace", make.matmul(a.show(first, second), b.show(second, first))),
        make.call("trace", make.matmul(a.show(second, first), b.show(first, second))),
    ]
    return min(candidates, key=cost)


def _preferred(expression: Expression) -> float:
    """The cost, by which of two equally long forms u vᵀ stands before Σ u ∘ v."""
    total = isinstance(expression, Apply) and expression.operation.name == "sum"
    return cost(expression) + (0.1 if total else 0.0)


def assembled(
    pieces: Sequence[Piece], row: int | None, column: int | None, diagonal: bool
) -> Expression:
    """The elementwise product of pieces without bound labels, as a row, a column, a matrix or,
    where a label is missing from all of them, as what stretches to it."""
    deltas = [p for p in pieces if isinstance(p, Diagonal)]
    matrices = [p for p in pieces if len(p.labels) == 2 and not isinstance(p, Diagonal)]
    vectors = [p for p in pieces if len(p.labels) == 1]
    if deltas:
        main: Piece = Diagonal(deltas[0].labels, vectors, deltas[0].size)
        return (Hadamard([main, *matrices]) if matrices else main).show(row, column)
    if matrices:
        if not vectors:
            return matrices[0].show(row, column)
        joined = Scaled if diagonal else _stretched
        return joined(matrices[0], vectors).show(row, column)
    if not vectors:
        return make.ONE
    if len(vectors) == 2:
        return Outer(vectors[0], vectors[1]).show(row, column)
    (vector,) = vectors
    return vector.show(
        row if row in vector.labels else None, column if column in vector.labels else None
    )


def _stretched(middle: Piece, vectors: Sequence[Piece]) -> Piece:
    return Hadamard([middle, *vectors])

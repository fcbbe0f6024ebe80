"""Results whose rows or columns run over several axes, as vec and ⊗ write them.

The pieces of a product fall into groups that share no label. A group with one row axis and one
column axis is a matrix; with row axes alone it is a column, of two axes vec(M); with none, ones.
These are the factors of a Kronecker product, in an order that fits the axes; where rows and columns
want different orders, a commutation matrix puts that right. What scales single entries of the rows
or of the columns goes into diag(vec(M)) beside them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

from diagrad.expression import Expression, is_call
from diagrad.matrix import make
from diagrad.matrix.contract import NoMatrixForm, assembled, contracted, merged
from diagrad.matrix.cost import cost
from diagrad.matrix.piece import Diagonal, Piece, Place
from diagrad.matrix.slots import Axes, Sides, Slot, ordered

# Labels below this are inner axes of a product A diag(v) B; bound ones are small negative numbers.
FRESH = -1_000_000
# Products A diag(v) B are looked for in the factors of such a product, and no deeper.
DEEPEST = 2


def joined(pieces: Sequence[Piece], bound: frozenset[int], sides: Sides) -> Expression:
    """The product of pieces, summed over `bound`, as a matrix over the sides. Raises
    NoMatrixForm."""
    sides.effort.spend()
    ways: list[Expression] = []
    try:
        for left in contracted(pieces, bound, True):
            ways += _tried(left, sides)
    except NoMatrixForm:
        ways += _around(pieces, bound, sides)
    if not ways:
        raise NoMatrixForm("no Kronecker product")
    return min(ways, key=cost)


def _tried(pieces: Sequence[Piece], sides: Sides) -> Iterator[Expression]:
    try:
        yield _unbound(pieces, sides)
    except NoMatrixForm:
        return


def _unbound(pieces: Sequence[Piece], sides: Sides) -> Expression:
    """The elementwise product of pieces without bound labels."""
    groups = _groups(pieces, sides)
    crowded = next((g for g in groups if len(_labels(g)) > 2), None)
    if crowded is None:
        return ordered([_slot_forms(g, sides) for g in groups], sides)
    ways: list[Expression] = []
    for piece in crowded:
        if len(piece.labels) == 2 and not isinstance(piece, Diagonal):
            rest = [p for p in pieces if p is not piece]
            with suppress(NoMatrixForm):
                return _scaled(piece, rest, crowded, sides)
            with suppress(NoMatrixForm):
                ways += _through(piece, rest, frozenset(), sides)
    if not ways:
        raise NoMatrixForm("an index of three axes")
    return min(ways, key=cost)


def _scaled(
    piece: Piece, rest: Sequence[Piece], group: Sequence[Piece], sides: Sides
) -> Expression:
    """diag(vec(M)) beside the product of the rest, where the axes of M can be told to be rows, or
    columns, with the help of δ."""
    deltas = [p for p in group if isinstance(p, Diagonal)]
    for axes, is_left in ((sides.rows, True), (sides.columns, False)):
        moved = _moved(piece, deltas, axes)
        if moved is None:
            continue
        vector = _unbound([moved], sides._replace(rows=axes, columns=()))
        scale = make.call("diag", vector)
        other = _unbound(rest, sides)
        if is_call(other, "eye"):
            return scale
        return make.matmul(scale, other) if is_left else make.matmul(other, scale)
    raise NoMatrixForm("an index of three axes")


def _moved(piece: Piece, deltas: Sequence[Diagonal], axes: Axes) -> Piece | None:
    """The piece with its labels among `axes`, moved there across δ where need be."""
    names: dict[int, int] = {}
    for label in sorted(piece.labels):
        partners = [k for d in deltas if label in d.labels for k in d.labels - {label}]
        found = [k for k in (label, *partners) if k in axes]
        if not found:
            return None
        names[label] = found[0]
    return renamed(piece, names) if len(set(names.values())) == 2 else None


class Renamed(Piece):
    """A piece with other labels."""

    def __init__(self, piece: Piece, names: dict[int, int]) -> None:
        super().__init__(frozenset(names.get(k, k) for k in piece.labels), piece.rank)
        self._piece = piece
        self._back = {names.get(k, k): k for k in piece.labels}

    def _direct(self, row: Place, column: Place) -> Expression:
        back = [None if k is None else self._back.get(k) for k in (row, column)]
        return self._piece.show(back[0], back[1])


def renamed(piece: Piece, names: dict[int, int]) -> Piece:
    if isinstance(piece, Diagonal) and not piece.vectors:
        return Diagonal(frozenset(names.get(k, k) for k in piece.labels), [], piece.size)
    return Renamed(piece, names) if piece.labels & names.keys() else piece


def _labels(pieces: Sequence[Piece]) -> frozenset[int]:
    return frozenset().union(*(p.labels for p in pieces))


def _groups(pieces: Sequence[Piece], sides: Sides) -> list[list[Piece]]:
    """The pieces in groups that share no label; a label of no piece is a group of none."""
    groups: list[list[Piece]] = []
    for piece in pieces:
        met = [g for g in groups if _labels(g) & piece.labels]
        groups = [g for g in groups if g not in met]
        groups.append([p for g in met for p in g] + [piece])
    return groups


def _slot_forms(group: Sequence[Piece], sides: Sides) -> list[Slot]:
    """A group of at most two labels as a factor of a Kronecker product, in each way it can be."""
    labels = _labels(group)
    rows = tuple(k for k in sides.rows if k in labels)
    columns = tuple(k for k in sides.columns if k in labels)
    match len(rows), len(columns):
        case 1, 1:
            return [Slot(rows, columns, assembled(group, rows[0], columns[0], True))]
        case 1, 0:
            return [Slot(rows, (), assembled(group, rows[0], None, True))]
        case 0, 1:
            return [Slot((), columns, assembled(group, None, columns[0], True))]
        case 2, 0:
            return [Slot((a, b), (), _vec(group, b, a)) for a, b in (rows, rows[::-1])]
        case 0, 2:
            both = (columns, columns[::-1])
            return [Slot((), (a, b), make.transposed(_vec(group, b, a))) for a, b in both]
    raise NoMatrixForm("a group of more than two axes")


def _vec(group: Sequence[Piece], fast: int, slow: int) -> Expression:
    return make.call("vec", assembled(group, fast, slow, True))


def _around(pieces: Sequence[Piece], bound: frozenset[int], sides: Sides) -> Iterator[Expression]:
    """L diag(vec(M)) R, where a bound label stands in three matrices, M one of them: it and the
    other label of M become the inner axes of the product."""
    parts = merged(pieces)
    for middle in parts:
        inner = len(middle.labels) == 2 and middle.labels & bound
        if inner and not isinstance(middle, Diagonal):
            rest = [p for p in parts if p is not middle]
            with suppress(NoMatrixForm):
                yield from _through(middle, rest, bound, sides)


def _through(
    middle: Piece, rest: Sequence[Piece], bound: frozenset[int], sides: Sides
) -> Iterator[Expression]:
    if sides.depth == DEEPEST:
        raise NoMatrixForm("a product within a product")
    lowest = min(FRESH, *sides.sizes)
    names = {k: lowest - n for n, k in enumerate(sorted(middle.labels), 1) if k not in bound}
    inner = tuple(names.get(k, k) for k in sorted(middle.labels))
    split = _split(rest, middle.labels, names, sides)
    sizes = sides.sizes | {name: sides.sizes[k] for k, name in names.items()}
    within = sides._replace(sizes=sizes, depth=sides.depth + 1)
    kept = bound - middle.labels
    for order in (inner, inner[::-1]):
        scale = make.call("diag", _vec([renamed(middle, names)], order[1], order[0]))
        left = joined(split[0], kept, within._replace(columns=order))
        right = joined(split[1], kept, within._replace(rows=order))
        yield make.matmul(make.matmul(left, scale), right)


def _split(
    rest: Sequence[Piece], cut: frozenset[int], names: dict[int, int], sides: Sides
) -> tuple[list[Piece], list[Piece]]:
    """The pieces that lead from the rows to the cut, and those from there to the columns; at a cut
    axis of the result the other side begins with δ. Raises NoMatrixForm."""
    left: list[Piece] = []
    right: list[Piece] = []
    groups: list[list[Piece]] = []
    for piece in rest:
        met = [g for g in groups if (_labels(g) & piece.labels) - cut]
        groups = [g for g in groups if g not in met]
        groups.append([p for g in met for p in g] + [piece])
    for group in groups:
        outer = _labels(group) - cut
        in_rows, in_columns = outer & set(sides.rows), outer & set(sides.columns)
        if in_rows and in_columns:
            raise NoMatrixForm("a piece leads past the middle")
        side = right if in_columns else left
        beyond = {k: n for k, n in names.items() if (k in sides.rows) == (side is right)}
        side += [renamed(p, beyond) for p in group]
    for k, name in names.items():
        delta = Diagonal(frozenset({k, name}), [], sides.sizes[k])
        (left if k in sides.rows else right).append(delta)
    return left, right

"""Pieces of a product: values with one or two labels, shown with either as the row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from diagrad.dimensions import Size, is_scalar
from diagrad.expression import Apply, Expression, number
from diagrad.index.term import Factor
from diagrad.matrix import make
from diagrad.matrix.cost import cost

Labels = frozenset[int]
Place = int | None
Shown = Callable[[Place, Place], Expression]


class Piece:
    """A value with labels. `rank` orders the factors of an elementwise product."""

    def __init__(self, labels: Labels, rank: tuple[int, ...] = (0,)) -> None:
        self.labels = labels
        self.rank = rank
        self._shown: dict[tuple[Place, Place], Expression] = {}

    def show(self, row: Place, column: Place) -> Expression:
        """The expression whose rows run over `row` and columns over `column`; the cheaper of the
        direct one and the transpose of the other."""
        key = (row, column)
        if key not in self._shown:
            direct = self._direct(row, column)
            turned = make.transposed(self._direct(column, row))
            self._shown[key] = min((direct, turned), key=cost)
        return self._shown[key]

    def _direct(self, row: Place, column: Place) -> Expression:
        raise NotImplementedError

    def vector(self, as_row: bool) -> Expression:
        (label,) = self.labels
        return self.show(None, label) if as_row else self.show(label, None)


def _gathered(factors: list[Expression]) -> list[Expression]:
    """Factors of an elementwise product with those that are equal as a power."""
    distinct: list[Expression] = []
    counts: list[int] = []
    for factor in factors:
        if factor in distinct:
            counts[distinct.index(factor)] += 1
        else:
            distinct.append(factor)
            counts.append(1)
    return [make.power(f, number(n)) for f, n in zip(distinct, counts, strict=True)]


class Part(NamedTuple):
    """The word for the product with a factor of ones and zeros, as tril is, and the label of that
    factor's rows."""

    word: str
    row: int


class Leaf(Piece):
    """A factor, shown by a function of the labels of its rows and columns."""

    def __init__(
        self,
        labels: Labels,
        shown: Shown,
        rank: tuple[int, ...],
        inverse: bool = False,
        trace: Expression | None = None,
        part: Part | None = None,
    ) -> None:
        super().__init__(labels, rank)
        self.part = part
        self._function = shown
        self.inverse = inverse
        self.trace = trace

    def _direct(self, row: Place, column: Place) -> Expression:
        return self._function(row, column)


class Hadamard(Piece):
    """An elementwise product of pieces; vectors stretch over a piece with both labels."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        flat: list[Piece] = []
        for piece in pieces:
            flat += piece.pieces if isinstance(piece, Hadamard) else [piece]
        self.pieces: list[Piece] = sorted(flat, key=lambda piece: piece.rank)
        super().__init__(frozenset().union(*(p.labels for p in flat)), (2,))

    def _direct(self, row: Place, column: Place) -> Expression:
        part = next((p for p in self.pieces if isinstance(p, Leaf) and p.part), None)
        whole = [p for p in self.pieces if p is not part]
        if part and part.part and any(p.labels == self.labels for p in whole):
            kept = whole[0] if len(whole) == 1 and not inverse(whole[0]) else Hadamard(whole)
            if row == part.part.row:
                return make.call(part.part.word, kept.show(row, column))
            return make.transposed(make.call(part.part.word, kept.show(column, row)))
        above = [_aligned(p, row, column) for p in self.pieces if not inverse(p)]
        below = [_aligned(p, row, column) for p in self.pieces if inverse(p)]
        return make.over(make.product(_gathered(above)), make.product(_gathered(below)))


def part_of(factor: Factor) -> Part | None:
    """What multiplying by the factor is called; None where there is no word for it."""
    word: str = getattr(getattr(factor.head, "operation", None), "selects", "")
    return Part(word, factor.labels[0]) if word and factor.exponent == 1 else None


def inverse(piece: Piece) -> bool:
    """Whether a piece stands for 1 over what it shows, so that it has to stand in a quotient."""
    return isinstance(piece, Leaf) and piece.inverse


def _aligned(piece: Piece, row: Place, column: Place) -> Expression:
    return piece.show(
        row if row in piece.labels else None, column if column in piece.labels else None
    )


class Scaled(Piece):
    """diag(u) M diag(v): a piece with both labels, its rows and columns scaled by vectors."""

    def __init__(self, middle: Piece, vectors: Sequence[Piece]) -> None:
        self.middle, self.vectors = middle, vectors
        super().__init__(middle.labels, (1,))

    def _direct(self, row: Place, column: Place) -> Expression:
        shown = self.middle.show(row, column)
        left = [v for v in self.vectors if v.labels == {row}]
        right = [v for v in self.vectors if v.labels == {column}]
        if left:
            shown = make.matmul(diagonal_matrix(left), shown)
        if right:
            shown = make.matmul(shown, diagonal_matrix(right))
        return shown


def diagonal_matrix(vectors: Sequence[Piece]) -> Expression:
    """diag of the product of vectors with one label, each shown the way that costs less."""
    merged = vectors[0] if len(vectors) == 1 and not inverse(vectors[0]) else Hadamard(vectors)
    return make.call("diag", min(merged.vector(True), merged.vector(False), key=cost))


class Diagonal(Piece):
    """diag(u) with two different labels, or the identity where there is no u."""

    def __init__(self, labels: Labels, vectors: Sequence[Piece], size: Size) -> None:
        super().__init__(labels, (1,))
        self.vectors, self.size = vectors, size

    def _direct(self, row: Place, column: Place) -> Expression:
        if not self.vectors:
            return make.call("eye", parameters=(self.size,))
        return diagonal_matrix(self.vectors)


class Product(Piece):
    """The matrix product of two pieces over the one label that both have."""

    def __init__(self, first: Piece, second: Piece, label: int) -> None:
        self.first, self.second, self.label = first, second, label
        super().__init__((first.labels | second.labels) - {label}, (0,))

    def _direct(self, row: Place, column: Place) -> Expression:
        left, right = self.first, self.second
        if self._starts(right, row) or self._ends(left, column):
            left, right = right, left
        return chained(left.show(row, self.label), right.show(self.label, column))

    def _starts(self, piece: Piece, row: Place) -> bool:
        return row in piece.labels - {self.label} if row is not None else False

    def _ends(self, piece: Piece, column: Place) -> bool:
        return column in piece.labels - {self.label} if column is not None else False


def chained(left: Expression, right: Expression) -> Expression:
    """left @ right with the brackets of a right-hand product dropped: A (B C) = A B C."""
    if isinstance(right, Apply) and right.operation.name == "@":
        first, second = right.operands
        if not any(is_scalar(e.shape) for e in (first, second, left)):
            return make.matmul(chained(left, first), second)
    return make.matmul(left, right)


class Outer(Piece):
    """u vᵀ."""

    def __init__(self, first: Piece, second: Piece) -> None:
        self.first, self.second = first, second
        super().__init__(first.labels | second.labels, (0,))

    def _direct(self, row: Place, column: Place) -> Expression:
        left, right = self.first, self.second
        if left.labels != {row}:
            left, right = right, left
        return chained(left.show(row, None), right.show(None, column))


class Summed(Piece):
    """A piece with two labels, summed over one of them."""

    def __init__(self, piece: Piece, label: int) -> None:
        self.piece, self.label = piece, label
        super().__init__(piece.labels - {label}, (1,))

    def _direct(self, row: Place, column: Place) -> Expression:
        if row is not None:
            return make.summed(self.piece.show(row, self.label), 1)
        return make.summed(self.piece.show(self.label, column), 0)

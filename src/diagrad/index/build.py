"""Writing index formulas as mathematics: `tensor((i, j), p[i] * delta(i, j) - p[i] * p[j])`.

`head[labels]` is a polynomial; products, sums and powers of polynomials are written with Python's
operators and nothing is simplified. `tensor(output, polynomial)` closes one: labels that are not in
the output are summed over. Labels come in tuples that may be empty, so that a formula for matrices
also holds for rows, columns and scalars.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any, NamedTuple

from diagrad.dimensions import Dimension, Size
from diagrad.index.term import (
    Delta,
    Extent,
    Factor,
    Head,
    Rational,
    Sum,
    Term,
    rational,
)


class Label:
    """An index that runs over `size` values; each object is a label of its own."""

    __slots__ = ("size",)

    def __init__(self, size: Size) -> None:
        self.size = size


def labels(sizes: Iterable[Size]) -> tuple[Label, ...]:
    """One new label for each size."""
    return tuple(Label(size) for size in sizes)


class _Factor(NamedTuple):
    head: Head
    labels: tuple[Label, ...]
    exponent: Rational | Head


class _Product(NamedTuple):
    coefficient: Rational
    factors: tuple[_Factor, ...]


class Polynomial:
    """A sum of products of indexed heads whose labels are still objects."""

    __slots__ = ("products",)

    def __init__(self, products: tuple[_Product, ...]) -> None:
        self.products = products

    def __add__(self, other: Polynomial | Rational) -> Polynomial:
        return Polynomial(self.products + as_polynomial(other).products)

    def __neg__(self) -> Polynomial:
        return -1 * self

    def __sub__(self, other: Polynomial | Rational) -> Polynomial:
        return self + -as_polynomial(other)

    def __mul__(self, other: Polynomial | Rational) -> Polynomial:
        a, b = self._as_product(), as_polynomial(other)._as_product()
        coefficient = rational(Fraction(a.coefficient) * b.coefficient)
        return Polynomial((_Product(coefficient, a.factors + b.factors),))

    def __truediv__(self, other: Polynomial | Rational) -> Polynomial:
        return self * as_polynomial(other) ** -1

    def __pow__(self, exponent: Rational | float | Head) -> Polynomial:
        if isinstance(exponent, float):
            exponent = rational(Fraction(exponent))
        closed, over = self._closed()
        return Polynomial((_Product(1, (_Factor(closed, over, exponent),)),))

    def __radd__(self, other: Rational) -> Polynomial:
        return self + other

    def __rmul__(self, other: Rational) -> Polynomial:
        return self * other

    def __rsub__(self, other: Rational) -> Polynomial:
        return -self + other

    def __rtruediv__(self, other: Rational) -> Polynomial:
        return other * self**-1

    def _as_product(self) -> _Product:
        if len(self.products) == 1:
            return self.products[0]
        closed, over = self._closed()
        return _Product(1, (_Factor(closed, over, 1),))

    def _closed(self) -> tuple[Head, tuple[Label, ...]]:
        """The polynomial as one head over all its labels, and these labels."""
        if len(self.products) == 1 and self.products[0].coefficient == 1:
            factors = self.products[0].factors
            if len(factors) == 1 and factors[0].exponent == 1:
                return factors[0].head, factors[0].labels
        over = tuple(self.labels())
        return tensor(over, self), over

    def labels(self) -> Iterator[Label]:
        """Its labels, each once, in the order of first appearance."""
        return iter(dict.fromkeys(k for p in self.products for f in p.factors for k in f.labels))

    def single(self) -> tuple[Head, tuple[Label, ...]]:
        """Head and labels of a polynomial that is one head, closed first if it is not."""
        return self._closed()


def as_polynomial(value: Polynomial | Rational | Head) -> Polynomial:
    if isinstance(value, Polynomial):
        return value
    if isinstance(value, Head):
        return indexed(value, ())
    return Polynomial((_Product(rational(value), ()),))


def indexed(head: Head, at: Any) -> Polynomial:
    """head[at]; `at` may hold labels and tuples of labels, in any nesting."""
    flat = tuple(_flatten(at))
    assert len(flat) == len(head.axes), "one label for each axis"
    return Polynomial((_Product(1, (_Factor(head, flat, 1),)),))


def _flatten(at: Any) -> Iterator[Label]:
    if isinstance(at, Label):
        yield at
    else:
        for part in at:
            yield from _flatten(part)


def delta(i: Any, j: Any) -> Polynomial:
    """Π δ over pairs of labels of equal size."""
    product = as_polynomial(1)
    for a, b in zip(_flatten(i), _flatten(j), strict=True):
        product = product * indexed(Delta(a.size), (a, b))
    return product


def sum_of(summands: Iterable[Polynomial]) -> Polynomial:
    """Their sum; without any it is 0."""
    return Polynomial(tuple(product for summand in summands for product in summand.products))


def tensor(output: Any, polynomial: Polynomial | Rational) -> Sum:
    """The closed tensor over the output labels, summed over all others."""
    free = tuple(_flatten(output))
    products = as_polynomial(polynomial).products
    return Sum(tuple(k.size for k in free), tuple(_term(p, free) for p in products))


def _term(product: _Product, free: tuple[Label, ...]) -> Term:
    number = {label: k for k, label in enumerate(free)}
    bound: list[Size] = []
    for factor in product.factors:
        for label in factor.labels:
            if label not in number:
                bound.append(label.size)
                number[label] = -len(bound)
    factors = tuple(
        Factor(f.head, tuple(number[k] for k in f.labels), f.exponent) for f in product.factors
    )
    return Term(product.coefficient, factors, tuple(bound))


def extent(size: Size) -> Polynomial:
    """A size as a number."""
    return sum_of(_monomial(dimensions, coefficient) for dimensions, coefficient in size.terms)


def _monomial(dimensions: Iterable[Dimension], coefficient: int) -> Polynomial:
    product = as_polynomial(coefficient)
    for dimension in dimensions:
        product = product * indexed(Extent(dimension), ())
    return product


class Indexed(NamedTuple):
    """A matrix value in index form: the axes of `tensor` are first the row axes, then the column
    axes.

    A row has no row axes, a column no column axes, a scalar none; a composite axis (of `vec`,
    `kron`) has several, the slowest first.
    """

    tensor: Head
    row_axes: int

    @property
    def rows(self) -> tuple[Size, ...]:
        return self.tensor.axes[: self.row_axes]

    @property
    def columns(self) -> tuple[Size, ...]:
        return self.tensor.axes[self.row_axes :]

    @property
    def counts(self) -> tuple[int, int]:
        """How many axes the rows and the columns have."""
        return self.row_axes, len(self.tensor.axes) - self.row_axes


def matrix(rows: tuple[Label, ...], columns: tuple[Label, ...], value: Polynomial) -> Indexed:
    """The matrix value with these row and column labels."""
    return Indexed(tensor((rows, columns), value), len(rows))


def separated(value: Indexed) -> list[Head] | None:
    """The A, B, … of A ⊗ B ⊗ …, for a value with as many row axes as column axes, so A itself where
    that is one; None where it is no such product."""
    count, head = value.row_axes, value.tensor
    if len(head.axes) != 2 * count:
        return None
    if count < 2:
        return [head]
    if not isinstance(head, Sum) or len(head.terms) != 1:
        return None
    (term,) = head.terms
    parts: list[list[Factor]] = [[] for _ in range(count)]
    for linked in _linked(term):
        places = {k % count for f in linked for k in f.labels if k >= 0}
        if len(places) > 1:
            return None
        parts[min(places, default=0)] += linked
    return [_separate(part, place, term, value) for place, part in enumerate(parts)]


def _linked(term: Term) -> list[list[Factor]]:
    """Factors that hang together by bound labels, group by group."""
    groups: list[list[Factor]] = []
    for factor in term.factors:
        bound = {k for k in factor.labels if k < 0}
        near = [g for g in groups if any(bound & set(f.labels) for f in g)]
        groups = [g for g in groups if g not in near] + [[*(f for g in near for f in g), factor]]
    return groups


def _separate(part: list[Factor], place: int, term: Term, value: Indexed) -> Head:
    """The factors of one place as a matrix; the number goes to the first."""
    bound = sorted({k for f in part for k in f.labels if k < 0}, reverse=True)
    number = {place: 0, place + value.row_axes: 1} | {k: -n - 1 for n, k in enumerate(bound)}
    factors = (f._replace(labels=tuple(number[k] for k in f.labels)) for f in part)
    sizes = tuple(term.bound[-k - 1] for k in bound)
    axes = (value.rows[place], value.columns[place])
    return Sum(axes, (Term(term.coefficient if place == 0 else 1, tuple(factors), sizes),))

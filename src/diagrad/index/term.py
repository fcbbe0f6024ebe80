"""The terms of index notation.

A *head* is a closed tensor with positional axes: a variable, a definition, δ, a dimension as a
number, an operation on heads, or a *sum* of terms. A term is a rational coefficient times factors
head[labels]**exponent, summed over its bound labels. Free labels are the axes 0, 1, … of the sum
the term stands in; bound labels are -1, -2, … and `bound[k]` is the size of label -(k + 1). Unit
axes do not exist here.

Heads are immutable and interned: equal heads are one object. They are ordered by structure and by
the place where a name first appeared, never by names or by addresses, so that every run does the
same and renaming changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from hashlib import blake2b
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from weakref import WeakValueDictionary

from diagrad.dimensions import UNIT, Dimension, Size

if TYPE_CHECKING:
    from diagrad.index.build import Polynomial

Rational = int | Fraction
Labels = tuple[int, ...]


def rational(value: Rational) -> Rational:
    """The same number, as an int where it is whole."""
    return value.numerator if value.denominator == 1 else value


class Factor(NamedTuple):
    head: Head
    labels: Labels
    exponent: Rational | Head = 1


class Term(NamedTuple):
    coefficient: Rational
    factors: tuple[Factor, ...]
    bound: tuple[Size, ...] = ()


class Head:
    """A closed tensor; `axes` are the sizes of its axes, `key` its place in the structural order,
    `depth` the length of the longest chain of heads below it."""

    __slots__ = ("__weakref__", "axes", "depth", "key")
    rank = 0
    axes: tuple[Size, ...]
    key: tuple[int, int, int]
    depth: int

    def __getitem__(self, labels: Any) -> Polynomial:
        from diagrad.index.build import indexed

        return indexed(self, labels)

    @property
    def children(self) -> tuple[Head, ...]:
        """The heads it is made of, exponents included."""
        return ()


Kind = TypeVar("Kind", bound=Head)
# By kind and fields, so that what is found is of the kind asked for.
_interned: WeakValueDictionary[tuple[Any, ...], Any] = WeakValueDictionary()


def _intern(
    kind: type[Kind], fields: tuple[Any, ...], axes: tuple[Size, ...], identity: object
) -> Kind:
    """The one head of this kind with these fields; `identity` is what orders it, without names."""
    found: Kind | None = _interned.get((kind, fields))
    if found is not None:
        return found
    head = object.__new__(kind)
    for slot, value in zip(kind.__slots__, fields, strict=True):
        setattr(head, slot, value)
    head.axes = axes
    head.depth = 1 + max((child.depth for child in head.children), default=0)
    digest = blake2b(repr(identity).encode(), digest_size=8).digest()
    head.key = (kind.rank, head.depth, int.from_bytes(digest, "big"))
    interned: Kind = _interned.setdefault((kind, fields), head)
    return interned


class Numeral(Head):
    """A positive rational as a head, the base of a power with an exponent that is not whole: √2."""

    __slots__ = ("value",)
    rank = 1
    value: Rational

    def __new__(cls, value: Rational) -> Numeral:
        return _intern(cls, (rational(value),), (), ("numeral", str(value)))


class Constant(Head):
    """A named real constant: pi."""

    __slots__ = ("name",)
    rank = 2
    name: str

    def __new__(cls, name: str) -> Constant:
        return _intern(cls, (name,), (), ("constant", name))


class Extent(Head):
    """A dimension as a number: the N of 1/N."""

    __slots__ = ("dimension",)
    rank = 3
    dimension: Dimension

    def __new__(cls, dimension: Dimension) -> Extent:
        return _intern(cls, (dimension,), (), ("extent", dimension.position))


class Delta(Head):
    """Kronecker's δ: 1 where its two labels are equal, otherwise 0."""

    __slots__ = ("size",)
    rank = 4
    size: Size

    def __new__(cls, size: Size) -> Delta:
        return _intern(cls, (size,), (size, size), ("delta", size.key))


class Digit(Head):
    """The index of an axis of size Π sizes, taken apart: 1 where the second label is digit `place`
    of the first one in the mixed radix `sizes`, the slowest digit first; otherwise 0."""

    __slots__ = ("place", "sizes")
    rank = 9
    sizes: tuple[Size, ...]
    place: int

    def __new__(cls, sizes: tuple[Size, ...], place: int) -> Digit:
        identity = ("digit", [size.key for size in sizes], place)
        return _intern(cls, (place, sizes), (prod(sizes, start=UNIT), sizes[place]), identity)


class Variable(Head):
    """A declared variable, or a definition that stands for one."""

    __slots__ = ("name", "position", "sizes")
    rank = 5
    name: str
    position: int
    sizes: tuple[Size, ...]

    def __new__(cls, name: str, position: int, axes: tuple[Size, ...]) -> Variable:
        return _intern(cls, (name, position, axes), axes, ("variable", position))


class Definition(Head):
    """A name that the user gave to a value."""

    __slots__ = ("body", "name", "position")
    rank = 6
    name: str
    position: int
    body: Head

    def __new__(cls, name: str, position: int, body: Head) -> Definition:
        return _intern(cls, (body, name, position), body.axes, ("definition", position))

    @property
    def children(self) -> tuple[Head, ...]:
        return (self.body,)


class Applied(Head):
    """An operation that index notation keeps as one tensor: σ of a tensor, softmax, a norm."""

    __slots__ = ("arguments", "operation", "parameters", "sizes")
    rank = 7
    operation: Any
    parameters: tuple[Any, ...]
    arguments: tuple[Head, ...]
    sizes: tuple[Size, ...]

    def __new__(
        cls,
        operation: Any,
        arguments: tuple[Head, ...],
        axes: tuple[Size, ...],
        parameters: tuple[Any, ...] = (),
    ) -> Applied:
        identity = ("applied", operation.identity, parameters, [a.key for a in arguments])
        return _intern(cls, (arguments, operation, parameters, axes), axes, identity)

    @property
    def children(self) -> tuple[Head, ...]:
        return self.arguments


class Sum(Head):
    """A sum of terms whose free labels are its axes."""

    __slots__ = ("sizes", "terms")
    rank = 8
    sizes: tuple[Size, ...]
    terms: tuple[Term, ...]

    def __new__(cls, axes: tuple[Size, ...], terms: tuple[Term, ...]) -> Sum:
        identity = ([a.key for a in axes], [_term_identity(t) for t in terms])
        return _intern(cls, (axes, terms), axes, identity)

    @property
    def children(self) -> tuple[Head, ...]:
        heads = [f.head for t in self.terms for f in t.factors]
        powers = [f.exponent for t in self.terms for f in t.factors if isinstance(f.exponent, Head)]
        return tuple(dict.fromkeys([*heads, *powers]))


def nearest_zero(exponents: Sequence[Rational]) -> Rational:
    """Of exponents with one sign, the power that all of them have in common."""
    return min(exponents) if exponents[0] > 0 else max(exponents)


def exponent_key(exponent: Rational | Head) -> tuple[Any, ...]:
    return (1, *exponent.key) if isinstance(exponent, Head) else (0, float(exponent), 0, 0)


def factor_key(factor: Factor) -> tuple[Any, ...]:
    return (factor.head.key, factor.labels, exponent_key(factor.exponent))


def _term_identity(term: Term) -> tuple[Any, ...]:
    return (
        str(term.coefficient),
        [factor_key(f) for f in term.factors],
        [size.key for size in term.bound],
    )


def size_of(label: int, term: Term, axes: tuple[Size, ...]) -> Size:
    return axes[label] if label >= 0 else term.bound[-label - 1]


def constant(value: Rational, axes: tuple[Size, ...] = ()) -> Sum:
    """The same number in every entry."""
    return Sum(axes, (Term(rational(value), ()),) if value else ())


def as_sum(head: Head) -> Sum:
    """The head as a sum, of itself alone where it is none."""
    if isinstance(head, Sum):
        return head
    return Sum(head.axes, (Term(1, (Factor(head, tuple(range(len(head.axes)))),)),))


def as_number(head: Head) -> Rational | None:
    """The value of a sum that is a rational number in every entry, otherwise None."""
    if not isinstance(head, Sum) or len(head.terms) > 1:
        return None
    if not head.terms:
        return 0
    term = head.terms[0]
    return None if term.factors or term.bound else term.coefficient

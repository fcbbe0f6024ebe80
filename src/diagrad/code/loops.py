"""How a loop is best written: as a product of matrices, or along rows."""

from __future__ import annotations

from typing import NamedTuple

from diagrad.compile.statements import (
    Call,
    DigitOf,
    Entry,
    Equal,
    Literal,
    Loop,
    Read,
    Result,
    factors_of,
    reads,
)


class Product(NamedTuple):
    """target = left @ right as BLAS has it, of two matrices each of which may be transposed."""

    left: Read
    right: Read
    turned: tuple[bool, bool]
    scale: tuple[Entry, ...]


def is_side_by_side(loop: Loop) -> bool:
    """Whether the last free label is the last one wherever it stands."""
    if not loop.at or loop.at != loop.free or loop.adds or _has_indicator(loop.body):
        return False
    j = loop.at[-1]
    having = [read.at for read in reads(loop.body) if j in read.at]
    return bool(having) and all(at.index(j) == len(at) - 1 for at in having)


def _has_indicator(entry: Entry) -> bool:
    if isinstance(entry, Call):
        return any(map(_has_indicator, entry.arguments))
    return isinstance(entry, Equal | DigitOf)


def product_of(loop: Loop) -> Product | None:
    """A loop as a product of two matrices; None where it is none."""
    factors = factors_of(loop.body)
    two = [f for f in factors if isinstance(f, Read) and f.at]
    rest = tuple(f for f in factors if f not in two)
    if loop.reduce != "sum" or loop.adds or len(two) != 2 or len(loop.over) != 1:
        return None
    if len(loop.at) != 2 or not all(isinstance(f, Literal) or _is_scalar(f) for f in rest):
        return None
    (i, j), (k,) = loop.at, loop.over
    for left, right in (two, two[::-1]):
        if sorted(left.at) == sorted((i, k)) and sorted(right.at) == sorted((k, j)) and i != j:
            return Product(left, right, (left.at[0] == k, right.at[1] == k), rest)
    return None


def _is_scalar(entry: Entry) -> bool:
    """Whether an entry is one number for a whole loop."""
    if isinstance(entry, Call):
        return all(map(_is_scalar, entry.arguments))
    return not isinstance(entry, Result) and not (isinstance(entry, Read) and entry.at)

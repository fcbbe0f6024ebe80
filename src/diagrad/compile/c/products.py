"""Sums over products of two tensors that are a product of large matrices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import NamedTuple

from diagrad.compile.statements import (
    Call,
    Count,
    Entry,
    Literal,
    Loop,
    Named,
    Read,
    Result,
    factors_of,
)
from diagrad.index.term import Labels

# Simple tiles are as fast as BLAS while what they read again and again stays near the processor:
# factors of so many bytes. A large product has so many rows, columns and terms.
NEAR, WIDE = 1 << 20, 16


class MatrixProduct(NamedTuple):
    """target = scale · left @ diag(weights) @ right, row-major; `turned` says that a factor is
    stored transposed. `finish` is left to do to every entry."""

    left: Read
    right: Read
    turned: tuple[bool, bool]
    rows: int
    columns: int
    terms: int
    scale: tuple[Entry, ...]
    finish: Entry
    weights: Read | None = None


def matrix_product(loop: Loop, size: Mapping[int, int], each: int) -> MatrixProduct | None:
    """What a loop is as a product of matrices that is large enough, with entries of so many bytes
    each; None where it is none."""
    if loop.reduce != "sum" or loop.adds or loop.at != loop.free:
        return None
    tensors = [f for f in factors_of(loop.body) if isinstance(f, Read) and f.at]
    scale = tuple(f for f in factors_of(loop.body) if f not in tensors)
    weights = [f for f in tensors if f.at == loop.over]
    tensors = [f for f in tensors if f not in weights]
    if len(tensors) != 2 or not all(map(is_one_number, scale)):
        return None
    if any(len(set(read.at)) < len(read.at) for read in tensors):
        return None
    if weights and (len(weights) > 1 or not _is_square(loop, *tensors)):
        return None
    for left, right in (tensors, tensors[::-1]):
        found = _as_matrices(loop, left, right, size)
        if found is not None:
            more, finish = _finish(loop.finish)
            wide = min(found.rows, found.columns, found.terms) >= WIDE
            most = max(found.rows, found.columns) * found.terms * each
            if not wide or most <= NEAR:
                return None
            by = weights[0] if weights else None
            return found._replace(scale=(*scale, *more), finish=finish, weights=by)
    return None


def _is_square(loop: Loop, left: Read, right: Read) -> bool:
    """Whether a sum is of a matrix with itself, half of which our own tiles leave out."""
    single = len(loop.at) == 2 and len(loop.over) == 1
    return single and loop.symmetric and left.buffer is right.buffer


def is_one_number(entry: Entry) -> bool:
    """Whether an entry is one number for a whole loop."""
    if isinstance(entry, Call):
        return all(map(is_one_number, entry.arguments))
    if isinstance(entry, Read):
        return not entry.at
    return isinstance(entry, Literal | Count | Named)


def _as_matrices(
    loop: Loop, left: Read, right: Read, size: Mapping[int, int]
) -> MatrixProduct | None:
    rows = tuple(k for k in loop.at if k in left.at and k not in right.at)
    columns = tuple(k for k in loop.at if k in right.at and k not in left.at)
    if rows + columns != loop.at or not rows or not columns:
        return None
    for over in {tuple(k for k in t.at if k in loop.over) for t in (left, right)}:
        if set(over) != set(loop.over):
            continue
        turned = _turned(left.at, rows, over), _turned(right.at, over, columns)
        if turned[0] is not None and turned[1] is not None:
            m, n, k = (prod(size[i] for i in labels) for labels in (rows, columns, over))
            return MatrixProduct(left, right, (turned[0], turned[1]), m, n, k, (), Result())
    return None


def _turned(at: Labels, first: Sequence[int], second: Sequence[int]) -> bool | None:
    """Whether labels are the second and then the first; None where they are neither."""
    if at == (*first, *second):
        return False
    return True if at == (*second, *first) else None


def _finish(finish: Entry) -> tuple[tuple[Entry, ...], Entry]:
    """Factors that BLAS multiplies by, and what is left to do."""
    factors = factors_of(finish)
    others = tuple(f for f in factors if f != Result())
    if len(others) == len(factors) - 1 and all(map(is_one_number, others)):
        return others, Result()
    return (), finish

"""Derivatives by a matrix whose entries are tied, from those by free entries.

Of a symmetric matrix the entry i, j stands at j, i too, so that both move together: the derivative
is Gᵢⱼ + Gⱼᵢ, on the diagonal Gᵢᵢ. Entries that are 0 do not move, and have the derivative 0.
Source: K. B. Petersen and M. S. Pedersen, The Matrix Cookbook, 2012, section 2.8.
"""

from __future__ import annotations

from diagrad.index.build import Polynomial, delta, indexed, labels, tensor
from diagrad.index.term import Head, Sum
from diagrad.operations.factorisations import lower_ones


def tied(free: Head, kind: str) -> Sum:
    """The derivative by a "symmetric", "diagonal", "lower" or "upper" matrix, from that by free
    entries; its axes are the last two."""
    outer, (i, j) = labels(free.axes[:-2]), labels(free.axes[-2:])
    G = indexed(free, (outer, i, j))
    match kind:
        case "symmetric":
            value = G + indexed(free, (outer, j, i)) - delta(i, j) * G
        case "diagonal":
            value = delta(i, j) * G
        case _:
            at = (i, j) if kind == "lower" else (j, i)
            value = _lower(free, at) * G
    return tensor((outer, i, j), value)


def _lower(free: Head, at: tuple[object, ...]) -> Polynomial:
    size = free.axes[-1]
    i, j = labels((size, size))
    return indexed(lower_ones(tensor((i, j), delta(i, j))), at)

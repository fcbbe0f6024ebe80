"""How long heads and factors are, roughly in the tokens of a reader, before they are raised."""

from __future__ import annotations

from diagrad.index.term import Applied, Definition, Factor, Head, Sum, Variable


def weight(factor: Factor) -> float:
    """Roughly the tokens of a factor."""
    return _size(factor.head) + (0.5 if factor.exponent != 1 else 0) + 1


def _size(head: Head) -> float:
    match head:
        case Sum():
            return sum(1 + _size(f.head) for t in head.terms for f in t.factors) + 1
        case Applied():
            return 1 + sum(_size(a) for a in head.arguments)
        case Variable() | Definition():
            return 1 + 0.1 * len(head.axes)
    return 1


def length(head: Head) -> float:
    """Roughly the tokens of a head."""
    if not isinstance(head, Sum):
        return 1
    return sum(1 + sum(weight(f) for f in t.factors) for t in head.terms)

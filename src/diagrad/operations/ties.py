"""Where entries of a value are equal by its formula, not at single points alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from diagrad.index.term import Applied, Definition, Delta, Digit, Head, Sum, Variable
from diagrad.operations.room import Show

# Facts that put the same number into several entries, and those that make mirror images equal.
NUMBERS = ("onehot", "pm1", "diagonal", "lower", "upper")
MIRRORED = ("symmetric", "orthogonal")


def may_tie(a: Head, along: Sequence[int], show: Show) -> bool:
    """Whether entries along these axes may be equal by the formula of the value. False only where
    that is excluded: unknown is not false.

    They are equal where the value stretches along an axis, where a function is flat, where facts or
    δ put numbers, where kron and vec repeat what they are made of, and where a variable that comes
    in twice does so in turn, as in S Sᵀ, or in (x − mean(x))² of two entries.
    """
    parts = list(below(a))
    everything = len(along) == len(a.axes)
    facts = NUMBERS + MIRRORED if everything else NUMBERS
    if any(show.knows(h, fact) for h in parts for fact in facts) or any(map(_repeats, parts)):
        return True
    sizes = [a.axes[k] for k in along]
    if any(size.number is not None for size in sizes):
        return _comes_in_twice(a, scalars=True)
    return len(set(sizes)) < len(sizes) and _comes_in_twice(a)


def _repeats(head: Head) -> bool:
    """Whether what a value is made of has equal entries of itself."""
    match head:
        case Delta() | Digit():
            return True
        case Applied():
            return bool(head.operation.flat)
        case Sum():
            told = {k for t in head.terms for f in t.factors for k in f.labels}
            return any(k not in told for k in range(len(head.axes)))
    return False


def _comes_in_twice(head: Head, scalars: bool = False) -> bool:
    """Whether a variable comes in at two places. Of what is made of symbolically many entries, no
    scalar matters: it is the same for all of them."""
    known: dict[Head, frozenset[Head]] = {}
    inside: frozenset[Head]
    for part in sorted(below(head), key=lambda h: h.depth):
        if isinstance(part, Variable):
            known[part] = frozenset({part})
            continue
        met: set[Head] = set()
        for child in _places(part):
            inside = known[child] if child.axes or scalars else frozenset()
            if not met.isdisjoint(inside):
                return True
            met |= inside
        known[part] = frozenset(met)
    return False


def _places(head: Head) -> Sequence[Head]:
    """The heads that a head is made of, as often as it is."""
    if not isinstance(head, Sum):
        return head.children
    factors = [f for t in head.terms for f in t.factors]
    powers = [f.exponent for f in factors if isinstance(f.exponent, Head)]
    return [*(f.head for f in factors), *powers]


def below(head: Head) -> Iterator[Head]:
    """The head, and all that it is made of."""
    waiting, seen = [head], {head}
    while waiting:
        top = waiting.pop()
        yield top
        waiting += [child for child in top.children if child not in seen]
        seen.update(top.children)


def body_of(head: Head) -> Head:
    return body_of(head.body) if isinstance(head, Definition) else head

"""Common products taken out of sums, up to the names of their bound labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import combinations, permutations
from math import gcd, lcm
from typing import NamedTuple

from diagrad.dimensions import Size
from diagrad.index.context import Context
from diagrad.index.relabel import mapped
from diagrad.index.term import Delta, Factor, Head, Rational, Sum, Term, nearest_zero, rational
from diagrad.index.weight import weight


class Common(NamedTuple):
    """A product that stands in two terms: pairs of factor positions with the exponent they share,
    and the label of the second term for each of the first."""

    pairs: tuple[tuple[int, int, Rational | Head], ...]
    labels: dict[int, int]
    weight: float


def factored(
    terms: Sequence[Term],
    axes: tuple[Size, ...],
    context: Context,
    sandwich: bool = False,
    outer: bool = False,
) -> tuple[Term, ...]:
    """Terms with their largest common products taken out, greedily, two terms at a time.

    With `sandwich` two bound labels of one term may answer to one of the other, which gets a δ.
    With `outer` only factors that have an axis of the result are taken out, so that
    A D S D Aᵀ + A D Aᵀ becomes A (D S D + D) Aᵀ and stays symmetric.
    """
    current = list(terms)
    known: dict[tuple[Term, Term], Common | None] = {}
    while len(current) > 1:
        best = _best_pair(current, known, sandwich, outer)
        if best is None:
            break
        first, second, common = best
        joined = _joined(current[first], current[second], common, axes, context)
        rest = [t for k, t in enumerate(current) if k not in (first, second)]
        current = [*rest[:first], joined, *rest[first:]] if joined.coefficient != 0 else rest
    return tuple(current)


def _best_pair(
    terms: Sequence[Term],
    known: dict[tuple[Term, Term], Common | None],
    sandwich: bool,
    outer: bool,
) -> tuple[int, int, Common] | None:
    best: tuple[int, int, Common] | None = None
    pairs = permutations(range(len(terms)), 2) if sandwich else combinations(range(len(terms)), 2)
    for first, second in pairs:
        s, t = terms[first], terms[second]
        if (s, t) not in known:
            common = _common(s, t, sandwich, outer)
            closable = common is not None and len(_axis_labels(s, t, common)) <= 2
            known[s, t] = common if closable else None
        found = known[s, t]
        if found is not None and (best is None or found.weight > best[2].weight):
            best = (first, second, found)
    return best


def _common(s: Term, t: Term, sandwich: bool, outer: bool) -> Common | None:
    """The heaviest common product found from any pair of equal factors to start with."""
    best: Common | None = None
    equal = list(_equal_factors(s, t))
    if outer:
        equal = [(a, b) for a, b in equal if any(k >= 0 for k in s.factors[a].labels)]
    covered: set[tuple[int, int]] = set()
    for start in equal:
        if start in covered:
            continue
        grown = _grown(s, t, start, equal, sandwich)
        if grown is not None:
            covered.update((a, b) for a, b, _ in grown.pairs)
            if best is None or grown.weight > best.weight:
                best = grown
    return best or _side_by_side(s, t)


def _side_by_side(s: Term, t: Term) -> Common | None:
    """Σᵢ a + Σᵢ b over the same sizes, to be merged into one sum."""
    if not s.bound or sorted(size.key for size in s.bound) != sorted(size.key for size in t.bound):
        return None
    labels: dict[int, int] = {}
    free = [-k - 1 for k in range(len(t.bound))]
    for k, size in enumerate(s.bound):
        partner = next(label for label in free if t.bound[-label - 1] == size)
        free.remove(partner)
        labels[-k - 1] = partner
    return Common((), labels, 0.5)


def _equal_factors(s: Term, t: Term) -> Iterator[tuple[int, int]]:
    for p, a in enumerate(s.factors):
        for q, b in enumerate(t.factors):
            if a.head is b.head and _shared(a.exponent, b.exponent) is not None:
                yield p, q


def _grown(
    s: Term, t: Term, start: tuple[int, int], equal: Sequence[tuple[int, int]], sandwich: bool
) -> Common | None:
    """The common product that begins with one pair of factors and takes in what agrees with it."""
    pairs: list[tuple[int, int, Rational | Head]] = []
    labels: dict[int, int] = {}
    firsts: set[int] = set()
    seconds: set[int] = set()
    kept = _beside_delta(s, t)
    for a, b in (start, *equal):
        if a in firsts or b in seconds:
            continue
        if kept[0].intersection(s.factors[a].labels) or kept[1].intersection(t.factors[b].labels):
            continue
        extended = _extend(labels, s.factors[a].labels, t.factors[b].labels, s, t, sandwich)
        if extended is None:
            continue
        shared = _shared(s.factors[a].exponent, t.factors[b].exponent)
        assert shared is not None
        labels = extended
        pairs.append((a, b, shared))
        firsts.add(a)
        seconds.add(b)
    if not pairs:
        return None
    return Common(tuple(pairs), labels, sum(weight(s.factors[a]) for a, _, _ in pairs))


def _beside_delta(s: Term, t: Term) -> tuple[set[int], set[int]]:
    """Labels of a δ that only one of the terms has: taking out a factor there would spoil
    diag(p) − p pᵀ."""
    mine, theirs = (
        {k for f in x.factors if isinstance(f.head, Delta) for k in f.labels} for x in (s, t)
    )
    return (set(), set()) if mine and theirs else (mine, theirs)


def _shared(a: Rational | Head, b: Rational | Head) -> Rational | Head | None:
    """The power that two powers of one base, of the same sign, have in common."""
    if isinstance(a, Head) or isinstance(b, Head):
        return a if a is b else None
    if a * b <= 0:
        return None
    return nearest_zero((a, b))


def _extend(
    labels: dict[int, int],
    mine: tuple[int, ...],
    theirs: tuple[int, ...],
    s: Term,
    t: Term,
    sandwich: bool,
) -> dict[int, int] | None:
    extended = dict(labels)
    for a, b in zip(mine, theirs, strict=True):
        if (a >= 0) != (b >= 0) or (a >= 0 and a != b):
            return None
        if a < 0 and s.bound[-a - 1] != t.bound[-b - 1]:
            return None
        if extended.setdefault(a, b) != b:
            return None
    one_to_one = len(set(extended.values())) == len(extended)
    return extended if one_to_one or sandwich else None


def _remainder(term: Term, taken: dict[int, Rational | Head]) -> list[Factor]:
    left = []
    for position, factor in enumerate(term.factors):
        if position not in taken:
            left.append(factor)
            continue
        shared = taken[position]
        if not isinstance(factor.exponent, Head) and not isinstance(shared, Head):
            rest = rational(Fraction(factor.exponent) - shared)
            if rest != 0:
                left.append(factor._replace(exponent=rest))
    return left


def _remainders(s: Term, t: Term, common: Common) -> tuple[list[Factor], list[Factor]]:
    first = _remainder(s, {a: e for a, _, e in common.pairs})
    second = _remainder(t, {b: e for _, b, e in common.pairs})
    return first, second


def _back(common: Common) -> tuple[dict[int, int], list[tuple[int, int]]]:
    """For each label of the second term that of the first, and pairs of labels of the first that
    answer to one."""
    back: dict[int, int] = {}
    twins = []
    for mine, theirs in sorted(common.labels.items(), reverse=True):
        if back.setdefault(theirs, mine) != mine:
            twins.append((back[theirs], mine))
    return back, twins


def _axis_labels(s: Term, t: Term, common: Common) -> list[int]:
    """The labels, as the first term writes them, over which the remainders have to be a tensor."""
    first, second = _remainders(s, t, common)
    back, twins = _back(common)
    outer = [k for pair in twins for k in pair]
    outer += [k for f in first for k in f.labels if k >= 0 or k in common.labels]
    outer += [back.get(k, k) for f in second for k in f.labels if k >= 0 or k in back]
    return sorted(set(outer), key=lambda k: (k < 0, abs(k)))


def _joined(s: Term, t: Term, common: Common, axes: tuple[Size, ...], context: Context) -> Term:
    """c (s/c + t/c) as one term, the bracket a normal head."""
    first, second = _remainders(s, t, common)
    back, twins = _back(common)
    over = _axis_labels(s, t, common)
    sizes = tuple(axes[k] if k >= 0 else s.bound[-k - 1] for k in over)
    content = _content(s.coefficient, t.coefficient)
    deltas = tuple(Factor(Delta(s.bound[-a - 1]), (over.index(a), over.index(b))) for a, b in twins)
    inner_s = _inner(s, first, {k: k for k in common.labels}, over, content)
    inner_t = _inner(t, second, back, over, content)
    inner = (inner_s, inner_t._replace(factors=inner_t.factors + deltas))
    group = context.normal(Sum(sizes, inner))
    if context.group(group).coefficient < 0:
        content = -content
        group = context.normal(Sum(sizes, tuple(_negative(t) for t in inner)))
    taken = tuple(s.factors[a]._replace(exponent=e) for a, _, e in common.pairs)
    outer = _numbered(content, (*taken, Factor(group, tuple(over))), s.bound)
    if isinstance(group, Sum) and len(group.terms) > 1:
        return outer
    return _as_term(context.normal(Sum(axes, (outer,))), axes)


def _numbered(content: Rational, factors: tuple[Factor, ...], bound: tuple[Size, ...]) -> Term:
    """The product over those bound labels only that stand in it, numbered anew."""
    used = sorted({k for f in factors for k in f.labels if k < 0}, reverse=True)
    number = {k: -n - 1 for n, k in enumerate(used)}
    return Term(content, mapped(factors, number), tuple(bound[-k - 1] for k in used))


def _negative(term: Term) -> Term:
    return term._replace(coefficient=-term.coefficient)


def _as_term(total: Head, axes: tuple[Size, ...]) -> Term:
    """A head as one term; a sum of several as one factor."""
    if isinstance(total, Sum) and len(total.terms) == 1:
        return total.terms[0]
    if isinstance(total, Sum) and not total.terms:
        return Term(0, ())
    return Term(1, (Factor(total, tuple(range(len(axes)))),))


def _inner(
    term: Term, left: list[Factor], back: dict[int, int], over: list[int], content: Rational
) -> Term:
    """What remains of a term, over the labels of the bracket."""
    axis = {k: n for n, k in enumerate(over)}
    number: dict[int, int] = {}
    bound: list[Size] = []
    for factor in left:
        for k in factor.labels:
            if k < 0 and k not in back and k not in number:
                bound.append(term.bound[-k - 1])
                number[k] = -len(bound)
    factors = tuple(
        f._replace(
            labels=tuple(number[k] if k in number else axis[back.get(k, k)] for k in f.labels)
        )
        for f in left
    )
    return Term(rational(Fraction(term.coefficient) / content), factors, tuple(bound))


def _content(a: Rational, b: Rational) -> Rational:
    x, y = Fraction(a), Fraction(b)
    sign = -1 if x < 0 and y < 0 else 1
    numerator = gcd(x.numerator, y.numerator)
    return rational(Fraction(sign * numerator, lcm(x.denominator, y.denominator)))

"""In which order products are contracted: every sum over an index becomes a tensor of its own, of
at most two factors, and what several results need is one tensor."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import combinations, permutations
from math import prod
from typing import NamedTuple

from diagrad.compile.digits import without_digits
from diagrad.compile.graph import rebuilt
from diagrad.dimensions import Size
from diagrad.index.build import extent, tensor
from diagrad.index.relabel import canonical, mapped
from diagrad.index.term import Delta, Factor, Head, Sum, Term

# Up to so many factors the cheapest of all orders is found; beyond, the cheapest next step is taken.
FEW = 7
MOST_TURNED = 3


class Planner:
    """Plans heads for given sizes of the dimensions."""

    def __init__(self, sizes: Mapping[str, int]) -> None:
        self.sizes = sizes
        self._planned: dict[Head, Head] = {}
        self._made: dict[Head, Head] = {}

    def planned(self, head: Head) -> Head:
        """An equal head in which only tensors with a single term of one or two factors have bound
        labels."""
        if head not in self._planned:
            inner = rebuilt(head, self.planned)
            self._planned[head] = self._sum(inner) if isinstance(inner, Sum) else inner
        return self._planned[head]

    def _sum(self, head: Sum) -> Head:
        terms = tuple(self._term(term, head.axes) for term in head.terms)
        merged = tuple(merged_terms(terms, head.axes))
        if len(merged) == 1 and is_whole(merged[0], head.axes):
            return merged[0].factors[0].head
        return Sum(head.axes, merged)

    def _term(self, term: Term, axes: tuple[Size, ...]) -> Term:
        term = self._merged(without_deltas(outside(term)), axes)
        if not term.bound:
            return term
        scalars = tuple(f for f in term.factors if not f.labels)
        deltas = tuple(f for f in term.factors if isinstance(f.head, Delta))
        rest = [f for f in term.factors if f.labels and not isinstance(f.head, Delta)]
        one = smallest_equal(f.labels for f in deltas)
        rest = list(mapped(rest, one))
        scalars += tuple(extent_of(size) for size in _nowhere(term))
        contracted = Contraction(self, term, axes, rest).result()
        return Term(term.coefficient, (*scalars, *deltas, *contracted))

    def _merged(self, term: Term, axes: tuple[Size, ...]) -> Term:
        """Without digits; the tensors that were made are planned."""
        after = without_digits(term, axes)
        if after is term:
            return term
        factors = (f._replace(head=self.planned(f.head)) for f in after.factors)
        return without_deltas(after._replace(factors=tuple(factors)))

    def count(self, sizes: Iterable[Size]) -> int:
        """How many entries a tensor with such axes has."""
        return prod(size.evaluate(self.sizes) for size in sizes)

    def known(
        self, axes: Sequence[int], factors: Sequence[Factor], sizes: Mapping[int, Size]
    ) -> Factor | None:
        """The product of factors, summed over all labels but those in `axes`, as the tensor that it
        was made as before, perhaps with its axes in another order."""
        for order in permutations(axes) if len(axes) <= MOST_TURNED else [tuple(axes)]:
            head = self._made.get(_product(order, factors, sizes))
            if head is not None:
                return Factor(head, tuple(order))
        return None

    def make(
        self,
        axes: Sequence[int],
        whole: Sequence[Factor],
        factors: Sequence[Factor],
        sizes: Mapping[int, Size],
    ) -> Factor:
        """Such a tensor, as the product of `factors`; it is known by the `whole` product."""
        head = _product(axes, factors, sizes)
        self._made[_product(axes, whole, sizes)] = head
        return Factor(head, tuple(axes))


def _nowhere(term: Term) -> list[Size]:
    """The sizes of bound labels that stand in no factor: the sum over them counts."""
    used = {k for f in term.factors for k in f.labels}
    return [size for k, size in enumerate(term.bound) if -k - 1 not in used]


def extent_of(size: Size) -> Factor:
    """A size as a number."""
    return Factor(tensor((), extent(size)), ())


def _product(axes: Sequence[int], factors: Sequence[Factor], sizes: Mapping[int, Size]) -> Head:
    bound = sorted({k for f in factors for k in f.labels} - set(axes), reverse=True)
    number = {k: n for n, k in enumerate(axes)} | {k: -n - 1 for n, k in enumerate(bound)}
    term = Term(1, mapped(factors, number), tuple(sizes[k] for k in bound))
    return Sum(tuple(sizes[k] for k in axes), (canonical(term, lambda head: False),))


def smallest_equal(pairs: Iterable[Sequence[int]]) -> dict[int, int]:
    """Of pairs of labels that are equal, also by others, the smallest that each is equal to."""
    one: dict[int, int] = {}
    for pair in pairs:
        low, high = sorted(one.get(k, k) for k in pair)
        one = {k: low if first == high else first for k, first in one.items()} | {high: low}
    return {k: first for k, first in one.items() if k != first}


class Operand(NamedTuple):
    """Factors with the same labels."""

    labels: frozenset[int]
    factors: tuple[Factor, ...]


class Contraction:
    """The product of factors summed over the bound labels of a term."""

    def __init__(
        self, planner: Planner, term: Term, axes: tuple[Size, ...], factors: Sequence[Factor]
    ) -> None:
        self.planner = planner
        self.sizes = {k: size for k, size in enumerate(axes)}
        self.sizes |= {-k - 1: size for k, size in enumerate(term.bound)}
        by_labels: dict[frozenset[int], tuple[Factor, ...]] = {}
        for factor in factors:
            key = frozenset(factor.labels)
            by_labels[key] = (*by_labels.get(key, ()), factor)
        self.operands = [Operand(key, found) for key, found in by_labels.items()]

    def result(self) -> tuple[Factor, ...]:
        """Factors whose product is the sum, without bound labels."""
        if not self.operands:
            return ()
        return tuple(
            factor
            for part in self._connected
            for factor in self._contracted(self._best(frozenset(part)))
        )

    @cached_property
    def _connected(self) -> list[list[int]]:
        """Operands that hang together by bound labels; what does not is multiplied outside."""
        groups: list[tuple[set[int], list[int]]] = []
        for position, operand in enumerate(self.operands):
            bound = {k for k in operand.labels if k < 0}
            near = [g for g in groups if g[0] & bound]
            joined = (
                bound.union(*(g[0] for g in near)),
                [*(p for g in near for p in g[1]), position],
            )
            groups = [g for g in groups if g not in near] + [joined]
        return [members for _, members in groups]

    def _kept(self, members: frozenset[int]) -> frozenset[int]:
        """The labels of the product of some operands that are free or stand in another one."""
        own = frozenset[int]().union(*(self.operands[k].labels for k in members))
        others = {
            label
            for k, operand in enumerate(self.operands)
            if k not in members
            for label in operand.labels
        }
        return frozenset(label for label in own if label >= 0 or label in others)

    def _count(self, labels: Iterable[int]) -> int:
        return self.planner.count(self.sizes[k] for k in labels)

    def _best(self, members: frozenset[int]) -> Tree:
        if len(members) <= FEW:
            return self._optimal(members, {})
        return self._greedy(members)

    def _optimal(self, members: frozenset[int], found: dict[frozenset[int], Tree]) -> Tree:
        if members not in found:
            found[members] = self._alone(members) or min(
                (
                    self._joined(self._optimal(part, found), self._optimal(members - part, found))
                    for part in parts(members)
                ),
                key=lambda tree: tree.cost,
            )
        return found[members]

    def _alone(self, members: frozenset[int]) -> Tree | None:
        """A single operand, or what is known already and costs nothing."""
        if len(members) == 1 or self._known(members) is not None:
            return Tree(members, (), 0)
        return None

    def _greedy(self, members: frozenset[int]) -> Tree:
        trees = [Tree(frozenset({k}), (), 0) for k in sorted(members)]
        while len(trees) > 1:
            joined = min(
                (self._joined(a, b) for a, b in combinations(trees, 2)),
                key=lambda tree: tree.cost - sum(part.cost for part in tree.parts),
            )
            trees = [t for t in trees if t not in joined.parts] + [joined]
        return trees[0]

    def _joined(self, a: Tree, b: Tree) -> Tree:
        members = a.members | b.members
        over = self._kept(a.members) | self._kept(b.members)
        work = self._count(over) + self._count(self._kept(members))
        return Tree(members, (a, b), a.cost + b.cost + work)

    def _factors(self, members: frozenset[int]) -> tuple[Factor, ...]:
        return tuple(f for k in sorted(members) for f in self.operands[k].factors)

    def _axes(self, members: frozenset[int]) -> list[int]:
        return self._ordered(self._kept(members), self._factors(members))

    def _known(self, members: frozenset[int]) -> Factor | None:
        return self.planner.known(self._axes(members), self._factors(members), self.sizes)

    def _contracted(self, tree: Tree) -> tuple[Factor, ...]:
        """The factors of a tree, all private bound labels summed over."""
        whole = self._factors(tree.members)
        factors = tuple(self._one(part) for part in tree.parts) or whole
        if {k for f in factors for k in f.labels} <= self._kept(tree.members):
            return factors
        if len(factors) > 1 and len({frozenset(f.labels) for f in factors}) == 1:
            factors = (self._entrywise(whole, factors),)
        return (self._made(tree, factors),)

    def _entrywise(self, whole: Sequence[Factor], factors: Sequence[Factor]) -> Factor:
        """The product of factors with the same labels, which other sums may need as well."""
        axes = self._ordered(factors[0].labels, factors)
        return self.planner.known(axes, whole, self.sizes) or self.planner.make(
            axes, whole, factors, self.sizes
        )

    def _one(self, tree: Tree) -> Factor:
        """Likewise, as one factor."""
        factors = self._contracted(tree)
        plain = len(factors) == 1 and factors[0].exponent == 1
        return factors[0] if plain else self._made(tree, factors)

    def _made(self, tree: Tree, factors: Sequence[Factor]) -> Factor:
        known = self._known(tree.members)
        if known is not None:
            return known
        whole = self._factors(tree.members)
        return self.planner.make(self._axes(tree.members), whole, factors, self.sizes)

    def _ordered(self, labels: Iterable[int], factors: Sequence[Factor]) -> list[int]:
        """Free labels in their order; with bound ones, as the factors have them, the deepest first."""
        labels = list(labels)
        if min(labels, default=0) >= 0:
            return sorted(labels)

        def place(label: int) -> tuple[float, float, int]:
            at = [(f.labels.index(label), f.head.depth) for f in factors if label in f.labels]
            mean = sum(position for position, _ in at) / len(at)
            return mean, -max(depth for _, depth in at), label

        return sorted(labels, key=place)


class Tree(NamedTuple):
    """Operands and how they are multiplied, two parts at a time."""

    members: frozenset[int]
    parts: tuple[Tree, ...]
    cost: int


def parts(members: frozenset[int]) -> Iterator[frozenset[int]]:
    """One part of each way to part a set in two."""
    first, *others = sorted(members)
    for count in range(len(others)):
        for chosen in combinations(others, count):
            yield frozenset({first, *chosen})


def is_whole(term: Term, axes: tuple[Size, ...]) -> bool:
    """Whether a term is one tensor, taken once, with its axes in order."""
    if len(term.factors) != 1 or term.coefficient != 1 or term.bound:
        return False
    (factor,) = term.factors
    return factor.exponent == 1 and factor.labels == tuple(range(len(axes)))


def merged_terms(terms: Sequence[Term], axes: tuple[Size, ...]) -> Iterator[Term]:
    """The terms, those that are equal but for their numbers added up."""
    found: dict[tuple[Factor, ...], Term] = {}
    for term in terms:
        before = found.get(term.factors)
        if before is not None:
            term = term._replace(coefficient=before.coefficient + term.coefficient)
        found[term.factors] = term
    return (term for term in found.values() if term.coefficient)


def outside(term: Term) -> Term:
    """The term with every δ that stands in all terms of a group set outside the group."""
    factors: list[Factor] = []
    for factor in term.factors:
        taken = _common_delta(factor)
        while taken is not None:
            delta, factor = taken
            factors.append(delta)
            taken = _common_delta(factor)
        factors.append(factor)
    return term._replace(factors=tuple(factors))


def _common_delta(factor: Factor) -> tuple[Factor, Factor] | None:
    """δ and what it leaves of the group, where all terms of a group have one δ of its axes."""
    head = factor.head
    if not isinstance(head, Sum) or not head.terms or factor.exponent != 1:
        return None
    common = set(_pairs(head.terms[0])).intersection(*(_pairs(t) for t in head.terms))
    if not common:
        return None
    i, j = min(common)
    renamed = {j: i} | {k: k - 1 for k in range(j + 1, len(head.axes))}
    axes = head.axes[:j] + head.axes[j + 1 :]
    terms = tuple(_relabelled(term, (i, j), renamed) for term in head.terms)
    at = factor.labels[:j] + factor.labels[j + 1 :]
    delta = Factor(Delta(head.axes[i]), (factor.labels[i], factor.labels[j]))
    return delta, Factor(Sum(axes, terms), at)


def _pairs(term: Term) -> list[tuple[int, int]]:
    """The free labels that a term says are equal."""
    deltas = (f.labels for f in term.factors if isinstance(f.head, Delta))
    return [(min(at), max(at)) for at in deltas if min(at) >= 0 and at[0] != at[1]]


def _relabelled(term: Term, pair: tuple[int, int], renamed: Mapping[int, int]) -> Term:
    left = [
        f for f in term.factors if not (isinstance(f.head, Delta) and set(f.labels) == set(pair))
    ]
    return term._replace(factors=mapped(left, renamed))


def without_deltas(term: Term) -> Term:
    """The term without δs of a bound label: the label is replaced by the other one."""
    for position, factor in enumerate(term.factors):
        if not isinstance(factor.head, Delta) or factor.labels[0] == factor.labels[1]:
            continue
        bound = min(factor.labels)
        if bound < 0:
            other = max(factor.labels)
            rest = term.factors[:position] + term.factors[position + 1 :]
            moved = {bound: other} | {k: k + 1 for k in range(-len(term.bound), bound)}
            bounds = term.bound[: -bound - 1] + term.bound[-bound:]
            if other < bound:
                moved[bound] = other + 1
            return without_deltas(Term(term.coefficient, mapped(rest, moved), bounds))
    return term._replace(factors=tuple(f for f in term.factors if not _is_one(f)))


def _is_one(factor: Factor) -> bool:
    return isinstance(factor.head, Delta) and factor.labels[0] == factor.labels[1]

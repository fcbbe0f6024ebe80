"""In which order the factors of a product are multiplied and summed, by what that costs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import combinations, permutations
from math import prod
from typing import NamedTuple

from diagrad.dimensions import Size
from diagrad.index.relabel import canonical, mapped
from diagrad.index.term import Factor, Head, Labels, Sum, Term

# Of up to so many factors the cheapest order is found; beyond, the cheapest next step is taken.
FEW = 7
MOST_TURNED = 3
# Ways to part a product in two that cost so many times the cheapest are worth a second look: what
# one part needs may be made for the other.
SECOND_LOOK = 1.5


# The order of its axes, and a product.
Ordered = tuple[Labels, Head]


class Products:
    """The tensors that products of factors were made as, for given sizes of the dimensions."""

    def __init__(self, sizes: Mapping[str, int]) -> None:
        self.sizes = sizes
        self._made: dict[Head, Head] = {}

    def count(self, sizes: Iterable[Size]) -> int:
        """How many entries a tensor with such axes has."""
        return prod(size.evaluate(self.sizes) for size in sizes)

    def known(self, orders: Iterable[Ordered]) -> Factor | None:
        """A product, with its axes in one order or another, as the tensor that it was made as
        before."""
        for order, product in orders:
            head = self._made.get(product)
            if head is not None:
                return Factor(head, order)
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


def ordered(
    axes: Sequence[int], factors: Sequence[Factor], sizes: Mapping[int, Size]
) -> Iterator[Ordered]:
    """The product of factors, summed over all labels but those in `axes`, which come in one order
    or another."""
    for order in permutations(axes) if len(axes) <= MOST_TURNED else [tuple(axes)]:
        yield order, _product(order, factors, sizes)


def _product(axes: Sequence[int], factors: Sequence[Factor], sizes: Mapping[int, Size]) -> Head:
    bound = sorted({k for f in factors for k in f.labels} - set(axes), reverse=True)
    number = {k: n for n, k in enumerate(axes)} | {k: -n - 1 for n, k in enumerate(bound)}
    term = Term(1, mapped(factors, number), tuple(sizes[k] for k in bound))
    return Sum(tuple(sizes[k] for k in axes), (canonical(term, lambda head: False),))


class Operand(NamedTuple):
    """Factors with the same labels."""

    labels: frozenset[int]
    factors: tuple[Factor, ...]


class Contraction:
    """The product of factors summed over the bound labels of a term."""

    def __init__(
        self, products: Products, term: Term, axes: tuple[Size, ...], factors: Sequence[Factor]
    ) -> None:
        self.products = products
        self.sizes = {k: size for k, size in enumerate(axes)}
        self.sizes |= {-k - 1: size for k, size in enumerate(term.bound)}
        by_labels: dict[frozenset[int], tuple[Factor, ...]] = {}
        for factor in factors:
            key = frozenset(factor.labels)
            by_labels[key] = (*by_labels.get(key, ()), factor)
        self.operands = [Operand(key, found) for key, found in by_labels.items()]
        self._as_products: dict[frozenset[int], list[Ordered]] = {}

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
        return self.products.count(self.sizes[k] for k in labels)

    def _best(self, members: frozenset[int]) -> Tree:
        if len(members) > FEW:
            return self._greedy(members)
        found: dict[frozenset[int], Tree] = {}
        tree = self._optimal(members, found)
        return min((tree, *self._sharing(tree, found)), key=lambda one: one.cost)

    def _optimal(
        self,
        members: frozenset[int],
        found: dict[frozenset[int], Tree],
        free: frozenset[Head] = frozenset(),
    ) -> Tree:
        """The cheapest tree for each set of operands; the products `free` cost nothing."""
        if members not in found:
            found[members] = self._alone(members, free) or min(
                (
                    self._joined(*(self._optimal(p, found, free) for p in (part, members - part)))
                    for part in parts(members)
                ),
                key=lambda tree: tree.cost,
            )
        return found[members]

    def _sharing(self, tree: Tree, found: Mapping[frozenset[int], Tree]) -> Iterator[Tree]:
        """Trees in which the second part uses sums that are made for the first."""
        if not tree.parts:
            return
        for part in parts(tree.members):
            pair = found.get(part), found.get(tree.members - part)
            for first, second in (pair, pair[::-1]):
                if first is None or second is None:
                    continue
                if self._joined(first, second).cost > SECOND_LOOK * tree.cost:
                    continue
                free = frozenset(self._sums(first))
                if free and second.parts:
                    yield self._joined(first, self._optimal(second.members, {}, free))

    def _sums(self, tree: Tree) -> Iterator[Head]:
        """The sums that are made for a tree."""
        labels = {label for k in tree.members for label in self.operands[k].labels}
        if tree.parts and not labels <= self._kept(tree.members):
            yield from (head for _, head in self._products(tree.members))
        for part in tree.parts:
            yield from self._sums(part)

    def _products(self, members: frozenset[int]) -> list[Ordered]:
        """The product of some operands, in every order of its axes."""
        if members not in self._as_products:
            found = ordered(self._axes(members), self._factors(members), self.sizes)
            self._as_products[members] = list(found)
        return self._as_products[members]

    def _alone(self, members: frozenset[int], free: frozenset[Head] = frozenset()) -> Tree | None:
        """A single operand, or what is known already and costs nothing."""
        alone = len(members) == 1 or self._known(members) is not None
        if alone or any(head in free for _, head in self._products(members)):
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
        return self._ordered(self._kept(members))

    def _known(self, members: frozenset[int]) -> Factor | None:
        return self.products.known(self._products(members))

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
        axes = self._ordered(factors[0].labels)
        return self.products.known(ordered(axes, whole, self.sizes)) or self.products.make(
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
        return self.products.make(self._axes(tree.members), whole, factors, self.sizes)

    def _ordered(self, labels: Iterable[int]) -> list[int]:
        """Labels as an axis order: free ones as the result has them, then those that will be summed
        over, and last the last one of the result, along which it is worked out."""
        labels = set(labels)
        last = {max(self.sizes)} & labels if max(self.sizes, default=-1) >= 0 else set()
        free = sorted(label for label in labels - last if label >= 0)
        bound = sorted((label for label in labels if label < 0), reverse=True)
        return [*free, *bound, *last]


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

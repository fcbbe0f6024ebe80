"""One sweep back from a value to its variables, by the chain rule from name to name.

A node is a name on the way. Its adjoint, the derivative of the value by it, is the sum over the
names that it enters directly, of their adjoints times the local derivatives: what backpropagation
does, in closed form, each adjoint simplified before it is used.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from diagrad.derivation.restate import Restated
from diagrad.dimensions import Shape, is_scalar
from diagrad.index.build import delta, labels, tensor
from diagrad.index.context import Application, Context
from diagrad.index.differentiate import Link as Use
from diagrad.index.differentiate import chain, derivative
from diagrad.index.expanding import settled
from diagrad.index.laws import LAWS
from diagrad.index.relabel import dropped, multiplied
from diagrad.index.term import Definition, Delta, Factor, Head, Sum, Term, Variable, as_sum
from diagrad.setting import Setting, shapes, with_facts


class Link(NamedTuple):
    """`child` enters `consumer` directly; `local` is ∂consumer/∂child with all other names held,
    axes of the consumer first. `alone` says that there is no other way between the two, so that
    this is the whole derivative. `laws` are those that `local` was made short by."""

    consumer: str
    child: str
    local: Head
    alone: bool
    laws: tuple[Application, ...] = ()


@dataclass
class Node:
    """A name on the way back, with the adjoint that reaches it and how."""

    name: str
    shape: Shape
    head: Head
    links: tuple[Link, ...] = ()
    adjoint: Head = field(default_factory=lambda: Sum((), ()))
    laws: tuple[Application, ...] = ()
    uses: int = 0
    known: Definition | None = None

    @property
    def carried(self) -> Head:
        """What the chain rule goes on with: the adjoint, or the name it was given."""
        return self.adjoint if self.known is None else self.known


class Sweep:
    """The nodes from `of` back to the variables `by`, in the order in which their adjoints are
    found. With `whole`, local derivatives of several terms stay together, as Hessians want it. Of
    the `free` variables nothing is known, because the outcome will be differentiated by them."""

    def __init__(
        self,
        restated: Restated,
        by: tuple[str, ...],
        whole: bool = False,
        free: tuple[str, ...] = (),
    ) -> None:
        self.restated, self.by, self.whole = restated, by, whole
        self.source = restated.source
        self.shapes: dict[str, Shape] = dict(shapes(self.source))
        self.setting = Setting(self.source, free or by, literal=True)
        self.context: Context = (
            self.setting.context if free else with_facts(self.source, self.setting, by)
        )
        self.of = restated.of
        self.nodes: dict[str, Node] = {}
        names = dict.fromkeys((self.of, *reversed(restated.path), *by))
        for name in names:
            self.nodes[name] = Node(name, self.shapes[name], self.setting.heads[name])
        self._link()

    @property
    def scalar(self) -> bool:
        """Whether it is a scalar that is differentiated, so that adjoints are gradients."""
        return is_scalar(self.shapes[self.of])

    @property
    def axes(self) -> int:
        """How many axes of an adjoint are those of the value."""
        return len(self.setting.heads[self.of].axes)

    def _link(self) -> None:
        """The links between the nodes, by what each definition is made of directly."""
        below = {name: self._enters(node.head) for name, node in self.nodes.items()}
        reach: dict[str, set[str]] = {}
        for name in reversed(self.nodes):
            reach[name] = {name}.union(*(reach[child] for child in below[name]))
        found: dict[str, list[Link]] = {name: [] for name in self.nodes}
        for consumer, children in below.items():
            for child in children:
                before = len(self.context.record)
                local = self.local(consumer, child)
                laws = tuple(self.context.record[before:])
                if isinstance(local, Sum) and not local.terms:
                    continue
                others = [other for other in children if other != child]
                alone = not any(child in reach[other] for other in others)
                found[child].append(Link(consumer, child, local, alone, laws))
                self.nodes[consumer].uses += 1
        for name, links in found.items():
            self.nodes[name].links = tuple(links)

    def is_cut(self, node: Node) -> bool:
        """Whether all ways from the value to the variables lead through the node."""
        order = {name: k for k, name in enumerate(self.nodes)}
        place = order[node.name]
        ends = any(order[name] < place for name in self.by)
        links = [link for other in self.nodes.values() for link in other.links]
        passing = (order[k.consumer] < place < order[k.child] for k in links)
        return not ends and not any(passing)

    def depending(self, name: str) -> set[str]:
        """The nodes that change with this one."""
        found = {name}
        for other in reversed(self.nodes.values()):
            if other.name in found:
                found |= {link.consumer for link in other.links}
        return found - {name}

    def held(self, link: Link) -> list[str]:
        """What else of a definition changes with the child: other names, which its local
        derivative holds fixed."""
        moving = self.depending(link.child)
        return [n for n in self._enters(self.nodes[link.consumer].head) if n in moving]

    def _enters(self, head: Head) -> list[str]:
        """The nodes that a definition is made of, other definitions closed."""
        if not isinstance(head, Definition):
            return []
        found = {h for h in _open(head.body) if isinstance(h, Definition | Variable)}
        return [name for name, node in self.nodes.items() if node.head in found]

    def local(self, consumer: str, child: str) -> Head:
        head = self.nodes[consumer].head
        assert isinstance(head, Definition)
        return derivative(head.body, self.nodes[child].head, self.setting.context, held=True)

    def raw(self, consumer: str, child: str) -> Sum:
        """∂consumer/∂child as the rules give it: δs not contracted, nothing collected."""
        head, wrt = self.nodes[consumer].head, self.nodes[child].head
        assert isinstance(head, Definition)
        if head.body is wrt:
            i, j = labels(wrt.axes), labels(wrt.axes)
            return tensor((i, j), delta(i, j))
        uses: list[Use] = []
        derivative(head.body, wrt, self.setting.context, uses, held=True)
        last = [use for use in uses if use.child is wrt]
        parts = [use.local if use.head is head.body else use.contribution for use in last]
        terms = [term for part in parts for term in as_sum(part).terms]
        return opened(Sum(head.axes + wrt.axes, tuple(terms)), self.setting.context)

    @cached_property
    def bare(self) -> Context:
        """A context with the same names in which nothing is known of any variable."""
        context = Context({})
        for head in self.setting.heads.values():
            if isinstance(head, Definition):
                context.name(head)
        return context

    def visit(self) -> Iterator[Node]:
        """The nodes after the first, each with its adjoint; a node may be given a name (`known`)
        before the next is asked for."""
        for node in self.nodes.values():
            if node.name == self.of:
                i, j = labels(node.head.axes), labels(node.head.axes)
                node.adjoint = self.context.normal(tensor((i, j), delta(i, j)))
                if node.name not in self.by:
                    continue
            else:
                before = len(self.context.record)
                node.links = tuple(link for link in node.links if self._brings(link))
                parts = [self.contribution(link, self.whole) for link in node.links]
                terms = [term for part in parts for term in part.terms]
                axes = self.setting.heads[self.of].axes + node.head.axes
                total = self.context.normal(Sum(axes, tuple(terms)))
                node.adjoint = settled(total, self.context)
                made = tuple(self.context.record[before:])
                node.laws = (*(law for link in node.links for law in link.laws), *made)
            yield node

    def _brings(self, link: Link) -> bool:
        """Whether anything comes in by a link: its consumer's adjoint is not 0."""
        adjoint = self.nodes[link.consumer].adjoint
        return not isinstance(adjoint, Sum) or bool(adjoint.terms)

    def contribution(self, link: Link, whole: bool, carried: Head | None = None) -> Sum:
        """What a link brings to its child, not yet normal."""
        consumer = self.nodes[link.consumer]
        local = as_sum(link.local)
        if link.consumer == self.of:
            return local
        adjoint = consumer.carried if carried is None else carried
        child = self.nodes[link.child].head
        return chain(adjoint, local, self.axes, child, self.context, whole)


def _open(body: Head) -> Iterator[Head]:
    """The heads that a value is made of, definitions closed."""
    waiting, seen = [body], set()
    while waiting:
        head = waiting.pop()
        if head in seen:
            continue
        seen.add(head)
        yield head
        if not isinstance(head, Definition):
            waiting.extend(head.children)


# Laws that only write a product in one piece.
OPENING = [law for name, law in LAWS if name in ("merge powers", "multiply out", "numbers")]


def opened(total: Sum, context: Context) -> Sum:
    """The sum with its products written out, and nothing else done to it: no δ is contracted."""
    waiting, terms = list(reversed(total.terms)), []
    while waiting:
        term = waiting.pop()
        after = next((t for law in OPENING if (t := law(context, term)) is not None), None)
        spread = _spread_first(term) if after is None else None
        if after is not None:
            waiting.append(after)
        elif spread is not None:
            waiting += reversed(spread)
        else:
            terms.append(term)
    return Sum(total.axes, tuple(terms))


def _spread_first(term: Term) -> list[Term] | None:
    """The terms of a product with a sum in which δ stands, distributed over it."""
    for place, factor in enumerate(term.factors):
        head = factor.head
        if not isinstance(head, Sum) or factor.exponent != 1 or len(head.terms) < 2:
            continue
        if any(isinstance(f.head, Delta) for t in head.terms for f in t.factors):
            rest = dropped(term, place)
            return [multiplied(rest, inner, factor.labels) for inner in head.terms]
    return None


def divides_by(head: Head, divisor: Head) -> bool:
    """Whether a tensor has a negative power of a head somewhere."""
    waiting, seen = [as_sum(head)], set[Head]()
    while waiting:
        total = waiting.pop()
        for term in total.terms:
            for factor in term.factors:
                if _is_quotient(factor) and divisor in _inside(factor.head):
                    return True
                if isinstance(factor.head, Sum) and factor.head not in seen:
                    seen.add(factor.head)
                    waiting.append(factor.head)
    return False


def _is_quotient(factor: Factor) -> bool:
    return not isinstance(factor.exponent, Head) and factor.exponent < 0


def _inside(head: Head) -> set[Head]:
    return {head} | {child for child in head.children}

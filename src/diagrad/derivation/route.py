"""Steps from a sweep: what both routes have in common."""

from __future__ import annotations

from collections.abc import Iterator

from diagrad.derivation.book import Book
from diagrad.derivation.indices import Indices
from diagrad.derivation.reasons import Reasons
from diagrad.derivation.step import Factor as ChainFactor
from diagrad.derivation.step import Step
from diagrad.derivation.sweep import Link, Node, divides_by, opened
from diagrad.dimensions import UNIT, Size
from diagrad.expression import Apply, Expression
from diagrad.formula import Formula
from diagrad.index.build import delta, labels, tensor
from diagrad.index.term import Applied, Definition, Head, Sum, Term, as_sum
from diagrad.layouts import Arrangement, arranged
from diagrad.matrix import make
from diagrad.matrix.contract import NoMatrixForm
from diagrad.matrix.elements import LETTERS
from diagrad.matrix.explicit import explicit
from diagrad.matrix.lettering import lettered
from diagrad.matrix.shown import Shown, shown


class Route:
    """The steps of one route, by the node that each is about."""

    def __init__(self, book: Book) -> None:
        self.book, self.sweep = book, book.sweep
        self.nodes = book.sweep.nodes
        self.reasons = Reasons(book)
        self.indices = Indices(self.reasons)
        self._steps: dict[str, Step] = {}

    def step(self, node: Node) -> Step:
        """The step that establishes the derivative by this node."""
        if node.name not in self._steps:
            self._steps[node.name] = self._made(node)
        return self._steps[node.name]

    def _made(self, node: Node) -> Step:
        raise NotImplementedError

    def joined(self, node: Node) -> Node | None:
        """The node whose step is a part of this one's, for its adjoint divides by it and here that
        cancels: −y ⊘ ŷ becomes ŷ − y."""
        if len(node.links) != 1 or node.links[0].consumer == self.sweep.of:
            return None
        consumer = self.nodes[node.links[0].consumer]
        if consumer.uses != 1 or consumer.known is not None:
            return None
        divides = divides_by(consumer.adjoint, consumer.head)
        return consumer if divides and not divides_by(node.adjoint, consumer.head) else None

    def layout(self, node: Node, written: Shown) -> str:
        layout = self.book.arrangement(node).layout
        return "tensor" if layout == "vec" and written.labels else layout

    def formula(self, written: Shown, node: Node) -> Formula:
        return self.book.formula(written, self.layout(node, written))

    def local_matrix(self, link: Link, turned: bool = False) -> Expression:
        """∂consumer/∂child as a matrix, rows for the consumer, or its transpose. Raises
        NoMatrixForm."""
        c, u = self.nodes[link.consumer], self.nodes[link.child]
        if len(c.head.axes) > 1 or len(u.head.axes) > 1:
            raise NoMatrixForm("the Jacobian of a matrix, or by one")
        row = 0 if c.head.axes else None
        column = len(c.head.axes) if u.head.axes else None
        places = (column, row) if turned else (row, column)
        return explicit(self.book.diagonal.raised(link.local, *places))

    def local_arrangement(self, link: Link) -> Arrangement:
        """How ∂consumer/∂child is laid out: as a matrix where that is one, else with all axes."""
        c, u = self.nodes[link.consumer], self.nodes[link.child]
        found = arranged("auto", c.shape, [u.shape])
        return found if found.matrix else arranged("tensor", c.shape, [u.shape])

    def local_entries(self, link: Link, head: Head, arrangement: Arrangement) -> Shown:
        """∂consumer/∂child by elements: i, j of the child, then the consumer's labels."""
        places = arrangement.places
        letters = _turned(lettered(places), places, len(self.nodes[link.child].head.axes))
        return self.book.listed(head, places, letters)

    def local_step(self, link: Link) -> Step | None:
        """The step that establishes a local Jacobian, where it is the whole derivative."""
        c, u = self.nodes[link.consumer], self.nodes[link.child]
        if not link.alone or (not c.head.axes and not u.head.axes):
            return None
        arrangement = self.local_arrangement(link)
        try:
            after, arrangement = self._local_after(link, arrangement)
            before = self._local_before(link, after, arrangement)
        except NoMatrixForm:
            return None
        if before is None:
            return None
        return Step(
            (link.consumer, link.child),
            self.book.formula(before, arrangement.layout),
            self.book.formula(after, arrangement.layout),
            self.reasons.rule(link),
            self.reasons.of_link(link),
        )

    def _local_after(self, link: Link, arrangement: Arrangement) -> tuple[Shown, Arrangement]:
        """The local Jacobian, and how it is laid out: by elements where no matrix says it."""
        if arrangement.matrix:
            written = shown(link.local, arrangement.places, True, self.book.diagonal)
            if not written.labels:
                return written, arrangement
        c, u = self.nodes[link.consumer], self.nodes[link.child]
        tensor = arranged("tensor", c.shape, [u.shape])
        return self.local_entries(link, link.local, tensor), tensor

    def _local_before(self, link: Link, after: Shown, arrangement: Arrangement) -> Shown | None:
        """The local derivative as the product rule gives it, with its δs; by elements where the
        outcome is a matrix."""
        for head in (self.raw(link), link.local):
            try:
                written = self.local_entries(link, head, arrangement)
            except NoMatrixForm:
                continue
            if not self.book.alike(written, after):
                return written
        return None

    def raw(self, link: Link) -> Sum:
        """∂consumer/∂child as the product rule gives it, before any δ is contracted; for a function
        its derivative."""
        body = self.nodes[link.consumer].head
        if isinstance(body, Definition) and isinstance(body.body, Applied):
            return as_sum(link.local)
        return self.sweep.raw(link.consumer, link.child)

    def part(self, node: Node, before: Shown, after: Shown, rule: str, why: str) -> Step:
        return Step(
            (self.sweep.of, node.name),
            self.formula(before, node),
            self.formula(after, node),
            rule,
            why,
        )

    def chain_rule(self, node: Node) -> tuple[tuple[ChainFactor, ...], ...]:
        """The chain rule for a node: a product for each name that it enters, none where it enters
        the value alone."""
        if all(link.consumer == self.sweep.of for link in node.links):
            return ()
        return tuple(self._product_of(node, link) for link in node.links)

    def _product_of(self, node: Node, link: Link) -> tuple[ChainFactor, ...]:
        """∂of/∂consumer · ∂consumer/∂child, or for the gradient by a column the transposes the
        other way round."""
        of, consumer = self.nodes[self.sweep.of], self.nodes[link.consumer]
        mine, theirs = len(node.head.axes), len(consumer.head.axes)
        start = self.sweep.axes
        f, u = LETTERS[:start], LETTERS[start : start + mine]
        if link.consumer == self.sweep.of:
            return (ChainFactor(of.name, node.name, f, u),)
        c = LETTERS[start + mine : start + mine + theirs]
        turned = self.sweep.scalar and mine == 1 and node.shape[1] == UNIT
        first = self._shape_of(of, consumer, turned)
        second = self._shape_of(consumer, node, turned)
        if first is None or second is None:
            first = second = None
        incoming = ChainFactor(of.name, consumer.name, f, c, False, first)
        local = ChainFactor(consumer.name, node.name, c, u, turned, second)
        return (local, incoming) if turned else (incoming, local)

    def _shape_of(self, top: Node, bottom: Node, turned: bool) -> tuple[str, str] | None:
        """The shape of ∂top/∂bottom as a matrix, or of its transpose."""
        if len(top.head.axes) > 1 or len(bottom.head.axes) > 1:
            return None
        rows, columns = (node.shape[0] * node.shape[1] for node in (top, bottom))
        shape = (str(rows), str(columns))
        return shape[::-1] if turned else shape

    def uncollapsed(self, link: Link, inlined: bool = False) -> Sum:
        """What a link brings, no δ contracted: the incoming derivative, by its name unless it is to
        be `inlined`, times the local one."""
        if link.consumer == self.sweep.of:
            return self.raw(link)
        consumer, carried = self.nodes[link.consumer], None
        if not inlined and self.book.called[link.consumer] in self.book.source.definitions:
            carried = self.book.opaque(consumer)
        return self.sweep.contribution(link, False, carried)

    def with_delta(self, node: Node) -> Sum:
        """Σₘ ∂value/∂uₘ δₘᵢ, where the rules leave nothing to contract."""
        f = labels(self.nodes[self.sweep.of].head.axes)
        m, i = labels(node.head.axes), labels(node.head.axes)
        return opened(tensor((f, i), node.adjoint[f, m] * delta(m, i)), self.sweep.context)

    def sum(self, axes: tuple[Size, ...], terms: list[Term]) -> Sum:
        return Sum(axes, tuple(terms))

    def added_up(self, terms: list[Expression]) -> Expression:
        total = terms[0]
        for term in terms[1:]:
            if isinstance(term, Apply) and term.operation.name == "negate":
                total = make.minus(total, term.operands[0])
            else:
                total = make.plus(total, term)
        return total

    def target_symbol(self, node: Node) -> Shown | None:
        """The derivative by its own name, for want of another form of it."""
        name = self.book.called[node.name]
        if name not in self.book.source.definitions:
            return None
        return Shown(self.book.symbol(node))

    def chain(self, node: Node) -> Iterator[Step]:
        """The steps that lead to a node, the first of them first."""
        wanted = {node.name}
        for other in reversed(self.nodes.values()):
            if other.name in wanted:
                wanted |= {link.consumer for link in other.links}
        inner = {j.name for n in wanted if (j := self.joined(self.nodes[n]))}
        for name in self.nodes:
            if name in wanted - inner and (name != self.sweep.of or name == node.name):
                yield self.step(self.nodes[name])


def _turned(letters: str, places: tuple[int | None, ...], u: int) -> str:
    """The letters with i, … for the child's `u` axes and the next ones for the consumer's."""
    own = [letters[k] for k, place in enumerate(places) if place is not None]
    turned = iter(own[u:] + own[:u]) if u < len(own) else iter(own)
    head = (next(turned) if p is not None else letters[k] for k, p in enumerate(places))
    return "".join(head) + letters[len(places) :]

"""The route by Jacobians: one step a link, each factor a matrix, a diagonal one collapsed to ∘.

A gradient has the shape of its variable. For a row the Jacobians stand to its right, for a column
the transposed Jacobians to its left.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from diagrad.derivation.known import sums_to_one
from diagrad.derivation.reasons import listed
from diagrad.derivation.recognised import recognised
from diagrad.derivation.route import Route
from diagrad.derivation.step import Step
from diagrad.derivation.sweep import Link, Node
from diagrad.dimensions import UNIT
from diagrad.expression import Apply, Expression, Number, Symbol, walk
from diagrad.formula import Formula
from diagrad.index.term import Delta, Sum, as_sum
from diagrad.matrix import make
from diagrad.matrix.contract import NoMatrixForm
from diagrad.matrix.explicit import explicit
from diagrad.matrix.shown import Shown


class JacobianRoute(Route):
    """Steps whose `before` is the product of Jacobians, and whose `after` is that simplified."""

    def _made(self, node: Node) -> Step:
        after = self.book.adjoint(node)
        before = self._before(node, after)
        part = self.joined(node)
        parts = [self.step(part)] if part is not None else []
        for link in node.links:
            if link.consumer != self.sweep.of:
                local = self.local_step(link)
                parts += [local] if local else []
        parts += self.collapsing(node) + self.simplifying(node, before, after)
        return Step(
            (self.sweep.of, node.name),
            self.formula(before, node),
            self.formula(after, node),
            self.reasons.rule_of(node, self.joined(node)),
            self._because(node, before, after),
            tuple(parts),
            self.chain_rule(node),
            self.book.called[node.name] if node.known is not None else "",
            self._spelled(node, before, after),
        )

    def _because(self, node: Node, before: Shown, after: Shown) -> str:
        """Why, and which definitions were recognised on the way."""
        spelled = self.spelled_out(before).expression
        found = recognised(self.reasons, node, spelled, after.expression) if node.links else []
        if self._has_mixed_jacobian(node) and not self.reasons.facts(node):
            found.insert(0, self.multiplied_out(node))
        return "; ".join(filter(None, [self.reasons.of_node(node), *found]))

    def _has_mixed_jacobian(self, node: Node) -> bool:
        """Whether a gradient comes by a Jacobian with a diagonal term and another, as softmax's."""
        (link,) = node.links if len(node.links) == 1 else (None,)
        if link is None or not self.sweep.scalar or len(link.local.axes) != 2:
            return False
        terms = as_sum(link.local).terms
        diagonal = [any(isinstance(f.head, Delta) for f in t.factors) for t in terms]
        return len(node.head.axes) == 1 and any(diagonal) and not all(diagonal)

    def _spelled(self, node: Node, before: Shown, after: Shown) -> Formula | None:
        """The product with the incoming derivatives written out, where that is news."""
        spelled = self.spelled_out(before)
        if self.book.alike(spelled, before) or self.book.alike(spelled, after):
            return None
        if self.book.alphabet(spelled) == self.book.alphabet(after):
            return None
        return self.formula(spelled, node)

    def _before(self, node: Node, after: Shown) -> Shown:
        """The product of the incoming derivative and the Jacobian; where that is not to be told
        from the outcome, the sum by elements, before δ is contracted."""
        try:
            written = Shown(self.added_up([self.through(node, link) for link in node.links]))
            if node.links and not self.book.alike(written, after):
                return written
        except (NoMatrixForm, IndexError):
            pass
        return self.by_elements(node, after)

    def by_elements(self, node: Node, after: Shown) -> Shown:
        """The sum by elements, before δ is contracted."""
        axes = self.nodes[self.sweep.of].head.axes + node.head.axes
        terms = [t for link in node.links for t in self.uncollapsed(link).terms]
        raw = self.sum(axes, terms) if terms else self.with_delta(node)
        for head in (raw, self.with_delta(node)):
            try:
                written = self.book.entries(head, node)
            except NoMatrixForm:
                continue
            labelled = node.head.axes or self.sweep.axes or after.labels
            told = terms or node.name == self.sweep.of
            if told and labelled and not self.book.alike(written, after):
                return written
        return self.target_symbol(node) or after

    def through(self, node: Node, link: Link) -> Expression:
        """What one link brings, with the incoming derivative by its name. Raises NoMatrixForm."""
        consumer = self.nodes[link.consumer]
        if link.consumer == self.sweep.of:
            return self._matrix(self.book.written(link.local, node))
        if self.book.called[link.consumer] not in self.book.source.definitions:
            raise NoMatrixForm("the incoming derivative is no matrix")
        incoming = self.book.symbol(consumer)
        c, u = len(consumer.head.axes), len(node.head.axes)
        if c == 1 and u == 1:
            return self._product(incoming, node, link)
        head = self.sweep.context.normal(
            self.sweep.contribution(link, self.sweep.whole, self.book.opaque(consumer))
        )
        return self._matrix(self.book.written(head, node))

    def _product(self, incoming: Symbol, node: Node, link: Link) -> Expression:
        if not self.sweep.scalar or node.shape[0] == UNIT:
            row = incoming
            if self.sweep.scalar and incoming.shape[0] != UNIT:
                return make.matmul(make.transposed(row), self.local_matrix(link))
            return make.matmul(row, self.local_matrix(link))
        column: Expression = incoming
        if incoming.shape[0] == UNIT:
            column = make.transposed(incoming)
        return make.matmul(self.local_matrix(link, turned=True), column)

    def _matrix(self, written: Shown) -> Expression:
        if written.labels:
            raise NoMatrixForm("by elements")
        return explicit(written.expression)

    def collapsing(self, node: Node) -> list[Step]:
        """By a matrix there is no product of Jacobians: the sum by elements, δ contracted."""
        if not self.sweep.scalar or not self.chain_rule(node):
            return []
        if all(factor.shape for product in self.chain_rule(node) for factor in product):
            return []
        terms = [t for link in node.links for t in self.uncollapsed(link).terms]
        raw = self.sum(node.head.axes, terms)
        try:
            before = self.book.entries(raw, node)
            after = self.book.entries(self.sweep.context.normal(raw), node)
        except NoMatrixForm:
            return []
        if self.book.alike(before, after):
            return []
        why = self.indices.collapse(*map(self.book.formula, (before, after)))
        return [self.part(node, before, after, "contract δ", why)]

    def simplifying(self, node: Node, before: Shown, after: Shown) -> list[Step]:
        """Where the sum came out by facts: the product with all in it written out, what it is
        without the facts, and what it is with them."""
        facts = self.reasons.facts(node)
        if not facts:
            return self._written_shorter(node, before, after)
        terms = [t for link in node.links for t in self.uncollapsed(link, inlined=True).terms]
        axes = self.nodes[self.sweep.of].head.axes + node.head.axes
        try:
            head, raiser = self.book.without_facts(self.sum(axes, terms))
            middle = self.book.written(head, node, raiser)
        except NoMatrixForm:
            return []
        forms = [
            ("", "", self.spelled_out(before)),
            ("multiply out", self.multiplied_out(node), middle),
            ("facts", "; ".join(facts), after),
        ]
        return [
            self.part(node, first, second, rule, why)
            for (_, _, first), (rule, why, second) in pairwise(forms)
            if not self.book.alike(first, second)
        ]

    def _written_shorter(self, node: Node, before: Shown, after: Shown) -> list[Step]:
        """A product with a Jacobian of several terms, multiplied out, and then short by definitions
        that are recognised in it, and by what softmax gives, which sums to 1."""
        spelled = self.spelled_out(before)
        found = recognised(self.reasons, node, spelled.expression, after.expression)
        outcomes = [out.expression for _, out in self.products(node)]
        if not found or not outcomes or not self._has_mixed_jacobian(node):
            return []
        head, context = self.nodes[node.links[0].consumer].head, self.sweep.context
        middle = Shown(self.added_up(outcomes))
        gone = _ones(middle.expression) > _ones(after.expression)
        known = sums_to_one(head, self.reasons.called, context) if gone else []
        why = "; ".join([*found, *known])
        if self.book.alike(spelled, middle) or self.book.alike(middle, after):
            return []
        return [
            self.part(node, spelled, middle, "multiply out", self.multiplied_out(node)),
            self.part(node, middle, after, "written with a name", why),
        ]

    def multiplied_out(self, node: Node) -> str:
        """The product with a Jacobian of several terms, term by term."""
        told = [f"{p.unicode()} = {out.unicode()}" for p, out in self.products(node)]
        return "; ".join(filter(None, [self.symmetric(node) if told else "", listed(told)]))

    def symmetric(self, node: Node) -> str:
        """Why the chain rule for a column has its Jacobian transposed, and the product does not."""
        (link,) = node.links
        if node.shape[1] != UNIT:
            return ""
        turned, plain = (Shown(self.local_matrix(link, turned=t)) for t in (True, False))
        if not self.book.alike(turned, plain):
            return ""
        consumer, child = (self.reasons.called(self.nodes[name].head) for name in link[:2])
        return f"∂{consumer}/∂{child} is symmetric, so its transpose is the same matrix"

    def products(self, node: Node) -> list[tuple[Formula, Formula]]:
        """Each term of a Jacobian such as diag(p) − pᵀ p times what comes in, and what it is."""
        (link,) = node.links if len(node.links) == 1 else (None,)
        if not link or link.consumer == self.sweep.of or len(as_sum(link.local).terms) < 2:
            return []
        found = []
        for term in as_sum(link.local).terms:
            one = link._replace(local=Sum(link.local.axes, (term,)))
            try:
                product = self.spelled_out(Shown(self.through(node, one)))
                head, raiser = self.book.without_facts(self.uncollapsed(one, inlined=True))
                outcome = self.book.written(head, node, raiser)
            except NoMatrixForm:
                return []
            if self.book.alike(product, outcome):
                return []
            found.append((self.book.formula(product), self.book.formula(outcome)))
        return found

    def spelled_out(self, written: Shown) -> Shown:
        """The formula with the incoming derivatives written out."""
        known = {self.book.called[n.name] for n in self.nodes.values() if n.known is not None}
        names = set(self.book.called.values()) - known
        definitions = self.book.source.definitions

        def replaced(node: Expression) -> Expression:
            if isinstance(node, Symbol) and node.name in names and node.name in definitions:
                return definitions[node.name].expression
            if isinstance(node, Apply):
                return replace(node, operands=tuple(replaced(o) for o in node.operands))
            return node

        return Shown(replaced(written.expression), written.labels)


def _ones(expression: Expression) -> int:
    """How many ones are added in it: a sum of 1 pᵢ is what a fact makes 1."""
    return sum(isinstance(node, Number) and node.value == 1 for node in walk(expression))

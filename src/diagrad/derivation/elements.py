"""The route by elements: indices, sums and Kronecker's δ, then the line that vectorises."""

from __future__ import annotations

from diagrad.derivation.route import Route
from diagrad.derivation.step import Step
from diagrad.derivation.sweep import Node
from diagrad.index.expanding import cancelled, distributed, settled
from diagrad.index.knowledge import has
from diagrad.index.relabel import canonical
from diagrad.index.term import Factor, Head, Sum
from diagrad.matrix.contract import NoMatrixForm
from diagrad.matrix.lettering import lettered
from diagrad.matrix.shown import Shown


class ElementsRoute(Route):
    """Steps whose `before` is the chain rule for one entry, and whose `after` is the matrix form;
    incoming derivatives keep their names, but where they cancel."""

    def _made(self, node: Node) -> Step:
        part = self.joined(node)
        raw = self._raw(node, part) if node.links else self.with_delta(node)
        normal = settled(self.sweep.context.normal(raw), self.sweep.context)
        if all(link.consumer == self.sweep.of for link in node.links):
            normal = node.adjoint
        after = self.book.written(normal, node)
        first = self._first(node, raw, after)
        parts = [self.step(part)] if part is not None else []
        locals_ = [self.local_step(link) for link in node.links if link.consumer != self.sweep.of]
        parts += [step for step in locals_ if step]
        parts += self._lines(node, raw, normal, after)
        return Step(
            (self.sweep.of, node.name),
            self.formula(first, node),
            self.formula(after, node),
            self.reasons.rule_of(node, self.joined(node)),
            self.reasons.of_node(node),
            tuple(parts),
            self.chain_rule(node),
            self.book.called[node.name] if node.known is not None else "",
        )

    def _first(self, node: Node, raw: Sum, after: Shown) -> Shown:
        """What the step starts from: something else than its outcome."""
        for head in (raw, self.with_delta(node)):
            written = self._entries(head, node, always=bool(after.labels))
            told = node.links or node.name == self.sweep.of
            if told and written and not self.book.alike(written, after):
                return written
        return self.target_symbol(node) or after

    def _lines(self, node: Node, raw: Sum, normal: Head, after: Shown) -> list[Step]:
        """From the chain rule for one entry to the matrix form: δ, facts, vectorise."""
        forms = [("", "", self._entries(raw, node))]
        facts = self.reasons.facts(node)
        if facts:
            forms.append(("contract δ", "", self._bare_entries(raw, node)))
        else:
            contracted = self.sweep.context.normal(raw)
            multiplied = cancelled(contracted, self.sweep.context)
            if multiplied is not None and multiplied is not normal:
                forms.append(("contract δ", "", self._entries(contracted, node)))
                forms.append(
                    ("multiply out", "what divides cancels", self._entries(multiplied, node))
                )
        rule = "facts" if facts else "contract δ"
        forms.append((rule, "; ".join(facts), self._entries(normal, node)))
        if not after.labels:
            places = self.book.arrangement(node).places
            letters = lettered(places)[len(places) :]
            why = self.indices.vectorised(normal, letters, after, node)
            forms.append(("vectorise", why, after))
        renamed = self._renamed(raw, normal)
        steps, before = [], None
        for rule, why, form in forms:
            if form is not None and before is not None and not self._alike(before, form, renamed):
                said = why
                if not why and rule != "vectorise":
                    said = self.indices.collapse(*map(self.book.formula, (before, form)))
                steps.append(self.part(node, before, form, rule, said))
            before = form or before
        return steps

    def _alike(self, a: Shown, b: Shown, renamed: bool) -> bool:
        """Whether two formulas print alike, up to letters where their bound labels are renamed."""
        first, second = (self.book.formula(shown).unicode() for shown in (a, b))
        only_letters = renamed and bool(b.labels) and len(first) == len(second)
        return first == second or only_letters

    def _renamed(self, raw: Sum, normal: Head) -> bool:
        """Whether the normal form only calls the bound labels otherwise."""

        def symmetric(head: Head) -> bool:
            return len(head.axes) == 2 and has(self.sweep.context, head, "symmetric")

        if not isinstance(normal, Sum) or all(len(term.bound) < 2 for term in normal.terms):
            return False
        products = [product for term in raw.terms for product in distributed(term, _whole)]
        return {canonical(product, symmetric) for product in products} == set(normal.terms)

    def _bare_entries(self, raw: Sum, node: Node) -> Shown | None:
        """By elements with δ contracted, where nothing is known of any variable."""
        if not node.head.axes and not self.sweep.axes:
            return None
        head, raiser = self.book.without_facts(raw)
        try:
            return self.book.entries(head, node, raiser)
        except NoMatrixForm:
            return None

    def _raw(self, node: Node, part: Node | None) -> Sum:
        """The chain rule for one entry, nothing contracted."""
        terms = [
            term
            for link in node.links
            for term in self.uncollapsed(link, inlined=part is not None).terms
        ]
        return self.sum(self.nodes[self.sweep.of].head.axes + node.head.axes, terms)

    def _entries(self, head: Head, node: Node, always: bool = False) -> Shown | None:
        """By elements; None for a scalar if not `always`, and where that cannot be written."""
        if not node.head.axes and not self.sweep.axes and not always:
            return None
        try:
            return self.book.entries(head, node)
        except NoMatrixForm:
            return None


def _whole(factor: Factor) -> bool:
    """Whether a factor is a local derivative of its own: a sum, taken once."""
    return isinstance(factor.head, Sum) and factor.exponent == 1

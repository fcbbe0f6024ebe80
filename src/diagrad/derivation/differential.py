"""The route by differentials: dz = dh W, ⟨G, dh W⟩ = ⟨G Wᵀ, dh⟩, read off what stands beside dh.

⟨A, B⟩ = Σᵢⱼ Aᵢⱼ Bᵢⱼ = tr(Aᵀ B). A gradient is what a differential is paired with; of a vector the
derivative is the matrix that its differential is multiplied by.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from diagrad.derivation.book import Book
from diagrad.derivation.differentials import Differentials
from diagrad.derivation.jacobian import JacobianRoute
from diagrad.derivation.pairing import carried, turned
from diagrad.derivation.reasons import LONG, MANY
from diagrad.derivation.step import Differential, Step
from diagrad.derivation.sweep import Link, Node
from diagrad.expression import Expression
from diagrad.formula import Formula
from diagrad.matrix.contract import NoMatrixForm


class DifferentialRoute(JacobianRoute):
    """Steps with the differentials that they put in; `before` is what stands beside the new
    differential, with the incoming derivative by its name."""

    def __init__(self, book: Book) -> None:
        super().__init__(book)
        self.differentials = Differentials(book)

    def symmetric(self, node: Node) -> str:
        """Nothing: there is no Jacobian here to transpose."""
        return ""

    def joined(self, node: Node) -> Node | None:
        """Names are passed one by one: what divides cancels when it is put in."""
        return None

    def _made(self, node: Node) -> Step:
        step = super()._made(node)
        told = tuple(d for link in node.links if (d := self.differentials.of_link(link)))
        if len(told) < len(node.links):
            told = ()
        kept = tuple(part for part in step.substeps if part.target == step.target)
        return replace(
            step,
            because=self._reasoned(node, told),
            differentials=told,
            substeps=kept,
            cut=self.sweep.is_cut(node),
            change=self._change(node, step),
            moved=self._moved(node, step),
        )

    def _change(self, node: Node, step: Step) -> Formula | None:
        told = step.after.labels and not self.sweep.scalar and self.sweep.is_cut(node)
        return self.differentials.entries(node) if told else None

    def _moved(self, node: Node, step: Step) -> Formula | None:
        told = step.after.labels and not self.sweep.scalar and self.sweep.is_cut(node)
        return self.differentials.whole(node) if told else None

    def _reasoned(self, node: Node, told: Sequence[Differential]) -> str:
        """How values move, how factors go over to the other side of the pairing, and facts."""
        said = [
            self.reasons.everywhere(use.node.operation.moves(use), link, node)
            for link in node.links
            for use in self.reasons.uses(link)
        ]
        short = [sentence for sentence in said if sentence and len(sentence) <= LONG][:MANY]
        pairs = zip(told, node.links, strict=False)
        moved = [s for d, link in pairs if not d.part.labels for s in self._carried(d, link)]
        said = [*short, *moved, *self.reasons.facts(node)]
        if told and self.sweep.scalar and not any(said):
            d = told[0]
            said = [f"in {_printed(d, d.name)} this stands beside {_printed(d, d.by)}"]
        if not node.links:
            said = [self.reasons.of_node(node)]
        return "; ".join(dict.fromkeys(sentence for sentence in said if sentence))

    def _carried(self, d: Differential, link: Link) -> list[str]:
        """How the factors around the differential get to where the derivative is read off."""
        printed = self.reasons.printed
        if not self.sweep.scalar:
            return turned(d.part.expression, d.by, printed) if self.sweep.axes == 1 else []
        if d.incoming is None:
            changes = self.reasons.changes
            pairs = changes.pairings(link)
            told = pairs if len(pairs) > 1 else changes.in_words(link)
            return [*told, *changes.symmetric(link)]
        return carried(d.part.expression, d.by, printed)

    def through(self, node: Node, link: Link) -> Expression:
        """What one link brings beside the differential of the node. Raises NoMatrixForm."""
        consumer = self.nodes[link.consumer]
        if not self.sweep.scalar or link.consumer == self.sweep.of:
            return super().through(node, link)
        if self.book.called[link.consumer] not in self.book.source.definitions:
            raise NoMatrixForm("the incoming derivative is no matrix")
        total = self.sweep.contribution(link, self.sweep.whole, self.book.opaque(consumer))
        return self._matrix(self.book.written(self.sweep.context.normal(total), node))


def _printed(d: Differential, name: str) -> str:
    return d.formula.names.shown(name, "unicode")

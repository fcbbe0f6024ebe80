"""The account of a derivation: one sweep, its names, and the steps by each route."""

from __future__ import annotations

from diagrad.derivation.book import Book, Derivatives
from diagrad.derivation.differential import DifferentialRoute
from diagrad.derivation.elements import ElementsRoute
from diagrad.derivation.jacobian import JacobianRoute
from diagrad.derivation.restate import Restated
from diagrad.derivation.route import Route
from diagrad.derivation.sweep import Node, Sweep, divides_by
from diagrad.expression import Apply, Expression, walk
from diagrad.index.term import Applied, Definition
from diagrad.matrix.contract import NoMatrixForm
from diagrad.matrix.cost import tokens

# A derivation of more nodes than this names the adjoints at the arguments of functions.
DEEP = 9
# Adjoints of more tokens are named: where used several times, in a deep derivation, anywhere.
REUSED, BOUNDARY, LONG = 4, 4, 40

ROUTES: dict[str, type[Route]] = {
    "jacobian": JacobianRoute,
    "elements": ElementsRoute,
    "differential": DifferentialRoute,
}


class Account:
    """Everything that is told of the derivatives of one value by one or several variables."""

    def __init__(
        self,
        restated: Restated,
        by: tuple[str, ...],
        signs: frozenset[str] = frozenset(),
        means: bool = False,
        whole: bool = False,
        free: tuple[str, ...] = (),
        every: bool = False,
        known: Derivatives | None = None,
        mirrored: str = "",
    ) -> None:
        self.restated, self.by, self.every = restated, by, every
        self.sweep = Sweep(restated, by, whole, free)
        self.book = Book(self.sweep, signs, means, known or {})
        self.book.mirrored = mirrored
        self.is_deep = len(self.sweep.nodes) > DEEP
        for node in self.sweep.visit():
            self._enter(node)
        self.routes = {name: kind(self.book) for name, kind in ROUTES.items()}

    def _enter(self, node: Node) -> None:
        """Give a node's adjoint its name: dJ_dh, or δ where it is long and used again."""
        if node.name == self.sweep.of:
            return
        try:
            written = self.book.adjoint(node)
        except NoMatrixForm:
            return
        if len(written.expression.shape) > 2:
            return
        if node.uses and self._deserves(node, written.expression):
            self.book.name_adjoint(node, self.book.deltas[node.name])
        self.book.define(self.book.called[node.name], written.expression)

    def _deserves(self, node: Node, written: Expression) -> bool:
        length = tokens(written)
        if node.uses == 1 and divides_by(node.adjoint, node.head):
            # What it divides by may cancel in the next step, and would not behind a name.
            return length > LONG
        if node.uses > 1 and self.is_deep and _multiplies(written):
            return True
        if length > REUSED and (self.every or node.uses > 1):
            return True
        if self.is_deep and length > BOUNDARY and (self._is_boundary(node) or _spreads(node)):
            return True
        return length > LONG

    def _is_boundary(self, node: Node) -> bool:
        """Whether the node is what a function is taken of, as z in h = σ(z)."""
        wholes = [self.sweep.source.definitions[link.consumer].expression for link in node.links]
        return any(isinstance(whole, Apply) and whole.operation.curved for whole in wholes)


def _spreads(node: Node) -> bool:
    """Whether the node is the value of a function that mixes entries, as softmax does, so that its
    adjoint enters that of the argument twice."""
    body = node.head.body if isinstance(node.head, Definition) else node.head
    return isinstance(body, Applied) and not body.operation.entrywise


def _multiplies(expression: Expression) -> bool:
    """Whether there is a matrix product to be computed."""
    nodes = (n for n in walk(expression) if isinstance(n, Apply))
    return any(node.operation.name == "@" for node in nodes)

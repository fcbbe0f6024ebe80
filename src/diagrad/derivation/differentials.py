"""Differentials of the names on the way: dz = dh W + h dW + db.

The local derivative ∂z/∂h, times the differential of h as a tensor of its own, is the part of dz
that h brings; raised like any other tensor it is what one writes by hand: dh W, h ∘ (1 − h) ∘ dz,
−A⁻¹ dA A⁻¹. No operation has to say it.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Collection, Iterator, Sequence

from diagrad.derivation.book import Book
from diagrad.derivation.pairing import has
from diagrad.derivation.step import Differential
from diagrad.derivation.sweep import Link, Node
from diagrad.dimensions import UNIT, Shape, is_scalar
from diagrad.expression import Apply, Expression, Symbol, walk
from diagrad.formula import Formula
from diagrad.index import knowledge
from diagrad.index.build import labels, sum_of, tensor
from diagrad.index.term import Applied, Definition, Factor, Head, Sum, Variable, as_sum
from diagrad.layouts import Place
from diagrad.matrix import make
from diagrad.matrix.arrange import Signed, added
from diagrad.matrix.contract import NoMatrixForm
from diagrad.matrix.elements import by_elements
from diagrad.matrix.explicit import explicit
from diagrad.matrix.lettering import lettered
from diagrad.matrix.raising import Raiser
from diagrad.matrix.shown import Shown

# More terms than these are collected.
FEW = 4
# Differentials come after all other names in the order of terms.
LAST = 2_000_000


class LastRaiser(Raiser):
    """Puts differentials last in products entry by entry: h ∘ (1 − h) ∘ dz."""

    def rank(self, factor: Factor) -> tuple[int, ...]:
        moves = isinstance(factor.head, Variable) and factor.head.position >= LAST
        return (5,) if moves else super().rank(factor)


class Differentials:
    """The differentials of one derivation, in matrix notation or by elements."""

    def __init__(self, book: Book) -> None:
        self.book, self.sweep = book, book.sweep
        self.nodes = book.sweep.nodes
        self.shapes: dict[str, Shape] = {
            name: self.nodes[node].shape for name, node in book.moved.items()
        }
        self._called = {node: name for name, node in book.moved.items()}
        shapes = ChainMap(self.shapes, self.sweep.shapes)
        self._raiser = LastRaiser(
            self.sweep.context, shapes, diagonal=False, means=book.plain.means
        )
        wholes = (d.expression for d in self.sweep.source.definitions.values())
        self._given = {n.operation.name for w in wholes for n in walk(w) if isinstance(n, Apply)}
        self._bare = LastRaiser(self.sweep.bare, shapes, diagonal=False, means=book.plain.means)
        self._parts: dict[tuple[str, str], Shown | None] = {}

    def symbol(self, node: Node) -> Symbol:
        return Symbol(node.shape, self._called[node.name], "variable")

    def head(self, node: Node) -> Variable:
        """The differential of a node as a tensor."""
        place = LAST + list(self.nodes).index(node.name)
        return Variable(self._called[node.name], place, node.head.axes)

    def of_link(self, link: Link) -> Differential | None:
        """That of the consumer, and the part of it that the link's child brings; None where it
        cannot be written, or where the incoming gradient has no name to be paired with."""
        consumer, part = self.nodes[link.consumer], self.part(link)
        incoming = None
        if link.consumer != self.sweep.of:
            if self.book.called[link.consumer] in self.book.source.definitions:
                incoming = self.book.formula(self.book.symbol(consumer))
            elif self.sweep.scalar:
                return None
        if part is None:
            return None
        siblings = [k for n in self.nodes.values() for k in n.links if k.consumer == link.consumer]
        whole = _together([self.part(k) for k in siblings])
        if whole is None:
            whole, siblings = part, [link]
        return Differential(
            consumer.name,
            self._called[consumer.name],
            self.book.formula(self.sweep.source.definitions[consumer.name].expression),
            self.book.formula(whole),
            self.book.formula(part),
            tuple((k.child, self._called[k.child]) for k in siblings),
            self._called[link.child],
            self._called[self.sweep.of],
            incoming,
        )

    def part(self, link: Link) -> Shown | None:
        """What the child brings to the differential of the consumer, by the product rule a term for
        each factor that moves; None where it cannot be written."""
        key = link.consumer, link.child
        if key not in self._parts:
            consumer, child = self.nodes[link.consumer], self.nodes[link.child]
            terms = as_sum(self._local(link)).terms
            axes = consumer.head.axes + child.head.axes
            told_so = "trace" in self._given or "sum" not in self._given
            kept = told_so and is_scalar(consumer.shape)
            try:
                told = None
                if 2 - kept <= len(terms) <= FEW:
                    alone = (Sum(axes, (term,)) for term in terms)
                    each = [self.along(one, consumer.shape, child, bare=True) for one in alone]
                    unlike = len({part.expression for part in each}) == len(each)
                    told = _together(each) if unlike else None
                self._parts[key] = told or self.along(link.local, consumer.shape, child)
            except NoMatrixForm:
                self._parts[key] = None
        return self._parts[key]

    def _local(self, link: Link) -> Head:
        """The local derivative as the product rule gives it; that of a function as its room has
        it, in one piece."""
        body = self.nodes[link.consumer].head
        if isinstance(body, Definition) and isinstance(body.body, Applied):
            return Sum((), ())
        return self.sweep.raw(link.consumer, link.child)

    def along(self, derivative: Head, shape: Shape, child: Node, bare: bool = False) -> Shown:
        """A derivative by a node, applied to the node's differential; `bare` where nothing is to be
        used of what is known, and traces and products stay what they are. Raises
        NoMatrixForm."""
        value = derivative.axes[: len(derivative.axes) - len(child.head.axes)]
        i, j = labels(value), labels(child.head.axes)
        parts = (Sum(derivative.axes, (term,)) for term in as_sum(derivative).terms)
        change = tensor(i, sum_of(part[i, j] * self.head(child)[j] for part in parts))
        places = _places(shape)
        raiser = self._bare if bare else self._raiser
        head = raiser.context.normal(change)
        try:
            raised = _in_order(explicit(raiser.raised(head, *places)), self.shapes)
            return Shown(self._as_given(raised) if bare else raised)
        except NoMatrixForm:
            letters = lettered(places)
            shown = by_elements(head, places, raiser, letters)
            return Shown(shown, letters[:2])

    def _as_given(self, total: Expression) -> Expression:
        """∑(A ∘ B) of matrices as tr(Aᵀ B) where the problem has traces, and of vectors as a
        product where it has no sums; also behind signs and beside factors."""
        if not isinstance(total, Apply) or not is_scalar(total.shape):
            return total
        match total.operands:
            case (Apply(operation=by, operands=(a, b)),) if by.name == "*" and a.shape == b.shape:
                if total.operation.name != "sum" or is_scalar(a.shape):
                    return total
                if UNIT not in a.shape:
                    product = make.matmul(self._turned(a), b)
                    return make.call("trace", product) if "trace" in self._given else total
                if "sum" in self._given:
                    return total
                return (
                    make.matmul(a, self._turned(b))
                    if a.shape[0] == UNIT
                    else make.matmul(self._turned(a), b)
                )
        if total.operation.name in ("negate", "*", "/"):
            return make.apply(total.operation, *map(self._as_given, total.operands))
        return total

    def _turned(self, node: Expression) -> Expression:
        """The transpose, that of a product factor by factor; of what is symmetric itself."""
        match node:
            case Apply(operation=op, operands=(a, b)) if op.name == "@":
                return make.matmul(self._turned(b), self._turned(a))
            case Apply(operation=op, operands=(a, b)) if op.name == "+" and a.shape == b.shape:
                return make.plus(make.transposed(a), make.transposed(b))
            case Symbol(name=name) if name in self.sweep.setting.heads:
                head = self.sweep.setting.heads[name]
                if knowledge.has(self.sweep.context, head, "symmetric"):
                    return node
        return make.transposed(node)

    def whole(self, node: Node) -> Formula | None:
        """The differential of the value in that of the node as a matrix: dw = −V dZ w; None where
        it is none."""
        try:
            shown = self.along(node.adjoint, self.nodes[self.sweep.of].shape, node)
        except NoMatrixForm:
            return None
        return None if shown.labels else self.book.formula(shown)

    def entries(self, node: Node) -> Formula | None:
        """The differential of the value in that of the node, by elements; None where it cannot be
        written."""
        i, j = labels(node.adjoint.axes[: self.sweep.axes]), labels(node.head.axes)
        places = _places(self.nodes[self.sweep.of].shape)
        head = self.sweep.context.normal(tensor(i, node.adjoint[i, j] * self.head(node)[j]))
        try:
            shown = self.book.listed(head, places, lettered(places), self._raiser)
        except NoMatrixForm:
            return None
        return self.book.formula(shown)


def _together(parts: Sequence[Shown | None]) -> Shown | None:
    """The sum of parts in one notation; None where they are not."""
    told = [part for part in parts if part is not None]
    if len(told) < len(parts) or len({part.labels for part in told}) != 1:
        return None
    signed = [s for part in told for s in _summands(part.expression)]
    return Shown(added(signed), told[0].labels)


def _summands(expression: Expression, negative: bool = False) -> list[Signed]:
    """The terms of a sum, each with its sign."""
    match expression:
        case Apply(operation=op, operands=(a, b)) if op.name in ("+", "-"):
            minus = negative != (op.name == "-")
            return [*_summands(a, negative), *_summands(b, minus)]
    positive = _without_sign(expression)
    return [Signed(negative, expression) if positive is None else Signed(not negative, positive)]


def _without_sign(expression: Expression) -> Expression | None:
    """A of −A, also where the sign stands at the first factor; None where there is none."""
    match expression:
        case Apply(operation=op, operands=(a,)) if op.name == "negate":
            return a
        case Apply(operation=op, operands=(a, b)) if op.name in ("*", "@", "/"):
            first = _without_sign(a)
            return None if first is None else make.apply(op, first, b)
    return None


def _in_order(node: Expression, names: Collection[str]) -> Expression:
    """Numbers in front of differentials, a ds; a total as a product, xᵀ A dx."""
    if not isinstance(node, Apply) or not is_scalar(node.shape):
        return node
    operation, operands = node.operation, tuple(_in_order(o, names) for o in node.operands)
    if operation.name in ("+", "-", "negate", "/"):
        return make.apply(operation, *operands)
    if operation.name == "*":
        factors = list(_factors(node))
        return make.product(sorted(factors, key=lambda f: any(has(f, name) for name in names)))
    return _as_product(node)


def _factors(node: Expression) -> Iterator[Expression]:
    if isinstance(node, Apply) and node.operation.name == "*":
        for operand in node.operands:
            yield from _factors(operand)
    else:
        yield _as_product(node)


def _as_product(total: Expression) -> Expression:
    """Σ (A dx ∘ x) of columns as xᵀ A dx, and of rows likewise."""
    match total:
        case Apply(operation=op, operands=(Apply(operation=by, operands=(a, b)),)):
            vectors = a.shape == b.shape and UNIT in a.shape and is_scalar(total.shape)
            chains = [v for v in (a, b) if isinstance(v, Apply) and v.operation.name == "@"]
            if op.name == "sum" and by.name == "*" and vectors and chains:
                first, second = (a, b) if (b is chains[0]) == (a.shape[1] == UNIT) else (b, a)
                row = first if first.shape[0] == UNIT else make.transposed(first)
                column = second if second.shape[1] == UNIT else make.transposed(second)
                return make.matmul(row, column)
    return total


def _places(shape: Shape) -> tuple[Place, Place]:
    """The axes of a value along its rows and columns."""
    rows, columns = shape
    row = None if rows == UNIT else 0
    return row, None if columns == UNIT else 0 if row is None else 1

"""What a change of a name does, a term of the product rule at a time: tr(B dXᵀ A X) = ⟨A X B, dX⟩.

Nothing is known of any variable here, so that each term stands as the product rule has it, with Pᵀ
also where P is symmetric; that fact is said beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from diagrad.derivation.book import Book
from diagrad.derivation.differentials import Differentials
from diagrad.derivation.sweep import Link
from diagrad.dimensions import is_scalar
from diagrad.expression import Apply, Expression, Symbol, walk
from diagrad.formula import Formula
from diagrad.index import knowledge
from diagrad.index.term import Applied, Definition, Sum, Term, as_sum
from diagrad.matrix import make
from diagrad.matrix.contract import NoMatrixForm

# Terms that are told one by one, and letters that all of them may take.
FEW, LONG, ONE = 4, 300, Fraction(1)
WORDS = {
    "trace": "under a trace factors may go round, and the trace of a product pairs one factor, "
    "transposed, with the other",
    "@": "a number is its own trace, and under a trace factors may go round",
    "row": "a row times a column is a sum of products entry by entry, a pairing",
    "sum": "a sum of products entry by entry is a pairing",
}


class Change(NamedTuple):
    """One term of the differential of a consumer, with what stands beside the differential of its
    child once it is paired with what comes in; that is None where no scalar is differentiated."""

    moved: Formula
    beside: Formula | None


class Changes:
    """The changes of one derivation."""

    def __init__(self, book: Book) -> None:
        self.book, self.sweep = book, book.sweep
        self.differentials = Differentials(book)
        self._found: dict[tuple[str, str], list[Change]] = {}

    def of_link(self, link: Link) -> list[Change]:
        """The terms, those that come to the same together; none where one cannot be written."""
        key = link.consumer, link.child
        if key not in self._found:
            try:
                self._found[key] = [
                    Change(self._moved(one, link), self._beside(link._replace(local=one)))
                    for one in self._unlike(link)
                ]
            except NoMatrixForm:
                self._found[key] = []
        return self._found[key]

    def _unlike(self, link: Link) -> Iterator[Sum]:
        """The terms of a local derivative. Raises NoMatrixForm."""
        raw = as_sum(link.local) if self._is_kept(link) else None
        local = raw or self.sweep.raw(link.consumer, link.child)
        if len(local.terms) > FEW or is_scalar(self.sweep.nodes[link.child].shape):
            raise NoMatrixForm("too many terms, or nothing to pair")
        groups: dict[Expression, list[Term]] = {}
        for term in local.terms:
            moved = self._moved(Sum(local.axes, (term._replace(coefficient=ONE),)), link)
            groups.setdefault(moved.expression, []).append(term)
        for terms in groups.values():
            yield Sum(local.axes, tuple(terms))

    def _moved(self, local: Sum, link: Link) -> Formula:
        consumer, child = (self.sweep.nodes[name] for name in link[:2])
        moved = self.differentials.along(local, consumer.shape, child, bare=True)
        if moved.labels:
            raise NoMatrixForm("by elements")
        return self.book.formula(moved)

    def _beside(self, link: Link) -> Formula | None:
        """What one term brings to the derivative by the child."""
        if not self.sweep.scalar:
            return None
        consumer, child = (self.sweep.nodes[name] for name in link[:2])
        carried = None
        if link.consumer != self.sweep.of:
            if self.book.called[link.consumer] not in self.book.source.definitions:
                raise NoMatrixForm("what comes in has no name")
            carried = self.book.opaque(consumer)
        total = self.sweep.contribution(link, self.sweep.whole, carried)
        head, raiser = self.book.without_facts(total)
        written = self.book.written(head, child, raiser)
        if written.labels:
            raise NoMatrixForm("by elements")
        return self.book.formula(written)

    def pairings(self, link: Link) -> list[str]:
        """tr(B dXᵀ A X) = ⟨A X B, dX⟩, ⟨∂J/∂Z, dV W⟩ = ⟨∂J/∂Z Wᵀ, dV⟩."""
        change, said = self._differential(link.child), []
        for moved, beside in self.of_link(link):
            if beside is not None:
                said.append(f"{self._paired(link, moved)} = ⟨{beside.unicode()}, {change}⟩")
        return said

    def _paired(self, link: Link, moved: Formula) -> str:
        """What comes in, paired with a term of the consumer's differential."""
        if link.consumer == self.sweep.of:
            return moved.unicode()
        incoming = self.book.symbol(self.sweep.nodes[link.consumer])
        if is_scalar(moved.expression.shape):
            return self.book.formula(make.times(incoming, moved.expression)).unicode()
        return f"⟨{self.book.formula(incoming).unicode()}, {moved.unicode()}⟩"

    def _differential(self, node: str) -> str:
        symbol = self.differentials.symbol(self.sweep.nodes[node])
        return self.book.formula(symbol).unicode()

    def symmetric(self, link: Link) -> list[str]:
        """P is symmetric, where that makes Pᵀ of a term P."""
        formulas = (f.expression for pair in self.of_link(link) for f in pair if f is not None)
        turned = set[str]()
        for node in (node for formula in formulas for node in walk(formula)):
            match node:
                case Apply(operation=op, operands=(operand,)) if op.name == "T":
                    turned |= {n.name for n in walk(operand) if isinstance(n, Symbol)}
        heads, context = self.sweep.setting.heads, self.sweep.context
        facts = (
            n
            for n, head in heads.items()
            if n in turned and knowledge.has(context, head, "symmetric")
        )
        shown = (self.book.names.shown(name, "unicode") for name in facts)
        return [f"{name} is symmetric: {name}ᵀ = {name}" for name in shown]

    def in_words(self, link: Link) -> list[str]:
        """Why a differential of one term is a pairing, where the line shows which."""
        terms = self.of_link(link)
        if len(terms) != 1:
            return []
        vector = len(self.sweep.nodes[link.child].head.axes) == 1
        outer = _outer(terms[0].moved.expression)
        said = [WORDS["row" if vector and name == "@" else name] for name in outer]
        local = self.sweep.raw(link.consumer, link.child).terms
        if len(local) > 1 and len(local) <= FEW and not self._is_kept(link):
            whole = self.book.source.definitions[link.consumer].expression
            body, child = (
                self.book.formula(whole).unicode(),
                self.book.names.shown(link.child, "unicode"),
            )
            said.insert(0, f"product rule: the terms for each {child} in {body} are equal")
        return said

    def _is_kept(self, link: Link) -> bool:
        """Whether the consumer is a function that index notation keeps whole, with a derivative of
        its own."""
        head = self.sweep.nodes[link.consumer].head
        return isinstance(head, Definition) and isinstance(head.body, Applied)

    def sentence(self, link: Link) -> str:
        """How a change of the child moves the value, and what that is beside it; nothing where that
        is long or cannot be written."""
        terms, change = self.of_link(link), self._differential(link.child)
        names = (link.consumer, self.sweep.of, link.child)
        consumer, of, child = (self.book.names.shown(name, "unicode") for name in names)
        pairs = self.pairings(link)
        if not pairs:
            moved = " + ".join(term.moved.unicode() for term in terms)
            return f"a change {change} changes {consumer} by {moved}" if moved else ""
        rule = f"product rule, a term for each factor that moves: {', '.join(pairs[:-1])} and "
        adds = f"what stands beside {change} adds up to ∂{of}/∂{child}"
        if len(pairs) == 1:
            rule, adds = "", f"what stands beside {change} is ∂{of}/∂{child}"
        said = "; ".join([f"{rule}{pairs[-1]}", *self.symmetric(link), adds])
        return said if len(said) < LONG else ""


def _outer(node: Expression) -> Iterator[str]:
    """The operation that makes a number of matrices, behind signs and factors."""
    if not isinstance(node, Apply):
        return
    if node.operation.name in WORDS:
        yield node.operation.name
    elif node.operation.name in ("negate", "*", "/") and is_scalar(node.shape):
        yield from (name for operand in node.operands for name in _outer(operand))

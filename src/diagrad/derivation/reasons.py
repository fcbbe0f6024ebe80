"""Why a step holds: the sentences of the operations on the way, with the user's names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from diagrad.derivation.known import fact
from diagrad.derivation.sweep import Link, Node, as_sum
from diagrad.dimensions import Size
from diagrad.expression import Apply, Expression, Symbol
from diagrad.formula import Formula
from diagrad.index.term import Definition, Delta, Factor, Head, Term, Variable
from diagrad.matrix.contract import NoMatrixForm
from diagrad.operations.room import SUBSCRIPT_LETTERS, Use
from diagrad.show import printed
from diagrad.show.notation import NOTATIONS, size_text

if TYPE_CHECKING:
    from diagrad.derivation.book import Book

BELOW = "".join(SUBSCRIPT_LETTERS.values())
LETTER = {below: letter for letter, below in SUBSCRIPT_LETTERS.items()}
# What adds nothing to say where something else is said.
TRANSPARENT = frozenset({"+", "-", "negate"})


class Reasons:
    """The reasons of one derivation."""

    def __init__(self, book: Book) -> None:
        self.book, self.sweep = book, book.sweep

    def size(self, size: Size) -> str:
        return size_text(size, NOTATIONS["unicode"], self.book.names)

    def printed(self, expression: Expression) -> str:
        return printed(expression, "unicode", self.book.names)

    def uses(self, link: Link) -> list[Use]:
        """The operations on the ways from a consumer down to its child, outermost first."""
        body = self.book.source.definitions[link.consumer].expression
        name = Symbol(body.shape, link.consumer, "definition")
        incoming = f"∂{self.printed(Symbol(body.shape, self.sweep.of, 'definition'))}/∂"
        return list(self._below(body, link.child, self.printed(name), incoming))

    def _below(self, node: Expression, child: str, value: str, incoming: str) -> Iterator[Use]:
        """`value` is what the node is called: by the consumer's name as long as only terms were
        added on the way."""
        if not isinstance(node, Apply):
            return
        names = tuple(self.printed(operand) for operand in node.operands)
        for k, operand in enumerate(node.operands):
            if not self._has(operand, child):
                continue
            yield Use(node, k, value, names, incoming + value, self.size)
            same = node.operation.name in TRANSPARENT and operand.shape == node.shape
            plus = same and (node.operation.name, k) != ("-", 1) and node.operation.name != "negate"
            yield from self._below(operand, child, value if plus else names[k], incoming)

    def _has(self, node: Expression, child: str) -> bool:
        if isinstance(node, Symbol):
            return node.name == child
        return isinstance(node, Apply) and any(self._has(o, child) for o in node.operands)

    def of_link(self, link: Link) -> str:
        """Why ∂consumer/∂child is what it is."""
        said = [use.node.operation.says(use) for use in self.uses(link)]
        return "; ".join(dict.fromkeys(sentence for sentence in said if sentence))

    def of_node(self, node: Node) -> str:
        """Why the derivative by a node is what it is: a sentence for each way, and the facts."""
        said = [self.of_link(link) for link in node.links] + self.facts(node)
        if not node.links:
            of = self.printed(Symbol(node.shape, self.sweep.of, "definition"))
            said = [f"{of} does not depend on {self.printed(Symbol(node.shape, node.name, ''))}"]
        return "; ".join(dict.fromkeys(sentence for sentence in said if sentence))

    def facts(self, node: Node) -> list[str]:
        """What was used of that is declared or known of values."""
        said = (fact(law, self.sweep.context, self.called) for law in node.laws)
        return list(dict.fromkeys(sentence for sentence in said if sentence))

    def called(self, head: Head) -> str:
        assert isinstance(head, Variable | Definition)
        return self.book.names.shown(head.name, "unicode")

    def rule(self, link: Link) -> str:
        uses = self.uses(link)
        telling = [u for u in uses if u.node.operation.name not in TRANSPARENT] or uses
        return telling[0].node.operation.name if telling else "chain rule"

    def rule_of(self, node: Node) -> str:
        return "chain rule"

    def collapse(self, before: Formula) -> str:
        """Which δ keeps what, read off the formula by elements: δⱼᵢ keeps only j = i."""
        pairs = re.findall(f"δ([{BELOW}])([{BELOW}])", before.unicode())
        kept = [f"{LETTER[a]} = {LETTER[b]}" for a, b in dict.fromkeys(pairs)]
        if not kept:
            return ""
        if len(kept) == 1:
            return f"δ is 1 where its labels are equal, else 0: it keeps only {kept[0]}"
        return f"each δ is 1 where its labels are equal, else 0: they keep only {_list(kept)}"

    def vectorised(self, head: Head, letters: str, after: str) -> str:
        """Which index is summed and where it stands, so that it is this product. `letters` name what
        is summed over; `after` is the matrix form in print."""
        said = [self._product(term, letters, after) for term in as_sum(head).terms]
        return "; ".join(dict.fromkeys(sentence for sentence in said if sentence))

    def _product(self, term: Term, letters: str, after: str) -> str:
        arrays = [f for f in term.factors if f.labels and not isinstance(f.head, Delta)]
        said = []
        for bound in sorted({k for f in arrays for k in f.labels if k < 0}, reverse=True):
            where = [f for f in arrays if bound in f.labels]
            letter = letters[-bound - 1]
            said.append(self._contracted(letter, bound, where, after))
        if said or len(arrays) < 2:
            return "; ".join(said)
        if len({frozenset(f.labels) for f in arrays}) == 1:
            return "the same index everywhere and no sum left: the elementwise product"
        if not set(arrays[0].labels) & set(arrays[-1].labels):
            return "no sum left and no index in common: the outer product"
        return ""

    def _contracted(self, letter: str, bound: int, where: list[Factor], after: str) -> str:
        """What the sum over one label is, by how many factors have it."""
        names = [self._name(f) for f in where]
        if len(where) == 1:
            return f"{letter} stands on {names[0]} alone: its entries are added up along {letter}"
        if len(where) > 2:
            return f"{letter} stands on {_list(names)}: one of them scales, as a diagonal matrix"
        both = [self._place(f, bound, name) for f, name in zip(where, names, strict=True)]
        turned = [n for n, f in zip(names, where, strict=True) if f"{n}ᵀ" in after and f.labels[1:]]
        how = f" with {_list(turned)} transposed" if turned else ""
        return f"the summed {letter} is {both[0]} and {both[1]}: a matrix product{how}"

    def _place(self, factor: Factor, label: int, name: str) -> str:
        if len(factor.labels) == 1:
            return f"the index of {name}"
        place = ("first", "second")[factor.labels.index(label)]
        return f"the {place} of {name}"

    def _name(self, factor: Factor) -> str:
        head = factor.head
        if isinstance(head, Variable | Definition):
            return self.called(head)
        try:
            places = (0, 1) if len(head.axes) == 2 else (None, 0)
            shown = self.printed(self.book.plain.raised(head, *places))
        except NoMatrixForm:
            return "a factor"
        return shown if len(shown) < 20 else "a factor"


def _list(words: list[str]) -> str:
    """ "a, b and c"."""
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))

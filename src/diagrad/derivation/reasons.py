"""Why a step holds: the sentences of the operations on the way, with the user's names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from diagrad.derivation.known import fact
from diagrad.derivation.sweep import Link, Node
from diagrad.dimensions import UNIT, Shape, Size, is_scalar
from diagrad.expression import Apply, Expression, Symbol, walk
from diagrad.formula import Formula
from diagrad.index.build import labels as make_labels
from diagrad.index.build import tensor
from diagrad.index.term import Definition, Delta, Factor, Head, Term, Variable, as_sum
from diagrad.matrix.contract import NoMatrixForm
from diagrad.matrix.lettering import lettered
from diagrad.operations.room import SUBSCRIPT_LETTERS, Use, entry_text
from diagrad.show import printed
from diagrad.show.notation import NOTATIONS, size_text

if TYPE_CHECKING:
    from diagrad.derivation.book import Book

BELOW = "".join(SUBSCRIPT_LETTERS.values())
LETTER = {below: letter for letter, below in SUBSCRIPT_LETTERS.items()}
ORDINALS = ("first", "second", "third", "fourth", "fifth")
# Reasons of more letters and uses than these tire.
LONG, MANY = 260, 3
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
            yield Use(node, k, value, names, incoming + value, self.size, self.sweep.scalar)
            same = node.operation.name in TRANSPARENT and operand.shape == node.shape
            plus = same and (node.operation.name, k) != ("-", 1) and node.operation.name != "negate"
            yield from self._below(operand, child, value if plus else names[k], incoming)

    def _has(self, node: Expression, child: str) -> bool:
        if isinstance(node, Symbol):
            return node.name == child
        return isinstance(node, Apply) and any(self._has(o, child) for o in node.operands)

    def of_link(self, link: Link) -> str:
        """Why ∂consumer/∂child is what it is."""
        uses = self.uses(link)
        said = [use.node.operation.says(use) for use in uses]
        if len([sentence for sentence in said if sentence]) > 1:
            short = self._by_entry(link, uses)
            if short:
                return short
        whole = "; ".join(dict.fromkeys(filter(None, said)))
        if len(whole) > LONG and len(uses) > MANY:
            return self._several(link)
        return whole or self._added(link)

    def _several(self, link: Link) -> str:
        """Where it stands in a value that is too winding to be told use by use."""
        consumer, child = (self.called(self.sweep.nodes[n].head) for n in link[:2])
        whole = self.book.source.definitions[link.consumer].expression
        times = sum(isinstance(n, Symbol) and n.name == link.child for n in walk(whole))
        body = f"{consumer} = {self.printed(whole)}"
        if times > 1:
            count = {2: "twice", 3: "three times"}.get(times, f"{times} times")
            return f"{child} stands in {body} {count}: product rule, one term for each"
        return f"{child} stands once in {body}: the entries above say how"

    def _by_entry(self, link: Link, uses: list[Use]) -> str:
        """For functions entry by entry, and sums of such: one entry's derivative."""
        consumer, child = self.sweep.nodes[link.consumer], self.sweep.nodes[link.child]
        if not child.head.axes:
            return ""
        labels = "ij"[: len(child.head.axes)]
        u = entry_text(self.called(child.head), labels)
        rules = [use.node.operation.because for use in uses if use.node.operation.curved]
        rule = "".join(f"; {rule}" for rule in dict.fromkeys(rules[:2]))
        inner = [use for use in uses if not _sums(use.node)]
        if not all(_entry_by_entry(use, child.shape) for use in inner):
            return ""
        if len(inner) < len(uses) and not consumer.head.axes:
            slope = self._entry(link.local, child)
            term = f"{u} stands in one term of the sum alone"
            return slope and f"{term}, with the slope {slope}{rule}"
        if len(inner) < len(uses) or consumer.shape != child.shape:
            return ""
        i = make_labels(child.head.axes)
        slope = self._entry(self.sweep.context.normal(tensor(i, link.local[i, i])), child)
        c = entry_text(self.called(consumer.head), labels)
        return slope and (
            f"{c} depends on {u} alone, with the slope {slope}, so the Jacobian is diagonal and "
            f"multiplies entry by entry{rule}"
        )

    def _entry(self, head: Head, node: Node) -> str:
        """One entry of a tensor with the axes of a node; nothing where that has no short form."""
        places = [None if size == UNIT else 0 for size in node.shape]
        if UNIT not in node.shape:
            places = [0, 1]
        try:
            shown = self.book.listed(head, places, lettered(places))
        except NoMatrixForm:
            return ""
        text = self.book.formula(shown).unicode()
        return text if len(text) < 60 else ""

    def _added(self, link: Link) -> str:
        """For a value that only adds to the variable."""
        consumer, child = (self.called(self.sweep.nodes[n].head) for n in link[:2])
        body = self.printed(self.book.source.definitions[link.consumer].expression)
        held = "" if link.alone else ", the other terms held fixed"
        identity = f"∂{consumer}/∂{child} is the identity"
        return f"{child} is one term of {consumer} = {body}, so {identity}{held}"

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
        """The name of the rule for the operation that matters most on the way."""
        main = self._main(link)
        return main.node.operation.rule_of(main) if main else "chain rule"

    def _main(self, link: Link) -> Use | None:
        uses = self.uses(link)
        telling = [u for u in uses if u.node.operation.curved]
        telling += [u for u in uses if u.node.operation.name not in TRANSPARENT] + uses
        return telling[0] if telling else None

    def rule_of(self, node: Node, joined: Node | None = None) -> str:
        if len(node.links) != 1:
            return "chain rule, the sum over all ways" if node.links else "constant"
        if joined and joined.links:
            outer, inner = (self._main(n.links[0]) for n in (joined, node))
            if outer and inner:
                names = (outer.node.operation.name, inner.node.operation.name)
                return f"the derivatives of {_list(list(names))}, taken together"
        return self.rule(node.links[0])

    def collapse(self, before: Formula) -> str:
        """Which δ keeps what, read off the formula by elements: δⱼᵢ keeps only j = i."""
        pairs = re.findall(f"δ([{BELOW}])([{BELOW}])", before.unicode())
        kept = [f"{LETTER[a]} = {LETTER[b]}" for a, b in dict.fromkeys(pairs)]
        if not kept:
            return ""
        return f"δ keeps only {_list(kept)}"

    def vectorised(self, head: Head, letters: str, after: str) -> str:
        """Which index is summed and where it stands, so that it is this product. `letters` name
        what is summed over; `after` is the matrix form in print."""
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
            return "the same index everywhere and no sum left: all of it works entry by entry"
        if not set(arrays[0].labels) & set(arrays[-1].labels):
            return "no sum left and no index in common: a column times a row, the outer product"
        return ""

    def _contracted(self, letter: str, bound: int, where: list[Factor], after: str) -> str:
        """What the sum over one label is, by how many factors have it."""
        names = [self._name(f) for f in where]
        if len(where) == 1:
            return f"{letter} stands on {names[0]} alone: its entries are added up along {letter}"
        if len(where) > 2:
            return f"{letter} stands on {_list(names)}: one of them scales, as a diagonal matrix"
        beside = [set(f.labels) - {bound} for f in where]
        if all(beside) and beside[0] & beside[1]:
            said = f"{names[0]} and {names[1]} are multiplied entry by entry"
            return f"{said} and added up along {letter}"
        pairs = sorted(zip(where, names, strict=True), key=lambda pair: len(pair[0].labels))
        both = [self._place(f, bound, name) for f, name in pairs]
        turned = [n for n, f in zip(names, where, strict=True) if f"{n}ᵀ" in after and f.labels[1:]]
        how = f" with {_list(turned)} transposed" if turned else ""
        return f"the summed {letter} is {both[0]} and {both[1]}: a product{how}"

    def _place(self, factor: Factor, label: int, name: str) -> str:
        if len(factor.labels) == 1:
            return f"the index of {name}"
        place = ORDINALS[factor.labels.index(label)]
        return f"the {place} index of {name}"

    def _name(self, factor: Factor) -> str:
        head = factor.head
        if isinstance(head, Variable | Definition):
            return self.called(head)
        if len(head.axes) > 2:
            return "a factor"
        try:
            places = (0, 1) if len(head.axes) == 2 else (None, 0)
            shown = self.printed(self.book.plain.raised(head, *places))
        except NoMatrixForm:
            return "a factor"
        return shown if len(shown) < 20 else "a factor"


def _sums(node: Apply) -> bool:
    """Whether this adds up all entries, or scales or negates such a total."""
    return is_scalar(node.shape)


def _entry_by_entry(use: Use, shape: Shape) -> bool:
    operand = use.node.operands[use.operand]
    return use.node.operation.entrywise and use.node.shape == shape == operand.shape


def _list(words: list[str]) -> str:
    """ "a, b and c"."""
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))

"""Why a step holds: the sentences of the operations on the way, with the user's names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from diagrad.derivation.changes import Changes
from diagrad.derivation.known import fact
from diagrad.derivation.sweep import Link, Node, divides_by
from diagrad.dimensions import UNIT, Shape, Size, is_scalar
from diagrad.expression import Apply, Expression, Symbol, walk
from diagrad.index.build import labels as make_labels
from diagrad.index.build import tensor
from diagrad.index.term import Definition, Head, Variable
from diagrad.matrix.contract import NoMatrixForm
from diagrad.matrix.lettering import lettered
from diagrad.operations.elementwise import Elementwise
from diagrad.operations.room import Use, entry_text, in_brackets, is_name
from diagrad.operations.saying_arithmetic import is_scaling
from diagrad.show import printed
from diagrad.show.notation import NOTATIONS, size_text

if TYPE_CHECKING:
    from diagrad.derivation.book import Book

# Reasons of more letters and uses than these tire.
LONG, MANY = 260, 3
COUNTED = {2: "twice", 3: "three times", 4: "four times", 5: "five times", 6: "six times"}
# What adds nothing to say where something else is said.
TRANSPARENT = frozenset({"+", "-", "negate"})
LINEAR = TRANSPARENT | {"*", "/", "@"}
UNDEFINED = re.compile(r"; (where|at) \S+ = 0 there is no derivative")
# The sentence of an entry that nothing else counts beside.
ONLY = re.compile(r"(^|; )([^;]*(?: alone\b| in only one term ))")


class Reasons:
    """The reasons of one derivation."""

    def __init__(self, book: Book) -> None:
        self.book, self.sweep = book, book.sweep
        self.changes = Changes(book)
        source = book.sweep.source
        named = [*source.names, *(d.name for d in source.dimensions)]
        self.taken = frozenset(book.names.shown(name, "unicode") for name in named)

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
            above, scalar = incoming + value, self.sweep.scalar
            yield Use(node, k, value, names, above, self.size, scalar, self.taken)
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
        said = _bridged(uses, [use.node.operation.says(use) for use in uses])
        if len([sentence for sentence in said if sentence]) > 1:
            short = self._by_entry(link, uses) or self._collected(link)
            if short:
                return short
        said += [self._together(link)] if len(list(filter(None, said))) > 1 else []
        whole = "; ".join(dict.fromkeys(filter(None, said)))
        if len(whole) > LONG and len(uses) > MANY:
            return self._several(link, whole)
        return whole or self._added(link)

    def _together(self, link: Link) -> str:
        """The local derivative in one piece, where several rules made it: of each entry that the
        variable reaches. Only for what stretches, a scalar or a vector beside a matrix."""
        consumer, child = (self.sweep.nodes[name] for name in link[:2])
        if consumer.shape == child.shape or len(consumer.head.axes) != 1 + len(child.head.axes):
            return ""
        i = make_labels(consumer.head.axes)
        kept = [k for k, size in zip(i, consumer.shape, strict=False) if size in child.shape]
        at = tuple(kept) if child.head.axes else ()
        if len(at) != len(child.head.axes):
            return ""
        head = self.sweep.context.normal(tensor(i, link.local[(*i, *at)]))
        slope = self._entry(head, consumer)
        value = entry_text(self.called(consumer.head), "ij"[: len(i)])
        own = entry_text(self.called(child.head), "j" if child.shape[0] == UNIT else "i")
        own = own if child.head.axes else self.called(child.head)
        name = self.called(consumer.head)
        with_it = f", with {self.defined(consumer.head)}" if name in slope else ""
        return slope and f"together{with_it}: ∂{value}/∂{own} = {slope}"

    def _collected(self, link: Link) -> str:
        """For a row or column that stretches in a scalar: the sum over what one entry reaches."""
        consumer, child = self.sweep.nodes[link.consumer], self.sweep.nodes[link.child]
        if link.consumer != self.sweep.of or consumer.head.axes or len(child.head.axes) != 1:
            return ""
        slope = self._entry(link.local, child)
        own = entry_text(self.called(child.head), "i")
        line = "column i" if child.shape[0] == UNIT else "row i"
        of = self.called(consumer.head)
        if not slope.lstrip("−").startswith("Σ") or not self._stretches(link):
            return ""
        return f"{own} reaches all of {line}: ∂{of}/∂{own} = {slope}"

    def _stretches(self, link: Link) -> bool:
        """Whether the child stands entry by entry beside a matrix."""
        for use in self.uses(link):
            own, value = use.node.operands[use.operand].shape, use.node.shape
            if use.node.operation.entrywise and UNIT in own and UNIT not in value:
                return True
        return False

    def _several(self, link: Link, whole: str) -> str:
        """How a change moves a value that is too winding to be told use by use; where that is long
        too, how often it stands in it."""
        curved = [use for use in self.uses(link) if use.node.operation.curved]
        if curved and len(whole) <= 2 * LONG:
            return whole
        sentence = self.changes.sentence(link)
        if sentence:
            return sentence
        consumer, child = (self.called(self.sweep.nodes[n].head) for n in link[:2])
        value = self.book.source.definitions[link.consumer].expression
        times = sum(isinstance(n, Symbol) and n.name == link.child for n in walk(value))
        body = f"{consumer} = {self.printed(value)}"
        if times > 1:
            count = COUNTED.get(times, f"{times} times")
            return f"{child} stands in {body} {count}: product rule, one term for each"
        rules = dict.fromkeys(use.node.operation.says(use) for use in curved)
        return "; ".join([f"{child} stands once in {body}", *filter(None, rules)])

    def _by_entry(self, link: Link, uses: list[Use]) -> str:
        """For functions entry by entry, and sums of such: one entry's derivative."""
        consumer, child = self.sweep.nodes[link.consumer], self.sweep.nodes[link.child]
        if not child.head.axes:
            return ""
        labels = "ij"[: len(child.head.axes)]
        u = entry_text(self.called(child.head), labels)
        rules = [self._rule_at(use) for use in uses if use.node.operation.curved]
        rule = "".join(f"; {rule}" for rule in dict.fromkeys(rules[:2]))
        inner = [use for use in uses if not _sums(use.node)]
        if not all(_entry_by_entry(use, child.shape) for use in inner):
            return ""
        if len(inner) < len(uses) and not consumer.head.axes:
            slope = self._entry(link.local, child)
            if not self._is_one_sum(uses, link.child):
                return ""
            adding = "mean" if any(u.node.operation.name == "mean" for u in uses) else "sum"
            term = f"{u} stands in only one term of the {adding}"
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

    def _is_one_sum(self, uses: list[Use], child: str) -> bool:
        """Whether entries are added up once, and the total only scaled or added to."""
        totals = [use for use in uses if _sums(use.node)]
        inner = [use for use in totals if not is_scalar(use.node.operands[use.operand].shape)]
        outer = [use for use in totals if use not in inner]
        for use in outer:
            others = [o for k, o in enumerate(use.node.operands) if k != use.operand]
            name = use.node.operation.name
            linear = name in LINEAR and (name, use.operand) != ("/", 1)
            if not linear or any(self._has(other, child) for other in others):
                return False
        return [use.node.operation.name in ("sum", "mean", "@") for use in inner] == [True]

    def _rule_at(self, use: Use) -> str:
        """The sentence about f′, with a letter that is no name of the problem."""
        operation = use.node.operation
        if not isinstance(operation, Elementwise):
            return operation.because
        letter = next((c for c in "tsxuwrkq" if c not in self.taken), "t")
        return operation.because_at(letter)

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
        shape = self.sweep.nodes[link.child].shape
        kinds = {0: "1", 1: "the identity"}
        is_what = kinds.get(sum(size != UNIT for size in shape))
        identity = f"∂{consumer}/∂{child} is {is_what}"
        if is_what is None:
            of = self.printed(Symbol(shape, self.sweep.of, "definition"))
            identity, held = f"∂{of}/∂{consumer} goes on to {child} unchanged", ""
        return f"{child} is one term of {consumer} = {body}, so {identity}{held}"

    def of_node(self, node: Node) -> str:
        """Why the derivative by a node is what it is: a sentence for each way, and the facts."""
        ways = [self.everywhere(self._held(link), link, node) for link in node.links]
        said = ways + self.facts(node)
        if not node.links:
            of = self.printed(Symbol(node.shape, self.sweep.of, "definition"))
            said = [f"{of} does not depend on {self.printed(Symbol(node.shape, node.name, ''))}"]
        return "; ".join(dict.fromkeys(sentence for sentence in said if sentence))

    def _held(self, link: Link) -> str:
        """Why, with what is held fixed where an entry is said to be the only one that counts."""
        said = self.of_link(link)
        held = [self.called(self.sweep.nodes[name].head) for name in self.sweep.held(link)]
        return ONLY.sub(rf"\1with {listed(held)} held fixed, \2", said, count=1) if held else said

    def everywhere(self, sentence: str, link: Link, node: Node) -> str:
        """Without what is said of points where the consumer has no derivative, where that cancels:
        ‖R‖² has one also where ‖R‖ has none."""
        consumer = self.sweep.nodes[link.consumer]
        if not UNDEFINED.search(sentence) or not self.sweep.scalar or consumer.uses != 1:
            return sentence
        if link.consumer == self.sweep.of or divides_by(node.adjoint, consumer.head):
            return sentence
        return UNDEFINED.sub("", sentence) + f"; {self.called(consumer.head)} cancels"

    def facts(self, node: Node) -> list[str]:
        """What was used of that is declared or known of values."""
        context = self.sweep.context
        said = (fact(law, context, self.called, self.defined) for law in node.laws)
        return list(dict.fromkeys(sentence for sentence in said if sentence))

    def called(self, head: Head) -> str:
        assert isinstance(head, Variable | Definition)
        return self.book.names.shown(head.name, "unicode")

    def defined(self, head: Head) -> str:
        """O = A V."""
        assert isinstance(head, Definition)
        body = self.book.source.definitions[head.name].expression
        return f"{self.called(head)} = {self.printed(body)}"

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
                return f"the derivatives of {listed(list(names))}, taken together"
        return self.rule(node.links[0])


def _bridged(uses: list[Use], said: list[str]) -> list[str]:
    """The sentences, those on a constant factor where others speak of what it scales, and on a
    transposed vector where nothing else is said."""
    kept = []
    for use, sentence in zip(uses, said, strict=True):
        formulas = [f"/∂{in_brackets(t)}" for t in (use.value, use.variable) if not is_name(t)]
        others = [other for other in said if other != sentence]
        spoken = any(formula in other for formula in formulas for other in others)
        bare = is_scaling(use) or (_turns(use) and any(others))
        kept.append(sentence if spoken or not bare else "")
    return kept


def _turns(use: Use) -> bool:
    """Whether this is but a row written as a column, or the other way round."""
    return use.node.operation.name == "T" and UNIT in use.node.shape


def _sums(node: Apply) -> bool:
    """Whether this adds up all entries, or scales or negates such a total."""
    return is_scalar(node.shape)


def _entry_by_entry(use: Use, shape: Shape) -> bool:
    operand = use.node.operands[use.operand]
    return use.node.operation.entrywise and use.node.shape == shape == operand.shape


def listed(words: list[str]) -> str:
    """ "a, b and c"."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))

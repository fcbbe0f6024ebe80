"""What the signs of a page mean: those that it uses, by its own names and formulas."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain

from diagrad.derivation.account import Account
from diagrad.derivation.sweep import Link, Node
from diagrad.dimensions import UNIT, is_row, is_scalar
from diagrad.expression import Apply, Expression, Number, walk
from diagrad.operations.room import entry_text, in_brackets
from diagrad.operations.saying import summed
from diagrad.pages import words
from diagrad.pages.story import Story
from diagrad.show import printed

# Of several formulas that show a sign the shortest is taken, if it is no longer than this.
LONG = 32
PLAIN = {
    r"∑\(": "∑(…) adds up all entries",
    r"diag\(": "diag(…) has these entries on its diagonal, else 0",
    r"(?<![\w∂])I(?!\w)": "I is the identity matrix",
    r"∘²": "∘² squares every entry",
    "𝟙": "𝟙[…] is 1 where that holds, else 0",
    r"vec\(": "vec(A) stacks the columns of A",
    "⊗": "A ⊗ B has the block Aᵢⱼ B in place i, j",
    r"(?<!\w)K\(": "K(m, n) vec(A) = vec(Aᵀ) for A of m×n",
    "δ[ᵢⱼₖₗₘₙ]": "δᵢⱼ is 1 if i = j, else 0",
}


class Signs:
    """The signs of one page, of which `text` is what it shows without them."""

    def __init__(self, story: Story, text: str, routes: Sequence[str]) -> None:
        self.story, self.text, self.routes = story, text, routes
        self.names = story.names
        self.of = self.called(story.of)
        self.nodes = [*_formulas(story, routes)]

    def called(self, name: str) -> str:
        return self.names.shown(name, "unicode")

    def shown(self, expression: Expression) -> str:
        return printed(expression, "unicode", self.names)

    def sentences(self) -> tuple[str, ...]:
        said = [self._products(), self._ones(), *self._stretched()]
        said += [words for sign, words in PLAIN.items() if re.search(sign, self.text)]
        accounts = dict.fromkeys((self.story.first, self.story.last))
        if set(self.routes) != {"differential"}:
            said += next((list(s) for a in accounts if (s := [*self._chain(a)])), [])
            said.append(self._ways())
        if "differential" not in self.routes:
            said.append(self._change())
        return tuple(filter(None, said))

    def _example(self, wanted: Callable[[Apply], bool]) -> Apply | None:
        """The shortest part of a formula that is so, and stands on the page."""
        found = {self.shown(node): node for node in self.nodes if wanted(node)}
        fitting = [text for text in found if len(text) <= LONG and text in self.text]
        return found[min(fitting, key=lambda text: (len(text), text))] if fitting else None

    def _products(self) -> str:
        both = [sign for sign in "∘⊘" if f" {sign} " in self.text]
        if not both:
            return ""
        one = {"∘": "multiplies", "⊘": "divides"}
        verb = one[both[0]] if len(both) == 1 else "multiply and divide"
        said = f"{' and '.join(both)} {verb} entry by entry, after matrix products"
        node = self._example(lambda n: _is(n, "*") and _is(n.operands[0], "@"))
        if node is None or f" {both[0]} " not in self.shown(node):
            return said
        product = self.shown(node.operands[0])
        rest = self.shown(node).removeprefix(product)
        return f"{said}: {product}{rest} is ({product}){rest}"

    def _ones(self) -> str:
        if "𝟏" not in self.text:
            return ""
        said = []
        for axis, line in ((1, "row"), (0, "column")):
            node = self._example(partial(_sums_along, axis))
            if node is not None:
                added = self.shown(node.operands[0])
                said.append(f"{self.shown(node)} adds up each {line} of {added}")
        return "𝟏 is a column of ones" + (f": {' and '.join(said)}" if said else "")

    def _stretched(self) -> Iterator[str]:
        """Where a scalar stands beside entries, or a row or column beside a matrix."""
        for sign, verb in (("-", "subtracts {} from"), ("+", "adds {} to")):
            node = self._example(partial(_shifts, sign))
            if node is not None:
                does = verb.format(self.shown(node.operands[1]))
                yield f"{self.shown(node)} {does} every entry"
                break
        for kind in ("row", "column"):
            node = self._example(partial(_repeats, kind))
            if node is not None:
                k = int(node.operands[0].shape == node.shape)
                small = self.shown(node.operands[k])
                yield f"in {self.shown(node)} the {kind} {small} is repeated in every {kind}"

    def _chain(self, account: Account) -> Iterator[str]:
        """The Jacobian of one link, and the chain rule for it."""
        links = sorted(_products(account), key=self._length, reverse=True)
        kinds = {words.kind(node.shape): (link, node) for link, node in links}
        for n, kind in enumerate(k for k in ("row", "column") if k in kinds):
            link, node = kinds[kind]
            c, u = self.called(link.consumer), self.called(link.child)
            jacobian, entry = fraction(c, u), fraction(entry_text(c, "j"), entry_text(u, "i"))
            if n == 0:
                yield f"{jacobian} has {entry} in row j and column i"
            if not account.sweep.scalar:
                break
            product = f"Σⱼ {fraction(self.of, entry_text(c, 'j'))} · {entry}"
            left, incoming = fraction(self.of, entry_text(u, "i")), fraction(self.of, c)
            if words.kind(account.sweep.nodes[link.consumer].shape) != kind:
                incoming = f"({incoming})ᵀ"
            equal = f"{left} = {product}" if len(node.links) == 1 else f"{left} contains {product}"
            by = {"row": f"the row {incoming} times {jacobian}"}
            by["column"] = f"({jacobian})ᵀ times the column {incoming}"
            yield f"chain rule: {equal}, {by[kind]}"

    def _length(self, pair: tuple[Link, Node]) -> tuple[int, int]:
        link, node = pair
        return len(node.links), len(self.called(link.consumer) + self.called(link.child))

    def _ways(self) -> str:
        """What ∂ counts where a name enters several others."""
        sweep = self.story.first.sweep
        links = [link for node in sweep.nodes.values() for link in node.links]
        split = [link for link in links if not link.alone and link.consumer != self.story.of]
        if not split:
            return ""
        c, u = (self.called(name) for name in split[0][:2])
        body = self.shown(self.story.source.definitions[split[0].consumer].expression)
        every = f"{fraction(self.of, u)} counts every way from {u} to {self.of}"
        return f"{every}, {fraction(c, u)} only the line {c} = {body}, its other names held fixed"

    def _change(self) -> str:
        """The pairing of a derivative with a change."""
        if "⟨" not in self.text:
            return ""
        nodes, sign = self.story.first.sweep.nodes, self.names.sign["unicode"]
        matrices = [n for n, node in nodes.items() if UNIT not in node.shape]
        moving = [n for n in nodes if f", {sign}{in_brackets(self.called(n))}⟩" in self.text]
        paired = [n for n in matrices if f"⟨{fraction(self.of, self.called(n))}, " in self.text]
        told = paired or sorted(moving, key=lambda n: n not in matrices) or matrices
        if not told:
            return ""
        name, at = self.called(told[0]), "ij"[: 2 - (UNIT in nodes[told[0]].shape)]
        change = f"{sign}{in_brackets(name)}"
        entries = f"{fraction(self.of, entry_text(name, at))} · {entry_text(change, at)}"
        pairing = f"⟨{fraction(self.of, name)}, {change}⟩ = {summed(at, entries)}"
        return (
            f"{pairing} is how {self.of} changes, to first order, when {name} changes by {change}"
        )


def fraction(above: str, below: str) -> str:
    return f"∂{above}/∂{below}"


def _formulas(story: Story, routes: Sequence[str]) -> Iterator[Apply]:
    """All that the formulas of a page are made of, but those by elements."""
    told = (s for d in story.derivations for route in routes for s in d.told(route))
    steps = chain.from_iterable(step.walk() for step in told)
    formulas = (f for s in steps for f in (s.before, s.spelled, s.after) if f and not f.labels)
    results: Iterable[Expression] = (
        d.result.expression for d in story.derivations if d.answer.programs is None
    )
    given = (
        story.source.definitions[n].expression
        for n in story.needed
        if n in story.source.definitions
    )
    for expression in chain((f.expression for f in formulas), results, given):
        yield from (node for node in walk(expression) if isinstance(node, Apply))


def _is(node: Expression, name: str) -> bool:
    return isinstance(node, Apply) and node.operation.name == name


def _sums_along(axis: int, node: Apply) -> bool:
    return _is(node, "sum") and bool(node.parameters[0] == axis)


def _shifts(sign: str, node: Apply) -> bool:
    """Whether a scalar, but no number, is added to entries, or subtracted from them."""
    if not _is(node, sign) or is_scalar(node.shape) or isinstance(node.operands[1], Number):
        return False
    return is_scalar(node.operands[1].shape)


def _repeats(kind: str, node: Apply) -> bool:
    """Whether a row, or a column, stands beside a matrix entry by entry."""
    if node.operation.name not in ("+", "-", "*", "/") or UNIT in node.shape:
        return False
    small = [o.shape for o in node.operands if o.shape != node.shape and not is_scalar(o.shape)]
    return len(small) == 1 and is_row(small[0]) == (kind == "row")


def _products(account: Account) -> Iterator[tuple[Link, Node]]:
    """The links whose chain rule is a product of Jacobians."""
    nodes = account.sweep.nodes
    for node in nodes.values():
        for link in node.links:
            vectors = len(node.head.axes) == len(nodes[link.consumer].head.axes) == 1
            if vectors and link.consumer != account.sweep.of:
                yield link, node

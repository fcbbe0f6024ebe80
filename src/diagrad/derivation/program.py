"""A derivative as a program: names for what backpropagation computes once, then the result."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from diagrad.derivation.account import Account
from diagrad.expression import Expression, Symbol, walk
from diagrad.formula import Formula
from diagrad.language import Source, read_definitions
from diagrad.matrix.cost import tokens

if TYPE_CHECKING:
    from diagrad.derivation.telling import Telling

# A formula of more tokens is shown as a program.
LONG = 60


class Programs:
    """The programs for the derivatives of one account, by the names that it introduces."""

    def __init__(self, account: Account, source: Source) -> None:
        self.account, self.source = account, source
        own = account.book.source.definitions
        self._new = {n: d.expression for n, d in own.items() if n not in source.definitions}

    def name(self, wrt: str) -> str:
        """What the derivative by `wrt` is called."""
        return self.account.book.called[wrt]

    def has(self, wrt: str) -> bool:
        """Whether there is a program for the derivative by `wrt`."""
        return self.name(wrt) in self._new

    @cached_property
    def are_long(self) -> bool:
        """Whether one of the derivatives is long with all names in it written out."""
        lengths: dict[str, int] = {}
        for name, expression in self._new.items():
            # Those that a name is made of stand before it.
            below = (n.name for n in walk(expression) if isinstance(n, Symbol))
            longer = (lengths[n] - 1 for n in below if n in lengths)
            lengths[name] = tokens(expression) + sum(longer)
        return any(lengths.get(self.name(wrt), 0) > LONG for wrt in self.account.by)

    def lines(self, wrt: str, layout: str | None = None) -> tuple[tuple[str, Formula], ...]:
        """The program for one derivative: its own names, and last the derivative itself."""
        book, name = self.account.book, self.name(wrt)
        needed = self._reached([self._new[name]]) - {name}
        pairs = [(n, book.formula(e)) for n, e in self._new.items() if n in needed]
        node = self.account.sweep.nodes[wrt]
        laid_out = layout or book.arrangement(node).layout
        return (*pairs, (name, book.formula(self._new[name], laid_out)))

    @cached_property
    def read_again(self) -> Mapping[str, Expression]:
        """All lines as they are printed, read again: what is checked is what is printed. Raises
        ProblemError."""
        book = self.account.book
        called = [self.name(wrt) for wrt in self.account.by]
        ends = [name for name in called if name in self._new]
        needed = self._reached(self._new[name] for name in ends) | set(ends)
        formulas = ((n, book.formula(e)) for n, e in self._new.items() if n in needed)
        lines = (f"{name} = {formula.source}" for name, formula in formulas)
        return read_definitions(lines, self.source)

    def _reached(self, expressions: Iterable[Expression]) -> set[str]:
        """The new names that expressions are made of, through each other."""
        found: set[str] = set()
        waiting = list(expressions)
        while waiting:
            for node in walk(waiting.pop()):
                if isinstance(node, Symbol) and node.name in self._new and node.name not in found:
                    found.add(node.name)
                    waiting.append(self._new[node.name])
        return found


def program(telling: Telling, wrt: str, result: Formula) -> tuple[tuple[str, Formula], ...]:
    """Pairs of a name and a formula over the problem's names and those before it; the last is the
    result. Long adjoints have names of their own; where the derivative has no matrix form in the
    layout of the result, the result is its own program."""
    programs = telling.programs
    account = programs.account
    name = programs.name(wrt)
    last = account.book.source.definitions.get(name)
    if last is None or account.book.formula(last.expression).shape != result.shape:
        return ((name, result),)
    layout = account.book.arrangement(account.sweep.nodes[wrt]).layout
    if layout != (result.layout or layout) and not _same_layout(layout, result):
        return ((name, result),)
    *pairs, (name, formula) = programs.lines(wrt, result.layout)
    if telling.order == 2:
        first = telling.accounts[0].restated.of
        name = _free(f"d2{first}_d{telling.by[0]}d{wrt}", account.book.source.definitions)
    return (*pairs, (name, formula))


def _free(name: str, taken: Container[str]) -> str:
    while name in taken:
        name += "_"
    return name


def _same_layout(layout: str, result: Formula) -> bool:
    """Whether the two layouts put every entry at the same place: those of second order do."""
    return {layout, result.layout} <= {"numerator", "vec"} and not result.labels

"""A derivative as a program: names for what backpropagation computes once, then the result."""

from __future__ import annotations

from collections.abc import Container, Mapping

from diagrad.derivation.account import Account
from diagrad.derivation.telling import Telling
from diagrad.expression import Expression, Symbol, walk
from diagrad.formula import Formula


def program(telling: Telling, wrt: str, result: Formula) -> tuple[tuple[str, Formula], ...]:
    """Pairs of a name and a formula over the problem's names and those before it; the last is the
    result. Long adjoints have names of their own; where the derivative has no matrix form in the
    layout of the result, the result is its own program."""
    account = telling.last
    if telling.order == 1:
        first = account
        account = Account(first.restated, first.by, telling.signs, telling.means, every=True)
    book = account.book
    name = book.called[wrt]
    last = book.source.definitions.get(name)
    if last is None or book.formula(last.expression).shape != result.shape:
        return ((name, result),)
    layout = book.arrangement(account.sweep.nodes[wrt]).layout
    if layout != (result.layout or layout) and not _same_layout(layout, result):
        return ((name, result),)
    own = book.source.definitions
    new = [n for n in own if n not in telling.source.definitions]
    needed = _reached(last.expression, {n: own[n].expression for n in new})
    new = [n for n in new if n in needed]
    pairs = [(n, book.formula(own[n].expression)) for n in new]
    if telling.order == 2:
        name = _free(f"d2{telling.accounts[0].restated.of}_d{telling.by[0]}d{wrt}", own)
    return (*pairs, (name, book.formula(last.expression, result.layout)))


def _reached(expression: Expression, within: Mapping[str, Expression]) -> set[str]:
    """The names of `within` that an expression is made of, through each other."""
    found: set[str] = set()
    waiting = [expression]
    while waiting:
        for node in walk(waiting.pop()):
            if isinstance(node, Symbol) and node.name in within and node.name not in found:
                found.add(node.name)
                waiting.append(within[node.name])
    return found


def _free(name: str, taken: Container[str]) -> str:
    while name in taken:
        name += "_"
    return name


def _same_layout(layout: str, result: Formula) -> bool:
    """Whether the two layouts put every entry at the same place: those of second order do."""
    return {layout, result.layout} <= {"numerator", "vec"} and not result.labels

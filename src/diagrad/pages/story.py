"""What the pages of one request have in common: the names, and how derivatives are called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from diagrad.derivation.account import Account
from diagrad.derivation.restate import restated
from diagrad.errors import DerivationError
from diagrad.expression import Symbol, walk
from diagrad.language import Source
from diagrad.matrix.elements import LETTERS
from diagrad.pages import maths, words
from diagrad.pages.page import Defined, Given, Maths, Vertex
from diagrad.show import Names

if TYPE_CHECKING:
    from diagrad.derivation import Derivation


class Story:
    """Derivations that share their telling, and so their steps and names."""

    def __init__(self, derivations: Sequence[Derivation]) -> None:
        self.derivations = derivations
        self.telling = derivations[0].telling
        self.untold = ""
        try:
            accounts = self.telling.accounts
        except DerivationError as error:
            self.untold = str(error)
            accounts = (self._first_account(),)
        self.first, self.last = accounts[0], accounts[-1]
        self.book = self.last.book
        self.names = self.book.names
        self.source = self.first.restated.source
        self.of = self.first.restated.of
        self.shapes = self.first.sweep.shapes | self.last.sweep.shapes

    def _first_account(self) -> Account:
        """That of the gradient, where a second derivative has no steps."""
        telling = self.telling
        names = restated(telling.source, telling.of, set(telling.by))
        return Account(names, telling.by[:1], telling.signs, telling.means)

    @cached_property
    def wrt(self) -> list[str]:
        """The names that the first account leads to."""
        if self.telling.order == 2:
            return [self.telling.by[0]]
        return [d.wrt for d in self.derivations if isinstance(d.wrt, str)]

    @cached_property
    def short(self) -> set[str]:
        """The short names of long adjoints: delta1."""
        nodes = self.book.sweep.nodes.values()
        return {self.book.called[node.name] for node in nodes if node.known is not None}

    @property
    def needed(self) -> list[str]:
        """The names that the value depends on, variables and definitions in their order."""
        symbol = Symbol(self.shapes[self.of], self.of, "definition")
        found = self.source.needed(symbol) | {self.of, *self.wrt}
        return [n for n in (*self.source.variables, *self.source.definitions) if n in found]

    def rank(self, name: str) -> int:
        return words.rank(self.shapes[name])

    def entry_labels(self, of: str, wrt: str) -> tuple[str, str]:
        """The labels of an entry of ∂of/∂wrt: those of `of`, then those of `wrt`."""
        above, below = self.rank(of), self.rank(wrt)
        return LETTERS[:above], LETTERS[above : above + below]

    def target(self, of: str, wrt: str, entry: bool = False) -> Maths:
        """∂of/∂wrt, or an entry of it."""
        above, below = self.entry_labels(of, wrt) if entry else ("", "")
        return maths.derivative(self.names, of, wrt, above, below)

    def given(self) -> Given:
        needed = self.needed
        remarks = dict.fromkeys(self.wrt, "the variable here")
        shown = given(self.source, self.names, needed, remarks)
        way = self.way(self.first, self.wrt)
        graph = tuple(self._graph(needed))
        return shown._replace(convention=self._convention(needed), way=way, graph=graph)

    def _graph(self, needed: Sequence[str]) -> Iterator[Vertex]:
        """What is computed from what, and where the derivative passes."""
        place = {name: k for k, name in enumerate(needed)}
        onward = _onward(self.first, self.wrt)
        for name in needed:
            definition = self.source.definitions.get(name)
            parts = walk(definition.expression) if definition else ()
            names = (part.name for part in parts if isinstance(part, Symbol))
            below = dict.fromkeys(n for n in names if n in place)
            role = "wrt" if name in self.wrt else "defined" if definition else "given"
            yield Vertex(
                maths.named(name, self.names),
                self.shape(self.shapes[name]),
                tuple(place[n] for n in below),
                tuple(place[n] for n in onward.get(name, ())),
                role,
            )

    def _convention(self, needed: Sequence[str]) -> str:
        """Rows, columns or examples, and which entry of the derivative is which."""
        said = [words.convention(self.source, needed)]
        wrt = self.wrt[0]
        if self.first.sweep.scalar:
            said.append("gradients have the shape of their variable")
        elif self.rank(self.of) == self.rank(wrt) == 1:
            whole, entry = self.target(self.of, wrt), self.target(self.of, wrt, entry=True)
            said.append(f"entry i,j of {whole('unicode')} is {entry('unicode')}")
        return "; ".join(filter(None, said))

    def way(self, account: Account, wrt: Sequence[str]) -> tuple[Maths, ...]:
        """The way back from the value, one line for each stretch between branchings."""
        children = _onward(account, wrt)
        lines, waiting, done = [], [account.sweep.of], set[str]()
        while waiting:
            name = waiting.pop(0)
            if name in done or name not in children:
                continue
            stations = [[name]]
            while below := children.get(stations[-1][0], []):
                if stations[-1][0] in done:
                    break
                done.add(stations[-1][0])
                stations.append(below)
                if len(below) > 1:
                    waiting += below
                    break
            lines.append(maths.way(self.names, stations))
        return tuple(lines)

    def shape(self, shape: Sequence[object]) -> str:
        return words.shape_words(shape, self.names)


def _onward(account: Account, wrt: Sequence[str]) -> dict[str, list[str]]:
    """The names to which the derivative goes on from each name on its way to the variables."""
    wanted = set(wrt)
    children: dict[str, list[str]] = {}
    for node in reversed(account.sweep.nodes.values()):
        for link in node.links if node.name in wanted else ():
            wanted.add(link.consumer)
            children.setdefault(link.consumer, []).insert(0, node.name)
    return children


def given(
    source: Source,
    names: Names,
    needed: Sequence[str] | None = None,
    remarks: Mapping[str, str] = MappingProxyType({}),
) -> Given:
    """Variables and definitions, all or those that are needed; `remarks` on some definitions."""
    wanted = [*source.variables, *source.definitions] if needed is None else needed
    variables = []
    for v in (v for name, v in source.variables.items() if name in wanted):
        said = [words.shape_words(v.shape, names), words.facts_of(v)]
        variables.append((maths.named(v.name, names), ", ".join(filter(None, said))))
    definitions, said_before = [], set[str]()
    for name, definition in source.definitions.items():
        if name in wanted:
            expression = definition.expression
            remark = remarks.get(name) or words.remark_on(name, expression, names)
            if remark in said_before:
                # What σ is, is said once.
                remark = remark.partition(", ")[0]
            said_before.add(remark)
            shape = words.shape_words(expression.shape, names)
            formula = maths.of_expression(expression, names)
            definitions.append(Defined(maths.named(name, names), formula, shape, remark))
    convention = words.convention(source, wanted)
    known = frozenset(names.shown(name, "unicode") for name in names.names)
    sizes = tuple(partial(names.shown, d.name) for d in source.dimensions)
    shown = tuple(variables), tuple(definitions)
    return Given(convention, *shown, (), names=known, dimensions=sizes)

"""The names and formulas of one derivation.

A derivation introduces names: intermediates (z₁), adjoints (∂J/∂h, written dJ_dh in the problem
language) and short names for long adjoints (δ₁). All of them are definitions of one problem, the
user's with more lines, so that every formula of a step can be evaluated and checked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from diagrad.derivation.restate import NOWHERE
from diagrad.derivation.sweep import Node, Sweep
from diagrad.dimensions import UNIT, is_scalar
from diagrad.expression import Expression, Symbol
from diagrad.formula import Formula
from diagrad.index.term import Definition, Delta, Factor, Head, Sum, Term, as_sum
from diagrad.language.source import Definition as Defined
from diagrad.layouts import Arrangement, arranged
from diagrad.matrix.elements import by_elements
from diagrad.matrix.lettering import lettered
from diagrad.matrix.raising import Raiser
from diagrad.matrix.shown import Shown, shown
from diagrad.show import Names

# Adjoints come after all names of the problem, in the order of terms too.
AFTER = 1_000_000
BLANK = {ord(c): None for c in " ()"}


# Names of derivatives: what is differentiated, by what, and how many axes are those of the first.
Derivatives = Mapping[str, tuple[str, str, int]]


class Book:
    """What is written of a sweep: formulas over the restated problem and the names of adjoints."""

    def __init__(
        self, sweep: Sweep, signs: frozenset[str], means: bool, known: Derivatives
    ) -> None:
        self.sweep = sweep
        self.source = replace(sweep.source, definitions=dict(sweep.source.definitions))
        self.called = self._adjoint_names()
        self.deltas = self._delta_names()
        self.derivatives = dict(known) | {
            name: (sweep.of, node, sweep.axes) for node, name in self.called.items()
        }
        self.moved = self._differential_names()
        self.names = Names(
            [d.name for d in self.source.dimensions]
            + list(sweep.shapes)
            + list(self.source.functions)
            + list(self.deltas.values()),
            signs=signs,
            derivatives=self.derivatives,
            differentials=self.moved,
        )
        self.mirrored = ""
        self._bare: Raiser | None = None
        self._opaque: dict[str, Definition] = {}
        self.plain = Raiser(sweep.context, sweep.shapes, not sweep.scalar, means)
        self.diagonal = Raiser(sweep.context, sweep.shapes, diagonal=True, means=means)

    def _taken(self) -> set[str]:
        return set(self.source.names | self.sweep.restated.reserved)

    def _adjoint_names(self) -> dict[str, str]:
        """dJ_dh for every node, kept apart from the user's names."""
        taken = self._taken()
        names = {}
        for node in self.sweep.nodes:
            name = f"d{self.sweep.of}_d{node}"
            while name in taken:
                name += "_"
            taken.add(name)
            names[node] = name
        return names

    def _differential_names(self) -> dict[str, str]:
        """dh for the differential of every node h, kept apart from the other names."""
        taken = self._taken() | set(self.called.values()) | set(self.deltas.values())
        names: dict[str, str] = {}
        for node in self.sweep.nodes:
            name = f"d{node}"
            while name in taken:
                name += "_"
            taken.add(name)
            names[name] = node
        return names

    def formula(self, written: Shown | Expression, layout: str | None = None) -> Formula:
        labels = ""
        if isinstance(written, Shown):
            written, labels = written
        return Formula(written, self.source, self.names, layout, labels)

    def define(self, name: str, expression: Expression) -> None:
        """A name for a value, from now on one of the problem's definitions."""
        position = len(self.source.variables) + len(self.source.definitions)
        self.source.definitions[name] = Defined(name, expression, position, NOWHERE)
        self.sweep.shapes[name] = expression.shape

    def take_over(self, earlier: Book) -> None:
        """The definitions of an earlier part of the derivation that this one does not have."""
        for name, defined in earlier.source.definitions.items():
            self.source.definitions.setdefault(name, defined)

    def arrangement(self, node: Node) -> Arrangement:
        """How the derivative of the value by a node is laid out."""
        return arranged("auto", self.sweep.shapes[self.sweep.of], [node.shape])

    def adjoint(self, node: Node) -> Shown:
        """The adjoint in matrix notation, or by elements; that by `mirrored` is a Hessian. Raises
        NoMatrixForm."""
        if node.name == self.mirrored:
            self.plain.mirror = node.adjoint
        return self.written(node.adjoint, node)

    def written(self, head: Head, node: Node, raiser: Raiser | None = None) -> Shown:
        """A tensor laid out as the derivative by the node."""
        arrangement = self.arrangement(node)
        letters = lettered(arrangement.places)
        matrix, raiser = arrangement.matrix, raiser or self.plain
        return shown(head, arrangement.places, matrix, raiser, letters, self.bound_letters)

    def entries(self, head: Head, node: Node, raiser: Raiser | None = None) -> Shown:
        """Likewise by elements, the terms as they are."""
        places = self.arrangement(node).places
        return self.listed(head, places, lettered(places), raiser)

    def without_facts(self, total: Sum) -> tuple[Head, Raiser]:
        """The normal form where nothing is known of any variable, and what raises it so."""
        if self._bare is None:
            bare = self.sweep.bare
            self._bare = Raiser(bare, self.sweep.shapes, self.plain.diagonal, self.plain.means)
        return self.sweep.bare.normal(total), self._bare

    def listed(
        self,
        head: Head,
        places: Sequence[int | None],
        letters: str,
        raiser: Raiser | None = None,
    ) -> Shown:
        """A tensor by elements, in each product what comes in first and δ last."""
        terms = tuple(
            t._replace(factors=tuple(sorted(t.factors, key=self._rank))) for t in as_sum(head).terms
        )
        total, raiser = Sum(head.axes, terms), raiser or self.plain
        written = by_elements(total, places, raiser, letters, self.bound_letters)
        return Shown(written, letters[: len(places)])

    def bound_letters(self, term: Term, letters: str) -> str:
        """The letters of what a term sums over, from those left for that: each is that of the axis
        of the incoming derivative on which it stands, so that none changes with a δ."""
        incoming = next((f for f in term.factors if f.head in self._opaque.values()), None)
        if incoming is None:
            return letters
        axes = incoming.labels[self.sweep.axes :]
        kept = {label: letters[k] for k, label in enumerate(axes) if label < 0}
        others = iter([c for c in letters[len(axes) :] if c not in kept.values()])
        bound = [kept.get(-n - 1) or next(others) for n in range(len(term.bound))]
        return "".join([*bound, *(c for c in letters if c not in bound)])

    def _rank(self, factor: Factor) -> tuple[int, ...]:
        if factor.head in self._opaque.values():
            return (0,)
        if isinstance(factor.head, Delta):
            return (2, *factor.labels)
        return (1, *self.plain.rank(factor))

    def alphabet(self, written: Shown) -> list[str]:
        """The signs of a formula without their order, spaces and brackets: two formulas that have
        the same differ by where a number or a scalar stands."""
        return sorted(self.formula(written).unicode().translate(BLANK))

    def alike(self, a: Shown, b: Shown) -> bool:
        """Whether two formulas print alike, so that a step from one to the other says nothing."""
        return self.formula(a).unicode() == self.formula(b).unicode()

    def symbol(self, node: Node) -> Symbol:
        """The name of a node's adjoint."""
        expression = self.source.definitions[self.called[node.name]].expression
        return Symbol(expression.shape, self.called[node.name], "definition")

    def opaque(self, node: Node) -> Definition:
        """A node's adjoint as a tensor that stays closed and prints by its name."""
        name = self.called[node.name]
        if name not in self._opaque:
            place = AFTER + list(self.sweep.nodes).index(node.name)
            self._opaque[name] = Definition(name, place, node.adjoint)
        return self._opaque[name]

    def name_adjoint(self, node: Node, called: str) -> None:
        """Give the adjoint a short name, by which the sweep goes on."""
        self.called[node.name] = called
        node.known = self.opaque(node)

    def _delta_names(self) -> dict[str, str]:
        """δ₁ for the adjoint of z₁, Δ₁ where it is a matrix, δ_z where it is a scalar, kept apart
        from all other names."""
        taken = self._taken() | set(self.called.values())
        names: dict[str, str] = {}
        for node in self.sweep.nodes.values():
            word = "Delta" if UNIT not in node.shape else "delta"
            match = re.fullmatch(r"[zZ](\d*)", node.name)
            plain = match and not is_scalar(node.shape)
            name = word + match[1] if match and plain else f"{word}_{node.name}"
            while name in taken:
                name += "_"
            taken.add(name)
            names[node.name] = name
        return names

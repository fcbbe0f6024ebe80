"""The changes of one line, from the likely to the unlikely, until one makes the answer right."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING

from diagrad.check import edits as small
from diagrad.check import exchanges as large
from diagrad.check.places import SUMS, Edit, Place, chain, edit, has_axes, places, scaled
from diagrad.check.quantities import Quantity
from diagrad.check.ratios import Ratio
from diagrad.check.reading import NOWHERE, combined
from diagrad.check.restoring import forgotten
from diagrad.check.running import Failed, size_of
from diagrad.check.slips import Slip
from diagrad.dimensions import SCALAR
from diagrad.expression import Apply, Expression, Number, Symbol, is_call, number, walk
from diagrad.operations.room import Array

if TYPE_CHECKING:
    from diagrad.check.diagnosis import Diagnosing

MOST_PLACES, MOST_PAIRS, MOST_PARTS = 80, 4000, 8
Kind = Callable[[Place], Iterator[Edit]]
# What is tried in this order: before and after a mistaken step is looked for, and at last.
FIRST: tuple[Kind, ...] = (
    small.signs,
    small.negated,
    small.transposes,
    small.orders,
    small.hadamards,
    small.groupings,
    small.swapped,
    small.contracted,
)
SECOND: tuple[Kind, ...] = (
    small.multiples,
    small.softmaxed,
    small.removals,
    small.symmetrised,
)
THIRD: tuple[Kind, ...] = (
    small.summed,
    large.functions,
    large.inverses,
)
PAIRED: tuple[Kind, ...] = (
    small.transposes,
    small.hadamards,
    small.signs,
    small.negated,
    small.axes,
)


class Search:
    """The changes of one line, tried in their order."""

    def __init__(
        self, parent: Diagnosing, index: int, tree: Expression, meant: Quantity | None
    ) -> None:
        self.parent, self.index, self.tree, self.meant = parent, index, tree, meant
        self.places = places(tree)[:MOST_PLACES]
        self.fallback: Edit | None = None

    def _try(self, edits: Iterable[Edit]) -> Edit | None:
        """The first edit that makes the answer right as asked; one that does in another convention
        is kept."""
        for one in edits:
            which = self.parent.accepts(self.index, one.whole, self.meant)
            if which == 0:
                return one
            if which is not None and self.fallback is None:
                self.fallback = one
        return None

    def first(self, kinds: Sequence[Kind]) -> Edit | None:
        for kind in kinds:
            found = self._try(e for place in self.places for e in kind(place))
            if found is not None:
                return found
        return None

    def scaled(self) -> tuple[Edit | None, Ratio | None]:
        """The line, or one of its terms, times a constant."""
        for place in self.places:
            if place.above and not is_call(place.parent, *SUMS):
                continue
            ratio = self._ratio(place)
            if ratio is None:
                continue
            new = _without(place.node, ratio) or _divided(place.node, ratio)
            found = self._try([edit("constant", place, new)])
            if found is not None:
                return found, ratio
        return None, None

    def _ratio(self, place: Place) -> Ratio | None:
        """By which constant a term is too large: the answer is linear in it, so that two values
        of the answer tell."""
        judge = self.parent.judge
        try:
            full = [r.final(judge.last, self.index, self.tree) for r in judge.looked_at]
            none = self._without(place)
        except Failed:
            return None
        if any(f.shape != t.shape for f, t in zip(full, judge.truth, strict=True)):
            return None
        theirs = [t - n for t, n in zip(judge.truth, none, strict=True)]
        values = [f - n for f, n in zip(full, none, strict=True)]
        return judge.quantities.ratios.between(values, theirs)

    def _without(self, place: Place) -> list[Array]:
        """The answer with 0 for a term."""
        judge = self.parent.judge
        nothing = scaled(place.node, number(0))
        whole = place.having(nothing)
        return [run.final(judge.last, self.index, whole) for run in judge.looked_at]

    def restored(self, slip: Slip) -> Edit | None:
        """With the term that a slip leaves out."""
        if self.index != self.parent.judge.last:
            return None
        term = forgotten(self.parent.bench, slip)
        if term is None:
            return None
        term = self.parent.judge.quantities.in_problem(term)
        whole = combined("+", self.tree, term)
        return self._try([Edit("missing-term", term, term, whole)])

    def as_it_should_be(self) -> Edit | None:
        """A line above the last, as the derivation has it, where nothing smaller is found."""
        if self.index == self.parent.judge.last or self.meant is None or not self.meant.name:
            return None
        new = self.parent.bench.derivative(self.meant.name)
        return None if new is None else self._whole(new)

    def _whole(self, new: Expression) -> Edit | None:
        new = self.parent.judge.in_problem(new)
        return self._try([Edit("other", self.tree, new, new)])

    def later(self) -> Edit | None:
        """Other numbers, factors or terms too many, one name for another."""
        return self.first(SECOND) or self._try(large.others(self.tree, self.names))

    def last(self) -> Edit | None:
        """Factors, functions and terms that are missing."""
        found: Edit | None = None
        for sign in ("*", "/"):
            found = found or self._try(
                e for place in self.places for e in large.factors(place, self.missing, sign)
            )
        found = found or self.first(THIRD) or self._try(large.others(self.tree, self.parts))
        for place in self.places if found is None else []:
            found = self._try(large.terms(place, self.names))
            if found is not None:
                break
        found = found or self._try(self._residual())
        return found or self.fallback

    def pairs(self) -> Edit | None:
        """Two changes, of which the first alone does not make it right."""
        return self._try(islice(self._pairs(), MOST_PAIRS)) or self.fallback

    def _pairs(self) -> Iterator[Edit]:
        for first in (e for kind in PAIRED for place in self.places for e in kind(place)):
            there = places(first.whole)[:MOST_PLACES]
            for second in (e for kind in PAIRED for place in there for e in kind(place)):
                if second.whole.shape != NOWHERE:
                    yield Edit(first.kind, first.old, first.new, second.whole)

    @cached_property
    def names(self) -> list[Expression]:
        """Names of the problem, and those that the answer gives above this line."""
        bench, judge = self.parent.bench, self.parent.judge
        found: list[Expression] = []
        for quantity in judge.quantities.forward:
            if quantity.name in bench.problem.source.names and quantity.expression is not None:
                found.append(quantity.expression)
        for line in judge.lines[: self.index]:
            for name in line.names:
                if line.value.shape != NOWHERE:
                    found.append(Symbol(line.value.shape, name, "definition"))
        sizes = [Symbol(SCALAR, d.name, "dimension") for d in bench.problem.source.dimensions]
        return [*dict.fromkeys(found), *self._unnamed, *sizes]

    @cached_property
    def _unnamed(self) -> list[Expression]:
        """Parts that the derivation gives names to, as they are written: z₁ = x W₁ + b₁."""
        bench = self.parent.bench
        own = bench.problem.source.names
        introduced = bench.restated.introduced
        within = self.parent.judge.in_problem
        found = [within(bench.source.definitions[n].expression) for n in introduced if n not in own]
        return [e for e in found if has_axes(e)]

    @cached_property
    def missing(self) -> list[large.Missing]:
        """What may be missing as a factor: slopes and parts of them, names, parts of the whole."""
        slopes = [q.expression for q in self.parent.judge.quantities.slopes if q.expression]
        halves = [factor for slope in slopes for factor in chain(slope, "*")]
        values = [("value", e) for e in (*self.names, *self.parts)]
        return [*(("slope", e) for e in (*slopes, *halves)), *values]

    @cached_property
    def parts(self) -> list[Expression]:
        """Parts of the derivative as it is, and of what leads there."""
        bench, judge = self.parent.bench, self.parent.judge
        if bench.formula is None:
            return []
        found = dict.fromkeys(
            node
            for node in walk(bench.formula.expression)
            if isinstance(node, Apply) and size_of(node) <= MOST_PARTS and has_axes(node)
        )
        return [judge.in_problem(node) for node in found]

    def _residual(self) -> Iterator[Edit]:
        """What the answer lacks, where that is a constant times a name."""
        judge = self.parent.judge
        if self.index != judge.last:
            return
        values = judge.values(self.index, self.parent.claim(self.index))
        if values is None:
            return
        if any(v.shape != t.shape for v, t in zip(values, judge.truth, strict=True)):
            return
        missing = [t - v for t, v in zip(judge.truth, values, strict=True)]
        for name in self.names:
            theirs = judge.values_of(self.index, name)
            if theirs is None or any(
                a.shape != b.shape for a, b in zip(theirs, missing, strict=True)
            ):
                continue
            ratio = judge.quantities.ratios.between(missing, theirs)
            if ratio is not None:
                term = scaled(name, ratio.expression)
                whole = combined("+", self.tree, term)
                yield Edit("missing-term", name, term, whole)


def _without(node: Expression, ratio: Ratio) -> Expression | None:
    """The part without a factor that is the constant, if it has one."""
    if not isinstance(node, Apply) or node.operation.name not in ("*", "@"):
        return None
    a, b = node.operands
    if ratio.expression in (a, b):
        return b if ratio.expression == a else a
    inner = _without(a, ratio)
    return None if inner is None else combined(node.operation.name, inner, b)


def _divided(node: Expression, ratio: Ratio) -> Expression:
    """The part over a constant, which is 1/c or c times it where c or 1/c is written so."""
    c = ratio.expression
    if isinstance(c, Number):
        return scaled(node, replace(c, value=1 / c.value))
    if isinstance(c, Apply) and c.operation.name == "/":
        above, below = c.operands
        if isinstance(above, Number) and above.value == 1:
            return scaled(node, below)
        return scaled(node, combined("/", below, above))
    return combined("/", node, c)

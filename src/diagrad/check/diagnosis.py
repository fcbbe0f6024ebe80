"""Which line of a wrong answer is wrong first, which mistake it is, and the smallest repair.

A line is wrong first where a small change of it, and of nothing else, makes the answer right. The
changes are tried from the likely to the unlikely; what a mistaken step of the true derivation would
have found (`slips`) names the kind where a value is recognised. Nothing is guessed: where neither
decides, the kind is "other".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from diagrad.check import edits as small
from diagrad.check import exchanges as large
from diagrad.check.edits import Edit, Place, places
from diagrad.check.judge import Judge
from diagrad.check.naming import kind_of, kind_of_slip
from diagrad.check.quantities import Quantity
from diagrad.check.ratios import Ratio
from diagrad.check.reading import NOWHERE, combined
from diagrad.check.restoring import forgotten
from diagrad.check.running import Failed, fits, size_of
from diagrad.check.slips import MIXES, Slip, Slips
from diagrad.check.special import special
from diagrad.check.witness import apart, largest
from diagrad.expression import Apply, Expression, Number, Symbol, number, walk
from diagrad.operations.room import Array

MOST_PLACES, MOST_PAIRS = 80, 4000
# Operations that may be evaluated in all, which bounds the time.
MOST_SPENT = 200_000
REJECTED = 3
CLOSE = 1e-9
# Names that say that a line is a derivative.
DERIVATIVE = re.compile(r"d|g|err|nabla|D[^a-z]|Delta|adj")

FIRST: tuple[Callable[[Place], Iterator[Edit]], ...] = (
    small.signs,
    small.negated,
    small.transposes,
    small.orders,
    small.hadamards,
    small.groupings,
    small.swapped,
    small.contracted,
)
SECOND: tuple[Callable[[Place], Iterator[Edit]], ...] = (
    small.softmaxed,
    small.removals,
    small.symmetrised,
)
THIRD: tuple[Callable[[Place], Iterator[Edit]], ...] = (
    large.functions,
    large.inverses,
)
PAIRED = (small.transposes, small.hadamards, small.signs, small.negated, small.axes)


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """`line` is an index into the lines; `edit` the change that makes it right, if one was found;
    `slip` the mistaken step that leads to its value; `ratio` the constant between it and what it
    should be; `meant` what the line stands for."""

    line: int
    kind: str
    claim: int = -1
    edit: Edit | None = None
    slip: Slip | None = None
    ratio: Ratio | None = None
    meant: Quantity | None = None


class Tried(NamedTuple):
    edit: Edit
    which: int


class Diagnosing:
    def __init__(self, judge: Judge) -> None:
        self.judge, self.bench, self.lines = judge, judge.bench, judge.lines
        self.slips = Slips(judge.bench)
        self.spent = 0
        self._costs: dict[int, int] = {}

    def diagnosed(self) -> Diagnosis:
        """The first line that is wrong, and what is wrong with it."""
        weak: Diagnosis | None = None
        for index in self.suspects:
            found = self.line(index)
            if found is not None and not self._is_weak(found):
                return found
            weak = weak or found
        return (
            weak
            or self._by_name()
            or Diagnosis(self.judge.last, "other", self.claim(self.judge.last))
        )

    def _is_weak(self, found: Diagnosis) -> bool:
        """Whether all that speaks against a line is a constant: the name of an intermediate that is
        not a derivative's may well be a multiple of one."""
        line = self.lines[found.line]
        if found.line == self.judge.last or found.meant is not None or found.edit is None:
            return False
        whole = found.kind in ("sign", "constant-factor", "batch-factor")
        return whole and not DERIVATIVE.match(line.target or "")

    def claim(self, index: int) -> int:
        return self.judge.wrong_claim() if index == self.judge.last else -1

    @cached_property
    def suspects(self) -> list[int]:
        """Lines that the answer depends on and that are nothing known; the last one in any case."""
        return [
            k for k in sorted(self.judge.needed) if k == self.judge.last or not self.is_right(k)
        ]

    def is_right(self, index: int) -> bool:
        """Whether a line above the last is what it says, or at least a quantity of the problem."""
        values = self.judge.values(index)
        if values is None:
            return False
        stated = self.judge.targets.restated(index) or self.judge.targets.meant(index)
        match = self.judge.quantities.match
        return match(values, None if stated is None else [stated]) is not None

    def line(self, index: int) -> Diagnosis | None:
        """What is wrong with a line, if a change of it alone makes the answer right."""
        number = self.claim(index)
        tree = self.lines[index].claims[number].expression
        meant = self.judge.targets.restated(index) or self.judge.targets.meant(index)
        search = Search(self, index, tree, meant)
        tried = search.first((small.axes,))
        if tried is None and self._vanishes(index, number):
            return Diagnosis(index, "softmax-summed", number, meant=meant)
        tried = tried or search.first(FIRST)
        slip = None if tried else self._slip(index, number, meant)
        ratio = None
        if tried is None and slip is not None:
            tried = search.restored(slip)
        if tried is None:
            tried, ratio = search.scaled()
        kind = None if tried or slip else self._special(index)
        if tried is None:
            tried = search.later()
        if tried is None and (slip or index == self.judge.last or not fits(tree)):
            tried = search.pairs()
        if tried is None:
            tried = search.as_it_should_be()
        if tried is None and slip is None and kind is None:
            return None
        if kind is None:
            kind = (
                kind_of_slip(slip)
                if slip
                else kind_of(self, index, tried.edit if tried else None, ratio)
            )
        edit = tried.edit if tried else None
        return Diagnosis(index, kind, number, edit, slip, ratio, meant)

    def _vanishes(self, index: int, number: int) -> bool:
        """Whether a line sums what sums to 0, as the rows of a softmax's Jacobian do."""
        tree = self.lines[index].claims[number].expression
        values = self.judge.values(index, number)
        if values is None or not any(small.is_(n, "sum", "mean", "@") for n in walk(tree)):
            return False
        mixes = any(u.node.operation.name in MIXES for u in self.bench.adjoints[0].uses)
        nothing = all(
            largest(v) <= 1e-12 * largest(t) for v, t in zip(values, self._truth, strict=False)
        )
        return mixes and nothing

    @cached_property
    def _truth(self) -> list[Array]:
        return [allowed[0][1] for allowed in self.judge.allowed]

    def _slip(self, index: int, number: int, meant: Quantity | None) -> Slip | None:
        values = self.judge.values(index, number)
        if values is None:
            return None
        names = [self.bench.wrt[-1]] if index == self.judge.last else []
        if meant is not None and not names:
            names = [meant.name] if meant.role == "adjoint" and meant.name else []
        for slip in self.slips.all:
            for name in names:
                found = slip.values(name)
                if found is not None and _same(values, found) and self._differs(found, name):
                    return slip
        return None

    def _differs(self, found: Sequence[Array], name: str) -> bool:
        """Whether a slip changes the adjoint of a name at all."""
        true = next(q.values for q in self.judge.quantities.backward if q.name == name)
        return not _same(found, true)

    def _special(self, index: int) -> str | None:
        return special(self.judge) if index == self.judge.last else None

    def accepts(self, index: int, whole: Expression, meant: Quantity | None) -> int | None:
        """Whether the answer is right with a line changed, and a restated definition what it is:
        the convention in which it is."""
        if self.spent > MOST_SPENT:
            return None
        self.spent += REJECTED
        if whole.shape == NOWHERE or not fits(whole):
            return None
        self.spent += self._cost(index)
        if meant is not None and meant.role == "value" and not self._is_value(index, whole, meant):
            return None
        which: int | None = None
        missed = 0
        for k, run in enumerate(self.judge.runs):
            try:
                value = run.final(self.judge.last, index, whole)
                if not np.isfinite(value).all():
                    raise Failed
            except Failed:
                missed += 1
                if k < 2 or 2 * missed > len(self.judge.runs):
                    return None
                continue
            allowed = self.judge.allowed[k]
            candidates = range(len(allowed)) if which is None else [which]
            fitting = [
                c
                for c in candidates
                if value.shape == allowed[c][1].shape and apart(value, allowed[c][1]) < CLOSE
            ]
            if not fitting:
                return None
            which = fitting[0]
        return which

    @cached_property
    def is_broadcast(self) -> bool:
        """Whether the variable is stretched on the way, as a bias is."""
        for use in self.bench.adjoints[0].uses:
            operand = use.node.operands[use.operand]
            is_it = isinstance(operand, Symbol) and operand.name in self.bench.wrt
            if is_it and use.node.operation.entrywise and use.node.shape != operand.shape:
                return True
        return False

    def _cost(self, index: int) -> int:
        """How many operations the lines from one to the last have."""
        if index not in self._costs:
            below = self.lines[index : self.judge.last + 1]
            self._costs[index] = 20 + sum(size_of(line.value) for line in below)
        return self._costs[index]

    def _is_value(self, index: int, whole: Expression, meant: Quantity) -> bool:
        try:
            values = [r.evaluate(whole, r.before(index)) for r in self.judge.looked_at]
        except Failed:
            return False
        return self.judge.quantities.match(values, [meant]) is not None

    def _by_name(self) -> Diagnosis | None:
        """The first line that is not what its name says."""
        for index in self.suspects:
            number = self.claim(index)
            meant = self.judge.targets.restated(index) or self.judge.targets.meant(index)
            line = self.lines[index].claims[number]
            if not fits(line.expression):
                return Diagnosis(index, "other", number, meant=meant)
            values = self.judge.values(index, number)
            if meant is None or values is None or index == self.judge.last:
                continue
            if self.judge.quantities.match(values, [meant]) is None:
                slip = self._slip(index, number, meant)
                kind = kind_of_slip(slip) if slip else "other"
                if self.judge.targets.restated(index) is not None:
                    kind = "forward"
                return Diagnosis(index, kind, number, slip=slip, meant=meant)
        return None


def _same(values: Sequence[Array], theirs: Sequence[Array]) -> bool:
    return all(
        a.shape in (b.shape, b.shape[::-1])
        and (
            (a.shape == b.shape and apart(a, b) < CLOSE)
            or (a.shape == b.T.shape and apart(a, b.T) < CLOSE)
        )
        for a, b in zip(values, theirs, strict=True)
    )


class Search:
    """The changes of one line, tried in their order."""

    def __init__(
        self, parent: Diagnosing, index: int, tree: Expression, meant: Quantity | None
    ) -> None:
        self.parent, self.index, self.tree, self.meant = parent, index, tree, meant
        self.places = places(tree)[:MOST_PLACES]
        self.fallback: Tried | None = None

    def _try(self, edits: Iterable[Edit]) -> Tried | None:
        """The first edit that makes the answer right as asked; one that does in another convention
        is kept."""
        for edit in edits:
            which = self.parent.accepts(self.index, edit.whole, self.meant)
            if which == 0:
                return Tried(edit, 0)
            if which is not None and self.fallback is None:
                self.fallback = Tried(edit, which)
        return None

    def first(self, kinds: Sequence[Callable[[Place], Iterator[Edit]]]) -> Tried | None:
        for kind in kinds:
            found = self._try(e for place in self.places for e in kind(place))
            if found is not None:
                return found
        return None

    def scaled(self) -> tuple[Tried | None, Ratio | None]:
        """The line, or one of its terms, times a constant."""
        for place in self.places:
            if place.above and not small.is_(place.parent, *small.SUMS):
                continue
            ratio = self._ratio(place)
            if ratio is None:
                continue
            new = _without(place.node, ratio) or _divided(place.node, ratio)
            edit = small.edit("constant", place, new)
            found = self._try([edit])
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
        truth = [allowed[0][1] for allowed in judge.allowed[: len(full)]]
        if any(f.shape != t.shape for f, t in zip(full, truth, strict=True)):
            return None
        theirs = [t - n for t, n in zip(truth, none, strict=True)]
        values = [f - n for f, n in zip(full, none, strict=True)]
        return judge.quantities.ratios.between(values, theirs)

    def _without(self, place: Place) -> list[Array]:
        """The answer with 0 for a term."""
        judge = self.parent.judge
        nothing = small.scaled(place.node, number(0))
        whole = place.having(nothing)
        return [run.final(judge.last, self.index, whole) for run in judge.looked_at]

    def restored(self, slip: Slip) -> Tried | None:
        """With the term that a slip leaves out."""
        if self.index != self.parent.judge.last:
            return None
        term = forgotten(self.parent.bench, slip)
        return None if term is None else self._whole(combined("+", self.tree, term))

    def as_it_should_be(self) -> Tried | None:
        """A line above the last, as the derivation has it, where nothing smaller is found."""
        if self.index == self.parent.judge.last or self.meant is None or not self.meant.name:
            return None
        new = self.parent.bench.derivative(self.meant.name)
        return None if new is None else self._whole(new)

    def _whole(self, new: Expression) -> Tried | None:
        new = self.parent.judge.quantities.in_problem(new)
        return self._try([Edit("other", self.tree, new, new)])

    def later(self) -> Tried | None:
        names = self.names
        found = self.first((small.numbers,)) or self._try(large.others(self.tree, names))
        found = found or self.first(SECOND)
        quantities = self.quantities
        for place in self.places if found is None else []:
            found = self._try(large.factors(place, quantities))
            if found is not None:
                break
        found = found or self.first(THIRD)
        for place in self.places if found is None else []:
            found = self._try(large.terms(place, self.terms))
            if found is not None:
                break
        found = found or self._try(self._residual())
        return found or self.fallback

    def pairs(self) -> Tried | None:
        """Two changes, of which the first alone does not make it right."""
        count = 0
        for kind in PAIRED:
            for place in self.places:
                for edit in kind(place):
                    if count > MOST_PAIRS:
                        return None
                    for again in PAIRED:
                        for there in places(edit.whole)[:MOST_PLACES]:
                            for second in again(there):
                                count += 1
                                if second.whole.shape == NOWHERE:
                                    continue
                                both = Edit(edit.kind, edit.old, edit.new, second.whole)
                                found = self._try([both])
                                if found is not None:
                                    return found
        return self.fallback

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
        return [*dict.fromkeys(found), *self._unnamed]

    @cached_property
    def _unnamed(self) -> list[Expression]:
        """Parts that the derivation gives names to, as they are written: z₁ = x W₁ + b₁."""
        bench = self.parent.bench
        own = bench.problem.source.names
        introduced = bench.restated.introduced
        found = [bench.source.definitions[n].expression for n in introduced if n not in own]
        return [e for e in found if small.has_axes(e)]

    @cached_property
    def quantities(self) -> list[Quantity]:
        """What may be missing as a factor: names, slopes."""
        judge = self.parent.judge
        named = [Quantity("value", "", "", [], name) for name in self.names]
        slopes = [q for q in judge.quantities.slopes if q.expression is not None]
        halves = [
            Quantity("slope", "", "", [], factor)
            for q in slopes
            if q.expression is not None
            for factor in small.chain(q.expression, "*")
        ]
        return [*slopes, *halves, *named]

    @cached_property
    def terms(self) -> list[Quantity]:
        return [Quantity("value", "", "", [], name) for name in self.names]

    def _residual(self) -> Iterator[Edit]:
        """What the answer lacks, where that is a constant times a name."""
        judge = self.parent.judge
        if self.index != judge.last:
            return
        values = judge.values(self.index, self.parent.claim(self.index))
        if values is None:
            return
        truth = [allowed[0][1] for allowed in judge.allowed[: len(values)]]
        if any(v.shape != t.shape for v, t in zip(values, truth, strict=True)):
            return
        missing = [t - v for t, v in zip(truth, values, strict=True)]
        for name in self.names:
            theirs = self._values_of(name)
            if theirs is None or any(
                a.shape != b.shape for a, b in zip(theirs, missing, strict=True)
            ):
                continue
            ratio = judge.quantities.ratios.between(missing, theirs)
            if ratio is not None:
                term = small.scaled(name, ratio.expression)
                whole = combined("+", self.tree, term)
                yield Edit("missing-term", name, term, whole)

    def _values_of(self, name: Expression) -> list[Array] | None:
        judge = self.parent.judge
        try:
            return [r.evaluate(name, r.before(self.index)) for r in judge.looked_at]
        except Failed:
            return None


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
        return small.scaled(node, replace(c, value=1 / c.value))
    if isinstance(c, Apply) and c.operation.name == "/":
        above, below = c.operands
        if isinstance(above, Number) and above.value == 1:
            return small.scaled(node, below)
        return small.scaled(node, combined("/", below, above))
    return combined("/", node, c)

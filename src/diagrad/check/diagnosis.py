"""Which line of a wrong answer is wrong first, which mistake it is, and the smallest repair.

A line is wrong first where a small change of it, and of nothing else, makes the answer right. The
changes are tried from the likely to the unlikely; what a mistaken step of the true derivation would
have found (`slips`) names the kind where a value is recognised. Nothing is guessed: where neither
decides, the kind is "other".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np

from diagrad.check import edits as small
from diagrad.check.bounds import LARGEST
from diagrad.check.judge import Judge
from diagrad.check.naming import kind_of, kind_of_slip
from diagrad.check.places import Edit
from diagrad.check.quantities import Quantity
from diagrad.check.ratios import Ratio
from diagrad.check.reading import NOWHERE
from diagrad.check.running import Failed, fits, size_of
from diagrad.check.search import FIRST, SECOND, Search
from diagrad.check.slips import MIXES, Slip, Slips
from diagrad.check.special import special
from diagrad.check.witness import alike, apart, largest
from diagrad.dimensions import Shape
from diagrad.expression import Expression, Symbol, is_call, walk
from diagrad.operations.room import Array

CLOSE = 1e-9
# Operations that may be evaluated in all, which bounds the time.
MOST_SPENT = 200_000
REJECTED = 3
# Names that say that a line is a derivative.
DERIVATIVE = re.compile(r"d|g|err|nabla|D[^a-z]|Delta|adj")


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


class Diagnosing:
    def __init__(self, judge: Judge) -> None:
        self.judge, self.bench, self.lines = judge, judge.bench, judge.lines
        self.slips = Slips(judge.bench)
        self.spent = 0
        self._costs: dict[int, int] = {}
        self._entries: dict[Shape, int] = {}

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
        """Whether all that speaks against a line is a constant that it does not have, or a sum: an
        intermediate may well be a multiple of a derivative, or not summed yet."""
        line = self.lines[found.line]
        if found.line == self.judge.last or found.meant is not None or found.edit is None:
            return False
        edit = found.edit
        at_root = edit.new is edit.whole and size_of(edit.new) > size_of(line.value)
        if edit.kind == "broadcast-not-summed" and not DERIVATIVE.match(line.target or ""):
            return True
        return at_root and found.kind in ("sign", "constant-factor", "batch-factor")

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
        stated = self.judge.targets.stands_for(index)
        match = self.judge.quantities.match
        return match(values, None if stated is None else [stated]) is not None

    def line(self, index: int) -> Diagnosis | None:
        """What is wrong with a line, if a change of it alone makes the answer right."""
        number = self.claim(index)
        tree = self.lines[index].claims[number].expression
        meant = self.judge.targets.stands_for(index)
        search = Search(self, index, tree, meant)
        if self.judge.targets.restated(index) is not None and index != self.judge.last:
            return self._misquoted(index, search)
        tried = search.first((small.axes,))
        if tried is None and self._vanishes(index, number):
            return Diagnosis(index, "softmax-summed", number, meant=meant)
        tried = tried or search.first(FIRST)
        slip = None if tried else self._slip(index, number, meant)
        ratio = None
        if tried is None and slip is not None:
            tried = search.restored(slip)
        tried = tried or search.first((small.scalars, small.numbers))
        if tried is None:
            tried, ratio = search.scaled()
        tried = tried or search.later()
        is_last = index == self.judge.last
        kind = special(self.judge) if is_last and not (tried or slip) else None
        tried = tried or search.last()
        if tried is None and (slip or is_last or not fits(tree)):
            tried = search.pairs()
        tried = tried or search.as_it_should_be()
        if tried is None and slip is None and kind is None:
            return None
        if kind is None:
            kind = kind_of_slip(slip) if slip else kind_of(self, index, tried, ratio)
        return Diagnosis(index, kind, number, tried, slip, self._times(index, number, meant), meant)

    def _misquoted(self, index: int, search: Search) -> Diagnosis:
        """A definition of the problem that is stated otherwise, and how it reads there."""
        meant = self.judge.targets.restated(index)
        for kinds in ((small.axes,), FIRST, SECOND):
            tried = search.first(kinds)
            if tried is not None:
                return Diagnosis(index, "forward", edit=tried, meant=meant)
        name = self.lines[index].target or ""
        stated = self.bench.problem.source.definitions[name].expression
        edit = Edit("forward", self.lines[index].value, stated, stated)
        return Diagnosis(index, "forward", edit=edit, meant=meant)

    def _times(self, index: int, number: int, meant: Quantity | None) -> Ratio | None:
        """The constant between a line and what it should be, if that is all."""
        values = self.judge.values(index, number)
        theirs = meant.values if meant is not None else self.judge.truth
        if values is None or (meant is None and index != self.judge.last):
            return None
        return self.judge.quantities.ratios.between(values, theirs)

    def _vanishes(self, index: int, number: int) -> bool:
        """Whether a line sums what sums to 0, as the rows of a softmax's Jacobian do."""
        tree = self.lines[index].claims[number].expression
        values = self.judge.values(index, number)
        if values is None or not any(is_call(n, "sum", "mean") for n in walk(tree)):
            return False
        mixes = any(u.node.operation.name in MIXES for u in self.bench.adjoints[0].uses)
        nothing = all(
            largest(v) <= 1e-12 * largest(t) for v, t in zip(values, self.judge.truth, strict=True)
        )
        return mixes and nothing

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
                if found is not None and not any(largest(each) for each in found):
                    continue
                if found is not None and alike(values, found) and self._differs(found, name):
                    return slip
        return None

    def _differs(self, found: Sequence[Array], name: str) -> bool:
        """Whether a slip changes the adjoint of a name at all."""
        true = next(q.values for q in self.judge.quantities.backward if q.name == name)
        return not alike(found, true)

    def accepts(self, index: int, whole: Expression, meant: Quantity | None) -> int | None:
        """Whether the answer is right with a line changed, and a restated definition what it is:
        the convention in which it is."""
        if self.spent > MOST_SPENT:
            return None
        self.spent += REJECTED
        if whole.shape == NOWHERE or not fits(whole) or self._is_large(whole):
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
            candidates = self._layouts if which is None else [which]
            fitting = [
                c
                for c in candidates
                if value.shape == allowed[c][1].shape and apart(value, allowed[c][1]) < CLOSE
            ]
            if not fitting:
                return None
            which = fitting[0]
        return which if which is not None and self._confirmed(index, whole, which) else None

    def _is_large(self, whole: Expression) -> bool:
        """Whether a change makes arrays larger than an answer may have."""
        for shape in {node.shape for node in walk(whole)}:
            if shape not in self._entries:
                sizes = self.bench.points[0].environment.sizes
                self._entries[shape] = prod(size.evaluate(sizes) for size in shape)
            if self._entries[shape] > LARGEST:
                return True
        return False

    @cached_property
    def _layouts(self) -> list[int]:
        """The convention asked for, and those in whose shape the answer is, if it is in another."""
        allowed = self.judge.allowed[0]
        values = self.judge.values(self.judge.last, self.judge.wrong_claim())
        shape = values[0].shape if values else None
        if shape in (None, allowed[0][1].shape):
            return [0]
        return [0, *(k for k in range(1, len(allowed)) if allowed[k][1].shape == shape)]

    def _confirmed(self, index: int, whole: Expression, which: int) -> bool:
        """Whether what fits closely is equal, as an answer has to be."""
        last = self.judge.last
        return all(
            self.judge.equal(k, which, lambda run: run.final(last, index, whole))
            for k in range(len(self.bench.looked_at))
        )

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
        values = self.judge.values_of(index, whole)
        return values is not None and self.judge.quantities.match(values, [meant]) is not None

    def _by_name(self) -> Diagnosis | None:
        """The first line that is not what its name says."""
        for index in self.suspects:
            number = self.claim(index)
            meant = self.judge.targets.stands_for(index)
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

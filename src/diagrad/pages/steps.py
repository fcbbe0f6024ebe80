"""The steps of the route by Jacobians as items of a page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from diagrad.derivation.step import Factor, Step
from diagrad.expression import Symbol, walk
from diagrad.formula import Formula
from diagrad.pages import maths, words
from diagrad.pages.page import Equation, Item, Maths, Side
from diagrad.pages.story import Story

FULL, STANDARD, OVERVIEW = "full", "standard", "overview"


def sentences(reason: str) -> list[str]:
    return [s for s in re.split(r"; (?![^⟨]*⟩)", reason) if s]


class JacobianItems:
    """Items for steps, each with the chain rule, the product it is, and what that comes to."""

    def __init__(self, story: Story, depth: str) -> None:
        self.story, self.depth = story, depth
        self.names = story.names
        self.said: set[str] = set()

    def item(self, step: Step, number: str) -> Item:
        target = self.story.target(*step.target)
        shape = self.story.shape(step.shape)
        if self.depth == OVERVIEW:
            side = Side(maths.written(step.after), self._called(step))
            return Item(number, (Equation(target, (side,), shape),))
        parts = tuple(self._parts(step, number))
        equations = (*self._by_entries(step), self._equation(step, target, _has_lines(step)))
        told = [s for part in parts for s in _reasons(part)]
        reason = self._reason(step, told)
        together = step.rule.startswith("the derivatives of") and step.rule not in reason
        if parts and step.rule != "chain rule" and (together or not reason):
            reason = "; ".join(filter(None, [step.rule, reason]))
        return Item(number, equations, reason, parts)

    def _equation(self, step: Step, target: Maths, divided: bool) -> Equation:
        """∂J/∂z₁ = ∂J/∂h · ∂h/∂z₁ = … diag(…) = …"""
        matrices = bool(step.chain) and all(f.shape for p in step.chain for f in p)
        sides: list[Maths] = []
        if matrices:
            sides.append(maths.added([maths.product(self.names, p) for p in step.chain]))
        sides += [maths.written(f) for f in self._products(step, matrices, divided)]
        sides.append(maths.written(step.after))
        if step.after.shown_labels:
            target = self._entry(step, step.after)
        *first, last = distinct(target, sides)
        shape = self._shape(step, matrices)
        return Equation(target, (*first, last._replace(why=self._called(step))), shape)

    def _products(self, step: Step, matrices: bool, divided: bool) -> Iterator[Formula]:
        """The product by the names of what comes in, and with that written out, where they are
        shown."""
        if not step.before.labels and (not matrices or self.depth == FULL or self._is_short(step)):
            yield step.before
        spelled = step.spelled is not None and not step.spelled.labels
        if spelled and (not divided or self.depth == FULL) and not self._is_short(step):
            assert step.spelled is not None
            yield step.spelled

    def _is_short(self, step: Step) -> bool:
        """Whether the product is written with a short name, δ₁, which is to stay."""
        names = {n.name for n in walk(step.before.expression) if isinstance(n, Symbol)}
        return bool(names & self.story.short)

    def _shape(self, step: Step, matrices: bool) -> str:
        """(1×H)(H×H) = 1×H"""
        shape = self.story.shape(step.shape)
        factors = [self._shapes(product) for product in step.chain]
        if not matrices or shape == "scalar":
            return shape
        return f"{' + '.join(factors)} = {shape}"

    def _shapes(self, product: Sequence[Factor]) -> str:
        """(1×H)(H×H)"""
        return "".join(f"({self._factor(f.shape)})" for f in product if f.shape)

    def _factor(self, shape: tuple[str, str]) -> str:
        return "×".join(words.size_words(size, self.names) for size in shape)

    def _by_entries(self, step: Step) -> Iterator[Equation]:
        """The chain rule for one entry, where it is no product of matrices; at full depth any line
        by elements."""
        local = self._local_by_entries(step)
        by_labels = bool(step.before.shown_labels) and not step.after.shown_labels
        if local is None and not (by_labels and self.depth == FULL):
            return
        left = self.story.target(*step.target, entry=True)
        sides = []
        if step.chain:
            terms = [maths.product_of_entries(self.names, product) for product in step.chain]
            sides.append(Side(maths.added(terms)))
            sides += [Side(maths.written(s.after)) for s in step.substeps if _is_collapse(s)]
        if (by_labels and self.depth == FULL) or not sides:
            sides.append(Side(maths.written(step.before)))
        yield Equation(left, tuple(sides))
        if local is not None:
            entry = self._entry(local, local.after)
            yield Equation(entry, (Side(maths.written(local.after)),), lead="where")

    def _local_by_entries(self, step: Step) -> Step | None:
        """The local derivative by a matrix variable: ∂zₖ/∂Wᵢⱼ = xᵢ δₖⱼ."""
        if len(step.chain) != 1 or step.target[1] not in self.story.last.by:
            return None
        if self.story.rank(step.target[0]):
            return None
        if all(f.shape for f in step.chain[0]) or self._is_paired(step):
            return None
        same = (s for s in step.substeps if s.target[1] == step.target[1])
        local = (s for s in same if s.target[0] != step.target[0] and s.after.shown_labels)
        return next(local, None)

    def _is_paired(self, step: Step) -> bool:
        """Whether the reason pairs it with a change, which needs no entries."""
        return self.depth != FULL and "⟨" in step.because

    def _entry(self, step: Step, formula: Formula) -> Maths:
        """The entry of the step's derivative that a formula by elements is."""
        labels, rank = formula.shown_labels, self.story.rank(step.target[0])
        return maths.derivative(self.names, *step.target, labels[:rank], labels[rank:])

    def _parts(self, step: Step, number: str) -> Iterator[Item]:
        """Steps within this one: those of a name that was passed over, at full depth all."""
        of = step.target[0]
        joined = [s for s in step.substeps if s.target[0] == of and s.target[1] != step.target[1]]
        local = [s for s in step.substeps if s.target[0] != of]
        lines = [s for s in step.substeps if s.target == step.target and not _is_collapse(s)]
        by_entries = self._local_by_entries(step)
        if not joined and self.depth != FULL:
            local = []
        found = [self.item(s, "") for s in joined]
        found += [self._local(s) for s in local if s is not by_entries or self.depth == FULL]
        if lines and not lines[-1].after.labels:
            found.append(self._simplified(lines))
        for k, item in enumerate(found, 1):
            yield item._replace(number=f"{number}.{k}")

    def _local(self, step: Step) -> Item:
        """∂ŷ/∂z₂ = diag(ŷ) − ŷᵀ ŷ."""
        target = self.story.target(*step.target)
        if step.after.shown_labels:
            target = self._entry(step, step.after)
        sides = [maths.written(step.after)]
        shape = self.story.shape(step.shape)
        equations: tuple[Equation, ...] = (Equation(target, distinct(target, sides), shape),)
        if self.depth == FULL and step.before.shown_labels:
            entry = self._entry(step, step.before)
            sides = [maths.written(step.before)]
            equations = (Equation(entry, distinct(entry, sides)), *equations)
        return Item("", equations, self._reason(step, []))

    def _simplified(self, lines: Sequence[Step]) -> Item:
        """(−y ⊘ ŷ)(diag(ŷ) − ŷᵀ ŷ) = ∑(y) ŷ − y = ŷ − y."""
        first = lines[0]
        by_elements = bool(first.before.labels)
        left = self.story.target(*first.target) if by_elements else maths.written(first.before)
        sides = [maths.written(line.after) for line in lines if not line.after.labels]
        reasons = [line.because for line in lines if line.because]
        return Item("", (Equation(left, distinct(left, sides)),), "; ".join(reasons))

    def _reason(self, step: Step, told: Sequence[str]) -> str:
        said = [s for s in sentences(step.because) if s not in told and s not in self.said]
        if len(step.chain) > 1:
            said.insert(0, self._several(step))
        reason = "; ".join(dict.fromkeys(filter(None, said)))
        if self.depth != FULL or step.rule in ("chain rule", ""):
            return reason
        return f"{step.rule} — {reason}" if reason else step.rule

    def _several(self, step: Step) -> str:
        """v enters z₂ and z₁: what comes back along each way is added."""
        wrt = step.target[1]
        consumers = dict.fromkeys(f.of for p in step.chain for f in p if f.wrt == wrt)
        shown = [self.names.shown(name, "unicode") for name in consumers]
        variable = self.names.shown(wrt, "unicode")
        return f"{variable} enters {words.listed(shown)}: what comes back from each is added up"

    def _called(self, step: Step) -> str:
        name = step.called
        return f"call it {self.names.shown(name, 'unicode')}" if name else ""


def _has_lines(step: Step) -> bool:
    """Whether a part takes the product from one form to the next."""
    return any(s.target == step.target and not _is_collapse(s) for s in step.substeps)


def _is_collapse(step: Step) -> bool:
    """The sum by elements, δ contracted."""
    return step.rule == "contract δ" and bool(step.after.shown_labels)


def _reasons(item: Item) -> list[str]:
    reason = item.reason.partition(" — ")[2] or item.reason
    return sentences(reason) + [s for part in item.parts for s in _reasons(part)]


def distinct(left: Maths, sides: Sequence[Maths]) -> tuple[Side, ...]:
    """The sides, each but those that print like the one before."""
    kept, before = [], left("unicode")
    for side in sides:
        text = side("unicode")
        if text != before:
            kept.append(Side(side))
        before = text
    return tuple(kept) or (Side(sides[-1]),)

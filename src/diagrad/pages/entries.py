"""The steps of the route by elements as items of a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from diagrad.derivation.step import Step
from diagrad.pages import maths, words
from diagrad.pages.page import Equation, Item, Side
from diagrad.pages.steps import FULL, OVERVIEW, JacobianItems, sentences
from diagrad.pages.story import Story


class EntryItems(JacobianItems):
    """Items for steps: the chain rule for one entry, δ contracted, and the matrix form; `said` are
    reasons given before."""

    def __init__(self, story: Story, depth: str, said: Sequence[str] = ()) -> None:
        super().__init__(story, depth)
        self.said = set(said)

    def item(self, step: Step, number: str) -> Item:
        if self.depth == OVERVIEW:
            return super().item(step, number)
        lines = [s for s in step.substeps if s.target == step.target]
        parts = self._found(step)
        chain, rest = self._chain(step), tuple(self._equations(step, lines))
        told = [s for line in lines for s in sentences(line.because)]
        told += [s for part in parts for s in _all(part)]
        reason = self._reason(step, told)
        if parts and chain:
            parts.append(Item("", rest))
            equations: tuple[Equation, ...] = (chain,)
        else:
            first, *more = rest
            sides = (*chain.sides, *first.sides) if chain else first.sides
            equations = (first._replace(sides=sides), *more)
        numbered = (p._replace(number=f"{number}.{k}") for k, p in enumerate(parts, 1))
        return Item(number, equations, reason, tuple(numbered))

    def _found(self, step: Step) -> list[Item]:
        """Steps within this one: a name that was passed over and its local derivative; at full
        depth every local derivative."""
        of = step.target[0]
        joined = [s for s in step.substeps if s.target[0] == of and s.target[1] != step.target[1]]
        local = [s for s in step.substeps if s.target[0] != of]
        found = [self.item(s, "") for s in joined]
        return found + [self._local(s) for s in local if joined or self.depth == FULL]

    def _local(self, step: Step) -> Item:
        """∂ŷⱼ/∂(z₂)ᵢ = ŷⱼ δⱼᵢ − ŷⱼ ŷᵢ."""
        formulas = [f for f in (step.before, step.after) if f.shown_labels]
        if not formulas:
            return super()._local(step)
        left = self._entry(step, formulas[0])
        sides = [Side(maths.written(f)) for f in formulas]
        equation = Equation(left, _distinct(left("unicode"), sides), aligned=True)
        return Item("", (equation,), self._reason(step, []))

    def _chain(self, step: Step) -> Equation | None:
        """∂J/∂(z₁)ᵢ = Σⱼ ∂J/∂hⱼ · ∂hⱼ/∂(z₁)ᵢ."""
        if not step.chain:
            return None
        terms = [maths.product_of_entries(self.names, p) for p in step.chain]
        left = self.story.target(*step.target, entry=bool(step.before.shown_labels))
        return Equation(left, (Side(maths.added(terms)),), aligned=True)

    def _equations(self, step: Step, lines: Sequence[Step]) -> Iterator[Equation]:
        """∂J/∂(z₁)ᵢ = …, δ contracted, then the same as a row."""
        entrywise = bool(step.before.shown_labels)
        vectors = [line for line in lines if line.rule == "vectorise"]
        sides = [Side(maths.written(step.before))]
        for line in lines:
            if line.rule != "vectorise":
                sides.append(Side(maths.written(line.after), line.because))
        why = vectors[0].because if vectors else ""
        after = Side(maths.written(step.after), "" if why in self.said else why)
        self.said |= {why}
        if not entrywise:
            sides.append(after)
        left = self.story.target(*step.target, entry=entrywise)
        yield Equation(left, _distinct(left("unicode"), sides), aligned=True)
        if entrywise and not step.after.shown_labels:
            after = after._replace(why=_joined(after.why, self._called(step)))
            lead = f"as a {words.kind(step.shape)}:"
            yield Equation(self.story.target(*step.target), (after,), lead=lead, aligned=True)


def _all(item: Item) -> list[str]:
    here = [s for e in item.equations for side in e.sides for s in sentences(side.why)]
    return here + sentences(item.reason) + [s for part in item.parts for s in _all(part)]


def _joined(*sentences: str) -> str:
    return "; ".join(filter(None, sentences))


def _distinct(before: str, sides: Sequence[Side]) -> tuple[Side, ...]:
    kept = []
    for side in sides:
        text = side.maths("unicode")
        if text != before:
            kept.append(side)
        before = text
    return tuple(kept) or tuple(sides[-1:])

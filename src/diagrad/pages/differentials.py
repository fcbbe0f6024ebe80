"""The steps of the route by differentials as items of a page."""

from __future__ import annotations

from collections.abc import Iterator

from diagrad.derivation.book import BLANK
from diagrad.derivation.step import Differential, Step
from diagrad.dimensions import is_scalar
from diagrad.expression import Expression, Symbol
from diagrad.formula import Formula
from diagrad.matrix import make
from diagrad.pages import maths, words
from diagrad.pages.page import Equation, Item, Maths, Side
from diagrad.pages.steps import FULL, OVERVIEW, JacobianItems, distinct, sentences
from diagrad.pages.story import Story


class DifferentialItems(JacobianItems):
    """Items for steps: dz = dh W, what that makes of dJ, and the derivative read off."""

    def __init__(self, story: Story, depth: str) -> None:
        super().__init__(story, depth)
        self.shown: set[str] = set()

    def item(self, step: Step, number: str) -> Item:
        if self.depth == OVERVIEW or not step.differentials:
            return super().item(step, number)
        parts = tuple(self._parts(step, number))
        equations = (*self._moves(step), *self._paired(step), self._read_off(step, bool(parts)))
        told = [s for part in parts for s in sentences(part.reason)]
        told += [s for p in parts for e in p.equations for w in e.sides for s in sentences(w.why)]
        return Item(number, equations, self._reason(step, told), parts)

    def _moves(self, step: Step) -> Iterator[Equation]:
        """dz₂ = dh W₂, where it does not stand in this part of the page yet."""
        for d in step.differentials:
            text = f"{step.target[0]}: {d.name} = {d.formula.unicode()}"
            if text in self.shown:
                continue
            self.shown.add(text)
            sides = [maths.written(d.formula)]
            if d.of == step.target[0] and len(d.moved) == 1 and self._is_gradient(step):
                sides += [s.maths for s in self._beside(step) if not _alike(s.maths, sides[0])]
            left = self._named(d, d.name, d.formula)
            yield Equation(left, distinct(left, sides))

    def _named(self, d: Differential, name: str, formula: Formula) -> Maths:
        """dz₂, or an entry of it where that is what the formula is."""
        return maths.named(name, d.formula.names, formula.shown_labels)

    def _is_gradient(self, step: Step) -> bool:
        return self.story.rank(step.target[0]) == 0

    def _paired(self, step: Step) -> Iterator[Equation]:
        """dJ = ⟨∂J/∂z₂, dh W₂⟩ = ⟨∂J/∂z₂ W₂ᵀ, dh⟩; of a vector dŷᵀ = ∂ŷ/∂z₂ dz₂ᵀ = …"""
        told = step.differentials
        if not self._is_gradient(step):
            yield from self._multiplied(step)
            return
        if len(told) == 1 and told[0].incoming is None and len(told[0].moved) == 1:
            return
        terms = [self._term(d, d.part.expression) for d in told]
        sides = [maths.added(terms), *(side.maths for side in self._beside(step))]
        if step.cut:
            left = maths.named(told[0].whole, told[0].formula.names)
        else:
            left, *sides = sides
        if not all(_alike(side, left) for side in sides):
            yield Equation(left, distinct(left, sides))

    def _term(self, d: Differential, change: Expression) -> Maths:
        """⟨∂J/∂z₂, dh W₂⟩; what J has of it directly as it is."""
        names = d.part.names
        written = d.part if change is d.part.expression else None
        shown = maths.written(written) if written else maths.of_expression(change, names)
        if d.incoming is None:
            return shown
        if is_scalar(change.shape):
            return maths.of_expression(make.times(d.incoming.expression, change), names)
        return maths.pairing(maths.written(d.incoming), shown)

    def _beside(self, step: Step) -> Iterator[Side]:
        """⟨∂J/∂z₂ W₂ᵀ, dh⟩."""
        d = step.differentials[0]
        own = _is_own(step.before, step)
        formula = step.after if step.before.labels or own else step.before
        if formula.labels:
            return
        moved = _symbol(d, d.by, step.after)
        names = formula.names
        if is_scalar(moved.shape):
            yield Side(maths.of_expression(make.times(formula.expression, moved), names))
        else:
            yield Side(maths.pairing(maths.written(formula), maths.of_expression(moved, names)))

    def _multiplied(self, step: Step) -> Iterator[Equation]:
        """For vectors the product of the derivative and the differential, as columns."""
        if step.change is not None:
            name, names = step.differentials[0].whole, step.change.names
            d = step.differentials[0]
            if step.moved and not (
                d.of == step.target[0] and d.formula.unicode() == str(step.moved)
            ):
                yield Equation(maths.named(name, names), (Side(maths.written(step.moved)),))
            left = maths.named(name, names, step.change.shown_labels)
            yield Equation(left, (Side(maths.written(step.change)),))
        (d, *others), of = step.differentials, step.target[0]
        shape = self.story.shapes[of], self.story.shapes[step.target[1]]
        if others or step.after.labels or words.rank(shape[1]) > 1:
            return
        names = step.after.names
        value, moved = Symbol(shape[0], d.whole, ""), Symbol(shape[1], d.by, "variable")
        sides = [maths.of_expression(_times(step.after.expression, moved), names)]
        if d.incoming is not None and step.cut:
            consumer = Symbol(d.part.expression.shape, d.name, "variable")
            for change in (d.part.expression, consumer):
                product = _times(d.incoming.expression, change)
                sides.insert(0, maths.of_expression(product, names))
        if not step.cut or any(_alike(maths.written(d.formula), side) for side in sides):
            return
        turned = value if is_scalar(shape[1]) else _column(value)
        left = maths.of_expression(turned, d.formula.names)
        yield Equation(left, distinct(left, sides))

    def _read_off(self, step: Step, divided: bool) -> Equation:
        """∂J/∂h = ∂J/∂z₂ W₂ᵀ = (ŷ − y) W₂ᵀ."""
        target = self.story.target(*step.target)
        if step.after.shown_labels:
            target = self._entry(step, step.after)
        spelled = None if divided and self.depth != FULL else step.spelled
        by_labels = bool(step.after.shown_labels)
        shown = [f for f in (step.before, spelled) if f and bool(f.labels) == by_labels]
        if step.change is not None:
            shown = []
        *first, last = distinct(target, [maths.written(f) for f in (*shown, step.after)])
        called = last._replace(why=self._called(step))
        return Equation(target, (*first, called), self.story.shape(step.shape))


def _alike(a: Maths, b: Maths) -> bool:
    """Whether two formulas differ by order, spaces and brackets at most; pairings by nothing."""
    first, second = a("unicode"), b("unicode")
    if "⟨" in first + second:
        return first == second
    return sorted(first.translate(BLANK)) == sorted(second.translate(BLANK))


def _is_own(formula: Formula, step: Step) -> bool:
    """Whether it is but the name of what the step establishes."""
    symbol = formula.expression
    return (
        isinstance(symbol, Symbol) and formula.derivatives.get(symbol.name, ())[:2] == step.target
    )


def _symbol(d: Differential, name: str, like: Formula) -> Symbol:
    return Symbol(like.expression.shape, name, "variable")


def _column(vector: Expression) -> Expression:
    """A row as a column."""
    return vector if vector.shape[1].number == 1 else make.transposed(vector)


def _times(derivative: Expression, change: Expression) -> Expression:
    """∂F/∂u times du, which is turned to a column."""
    if is_scalar(change.shape):
        return make.times(derivative, change)
    return make.matmul(derivative, _column(change))
